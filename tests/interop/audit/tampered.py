"""Tampers with copies of a log in a folder, each in one way, and has judges say of the
folder that it is right and of each copy that it is not; those behind `--http` of the same folders over HTTP too."""

import argparse
import base64
import functools
import hashlib
import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

Change = Callable[[bytes], bytes]


def flip(position: int, bit: int = 0) -> Change:
    """Flips one bit; positions below 0 are counted from the end."""

    def change(content: bytes) -> bytes:
        changed = bytearray(content)
        changed[position] ^= 1 << bit
        return bytes(changed)

    return change


def replace(old: str, new: str) -> Change:
    return lambda content: content.replace(old.encode(), new.encode(), 1)


def swap_leaves(content: bytes) -> bytes:
    """The first two leaves of a bundle in the other order."""
    first = 2 + int.from_bytes(content[:2], "big")
    second = first + 2 + int.from_bytes(content[first : first + 2], "big")
    return content[first:second] + content[:first] + content[second:]


def without_line(number: int) -> Change:
    def change(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        return b"".join(lines[:number] + lines[number + 1 :])

    return change


def in_base64(line: int, position: int, bit: int = 0) -> Change:
    """Flips one bit of the bytes that a line ends with in base64."""

    def change(content: bytes) -> bytes:
        lines = content.decode().split("\n")
        before, _, text = lines[line].rpartition(" ")
        changed = base64.b64encode(flip(position, bit)(base64.b64decode(text))).decode()
        lines[line] = f"{before} {changed}" if before else changed
        return "\n".join(lines).encode()

    return change


def in_name(content: bytes) -> bytes:
    """Another letter in the name that a checkpoint or a key begins with."""
    return content.replace(b"g", b"G", 1)


def in_key(content: bytes) -> bytes:
    """One bit of a public key, under an id that is right for it: the key of somebody else."""
    name, _, public = content.decode().strip().split("+", 2)
    changed = flip(-1, 3)(base64.b64decode(public))
    key_id = hashlib.sha256(name.encode() + b"\n" + changed).hexdigest()[:8]
    return f"{name}+{key_id}+{base64.b64encode(changed).decode()}\n".encode()


def as_in(folder: Path, name: str) -> Change:
    return lambda _: (folder / name).read_bytes()


def tamperings(log: Path) -> list[tuple[str, str, Change]]:
    """What is done: in words, to which file, and how."""
    return [
        ("the root in the checkpoint, one bit", "checkpoint", in_base64(2, 31)),
        ("the size in the checkpoint", "checkpoint", replace("\n70000\n", "\n69999\n")),
        ("the origin in the checkpoint", "checkpoint", in_name),
        ("an extension line that nobody signed", "checkpoint", replace("\n\n", "\nmore\n\n")),
        ("the signature of the log, one bit", "checkpoint", in_base64(4, 40, 5)),
        ("the key id of the log's signature", "checkpoint", in_base64(4, 3)),
        ("no signature of the log", "checkpoint", without_line(4)),
        ("an earlier checkpoint as the newest", "checkpoint", as_in(log, "judged/69999.checkpoint")),
        ("the key of another log", "log.vkey", in_name),
        ("the key of the log, one bit", "log.vkey", in_key),
        ("the first leaf, one bit", "tile/entries/000", flip(2 + 30)),
        ("a leaf in the middle, one bit", "tile/entries/136", flip(5000, 6)),
        ("the last leaf, one bit", "tile/entries/273.p/112", flip(-1, 7)),
        ("two leaves in another order", "tile/entries/100", swap_leaves),
        ("a leaf more than the size", "tile/entries/273.p/112", lambda content: content + b"\0\1x"),
        ("the last leaf cut", "tile/entries/273.p/112", lambda content: content[:-1]),
        ("a bundle in another's place", "tile/entries/010", as_in(log, "tile/entries/011")),
        ("a hash of a leaf, one bit", "tile/0/200", flip(8191, 3)),
        ("the last hash of a leaf, one bit", "tile/0/273.p/112", flip(-1)),
        ("a tile in another's place", "tile/0/005", as_in(log, "tile/0/006")),
        ("a hash above full tiles, one bit", "tile/1/000", flip(4096)),
        ("the last hash above full tiles, one bit", "tile/1/001.p/17", flip(-32, 4)),
        ("the topmost hash, one bit", "tile/2/000.p/1", flip(0)),
        ("a tile cut by a hash", "tile/1/000", lambda content: content[:-32]),
        ("an empty tile", "tile/0/120", lambda _: b""),
        ("a hash of an inclusion proof, one bit", "judged/65536.tlog-proof", flip(23 + 13 + 20)),
        ("an inclusion proof without its last hash", "judged/65536.tlog-proof", without_line(9)),
        ("an inclusion proof of another leaf", "judged/65535.tlog-proof", as_in(log, "judged/65536.tlog-proof")),
        ("the index in an inclusion proof", "judged/69888.tlog-proof", replace("index 69888", "index 69887")),
        ("a hash of a consistency proof, one bit", "judged/69999.add-checkpoint", flip(10 + 20)),
        ("a consistency proof without its first hash", "judged/300.add-checkpoint", without_line(1)),
        ("the old size in a consistency proof", "judged/256.add-checkpoint", replace("old 256", "old 255")),
        ("an earlier checkpoint, one bit", "judged/256.checkpoint", flip(40)),
        ("an earlier checkpoint in another's place", "judged/255.checkpoint", as_in(log, "judged/256.checkpoint")),
    ]


def verdict(judge: list[str], arguments: list[str]) -> tuple[int, str]:
    done = subprocess.run([*judge, *arguments], capture_output=True, text=True, timeout=120)
    return done.returncode, (done.stdout + done.stderr).strip().split("\n")[-1]


def copy(log: Path, to: Path) -> None:
    shutil.rmtree(to, ignore_errors=True)
    # Links are enough: what is tampered with is written anew.
    shutil.copytree(log, to, copy_function=lambda source, target: Path(target).hardlink_to(source))


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, quietly, and keeps connections open."""

    protocol_version = "HTTP/1.1"
    # Head and body are two writes; the second one would wait for the reader's word.
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass


def serve(folder: Path) -> str:
    """The URL of a folder, which need not exist yet."""
    handler = functools.partial(Files, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("judges", nargs="+")
    parser.add_argument("--http", action="append", default=[], metavar="JUDGE")
    given = parser.parse_args()
    log, work, url = given.log, given.work, serve(given.work)
    ways = [(judge.split(), "", [str(work)]) for judge in given.judges]
    ways += [(judge.split(), " over HTTP", [url, str(work)]) for judge in given.http]
    failures = 0

    def expect(code: int, what: str) -> None:
        nonlocal failures
        for judge, how, arguments in ways:
            found, said = verdict(judge, arguments)
            # Another code is neither verdict: the judge itself broke.
            right = found == code and said.startswith("accepted" if code == 0 else "refused")
            failures += not right
            print(f"{'ok    ' if right else 'FAILED'} {what}: {Path(judge[-1]).name}{how}: {said[:110]}")

    copy(log, work)
    expect(0, "as it was published")
    changes = tamperings(log)
    for what, name, change in changes:
        copy(log, work)
        before = (work / name).read_bytes()
        after = change(before)
        if after == before:
            print(f"FAILED {what}: nothing was changed")
            failures += 1
        (work / name).unlink()
        (work / name).write_bytes(after)
        expect(1, what)
    print(f"{len(changes)} tampered copies, {len(ways)} judges, {failures} wrong verdicts")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
