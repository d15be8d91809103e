"""Has a server make a log of 70,000 events, and puts beside it in a folder all that is judged: the log as it is published,
its key, checkpoints on the way, and proofs. Then judges read the log over HTTP from that server. Ends with 0 if they accept it."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

SIZES = [1, 255, 256, 300, 65_536, 69_999, 70_000]
LEAVES = [0, 1, 7, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999]


class Server:
    """A server with its data in a folder, on a port of its own."""

    def __init__(self, steward: str, folder: Path) -> None:
        self.steward, port = steward, folder / "port"
        folder.mkdir(parents=True)
        self.said = (folder / "said").open("w")
        # Without the scheduler, which would write when nobody expects it.
        arguments = ["serve", "--scheduler=false", "--listen", "127.0.0.1:0", "--log-filter", "warn"]
        arguments += ["--data-dir", str(folder / "data"), "--port-file", str(port)]
        self.process = subprocess.Popen([steward, *arguments], stdout=self.said, stderr=self.said)
        for _ in range(600):
            if port.exists():
                break
            if self.process.poll() is not None:
                sys.exit("the server ended before it was ready: " + (folder / "said").read_text())
            time.sleep(0.05)
        self.url = "http://" + port.read_text()

    def run(self, *arguments: str, text: str | None = None) -> str:
        """What a command against it prints."""
        environment = {**os.environ, "STEWARD_SERVER": self.url}
        done = subprocess.run(
            [self.steward, *arguments], env=environment, input=text, capture_output=True, text=True, timeout=300
        )
        if done.returncode != 0:
            sys.exit(f"steward {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def end(self) -> None:
        self.process.terminate()
        if self.process.wait(timeout=60) != 0:
            sys.exit("the server did not end well")
        self.said.close()


def evaluations(first: int, count: int) -> str:
    """A file for `steward evaluation import`: an event a line."""
    lines = ["from,to,evaluator,metric,type,k,n"]
    lines += [f"2026-01-01,2026-02-01,judge,errors-{first + n},rate,{n % 50},100" for n in range(count)]
    return "\n".join(lines) + "\n"


def size_of(checkpoint: str) -> int:
    return int(checkpoint.split("\n")[1])


def grow(server: Server, log: Path) -> None:
    """Grows the log in steps, and keeps the checkpoint of each."""
    judged = log / "judged"
    judged.mkdir(parents=True)
    for size in SIZES:
        present = size_of(server.run("audit", "checkpoint"))
        if size > present == 1:
            server.run("model", "create", "judged", "--kind", "rented-api", "--risk-tier", "preview")
            upstream = "provider=example,model=judged"
            server.run("version", "create", "judged", "--upstream", upstream, "--submit", "To be judged")
            present = size_of(server.run("audit", "checkpoint", "--min-size", "2"))
        if size > present:
            arguments = ["evaluation", "import", "judged", "1", "-", "--format", "csv"]
            server.run(*arguments, text=evaluations(present, size - present))
        checkpoint = server.run("audit", "checkpoint", "--min-size", str(size))
        if size_of(checkpoint) != size:
            sys.exit(f"{size} events were due, but the log has {size_of(checkpoint)}")
        (judged / f"{size}.checkpoint").write_text(checkpoint)
        # In steps, as an operator would.
        server.run("audit", "publish", str(log))


def prove(server: Server, log: Path) -> None:
    """Keeps the key, and the proofs for the newest checkpoint."""
    newest = SIZES[-1]
    checkpoint = (log / "judged" / f"{newest}.checkpoint").read_text()
    (log / "log.vkey").write_text(server.run("audit", "key"))
    for size in SIZES:
        hashes = server.run("audit", "consistency", str(size), "--tree-size", str(newest))
        request = f"old {size}\n{hashes}\n{checkpoint}"
        (log / "judged" / f"{size}.add-checkpoint").write_text(request)
    for position in LEAVES:
        server.run("audit", "prove", f"#{position}", "--proof", str(log / "judged" / f"{position}.tlog-proof"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("steward")
    parser.add_argument("work", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("judges", nargs="+")
    given = parser.parse_args()
    server = Server(given.steward, given.work)
    failures = 0
    try:
        began = time.monotonic()
        grow(server, given.log)
        prove(server, given.log)
        print(f"a server made and published {SIZES[-1]} events in {time.monotonic() - began:.0f} s")
        for judge in given.judges:
            command = [*judge.split(), server.url, str(given.log)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            said = (done.stdout + done.stderr).strip().split("\n")[-1]
            right = done.returncode == 0 and said.startswith("accepted")
            failures += not right
            name = Path(judge.split()[-1]).name
            print(f"{'ok    ' if right else 'FAILED'} over HTTP from the server: {name}: {said[:110]}")
    finally:
        server.end()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
