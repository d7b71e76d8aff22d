"""Writing tables: what a spreadsheet must not take for a formula, and answers sent in parts."""

from __future__ import annotations

import io

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""First letters that make a spreadsheet run a text (OWASP, CSV injection)."""


def unarmed(text: str) -> str:
    """Return a text that a spreadsheet shows as it is, with an apostrophe before it if need be.

    For words that come from outside; a number is written as a number, so that -3.5 stays one.
    """
    plain = text.replace("\x00", "")
    return f"'{plain}" if plain.lstrip(" ").startswith(_FORMULA) else plain


class Pipe(io.RawIOBase):
    """What a writer of a format writes to and an answer takes from, a part at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, part: object, /) -> int:
        """Keep octets until they are taken."""
        octets = bytes(part)  # type: ignore[call-overload]  # any buffer; RawIOBase says no more
        self._parts.append(octets)
        self._length += len(octets)
        return len(octets)

    def tell(self) -> int:
        """Return how many octets were written in all."""
        return self._length

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        octets = b"".join(self._parts)
        self._parts.clear()
        return octets
