"""Values of a file as the declared property wants them, or a reason why not."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime

from beffroi.foundation.files.reading import Value
from beffroi.kernel.identifiers import slug_of
from beffroi.sdk.declarations import Property

Stored = str | int | float | bool
"""What a property holds once stored as JSON; a date is written as ISO 8601."""

MAX_TEXT = 2_000
YES = frozenset({"oui", "o", "vrai", "true", "yes", "y", "x", "1", "t"})
NO = frozenset({"non", "n", "faux", "false", "no", "0", "f"})
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_FRENCH_DATE = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_LARGEST = 2**53


class NotOfKindError(ValueError):
    """The value cannot be what the property wants.

    Attributes:
        reason, way_out: English sentences, gettext msgids.
        params: fields of the sentences.
    """

    def __init__(self, reason: str, way_out: str, params: Mapping[str, str] | None = None) -> None:
        self.reason = reason
        self.way_out = way_out
        self.params = dict(params or {})
        super().__init__(reason)


def coerced(value: Value, wanted: Property) -> Stored | None:
    """Return the value in the kind that the property declares; None for an empty cell.

    Raises:
        NotOfKindError: the value cannot be read so, or is none of the declared choices.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if wanted.kind is bool:
        return _boolean(value)
    if wanted.kind is int:
        return _integer(value)
    if wanted.kind is float:
        return _number(value)
    if wanted.kind is date:
        return _date(value)
    text = as_text(value)
    return _choice(text, wanted.choices) if wanted.choices else text


def as_stored(value: Value) -> Stored | None:
    """Return a value of a column that nobody declared, as JSON can hold it."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return as_text(value) or None


def as_text(value: Value) -> str:
    """Return a value as a person writes it: 12 and not 12.0, a date as ISO 8601."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST:
        return str(int(value))
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value).replace("\x00", "").strip()[:MAX_TEXT]


def _boolean(value: Value) -> bool:
    if isinstance(value, bool):
        return value
    word = slug_of(as_text(value))
    if word in YES:
        return True
    if word in NO:
        return False
    raise NotOfKindError("“{value}” is neither yes nor no.", "Write oui or non.")


def _integer(value: Value) -> int:
    number = _number(value)
    if not float(number).is_integer():
        raise NotOfKindError(
            "“{value}” is not a whole number.", "Round it, or leave the cell empty."
        )
    return int(number)


def _number(value: Value) -> int | float:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        if math.isfinite(value) and abs(value) <= _LARGEST:
            return value
    elif isinstance(value, str):
        text = re.sub(r"[\s\u00a0\u202f]", "", value)
        if _NUMBER.fullmatch(text):
            number = float(text.replace(",", "."))
            return int(number) if number.is_integer() and abs(number) <= _LARGEST else number
    raise NotOfKindError(
        "“{value}” is not a number.", "Write the number alone, or leave the cell empty."
    )


def _date(value: Value) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = as_text(value)
    try:
        match = _FRENCH_DATE.fullmatch(text)
        if match is not None:
            return date(int(match[3]), int(match[2]), int(match[1])).isoformat()
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError as error:
        raise NotOfKindError(
            "“{value}” is not a date.", "Write it as 31/12/2025, or leave the cell empty."
        ) from error


def _choice(text: str, choices: tuple[str, ...]) -> str:
    by_word = {slug_of(choice): choice for choice in choices}
    found = by_word.get(slug_of(text))
    if found is None:
        raise NotOfKindError(
            "“{value}” is not one of the values known for this field.",
            "Write one of: {choices}.",
            {"choices": ", ".join(choices)},
        )
    return found
