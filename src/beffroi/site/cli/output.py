"""What the command line prints: aligned lines and progress bars, plain where nobody looks."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

BAR_WIDTH = 24
REFRESH_S = 0.1


def line(subject: str, state: str, detail: str = "") -> None:
    """Print one readable line: who, how, what."""
    sys.stdout.write(f"  {subject:<22} {state:<10} {detail}".rstrip() + "\n")
    sys.stdout.flush()


class Step:
    """A step of a long command, with a bar where a person watches and one line where not.

    ``step(done, total)`` is the progress callback that services take.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.detail = ""
        self._drawn_at = 0.0
        self._started_at = time.monotonic()
        self._interactive = sys.stdout.isatty()

    def __enter__(self) -> Self:
        self._draw(0, 0)
        return self

    def __call__(self, done: int, total: int) -> None:
        """Draw the bar, ten times a second at the most."""
        if time.monotonic() - self._drawn_at >= REFRESH_S:
            self._draw(done, total)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        seconds = time.monotonic() - self._started_at
        mark = "✓" if kind is None else "✗"
        text = f"  {mark} {self.label:<42} {seconds:6.1f} s  {self.detail}".rstrip()
        sys.stdout.write(("\r\x1b[2K" if self._interactive else "") + text + "\n")
        sys.stdout.flush()

    def _draw(self, done: int, total: int) -> None:
        if not self._interactive:
            return
        self._drawn_at = time.monotonic()
        filled = int(BAR_WIDTH * done / total) if total else 0
        bar = "█" * filled + "░" * (BAR_WIDTH - filled)
        count = (f"{done:,}/{total:,}" if total else f"{done:,}").replace(",", " ")
        sys.stdout.write(f"\r\x1b[2K  · {self.label:<42} {bar} {count}")
        sys.stdout.flush()
