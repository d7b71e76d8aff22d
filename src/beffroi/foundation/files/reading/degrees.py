"""Degrees, minutes and seconds, as people and old receivers write them."""

from __future__ import annotations

import re

_PARTS = re.compile(
    r"""\s*(?P<before>[NSEWO])?\s*(?P<sign>[+-])?
    \s*(?P<degrees>\d{1,3}(?:[.,]\d+)?)\s*[°º]
    \s*(?:(?P<minutes>\d{1,2}(?:[.,]\d+)?)\s*['\u2019\u2032´])?
    \s*(?:(?P<seconds>\d{1,2}(?:[.,]\d+)?)\s*(?:"|''|\u2019\u2019|\u201d|\u2033))?
    \s*(?P<after>[NSEWO])?[a-z]*\s*""",
    re.VERBOSE,
)
_NEGATIVE = frozenset("SWO")
"""South, west and the French ouest."""


def read_degrees(text: str) -> float | None:
    """Return decimal degrees of ``43°36'40"N``, ``3° 52,6' E`` or ``O 1°33'``; None otherwise."""
    match = _PARTS.fullmatch(text) if len(text) < 60 else None
    if match is None:
        return None
    degrees, minutes, seconds = (
        float((match[name] or "0").replace(",", ".")) for name in ("degrees", "minutes", "seconds")
    )
    if minutes >= 60 or seconds >= 60:
        return None
    value = degrees + minutes / 60 + seconds / 3600
    turned = (match["before"] or match["after"] or "") in _NEGATIVE
    return -value if turned or match["sign"] == "-" else value
