"""Counts what was checked and says it in plain sentences."""


class Checks:
    """The checks of one run. A failed one is told and counted; the run goes on."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def heading(self, text: str) -> None:
        """Begins a part of the story."""
        print(f"\n{text}", flush=True)

    def that(self, holds: bool, sentence: str, found: object = "") -> None:
        """Checks one statement; `found` is told when it does not hold."""
        if holds:
            self.passed += 1
            print(f"  {sentence}.", flush=True)
        else:
            self.failed += 1
            tail = f" Found: {found}" if found != "" else ""
            print(f"  FAILED: not so: {sentence}.{tail}", flush=True)

    def equal(self, found: object, expected: object, sentence: str) -> None:
        """Checks that two values are equal."""
        self.that(found == expected, sentence, f"{found!r} instead of {expected!r}")

    def close(self, found: float, expected: float, tolerance: float, sentence: str) -> None:
        """Checks that a number lies within `tolerance` of the expected one."""
        self.that(abs(found - expected) <= tolerance, sentence, f"{found!r} instead of {expected!r}")

    def summary(self) -> int:
        """Prints the closing line; returns the exit code."""
        print(f"\n{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0
