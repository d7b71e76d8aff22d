"""Tells whether what a codec answered is what its repository publishes."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

from beffroi.city.codecs.library.files import octets_of

ANY_NUMBER = "SKIP_NUMBER"
ANY_TIME = "XXXX-XX-XXTXX:XX:XX.XXXZ"
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
_NUMBER = re.compile(r"[-+]?[0-9]*\.?[0-9]+(e[-+]?[0-9]+)?", re.IGNORECASE)
_RELATIVE = 1e-9
"""Numbers that differ by less are one number written twice; validators compare exactly."""

_WORDS = ("warnings", "errors")


def same_answer(expected: Any, given: Any) -> bool:
    """Compare a whole answer: empty ``warnings`` and ``errors`` are none.

    An example may give the bare data where the codec wraps it, or the reverse.
    """
    if same_value(_tidy(expected), _tidy(given)):
        return True
    if isinstance(given, dict) and "data" in given and not _wraps(expected):
        return same_value(expected, given["data"])
    return False


def same_value(expected: Any, given: Any) -> bool:
    """Compare two values as JSON has them, in full, with the wildcards of ThingPark's examples."""
    match expected:
        case str():
            return _same_text(expected, given)
        case bool():
            return expected is given
        case int() | float():
            return _same_number(expected, given)
        case dict():
            return (
                isinstance(given, dict)
                and expected.keys() == given.keys()
                and all(same_value(value, given[key]) for key, value in expected.items())
            )
        case list():
            return (
                isinstance(given, list)
                and len(expected) == len(given)
                and all(same_value(one, other) for one, other in zip(expected, given, strict=True))
            )
    return expected is None and given is None


def _same_number(expected: float, given: Any) -> bool:
    if not math.isfinite(expected):
        return given is None  # JSON has no other word for it
    return (
        isinstance(given, int | float)
        and not isinstance(given, bool)
        and math.isclose(expected, given, rel_tol=_RELATIVE, abs_tol=1e-12)
    )


def _same_text(expected: str, given: Any) -> bool:
    if expected == ANY_NUMBER:
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        return is_number or (isinstance(given, str) and bool(_NUMBER.fullmatch(given)))
    if not isinstance(given, str):
        return False
    if expected == given:
        return True
    if expected == ANY_TIME:
        return bool(_TIME.match(given))
    if _TIME.match(expected) and _TIME.match(given):
        one, other = _instant(expected), _instant(given)
        return one is not None and one == other
    return False


def _instant(text: str) -> float | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.timestamp() if time.tzinfo is not None else None


def _wraps(expected: Any) -> bool:
    return isinstance(expected, dict) and bool({"data", "errors", "bytes"} & expected.keys())


def _tidy(answer: Any) -> Any:
    if not isinstance(answer, dict):
        return answer
    tidy = {key: value for key, value in answer.items() if not (key in _WORDS and not value)}
    if tidy.get("errors") and not tidy.get("data"):
        tidy.pop("data", None)
    if "bytes" in tidy:
        octets = octets_of(tidy["bytes"])
        tidy["bytes"] = tidy["bytes"] if octets is None else octets
    return tidy
