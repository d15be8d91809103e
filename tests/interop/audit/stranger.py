"""Runs the verifier that docs/audit-log.md gives a stranger on a log in a folder: the program is taken from
the page as it stands. Ends with 0 if everything is right, with 1 and a reason if not."""

import sys
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "audit-log.md"


def verifier() -> dict:
    program = PAGE.read_text().split("```python verifier\n", 1)[1].split("```", 1)[0]
    names: dict = {}
    exec(compile(program, str(PAGE), "exec"), names)
    return names


def judge(log: Path) -> str:
    """What was found right."""
    page = verifier()
    key = (log / "log.vkey").read_text().strip()
    leaves = page["folder"](log, key)
    newest = page["checkpoint"]((log / "checkpoint").read_text(), key)
    earlier = sorted((log / "judged").glob("*.add-checkpoint"))
    for path in earlier:
        old, old_root = page["checkpoint"](path.with_suffix(".checkpoint").read_text(), key)
        named, hashes, stated = page["proof"](path.read_text(), "old")
        assert named == old and page["checkpoint"](stated, key) == newest, f"{path.name} is for other checkpoints"
        assert page["grown"](old, newest[0], old_root, hashes) == (old_root, newest[1]), path.name
    bundles = sorted((log / "judged").glob("*.tlog-proof"))
    for path in bundles:
        index = int(path.stem)
        assert page["bundle"](path.read_text(), leaves[index], key) == index, f"{path.name} is of another leaf"
    assert earlier and bundles, "there are no proofs to judge"
    return f"{len(leaves)} leaves, {len(earlier)} earlier checkpoints, {len(bundles)} proof bundles"


def main() -> int:
    try:
        print("accepted:", judge(Path(sys.argv[1])))
    except Exception as error:  # the page's program refuses by whatever it stumbles over
        print(f"refused: {type(error).__name__} {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
