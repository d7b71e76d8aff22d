"""What a spreadsheet must not take for a formula in the tables that we write."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""First letters that make a spreadsheet run a text (OWASP, CSV injection)."""


def unarmed(text: str) -> str:
    """Return a text that a spreadsheet shows as it is, with an apostrophe before it if need be.

    For words that come from outside; a number is written as a number, so that -3.5 stays one.
    """
    plain = text.replace("\x00", "")
    return f"'{plain}" if plain.lstrip(" ").startswith(_FORMULA) else plain
