"""The declared mapping of a source: where device, time and measures stand in its messages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from beffroi.kernel.errors import ParseError


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
        raise ParseError("The mapping of this source is not a JSON object.")
    unknown = sorted(set(declared) - {*_PATHS, "time_format", "measures"})
    if unknown:
        raise ParseError(
            "The mapping of this source has an unknown key, {key}.", params={"key": unknown[0]}
        )
    paths: dict[str, Any] = {}
    for key in _PATHS:
        if key in declared:
            if not isinstance(declared[key], str):
                raise ParseError("{key} in the mapping is not a path.", params={"key": key})
            paths[key] = declared[key]
    try:
        time_format = TimeFormat(declared.get("time_format", "iso"))
    except ValueError:
        raise ParseError(
            "time_format in the mapping is none of iso, epoch_s and epoch_ms."
        ) from None
    return JsonMapping(
        time_format=time_format, measures=_measures(declared.get("measures", {})), **paths
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
            number = float(value.strip().replace(",", ".") if isinstance(value, str) else value)
        except (ValueError, OverflowError):
            return None
        return number if math.isfinite(number) else None
    return None


def _measures(declared: object) -> dict[str, MeasurePath]:
    if not isinstance(declared, Mapping):
        raise ParseError("measures in the mapping is not a JSON object.")
    found: dict[str, MeasurePath] = {}
    for key, where in declared.items():
        if isinstance(where, str):
            found[key] = MeasurePath(where)
        elif isinstance(where, Mapping) and isinstance(where.get("path"), str):
            factor, offset = as_number(where.get("factor", 1)), as_number(where.get("offset", 0))
            if factor is None or offset is None:
                raise ParseError(
                    "factor and offset of {key} in the mapping are not numbers.",
                    params={"key": key},
                )
            found[key] = MeasurePath(where["path"], factor, offset)
        else:
            raise ParseError("{key} in the mapping has no path.", params={"key": key})
    return found
