"""When devices were heard, and what they said of their battery and radio."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from beffroi.city.ingest.batches import Batch, Item
from beffroi.city.ingest.contracts import Status
from beffroi.city.ingest.decoding import Decoded, DeviceEntry
from beffroi.foundation.database.api import (
    float8_array,
    int8_array,
    text_array,
    timestamptz_array,
)
from beffroi.sdk.connectors import Uplink

Heard = tuple[int, datetime, Decoded, str | None]
"""One message of a device: its id, when it was heard, what was read, its radio as JSON."""

OFTEN = timedelta(seconds=10)

UNHEARD = frozenset({Status.QUARANTINED, Status.SIMULATED})
"""What cannot be of its time, and what a network made up to test itself, tells nothing of when."""

# By itself and first: an update that found all its rows changed since it began would look each
# of them up again in the whole of its arrays.
DEVICES_LOCK = """
SELECT FROM assets_device WHERE id = ANY(%(device_ids)s) ORDER BY id FOR NO KEY UPDATE
"""

DEVICES_UPDATE = """
UPDATE assets_device AS d SET
    last_seen_at = greatest(d.last_seen_at, r.seen_at),
    battery_v = CASE WHEN r.seen_at >= coalesce(d.last_seen_at, '-infinity')
                THEN coalesce(r.battery_v, d.battery_v) ELSE d.battery_v END,
    battery_pct = CASE WHEN r.seen_at >= coalesce(d.last_seen_at, '-infinity')
                  THEN coalesce(r.battery_pct, d.battery_pct) ELSE d.battery_pct END,
    radio = CASE WHEN r.seen_at >= coalesce(d.last_seen_at, '-infinity')
            THEN coalesce(r.radio::jsonb, d.radio) ELSE d.radio END
FROM unnest(%(device_ids)s::bigint[], %(seen_at)s::timestamptz[], %(battery_v)s::float8[],
            %(battery_pct)s::float8[], %(radio)s::text[])
     AS r (id, seen_at, battery_v, battery_pct, radio)
WHERE d.id = r.id
"""

NOBODY: dict[str, Any] = {
    "device_ids": int8_array(()),
    "seen_at": timestamptz_array(()),
    "battery_v": float8_array(()),
    "battery_pct": float8_array(()),
    "radio": text_array(()),
}


class DevicesHeard:
    """What a group of new messages tells of their devices.

    A device that speaks several times within ten seconds is written once, unless it tells of its
    battery: the next message that comes later says when it was heard.
    """

    def __init__(self, new: Iterable[tuple[Batch, Item]]) -> None:
        self._noted: list[tuple[DeviceEntry, datetime]] = []
        self._columns = heard_columns(self._heard(new))

    def parameters(self) -> dict[str, Any] | None:
        """Return the columns of :data:`DEVICES_UPDATE`; None when no device is to be written."""
        columns = self._columns
        if not columns["device_ids"]:
            return None
        return {
            "device_ids": int8_array(columns["device_ids"]),
            "seen_at": timestamptz_array(columns["seen_at"]),
            "battery_v": float8_array(columns["battery_v"]),
            "battery_pct": float8_array(columns["battery_pct"]),
            "radio": text_array(columns["radio"]),
        }

    def committed(self) -> None:
        """Remember what is written; called once it is on disk."""
        for device, seen_at in self._noted:
            if device.noted_at is None or device.noted_at < seen_at:
                device.noted_at = seen_at

    def _heard(self, new: Iterable[tuple[Batch, Item]]) -> Iterator[Heard]:
        for batch, item in new:
            device = item.device
            if device is None or not isinstance(item.message, Uplink):
                continue
            decoded = item.decoded
            if decoded.status in UNHEARD:
                continue
            seen_at = min(item.message.observed_at, batch.received_at)
            tells = decoded.battery_v is not None or decoded.battery_pct is not None
            former = device.noted_at
            if former is not None and not tells and seen_at - former < OFTEN:
                continue
            self._noted.append((device, seen_at))
            radio = None if item.radio is None else item.radio.decode()
            yield device.device_id, seen_at, decoded, radio


def heard_columns(heard: Iterable[Heard]) -> dict[str, list[Any]]:
    """Return when each device was last heard, and its battery and radio at that time."""
    latest: dict[int, list[Any]] = {}
    for device_id, seen_at, decoded, radio in heard:
        if decoded.status in UNHEARD:
            continue
        row = latest.get(device_id)
        if row is None:
            latest[device_id] = [seen_at, decoded.battery_v, decoded.battery_pct, radio]
        elif seen_at >= row[0]:
            row[0] = seen_at
            row[1] = decoded.battery_v if decoded.battery_v is not None else row[1]
            row[2] = decoded.battery_pct if decoded.battery_pct is not None else row[2]
            row[3] = radio or row[3]
    names = ("seen_at", "battery_v", "battery_pct", "radio")
    columns: dict[str, list[Any]] = {"device_ids": sorted(latest)}
    for rank, name in enumerate(names):
        columns[name] = [latest[device][rank] for device in columns["device_ids"]]
    return columns
