"""From one item of a body to an uplink, following the mapping of its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from beffroi.connectors.plain_json.bodies import is_table, items_of
from beffroi.connectors.plain_json.mapping import (
    MAX_NAME,
    MeasurePath,
    PlainMapping,
    TimeFormat,
    as_number,
    read_mapping,
    value_at,
)
from beffroi.kernel import clock
from beffroi.kernel.errors import ParseError
from beffroi.sdk import messages
from beffroi.sdk.connectors import Delivery, Note, Parsed, Uplink
from beffroi.sdk.local_time import Doubt, placed_instant
from beffroi.sdk.numbers import MISSING

MAX_DEVICE = 120
MAX_READINGS = 500
MAX_NOTES = 20
MAX_VALUES = 200_000
"""Values of one request: twenty in each of its messages."""

LARGEST = 1e18
"""Beyond this nothing is a measurement; sums of any number of smaller values stay finite."""

_NO_ZONE = "Write it as 2026-03-02T07:31:22Z."


@dataclass(slots=True)
class _Reading:
    """What one delivery is read with."""

    delivery: Delivery
    mapping: PlainMapping
    is_table: bool
    seen: set[tuple[str, str, str]] = field(default_factory=set)
    """Device, measure (in long form) and text of the local times read so far."""


def parse(delivery: Delivery) -> Sequence[Parsed]:
    """Read an object, a list, lines, CSV or features; the refused items are told one by one.

    Raises:
        ParseError: the body cannot be read at all, or the source's mapping is wrong.
    """
    mapping = read_mapping(delivery.settings.get("mapping"))
    reading = _Reading(delivery, mapping, is_table=is_table(delivery))
    parsed: list[Parsed] = []
    count = 0
    for index, item in enumerate(items_of(delivery, mapping)):
        try:
            if item.problem is not None:
                raise item.problem
            uplink = _read(item.content, item.raw, reading, index=index)
        except ParseError as problem:
            parsed.append(messages.refused(problem, index=index, raw=item.raw))
            continue
        parsed.append(uplink)
        count += len(uplink.readings)
        if count > MAX_VALUES:
            raise ParseError(
                "The body holds more than {most} values.",
                way_out="Cut it into several.",
                params={"most": MAX_VALUES},
            )
    return parsed


def _read(item: Mapping[str, Any], raw: bytes, reading: _Reading, *, index: int) -> Uplink:
    mapping, notes = reading.mapping, list[Note]()
    device = _device(item, mapping)
    observed_at = _time(item, device, reading, notes)
    readings = _readings(item, reading, notes)
    if not readings:
        raise ParseError(
            "The message holds no number to keep.",
            way_out="Put numbers under values, or correct the source's mapping.",
        )
    lon, lat = _position(item, mapping)
    return Uplink(
        device=device,
        key=_key(item, device, observed_at, readings, reading, index=index),
        observed_at=observed_at or reading.delivery.received_at,
        readings=tuple((measure, value, None) for measure, value in readings.items()),
        name=messages.text_of({"name": value_at(item, mapping.name)}, "name"),
        lon=lon,
        lat=lat,
        raw=raw,
        notes=tuple(notes[:MAX_NOTES]),
    )


def _key(
    item: Mapping[str, Any],
    device: str,
    observed_at: datetime | None,
    readings: Mapping[str, float],
    reading: _Reading,
    *,
    index: int,
) -> str:
    """Name the message: by its sender's own name of it, its time, or the request it came in."""
    named = _word(value_at(item, reading.mapping.key))
    if named:
        return f"{device}#{named}"
    if observed_at is not None:
        digest = messages.digest_of(*sorted(readings.items()))
        return f"{device}:{clock.epoch_ms(observed_at)}:{digest}"
    given = reading.delivery.headers.get("idempotency-key", "")
    moment = messages.digest_of(given) if given else reading.delivery.received_at.isoformat()
    return f"{device}:{moment}:{index}"


def _word(found: object) -> str:
    """Return a text or a whole number as one word, or an empty text."""
    if isinstance(found, bool) or not isinstance(found, str | int):
        return ""
    if isinstance(found, int) and abs(found) >= 10**30:
        return ""
    return str(found).strip()[: messages.MAX_TEXT]


def _device(item: Mapping[str, Any], mapping: PlainMapping) -> str:
    found = value_at(item, mapping.device)
    if found in (None, "") and mapping.device_name:
        return mapping.device_name[:MAX_DEVICE]
    text = _word(found)
    if not text or len(text) > MAX_DEVICE or not text.isprintable():
        raise ParseError(
            "{field} is {value}, which names no device.",
            way_out="It is a printable text of at most 120 characters.",
            params={"field": mapping.device[:60], "value": repr(found)[:60]},
        )
    return text


def _time(
    item: Mapping[str, Any], device: str, reading: _Reading, notes: list[Note]
) -> datetime | None:
    mapping = reading.mapping
    found = value_at(item, mapping.time)
    if found is None or (isinstance(found, str) and not found.strip()):
        return None
    if mapping.time_format is not TimeFormat.AUTO and mapping.time_format is not TimeFormat.ISO:
        if isinstance(found, str) and mapping.zone is not None and not _is_digits(found):
            return _written_time(found, item, device, reading, notes)
        return _epoch(found, mapping)
    if isinstance(found, int | float) and not isinstance(found, bool):
        if mapping.time_format is TimeFormat.AUTO:
            return messages.instant_of_epoch(_milliseconds_by_size(found))
        return messages.instant_of({mapping.time: found}, mapping.time)
    if not isinstance(found, str):
        raise ParseError(
            "{field} is {value}, which is not an instant with its offset.",
            way_out=_NO_ZONE,
            params={"field": mapping.time[:60], "value": repr(found)[:60]},
        )
    return _written_time(found, item, device, reading, notes)


def _milliseconds_by_size(number: float) -> float:
    """Return milliseconds from a number since 1970 whose size tells its unit.

    Eleven digits are seconds until the year 5138 and milliseconds until 1973: nobody measured then.
    """
    for largest, divisor in ((1e11, 0.001), (1e14, 1), (1e17, 1e3)):
        if abs(number) < largest:
            return number / divisor
    return number / 1e6 if abs(number) < 1e21 else float(10**21)


def _is_digits(text: str) -> bool:
    return text.strip().isascii() and text.strip().isdigit()


def _epoch(found: object, mapping: PlainMapping) -> datetime:
    number = messages.number_of({mapping.time: found}, mapping.time) or 0.0
    scale = {TimeFormat.EPOCH_S: 1_000.0, TimeFormat.EPOCH_US: 0.001}.get(mapping.time_format, 1.0)
    return messages.instant_of_epoch(number * scale)


def _written_time(
    found: str, item: Mapping[str, Any], device: str, reading: _Reading, notes: list[Note]
) -> datetime:
    mapping = reading.mapping
    text = found.strip()
    if mapping.time_of_day:
        text = f"{text} {_word(value_at(item, mapping.time_of_day))}".strip()
    measure = _word(value_at(item, mapping.measure)) if mapping.is_long else ""
    coming = (device, measure, text)
    placed = placed_instant(
        text,
        mapping.zone,
        repeated=mapping.repeated_hour,
        skipped=mapping.skipped_hour,
        second_time=coming in reading.seen,
        received_at=reading.delivery.received_at,
    )
    if placed.doubt is None:
        return placed.instant
    reading.seen.add(coming)
    if mapping.zone is not None:
        told = {"value": text[:60], "zone": mapping.zone.key, "instant": placed.instant.isoformat()}
        repeated = "{value} exists twice in {zone}: it is taken as {instant}."
        skipped = "{value} does not exist in {zone}: it is taken as {instant}."
        notes.append(Note(repeated if placed.doubt is Doubt.REPEATED else skipped, told))
    return placed.instant


def _readings(item: Mapping[str, Any], reading: _Reading, notes: list[Note]) -> dict[str, float]:
    mapping = reading.mapping
    readings: dict[str, float] = {}
    for measure, found, where in _found(item, mapping, is_table=reading.is_table):
        number = _number(found, where, mapping)
        if number is not None:
            readings[measure] = number
        elif not _is_missing(found) and (mapping.measures or mapping.is_long):
            notes.append(
                Note(
                    "{field} is {value}, which is not a number: it is left out.",
                    {"field": measure, "value": repr(found)[:60]},
                )
            )
    return readings


def _found(
    item: Mapping[str, Any], mapping: PlainMapping, *, is_table: bool
) -> Sequence[tuple[str, object, MeasurePath]]:
    """Return the measures that a message holds: name, what stands there, how it is read."""
    if mapping.is_long:
        name, found = _word(value_at(item, mapping.measure)), value_at(item, mapping.value)
        for measure, where in mapping.measures.items():
            if where.path == name:
                return [(measure, found, where)]
        # What is declared is a choice: the other measures of the sender are left out.
        known = not mapping.measures and 0 < len(name) <= MAX_NAME and name.isprintable()
        return [(name, found, MeasurePath(name))] if known else []
    if mapping.measures:
        return [
            (measure, value_at(item, where.path), where)
            for measure, where in mapping.measures.items()
        ]
    values = value_at(item, mapping.values)
    if not isinstance(values, Mapping):
        values = _other_values(item, mapping, is_table=is_table)
    return [
        (str(key)[:MAX_NAME], found, MeasurePath(""))
        for key, found in list(values.items())[:MAX_READINGS]
        if str(key)
    ]


def _other_values(
    item: Mapping[str, Any], mapping: PlainMapping, *, is_table: bool
) -> Mapping[str, Any]:
    """Return the cells of a row, or the properties of a feature, that say nothing else.

    JSON of another form names where its values are.
    """
    properties = item.get("properties") if item.get("type") == "Feature" else None
    if isinstance(properties, Mapping):
        item = properties
    elif not is_table:
        return {}
    taken = {mapping.device, mapping.time, mapping.time_of_day, mapping.key, mapping.name,
             mapping.lon, mapping.lat}  # fmt: skip
    return {key: cell for key, cell in item.items() if key not in taken}


def _number(found: object, where: MeasurePath, mapping: PlainMapping) -> float | None:
    if where.words and isinstance(found, str):
        known = where.words.get(found.strip().casefold())
        if known is not None:
            return known
    number = as_number(found, decimal=mapping.decimal)
    if number is None:
        return None
    number = number * where.factor + where.offset
    return number if abs(number) <= LARGEST else None


def _is_missing(found: object) -> bool:
    return found is None or (isinstance(found, str) and found.strip().lower() in MISSING)


def _position(item: Mapping[str, Any], mapping: PlainMapping) -> tuple[float | None, float | None]:
    lon, lat = as_number(value_at(item, mapping.lon)), as_number(value_at(item, mapping.lat))
    geometry = item.get("geometry")
    if lon is None and isinstance(geometry, Mapping) and geometry.get("type") == "Point":
        pair = geometry.get("coordinates")
        if isinstance(pair, list) and len(pair) >= 2:
            lon, lat = as_number(pair[0]), as_number(pair[1])
    if lon is None or lat is None or not (-180 <= lon <= 180 and -90 <= lat <= 90):
        return None, None
    return lon, lat
