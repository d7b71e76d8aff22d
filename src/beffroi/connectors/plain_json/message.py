"""From a plain JSON message to an uplink, following the mapping of its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from beffroi.connectors.plain_json.mapping import (
    JsonMapping,
    TimeFormat,
    as_number,
    read_mapping,
    value_at,
)
from beffroi.kernel import clock
from beffroi.kernel.errors import ParseError
from beffroi.sdk import messages
from beffroi.sdk.connectors import Delivery, Parsed, Uplink
from beffroi.sdk.local_time import written_instant

MAX_DEVICE = 120


def parse(delivery: Delivery) -> Sequence[Parsed]:
    """Read one object, a list, or lines; the refused items are told one by one.

    Raises:
        ParseError: the body is not JSON, or the source's mapping is wrong.
    """
    mapping = read_mapping(delivery.settings.get("mapping"))
    parsed: list[Parsed] = []
    for index, (item, raw) in enumerate(_items(delivery.body, mapping)):
        try:
            found = messages.object_of(item, index=index)
            parsed.append(_read(found, raw, delivery, mapping, index=index))
        except ParseError as problem:
            parsed.append(messages.refused(problem, index=index, raw=raw))
    return parsed


def _items(body: bytes, mapping: JsonMapping) -> Iterator[tuple[object, bytes]]:
    for item, raw in messages.json_items(body):
        if not mapping.items or not isinstance(item, Mapping):
            yield item, raw
            continue
        found = value_at(item, mapping.items)
        if not isinstance(found, list):
            raise ParseError(
                "The body has no list at {path}.",
                way_out="Correct items in the source's mapping.",
                params={"path": mapping.items[:60]},
            )
        if len(found) > messages.MAX_ITEMS:
            raise ParseError(
                "The body holds {count} messages; at most {most} are taken at once.",
                way_out="Cut it into several.",
                params={"count": len(found), "most": messages.MAX_ITEMS},
            )
        for part in found:
            yield part, msgspec.json.encode(part)


def _read(
    item: Mapping[str, Any],
    raw: bytes,
    delivery: Delivery,
    mapping: JsonMapping,
    *,
    index: int,
) -> Uplink:
    device = _device(item, mapping)
    observed_at = _time(item, mapping)
    readings = _readings(item, mapping)
    if not readings:
        raise ParseError(
            "The message holds no number to keep.",
            way_out="Put numbers under values, or correct the source's mapping.",
        )
    return Uplink(
        device=device,
        key=_key(device, observed_at, readings, delivery, index=index),
        observed_at=observed_at or delivery.received_at,
        readings=tuple((measure, value, None) for measure, value in readings.items()),
        name=_text(value_at(item, mapping.name)),
        lon=as_number(value_at(item, mapping.lon)),
        lat=as_number(value_at(item, mapping.lat)),
        raw=raw,
    )


def _key(
    device: str,
    observed_at: datetime | None,
    readings: Mapping[str, float],
    delivery: Delivery,
    *,
    index: int,
) -> str:
    """Name the message: by its time, else by the sender's Idempotency-Key, else by its arrival."""
    if observed_at is not None:
        digest = messages.digest_of(*sorted(readings.items()))
        return f"{device}:{clock.epoch_ms(observed_at)}:{digest}"
    given = delivery.headers.get("idempotency-key", "")
    moment = messages.digest_of(given) if given else delivery.received_at.isoformat()
    return f"{device}:{moment}:{index}"


def _device(item: Mapping[str, Any], mapping: JsonMapping) -> str:
    found = value_at(item, mapping.device)
    text = str(found).strip() if isinstance(found, str | int) else ""
    if not text or len(text) > MAX_DEVICE or not text.isprintable():
        raise ParseError(
            "{field} is {value}, which names no device.",
            way_out="It is a printable text of at most 120 characters.",
            params={"field": mapping.device, "value": repr(found)[:60]},
        )
    return text


def _time(item: Mapping[str, Any], mapping: JsonMapping) -> datetime | None:
    found = value_at(item, mapping.time)
    if found is None or found == "":
        return None
    if mapping.zone is not None and isinstance(found, str):
        return written_instant(found.strip(), mapping.zone)
    if mapping.time_format is TimeFormat.ISO:
        return messages.instant_of({mapping.time: found}, mapping.time)
    number = messages.number_of({mapping.time: found}, mapping.time) or 0.0
    scale = 1000 if mapping.time_format is TimeFormat.EPOCH_S else 1
    return messages.instant_of_epoch(number * scale)


def _readings(item: Mapping[str, Any], mapping: JsonMapping) -> dict[str, float]:
    if not mapping.measures:
        values = value_at(item, mapping.values)
        found = values if isinstance(values, Mapping) else {}
        return {
            str(key)[:63]: number
            for key, value in found.items()
            if (number := as_number(value)) is not None
        }
    readings: dict[str, float] = {}
    for measure, where in mapping.measures.items():
        number = as_number(value_at(item, where.path))
        if number is not None:
            readings[measure] = number * where.factor + where.offset
    return readings


def _text(found: object) -> str:
    return found.replace("\x00", "")[: messages.MAX_TEXT] if isinstance(found, str) else ""
