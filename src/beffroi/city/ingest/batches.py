"""A delivery on its way to the database: what was read of it, and what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from beffroi.city.ingest.catalogue import Catalogue
from beffroi.city.ingest.contracts import MAX_IDENTIFIER, MAX_KEY, Status
from beffroi.city.ingest.decoding import Decoded, DeviceEntry, decode_uplink
from beffroi.city.ingest.directory import SourceEntry
from beffroi.city.ingest.plain_values import clean_json, clean_text
from beffroi.kernel.clock import epoch_ms
from beffroi.sdk.connectors import Notice, Parsed, Radio, Refusal, Uplink

_FIRST = datetime(1, 1, 3, tzinfo=UTC)
_LAST = datetime(9999, 12, 29, tzinfo=UTC)
"""Bounds of the instant kept of a message: shown in any time zone they remain in the calendar."""


@dataclass(slots=True)
class Item:
    """One uplink or notice of a delivery, and what was read from it."""

    message: Uplink | Notice
    key: str
    identifier: str
    index: int = 0
    """Its place in the delivery."""
    device: DeviceEntry | None = None
    decoded: Decoded = field(default_factory=lambda: Decoded(Status.NOTICE))


@dataclass(slots=True, kw_only=True)
class Batch:
    """What one delivery brings to a flush; ``accepted`` and the counts are filled by it.

    ``accepted`` counts the messages that are new; those unclaimed, undecodable or quarantined
    are among them.
    """

    source: SourceEntry
    received_at: datetime
    content_type: str
    items: list[Item]
    refusals: list[Refusal] = field(default_factory=list)
    repeated: int = 0
    """How often a message stood again in the same delivery."""
    accepted: int = 0
    duplicates: int = 0
    counts: dict[Status, int] = field(default_factory=dict)

    def reset(self) -> None:
        """Forget the counts of an attempt that was rolled back."""
        self.accepted, self.duplicates = 0, self.repeated
        self.counts = {}

    def halves(self) -> tuple[Batch, Batch]:
        """Return two batches that together are this one."""
        half = len(self.items) // 2
        return (
            replace(self, items=self.items[:half], counts={}),
            replace(self, items=self.items[half:], refusals=[], repeated=0, counts={}),
        )

    def add(self, part: Batch) -> None:
        """Count what a part of this batch brought."""
        self.accepted += part.accepted
        self.duplicates += part.duplicates
        for status, count in part.counts.items():
            self.counts[status] = self.counts.get(status, 0) + count

    def give_up(self) -> list[Refusal]:
        """Return the items as refusals: the database takes none of them."""
        return [
            Refusal(
                index=item.index,
                code="message.unstorable",
                message="The message cannot be stored.",
                raw=item.message.raw,
            )
            for item in self.items
        ]


def sort_out(
    parsed: Sequence[Parsed], *, source: SourceEntry, received_at: datetime, content_type: str
) -> Batch:
    """Keep one of each message of a delivery, with a name and a key that can be stored."""
    items: dict[str, Item] = {}
    refusals: list[Refusal] = []
    repeated = 0
    for index, message in enumerate(parsed):
        if isinstance(message, Refusal):
            refusals.append(message)
            continue
        identifier = clean_text(message.device, limit=MAX_IDENTIFIER + 1)
        if not identifier or len(identifier) > MAX_IDENTIFIER:
            refusals.append(
                Refusal(
                    index=index,
                    code="device.name",
                    message="The device has no name, or one of more than {limit} characters.",
                    params={"limit": MAX_IDENTIFIER},
                    raw=message.raw,
                )
            )
            continue
        if message.observed_at.tzinfo is None:
            refusals.append(
                Refusal(
                    index=index,
                    code="message.time",
                    message="The time of the message has no time zone.",
                    raw=message.raw,
                )
            )
            continue
        key = _stored_key(message.key)
        if key in items:
            repeated += 1
        else:
            items[key] = Item(message, key, identifier, index)
    return Batch(
        source=source,
        received_at=received_at,
        content_type=content_type[:100],
        items=list(items.values()),
        refusals=refusals,
        repeated=repeated,
    )


def decode_batch(
    batch: Batch, devices: dict[str, DeviceEntry | None], *, installed: Catalogue
) -> None:
    """Read every uplink of a batch with its device."""
    for item in batch.items:
        item.device = devices.get(item.identifier)
        if isinstance(item.message, Uplink):
            item.decoded = decode_uplink(
                item.message,
                item.device,
                received_at=batch.received_at,
                default_codec=batch.source.default_codec,
                installed=installed,
            )


def columns_of(item: Item, batch: Batch) -> dict[str, Any]:
    """Return what a row of ``ingest_message`` holds of an item, values for jsonb as Python."""
    message, decoded = item.message, item.decoded
    row: dict[str, Any] = {
        "key": item.key,
        "device_identifier": item.identifier,
        "device_id": None if item.device is None else item.device.device_id,
        "status": decoded.status.value,
        "observed_at": min(max(message.observed_at, _FIRST), _LAST),
        "received_at": batch.received_at,
        "raw": message.raw,
        "content_type": batch.content_type,
        "payload": None,
        "f_port": 0,
        "f_cnt": None,
        "values": None,
        "readings": None,
        "decoded": [[clean_text(told[0], limit=200), *told[1:]] for told in decoded.told] or None,
        "radio": None,
        "late": False,
        "simulated": False,
        "error_code": decoded.error_code,
        "error": error_json(decoded.error, decoded.error_params) if decoded.error else None,
    }
    if isinstance(message, Notice):
        row["values"] = {"kind": message.kind.value, "detail": clean_text(message.detail)}
        return row
    row.update(
        payload=message.payload,
        f_port=message.f_port if 0 <= message.f_port < 32_768 else 0,
        f_cnt=message.f_cnt if message.f_cnt is None or 0 <= message.f_cnt < 2**62 else None,
        values=clean_json(message.values) or None,
        readings=[
            [clean_text(name, limit=200), clean_json(value), None if at is None else epoch_ms(at)]
            for name, value, at in message.readings
        ]
        or None,
        radio=radio_json(message.radio),
        late=message.late,
        simulated=message.simulated,
    )
    return row


def radio_json(radio: Radio | None) -> dict[str, Any] | None:
    """Return what is kept of the radio: the best reception, and who else heard."""
    if radio is None:
        return None
    best = radio.best
    told = {
        "rssi_dbm": None if best is None else best.rssi_dbm,
        "snr_db": None if best is None else best.snr_db,
        "gateway": None if best is None else clean_text(best.gateway, limit=100),
        "gateways": len(radio.receptions),
        "spreading_factor": radio.spreading_factor,
        "frequency_hz": radio.frequency_hz,
    }
    return {name: clean_json(value) for name, value in told.items()}


def error_json(message: str, params: Any, *, way_out: str = "") -> dict[str, Any]:
    """Return an English sentence and its fields as they are stored; translated when shown."""
    return {
        "message": clean_text(message, limit=500),
        **({"way_out": clean_text(way_out, limit=500)} if way_out else {}),
        "params": {
            clean_text(str(name), limit=60): clean_text(str(value), limit=300)
            for name, value in dict(params).items()
        },
    }


def _stored_key(key: str) -> str:
    """Return the key as it is stored: a long one by its SHA-256."""
    plain = clean_text(key, limit=10_000)
    if plain and len(plain) <= MAX_KEY:
        return plain
    return "sha256:" + hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
