"""The declared mapping of a source: where device, time and measures stand in its messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from beffroi.connectors.plain_json.units import conversion
from beffroi.kernel.errors import ParseError
from beffroi.sdk.local_time import RepeatedHour, SkippedHour, zone_of
from beffroi.sdk.numbers import written_number

MAX_MEASURES = 500
MAX_PATH = 300
MAX_NAME = 63


class TimeFormat(StrEnum):
    """How a message writes an instant."""

    AUTO = "auto"
    """ISO 8601, a French date, or a number whose size tells its unit."""
    ISO = "iso"
    EPOCH_S = "epoch_s"
    EPOCH_MS = "epoch_ms"
    EPOCH_US = "epoch_us"


@dataclass(frozen=True, slots=True)
class MeasurePath:
    """Where a measure stands, and ``value * factor + offset`` to reach its declared unit.

    ``words`` gives the number of each text that may stand there, in lower case.
    """

    path: str
    factor: float = 1.0
    offset: float = 0.0
    words: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainMapping:
    """A mapping that has been checked.

    Attributes:
        items: where the list of messages stands in the body.
        device: where its identifier stands.
        device_name: the device of messages that name none.
        time_of_day: where the hour stands when the time holds the day alone.
        zone: of times written without offset.
        values: the object whose numbers are all taken when no measure is declared.
        measure, value: in long form, where the name and the number of the one measure stand.
        key: where the sender's own name of the message stands.
        delimiter, decimal: of CSV; empty to find them.
        measures: declared measures; in long form their path is the sender's name of it.
    """

    items: str = ""
    device: str = "device"
    device_name: str = ""
    time: str = "time"
    time_of_day: str = ""
    time_format: TimeFormat = TimeFormat.AUTO
    zone: ZoneInfo | None = None
    repeated_hour: RepeatedHour = RepeatedHour.AUTO
    skipped_hour: SkippedHour = SkippedHour.REFUSE
    key: str = ""
    name: str = "name"
    lon: str = "lon"
    lat: str = "lat"
    values: str = "values"
    measure: str = ""
    value: str = ""
    delimiter: str = ""
    decimal: str = ""
    measures: Mapping[str, MeasurePath] = field(default_factory=dict)

    @property
    def is_long(self) -> bool:
        """Tell whether a message holds one measure by its name."""
        return bool(self.measure and self.value)


PATHS = ("items", "device", "time", "time_of_day", "key", "name", "lon", "lat", "values", "measure",
         "value")  # fmt: skip
_TEXTS = ("device_name",)
_CHOICES: dict[str, frozenset[str]] = {
    "delimiter": frozenset({"", ",", ";", "\t", "|"}),
    "decimal": frozenset({"", ",", "."}),
}
_ENUMS: dict[str, type[StrEnum]] = {
    "time_format": TimeFormat,
    "repeated_hour": RepeatedHour,
    "skipped_hour": SkippedHour,
}
KEYS = frozenset({*PATHS, *_TEXTS, *_CHOICES, *_ENUMS, "time_zone", "measures"})


def read_mapping(declared: object) -> PlainMapping:
    """Check a mapping as a person wrote it.

    Raises:
        ParseError: a key is unknown, or a value is not of its form.
    """
    if declared in (None, "", {}):
        return PlainMapping()
    if not isinstance(declared, Mapping):
        raise _wrong("The mapping of this source is not a JSON object.")
    try:
        octets = msgspec.json.encode(declared)
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise _wrong("The mapping of this source is not a JSON object.") from None
    return _read(octets)


@lru_cache(maxsize=256)
def _read(octets: bytes) -> PlainMapping:
    try:
        declared: dict[str, Any] = msgspec.json.decode(octets)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _wrong("The mapping of this source is not a JSON object.") from None
    unknown = sorted(set(declared) - KEYS)
    if unknown:
        raise _wrong("The mapping of this source has an unknown key, {key}.", key=unknown[0])
    zone = declared.get("time_zone")
    return PlainMapping(
        **_paths(declared),
        **_choices(declared),
        zone=None if zone in (None, "") else zone_of(str(zone)),
        measures=_measures(declared.get("measures") or {}),
    )


def _paths(declared: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in (*PATHS, *_TEXTS):
        if key in declared:
            if not isinstance(declared[key], str) or len(declared[key]) > MAX_PATH:
                raise _wrong("{key} in the mapping is not a path.", key=key)
            found[key] = declared[key]
    return found


def _choices(declared: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, allowed in _CHOICES.items():
        value = declared.get(key, "")
        if not isinstance(value, str) or value not in allowed:
            raise _wrong_choice(key, sorted(filter(None, allowed)))
        found[key] = value
    for key, kind in _ENUMS.items():
        if key in declared:
            try:
                found[key] = kind(declared[key])
            except ValueError:
                raise _wrong_choice(key, [one.value for one in kind]) from None
    return found


def value_at(item: Mapping[str, Any], path: str) -> Any:
    """Return what stands at a path as ``a.b.0.c``, or None.

    A key that holds dots itself is found under its whole name. In a feature of GeoJSON a path
    that begins nowhere begins in its properties.
    """
    if not path:
        return None
    if path in item:
        return item[path]
    found = _walked(item, path)
    if found is None and item.get("type") == "Feature":
        properties = item.get("properties")
        if isinstance(properties, Mapping):
            return properties[path] if path in properties else _walked(properties, path)
    return found


def _walked(item: Mapping[str, Any], path: str) -> Any:
    current: Any = item
    for part in path.split("."):
        if isinstance(current, Mapping):
            current = current.get(part)
        elif isinstance(current, list) and part.isascii() and part.isdigit() and len(part) < 9:
            current = current[int(part)] if int(part) < len(current) else None
        else:
            return None
    return current


def as_number(value: object, *, decimal: str = "") -> float | None:
    """Return a finite number from a number, a boolean or a text; None for anything else."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        return written_number(value, decimal=decimal)
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if abs(number) < float("inf") else None
    return None


def _measures(declared: object) -> dict[str, MeasurePath]:
    if not isinstance(declared, Mapping):
        raise _wrong("measures in the mapping is not a JSON object.")
    if len(declared) > MAX_MEASURES:
        raise _wrong("The mapping of this source has more than {key} measures.",
                     key=str(MAX_MEASURES))  # fmt: skip
    return {key: _measure(key, where) for key, where in declared.items()}


def _measure(key: str, where: object) -> MeasurePath:
    if not 0 < len(key) <= MAX_NAME or not key.isprintable():
        raise _wrong("{key} in the mapping is not the name of a measure.", key=key)
    if isinstance(where, str) and where:
        return MeasurePath(where)
    path = where.get("path") if isinstance(where, Mapping) else None
    if not isinstance(where, Mapping) or not isinstance(path, str) or not path:
        raise _wrong("{key} in the mapping has no path.", key=key)
    unknown = sorted(set(map(str, where)) - {"path", "factor", "offset", "unit", "words"})
    if unknown:
        raise _wrong("The mapping of this source has an unknown key, {key}.",
                     key=f"measures.{key}.{unknown[0]}")  # fmt: skip
    factor, offset = as_number(where.get("factor", 1)), as_number(where.get("offset", 0))
    if factor is None or offset is None:
        raise _wrong("factor and offset of {key} in the mapping are not numbers.", key=key)
    if unit := where.get("unit"):
        found = conversion(str(unit), measure=key)
        if found is None:
            raise _wrong("The unit {unit} of {key} in the mapping cannot be converted.",
                         key=key, unit=str(unit)[:30])  # fmt: skip
        factor, offset = factor * found[0], offset * found[0] + found[1]
    return MeasurePath(path, factor, offset, _words(key, where.get("words") or {}))


def _words(key: str, declared: object) -> dict[str, float]:
    if not isinstance(declared, Mapping):
        raise _wrong("words of {key} in the mapping is not a list of words and numbers.", key=key)
    found: dict[str, float] = {}
    for word, given in declared.items():
        number = as_number(given)
        if number is None:
            raise _wrong(
                "words of {key} in the mapping is not a list of words and numbers.", key=key
            )
        found[str(word).strip().casefold()] = number
    return found


def _wrong(message: str, *, key: str = "", **params: str) -> ParseError:
    return ParseError(
        message,
        code="mapping",
        way_out="Correct the mapping on the page of the source.",
        params={"key": key[:60], **params},
    )


def _wrong_choice(key: str, allowed: list[str]) -> ParseError:
    return _wrong(
        "{key} in the mapping is none of {allowed}.", key=key, allowed=" ".join(map(repr, allowed))
    )
