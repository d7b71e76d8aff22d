"""The declared mapping of a source: where device, time and measures stand in its messages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from beffroi.kernel.errors import ParseError
from beffroi.sdk.local_time import zone_of


class TimeFormat(StrEnum):
    """How a message writes an instant."""

    ISO = "iso"
    EPOCH_S = "epoch_s"
    EPOCH_MS = "epoch_ms"


@dataclass(frozen=True, slots=True)
class MeasurePath:
    """Where a measure stands, and ``value * factor + offset`` to reach its declared unit."""

    path: str
    factor: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonMapping:
    """A mapping that has been checked; an empty ``measures`` takes every number of ``values``."""

    items: str = ""
    device: str = "device"
    time: str = "time"
    time_format: TimeFormat = TimeFormat.ISO
    name: str = "name"
    lon: str = "lon"
    lat: str = "lat"
    values: str = "values"
    zone: ZoneInfo | None = None
    measures: Mapping[str, MeasurePath]


_PATHS = ("items", "device", "time", "name", "lon", "lat", "values")


def read_mapping(declared: object) -> JsonMapping:
    """Check a mapping as a person wrote it.

    Raises:
        ParseError: a key is unknown, or a value is not of its form.
    """
    if declared in (None, "", {}):
        return JsonMapping(measures={})
    if not isinstance(declared, Mapping):
        raise _wrong("The mapping of this source is not a JSON object.")
    unknown = sorted(set(map(str, declared)) - {*_PATHS, "time_format", "time_zone", "measures"})
    if unknown:
        raise _wrong("The mapping of this source has an unknown key, {key}.", key=unknown[0])
    paths: dict[str, Any] = {}
    for key in _PATHS:
        if key in declared:
            if not isinstance(declared[key], str):
                raise _wrong("{key} in the mapping is not a path.", key=key)
            paths[key] = declared[key]
    try:
        time_format = TimeFormat(declared.get("time_format", "iso"))
    except ValueError:
        raise _wrong("time_format in the mapping is none of iso, epoch_s and epoch_ms.") from None
    zone = declared.get("time_zone")
    return JsonMapping(
        time_format=time_format,
        zone=None if zone in (None, "") else zone_of(str(zone)),
        measures=_measures(declared.get("measures", {})),
        **paths,
    )


def _wrong(message: str, *, key: str = "") -> ParseError:
    return ParseError(
        message, way_out="Correct the mapping on the page of the source.", params={"key": key[:60]}
    )


def value_at(item: Mapping[str, Any], path: str) -> Any:
    """Return what stands at a path as ``a.b.0.c``, or None."""
    current: Any = item
    for part in path.split("."):
        if isinstance(current, Mapping):
            current = current.get(part)
        elif isinstance(current, list) and part.isdigit() and int(part) < len(current):
            current = current[int(part)]
        else:
            return None
    return current


def as_number(value: object) -> float | None:
    """Return a number from a number, a boolean or a text; None for anything else."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float | str):
        try:
            # Spaces of any width part thousands, and a comma is a French decimal mark.
            plain = "".join(value.split()) if isinstance(value, str) else value
            if isinstance(plain, str) and "." not in plain:
                plain = plain.replace(",", ".")
            number = float(plain)
        except (ValueError, OverflowError):
            return None
        return number if math.isfinite(number) else None
    return None


def _measures(declared: object) -> dict[str, MeasurePath]:
    if not isinstance(declared, Mapping):
        raise _wrong("measures in the mapping is not a JSON object.")
    found: dict[str, MeasurePath] = {}
    for key, where in declared.items():
        if isinstance(where, str):
            found[key] = MeasurePath(where)
        elif isinstance(where, Mapping) and isinstance(where.get("path"), str):
            factor, offset = as_number(where.get("factor", 1)), as_number(where.get("offset", 0))
            if factor is None or offset is None:
                raise _wrong("factor and offset of {key} in the mapping are not numbers.", key=key)
            found[key] = MeasurePath(where["path"], factor, offset)
        else:
            raise _wrong("{key} in the mapping has no path.", key=key)
    return found
