"""What an import made of LiteLLM's file, against the file as Python reads it."""

import datetime
import json
import pathlib
import sys

LEAST = 940


def is_date(text):
    """Whether a text is a day, written as RFC 3339 does."""
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def main(prices, work):
    """Judges the reports in `work`, and prints what was counted."""
    entries = json.loads(prices.read_text())
    said = {key: entry["deprecation_date"] for key, entry in entries.items() if entry.get("deprecation_date")}
    dates = {key: date for key, date in said.items() if is_date(date)}
    report = {name: json.loads((work / f"{name}.json").read_text()) for name in ("1-trial", "2-first", "3-again")}
    sizes = [int(json.loads((work / f"{number}-head.json").read_text())["size"]) for number in range(4)]
    listed = json.loads((work / "list.json").read_text())["upstreams"]

    first, again = report["2-first"], report["3-again"]
    assert len(dates) >= LEAST, f"the file has {len(dates)} dates"
    for one in report.values():
        assert one["read"] == len(entries), one["read"]
        assert one["mapped"] == len(dates), (one["mapped"], len(dates))
        assert {skip["entry"] for skip in one["skipped"]} == said.keys() - dates.keys()
        assert one["refused"] == [], one["refused"]
    assert report["1-trial"]["changed"] == first["changed"] == first["records"] == len(listed)
    assert (again["changed"], again["unchanged"]) == (0, first["records"])
    assert sizes == [sizes[0], sizes[0], sizes[0] + first["records"], sizes[0] + first["records"]], sizes

    # Each record has the date of an entry with its model id at the end, and no
    # entry is left that names an earlier day for a record of its own name.
    for upstream in listed:
        day = upstream["shutdownTime"].removesuffix("T00:00:00Z")
        assert is_date(day), upstream
        meant = [date for key, date in dates.items() if key.endswith(upstream["modelId"])]
        assert day in meant, upstream

    print(
        f"{len(entries)} entries, {len(dates)} dates mapped to {len(listed)} records, "
        f"{len(first['skipped'])} skipped, {len(first['outdone'])} named a later day for the same model"
    )
    print(f"events: {sizes[2] - sizes[1]} by the first import, {sizes[3] - sizes[2]} by the second")


if __name__ == "__main__":
    main(*(pathlib.Path(path) for path in sys.argv[1:]))
