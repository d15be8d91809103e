"""Judges a log, in a folder or at a URL, with tlog-scales: its checkpoint, the cosignature of its witness if it
has one, every leaf and tile, and the proofs in `judged`. Keys and proofs lie in a folder: the log's own, or a second one. Ends with
0 if everything is right, with 1 and a reason if not."""

import contextlib
import io
import sys
from pathlib import Path

from tlog_scales import cli, tiles
from tlog_scales.backend import make_backend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey, VkeySet
from tlog_scales.tlog import Checkpoint, ConsistencyProof, InclusionProof
from tlog_scales.utils import b64dec


class Refused(Exception):
    """What is wrong with the folder."""


def must(holds: bool, reason: str) -> None:
    if not holds:
        raise Refused(reason)


def vkey(folder: Path, name: str) -> Vkey:
    return Vkey.from_string((folder / name).read_text().strip())


def verified(folder: Path, text: str) -> Checkpoint:
    """The checkpoint in a note that the log has signed and the witness cosigned."""
    checkpoint = Checkpoint.from_text(text)
    log = vkey(folder, "log.vkey")
    checkpoint.verify(log)
    must(checkpoint.origin == log.name, "the checkpoint is of another log")
    if (folder / "witness.vkey").exists():
        cosigned = VkeySet(vkey(folder, "witness.vkey")).verify(checkpoint.signatures, checkpoint)
        must(len(cosigned) == 1, "the witness has not cosigned")
    must(checkpoint.serialize() == text, "the checkpoint is written in another way")
    return checkpoint


def read_proof(text: str, word: str) -> tuple[int, list[bytes], str]:
    """The number, the hashes and the checkpoint of a request or a bundle."""
    head, _, checkpoint = text.partition("\n\n")
    first, *hashes = head.split("\n")
    must(first.startswith(f"{word} "), f"there is no line {word}")
    return int(first.removeprefix(f"{word} ")), [b64dec(line) for line in hashes], checkpoint


def judge_leaves(reader: TilesReader, checkpoint: Checkpoint) -> None:
    """Proves a leaf of each tile, which takes every hash of the tile, and holds all leaves against it."""
    must(reader.calculate_root_hash() == checkpoint.root_hash, "the tiles have another root")
    for n in range((checkpoint.size + 255) // 256):
        width = min(256, checkpoint.size - n * 256)
        bundle = reader._get_tile(-1, n, width % 256)
        must(bundle is not None and bundle.length == width, f"entry bundle {n} has not {width} leaves")
        for i in range(width):
            stored = reader._get_from_tile(0, n, i)
            must(tiles.leaf_hash(bundle[i]) == stored, f"leaf {n * 256 + i} is not the one in its tile")
        proof = reader.get_inclusion_proof(n * 256, checkpoint.size)
        proof.check(tiles.leaf_hash(bundle[0]), checkpoint.root_hash)


def judge_consistency(folder: Path, path: Path, newest: Checkpoint, reader: TilesReader) -> None:
    """Holds an earlier checkpoint against the newest one."""
    earlier = verified(folder, path.with_suffix(".checkpoint").read_text())
    old, hashes, stated = read_proof(path.read_text(), "old")
    must(verified(folder, stated) == newest and old == earlier.size, f"{path.name} is for other checkpoints")
    ConsistencyProof(old, newest.size, hashes).check(earlier.root_hash, newest.root_hash)
    theirs = reader.get_consistency_proof(old, newest.size)
    must(theirs.node_hashes == hashes, f"tlog-scales makes another proof than {path.name}")


def judge_inclusion(log: str, folder: Path, path: Path, newest: Checkpoint, reader: TilesReader) -> None:
    """Holds a proof bundle against the leaf, and against the bundle that tlog-scales makes."""
    header, _, rest = path.read_text().partition("\n")
    must(header == "c2sp.org/tlog-proof@v1", f"{path.name} is no proof bundle")
    index, hashes, stated = read_proof(rest, "index")
    must(verified(folder, stated) == newest, f"{path.name} is for another checkpoint")
    must(path.name == f"{index}.tlog-proof", f"{path.name} is for another leaf")
    InclusionProof(index, newest.size, hashes).check(tiles.leaf_hash(reader.get_entry(index)), newest.root_hash)
    theirs = io.StringIO()
    arguments = cli.build_parser().parse_args(["gen-proof", log, str(index)])
    with contextlib.redirect_stdout(theirs):
        arguments.func(arguments)
    must(theirs.getvalue() == path.read_text(), f"tlog-scales makes another bundle than {path.name}")


def judge(log: str, folder: Path) -> str:
    """What was found right."""
    backend = make_backend(log)
    reader = TilesReader(backend)
    text = backend.get("checkpoint")
    must(text is not None, "there is no checkpoint")
    newest = verified(folder, text.decode())
    reader.set_size(newest.size)
    judge_leaves(reader, newest)
    earlier = sorted((folder / "judged").glob("*.add-checkpoint"))
    for path in earlier:
        judge_consistency(folder, path, newest, reader)
    bundles = sorted((folder / "judged").glob("*.tlog-proof"))
    for path in bundles:
        judge_inclusion(log, folder, path, newest, reader)
    must(bool(earlier and bundles), "there are no proofs to judge")
    return f"{newest.size} leaves, {len(earlier)} earlier checkpoints, {len(bundles)} proof bundles"


def main() -> int:
    try:
        log = sys.argv[1] if sys.argv[1].startswith("http://") else str(Path(sys.argv[1]).resolve())
        print("accepted:", judge(log, Path(sys.argv[-1])))
    except Exception as error:  # the library refuses with many kinds, all of which are a refusal
        print(f"refused: {type(error).__name__} {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
