"""Tables in a document, which have to be those that are printed: under the heading of
each there is what stands between it and the next heading, and nothing else."""

from pathlib import Path

from checks import Checks


def line(cells: list[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def check(checks: Checks, document: Path, tables: dict[str, list[str]], keep: bool) -> None:
    """Compares the tables with those of a document, or writes them into it."""
    lines = document.read_text(encoding="utf-8").splitlines()
    for label, printed in tables.items():
        heading = f"### {label}"
        if lines.count(heading) != 1:
            checks.that(False, f"{document.name} has one heading {heading!r}")
            continue
        first = lines.index(heading) + 1
        last = next((at for at in range(first, len(lines)) if lines[at].startswith("#")), len(lines))
        if keep:
            lines[first:last] = ["", *printed, ""]
            continue
        stands = [line for line in lines[first:last] if line]
        other = [pair for pair in zip(stands, (line for line in printed if line), strict=False) if pair[0] != pair[1]]
        same = not other and len(stands) == len([line for line in printed if line])
        checks.that(same, f"{document.name} shows what is printed for {label}", other[:1] or len(stands))
    if keep:
        document.write_text("\n".join(lines).rstrip("\n") + "\n", encoding="utf-8")
