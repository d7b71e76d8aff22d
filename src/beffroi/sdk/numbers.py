"""Numbers as people and spreadsheets write them: decimal commas, spaces between thousands."""

from __future__ import annotations

import math
import re

_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_THOUSANDS_BY_COMMA = re.compile(r"[+-]?\d{1,3}(?:,\d{3}){2,}", re.ASCII)
_THOUSANDS_BY_POINT = re.compile(r"[+-]?\d{1,3}(?:\.\d{3}){2,}", re.ASCII)
_LONGEST = 400

MISSING = frozenset(
    {"", "-", "--", "n/a", "na", "nan", "null", "none", "nd", "n.d.", "#n/a", "inf", "-inf"}
)
"""What files write where a value is missing, in lower case."""


def written_number(text: str, *, decimal: str = "") -> float | None:
    """Return a finite number from a text, or None when it is not one.

    Args:
        text: digits of ASCII with a sign, a decimal mark, an exponent; spaces of any width
            between thousands are passed over.
        decimal: the declared mark, ``,`` or ``.``: the other one parts thousands. Undeclared, a
            mark that stands alone is decimal, and of two the last one is.
    """
    if len(text) > _LONGEST:
        return None
    plain = _with_point("".join(text.split()), decimal=decimal)
    if not _PLAIN.fullmatch(plain):
        return None
    number = float(plain)
    return number if math.isfinite(number) else None


def _with_point(plain: str, *, decimal: str) -> str:
    if decimal == ",":
        return plain.replace(".", "").replace(",", ".")
    if decimal == ".":
        return plain.replace(",", "")
    if "," not in plain:
        return plain.replace(".", "") if _THOUSANDS_BY_POINT.fullmatch(plain) else plain
    if "." not in plain:
        by_comma = _THOUSANDS_BY_COMMA.fullmatch(plain)
        return plain.replace(",", "" if by_comma else ".")
    comma_is_last = plain.rfind(",") > plain.rfind(".")
    return _with_point(plain, decimal="," if comma_is_last else ".")
