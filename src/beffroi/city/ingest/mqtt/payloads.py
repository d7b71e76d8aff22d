"""From an MQTT message to a delivery, as the connectors read one.

A network server's message is handed on as it is. A device's own message often says neither who
sent it nor when: what the topic says is written into the JSON that a declared mapping reads,
beside where it came from (``mqtt``), so that what is kept can be read again.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from beffroi.city.ingest.directory import SourceEntry
from beffroi.city.ingest.mqtt.topics import DEVICE, EVENT, MEASURE
from beffroi.kernel.clock import epoch_ms
from beffroi.sdk.connectors import Delivery
from beffroi.sdk.messages import plain_values

MAPPING = "mapping"
"""The setting by which a connector says that it reads whatever JSON is described to it."""

UNNAMED = "value"
"""Name of a bare value whose topic names no measure."""

_TIMES = ("time", "timestamp", "ts")
_WORDS = {"true": True, "false": False, "on": True, "off": False}
_YEAR_2000_S, _YEAR_2200_S = 946_684_800, 7_258_118_400


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message as the broker gave it."""

    topic: str
    payload: bytes
    qos: int
    mid: int
    again: bool
    """The broker may have given it before (DUP)."""
    retained: bool
    received_at: datetime

    @property
    def identity(self) -> tuple[int, bytes]:
        """Return what is the same when the broker gives it again in the same session."""
        octets = self.topic.encode() + b"\0" + self.payload
        return self.mid, hashlib.blake2b(octets, digest_size=12).digest()


@dataclass(frozen=True, slots=True)
class Placed:
    """A delivery, and the device and values to look for when the broker gave it before.

    ``device`` is empty when the message has a time of its own: its key then tells it apart.
    """

    delivery: Delivery
    device: str = ""


def is_mapped(source: SourceEntry) -> bool:
    """Tell whether the source's messages are JSON of any form, described by a mapping."""
    return any(setting.key == MAPPING for setting in source.connector.settings)


def placed(
    arrived: Arrived, names: Mapping[str, str], source: SourceEntry, *, at: datetime | None = None
) -> Placed:
    """Return the delivery of a message; ``at`` is its time when nobody told one."""
    body, device = arrived.payload, ""
    if is_mapped(source) and (DEVICE in names or MEASURE in names):
        mapping = source.settings.get(MAPPING)
        body, device = _with_topic(
            arrived, names, mapping if isinstance(mapping, Mapping) else {}, at=at
        )
    return Placed(
        Delivery(
            body=body,
            content_type=source.connector.content_types[0],
            received_at=arrived.received_at,
            headers={"mqtt-topic": arrived.topic},
            query={"event": names[EVENT]} if EVENT in names else {},
            settings=source.settings,
        ),
        device,
    )


def same_message(raw: bytes, arrived: Arrived, body: bytes) -> datetime | None:
    """Return the time under which a kept message holds this one already, else None."""
    try:
        kept, mine = msgspec.json.decode(raw), msgspec.json.decode(body)
        note, values = kept["mqtt"], kept["values"]
        if values != mine["values"] or note["topic"] != arrived.topic:
            return None
        if note["mid"] != arrived.mid and not (arrived.retained and note.get("retained")):
            return None
        return datetime.fromisoformat(kept["time"])
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        return None


def _with_topic(
    arrived: Arrived, names: Mapping[str, str], mapping: Mapping[str, Any], *, at: datetime | None
) -> tuple[bytes, str]:
    try:
        content = msgspec.json.decode(arrived.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        content = _word(arrived.payload)
        if content is None:
            return arrived.payload, ""
    if isinstance(content, str):
        word = _word(content.encode())
        content = content if word is None else word
    note: dict[str, Any] = {"topic": arrived.topic, "mid": arrived.mid}
    if arrived.retained:
        note["retained"] = True
    several = content if isinstance(content, list) else [content]
    items = [_item(part, names, mapping) for part in several]
    device = ""
    for rank, item in enumerate(items):
        if isinstance(item, dict):
            item["mqtt"] = {**note, "rank": rank} if rank else note
            if mapping.get("time") is None and "time" not in item:
                item["time"] = (at or arrived.received_at).isoformat()
                device = names.get(DEVICE, "")
    encoded = msgspec.json.encode(items if isinstance(content, list) else items[0])
    return encoded, device if len(items) == 1 else ""


_DESCRIBES = ("measures", "values", "items", "measure")
"""Parts of a mapping that say where the values stand; the last, one measure and value a message."""


def _item(content: Any, names: Mapping[str, str], mapping: Mapping[str, Any]) -> Any:
    measure = names.get(MEASURE, "")
    if isinstance(content, bool | int | float):
        item: dict[str, Any] = {"values": {measure or UNNAMED: content}}
    elif not isinstance(content, dict):
        return content
    elif any(mapping.get(part) for part in _DESCRIBES):
        item = dict(content)  # its place is described: only the topic's own words are added
    else:
        item = _shaped(content, measure)
    if DEVICE in names:
        _set(item, str(mapping.get("device") or "device"), names[DEVICE])
    return item


def _shaped(content: dict[str, Any], measure: str) -> dict[str, Any]:
    """Bring an object of no declared form to ``{"time", "values": {…}}``."""
    inside = content.get("values")
    rest = {key: value for key, value in content.items() if key not in {*_TIMES, "device", "name"}}
    if isinstance(inside, dict):
        values = plain_values(inside)
    elif measure and _number(rest.get("value")) is not None:
        values = {measure: rest["value"]}
    else:
        values = plain_values(rest, prefix=f"{measure}." if measure else "")
    item: dict[str, Any] = {key: content[key] for key in ("device", "name") if key in content}
    item["values"] = values
    for key in _TIMES:
        if (time := _time(content.get(key))) is not None:
            item["time"] = time
            break
    return item


def _set(item: dict[str, Any], path: str, device: str) -> None:
    *folders, last = path.split(".")
    for folder in folders:
        inside = item.setdefault(folder, {})
        if not isinstance(inside, dict):
            return
        item = inside
    item.setdefault(last, device)


def _time(written: Any) -> str | None:
    """Return an instant as ISO text from a text, or from seconds or milliseconds since 1970."""
    if isinstance(written, str):
        return written or None
    number = _number(written)
    if number is None:
        return None
    seconds = number if number < _YEAR_2200_S else number / 1000
    if not _YEAR_2000_S <= seconds < _YEAR_2200_S:
        return None
    instant = datetime.fromtimestamp(seconds, UTC)
    return datetime.fromtimestamp(epoch_ms(instant) / 1000, UTC).isoformat()


def _number(found: Any) -> float | None:
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return float(found)


def _word(payload: bytes) -> float | bool | None:
    """Return the number or the switch that a text is."""
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError:
        return None
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        number = float(text.replace(",", ".") if "." not in text else text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
