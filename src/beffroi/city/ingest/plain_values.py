"""What a network sends, made fit for PostgreSQL and for measures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from beffroi.sdk.declarations import Kind, Measure

LARGEST = 1e18
"""Bound of what the series store: sums of any number of such values stay finite."""

MAX_DEPTH = 8
MAX_FIELDS = 500
MAX_TEXT = 10_000


def clean_text(text: str, *, limit: int = MAX_TEXT) -> str:
    """Return the text without what PostgreSQL cannot hold: NUL and lone surrogates."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\x00", "\ufffd")[:limit]


def clean_json(value: Any, *, depth: int = 0) -> Any:
    """Return a value that fits a jsonb column; what does not fit becomes text or None."""
    if isinstance(value, Mapping | list | tuple):
        return None if depth >= MAX_DEPTH else _clean_inside(value, depth=depth + 1)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    return clean_text(str(value))


def _clean_inside(values: Any, *, depth: int) -> Any:
    if isinstance(values, Mapping):
        return {
            clean_text(str(key), limit=200): clean_json(item, depth=depth)
            for key, item in list(values.items())[:MAX_FIELDS]
        }
    return [clean_json(item, depth=depth) for item in values[:MAX_FIELDS]]


def flat(
    values: Mapping[str, Any], *, prefix: str = "", depth: int = 0
) -> Iterator[tuple[str, Any]]:
    """Yield each value under its path: ``{"air": {"co2": 1}}`` gives ``("air.co2", 1)``."""
    for key, value in values.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            if depth < MAX_DEPTH:
                yield from flat(value, prefix=f"{path}.", depth=depth + 1)
        else:
            yield path, value


def number_of(value: Any, *, measure: Measure | None = None) -> float | None:
    """Return a value as the number that a stream stores, or None when it is not one.

    A boolean is 0 or 1, a word of a declared list its index, a number in text is read.
    """
    if type(value) is float:  # nearly every value; a number that is none compares with nothing
        return value if -LARGEST <= value <= LARGEST else None
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        return _number_of_text(value, measure=measure)
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and abs(number) <= LARGEST else None


def _number_of_text(text: str, *, measure: Measure | None) -> float | None:
    word = text.strip()[:60]
    if measure is not None and measure.kind is Kind.CHOICE:
        lowered = word.casefold()
        for index, choice in enumerate(measure.choices):
            if choice.casefold() == lowered:
                return float(index)
    if measure is not None and measure.kind is Kind.BOOLEAN and word.lower() in {"true", "false"}:
        return float(word.lower() == "true")
    try:
        return number_of(float(word)) if word.isascii() else None
    except ValueError:
        return None


def encoded(value: Any) -> str:
    """Return a value as JSON text."""
    return msgspec.json.encode(value).decode()
