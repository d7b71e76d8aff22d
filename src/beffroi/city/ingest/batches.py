"""A delivery on its way to the database: what was read of it, and what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from beffroi.city.codecs.api import Ran
from beffroi.city.ingest.catalogue import Catalogue
from beffroi.city.ingest.clocks import clock_limits
from beffroi.city.ingest.contracts import MAX_IDENTIFIER, MAX_KEY, Status
from beffroi.city.ingest.decoding import Decoded, DeviceEntry, Value, decode_uplink
from beffroi.city.ingest.directory import SourceEntry
from beffroi.city.ingest.plain_values import clean_json, clean_text
from beffroi.sdk.connectors import Notice, Parsed, Radio, Refusal, Uplink

PLAIN_OCTETS = 16_384
"""JSON up to this length has neither more fields nor more depth than a page can show."""


@dataclass(slots=True)
class Item:
    """One uplink or notice of a delivery, and what was read from it."""

    message: Uplink | Notice
    key: str
    identifier: str
    index: int = 0
    """Its place in the delivery."""
    device: DeviceEntry | None = None
    ran: Ran | None = None
    """What the device's script made of it, where it has one."""
    decoded: Decoded = field(default_factory=lambda: Decoded(Status.NOTICE))
    new: bool = False
    """Whether the flush stored it; a message that was known is not new."""
    radio: bytes | None = None
    """What is kept of the radio, as JSON; written when its row is."""


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
    scripts_ran: bool = False
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
    clock = clock_limits(batch.source.settings)
    for item in batch.items:
        item.device = devices.get(item.identifier)
        if isinstance(item.message, Uplink):
            item.decoded = decode_uplink(
                item.message,
                item.device,
                received_at=batch.received_at,
                default_codec=batch.source.default_codec,
                installed=installed,
                ran=item.ran,
                clock=clock,
            )


def streams_wanted(batch: Batch) -> list[tuple[DeviceEntry, Value]]:
    """Return the values whose stream their device does not know yet."""
    return [
        (device, value)
        for item in batch.items
        if (device := item.device) is not None
        for value in item.decoded.values
        if (value.asset.asset_id, value.measure.key) not in device.streams
    ]


def radio_json(radio: Radio | None) -> bytes | None:
    """Return what is kept of the radio as JSON: the best reception, and who else heard."""
    if radio is None:
        return None
    best = radio.best
    return json_of(
        {
            "rssi_dbm": None if best is None else best.rssi_dbm,
            "snr_db": None if best is None else best.snr_db,
            "gateway": None if best is None else clean_text(best.gateway, limit=100),
            "gateways": len(radio.receptions),
            "spreading_factor": radio.spreading_factor,
            "frequency_hz": radio.frequency_hz,
        }
    )


def json_of(value: Any) -> bytes:
    """Return a value as JSON that a jsonb column takes; what does not fit becomes text or null."""
    try:
        octets = msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError, UnicodeEncodeError):
        return msgspec.json.encode(clean_json(value))
    if len(octets) > PLAIN_OCTETS or b"\\u0000" in octets:
        return msgspec.json.encode(clean_json(value))
    return octets


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
