"""Computes what the reference implementations say of the census data and of made
samples, as cases for a Rust test: `cases.py OUT` writes them, `cases.py OUT KEPT` also
compares them with those that are kept, and fails if they differ."""

import json
import math
import sys
import warnings

import drift
import groups
import series

# Libraries of different builds add numbers up in a different order.
TOLERANCE = 1e-9


def all_cases():
    """Every case, in a fixed order, with a name of its own."""
    cases = [*drift.cases(), *groups.cases(), *series.cases()]
    names = [case["name"] for case in cases]
    assert len(set(names)) == len(names), "two cases share a name"
    return cases


def differences(new, kept, path=""):
    """Where two cases differ beyond the tolerance."""
    if isinstance(new, dict) and isinstance(kept, dict) and new.keys() == kept.keys():
        for key in new:
            yield from differences(new[key], kept[key], f"{path}.{key}")
    elif isinstance(new, list) and isinstance(kept, list) and len(new) == len(kept):
        for index, (one, other) in enumerate(zip(new, kept)):
            yield from differences(one, other, f"{path}[{index}]")
    elif isinstance(new, float) and isinstance(kept, (int, float)):
        if not math.isclose(new, kept, rel_tol=TOLERANCE, abs_tol=1e-300) and abs(new - kept) > 1e-13:
            yield f"{path}: {new} now, {kept} kept"
    elif new != kept:
        yield f"{path}: {new} now, {kept} kept"


def main():
    """Writes, and compares where there is something to compare with."""
    warnings.simplefilter("ignore")
    cases = all_cases()
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        lines = ",\n".join(json.dumps(case, allow_nan=False, sort_keys=True) for case in cases)
        file.write(f"[\n{lines}\n]\n")
    print(f"{len(cases)} cases from the reference implementations")
    if len(sys.argv) < 3:
        return
    with open(sys.argv[2], encoding="utf-8") as file:
        kept = json.load(file)
    # By way of JSON, so that both sides hold the same types.
    found = list(differences(json.loads(json.dumps(cases)), kept))
    for line in found[:40]:
        print(line, file=sys.stderr)
    if found:
        sys.exit(f"{len(found)} values differ from {sys.argv[2]}: did a library change?")
    print(f"they are those of {sys.argv[2]}")


if __name__ == "__main__":
    main()
