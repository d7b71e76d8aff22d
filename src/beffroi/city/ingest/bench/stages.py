"""What each stage of a message costs in CPU, measured alone in this process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count

from beffroi.city.ingest.asgi import told
from beffroi.city.ingest.batches import Batch, decode_batch, sort_out, streams_wanted
from beffroi.city.ingest.bench.messages import CODEC_KEY, frames
from beffroi.city.ingest.bench.town import BenchTown
from beffroi.city.ingest.catalogue import catalogue
from beffroi.city.ingest.directory import SourceEntry
from beffroi.city.ingest.flush import flush_parameters
from beffroi.city.ingest.redecoding import devices_now
from beffroi.city.ingest.requests import headers_of, secret_is_right
from beffroi.city.ingest.services import hash_of
from beffroi.foundation.database.api import acting_for
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import uuid7
from beffroi.sdk.connectors import Authentication, Delivery

MESSAGES = 10_000
GROUP = 250


def stages(town: BenchTown) -> Mapping[str, float]:
    """Return microseconds of CPU per message and stage; the database and the server apart."""
    door, installed = town.sensors, catalogue()
    source = SourceEntry(
        id=door.source_id,
        territory_id=town.territory_id,
        uuid=uuid7(),
        key="",
        connector=installed.connectors["chirpstack"],
        authentication=Authentication.SECRET.value,
        secret_hashes=((hash_of(door.secret), datetime.max.replace(tzinfo=UTC)),),
        shared_key="",
        settings={},
        default_codec=CODEC_KEY,
    )
    with acting_for(town.territory_id):
        devices = devices_now(door.source_id, set(door.devices))
    deliveries = [
        Delivery(body=body, content_type="application/json", received_at=now())
        for body in frames(door.devices, count=MESSAGES, first=0, at=now())
    ]
    scope = {
        "headers": [
            (b"host", b"127.0.0.1"),
            (b"authorization", b"Bearer " + door.secret.encode()),
            (b"content-type", b"application/json"),
            (b"user-agent", b"Go-http-client/1.1"),
            (b"accept-encoding", b"gzip"),
            (b"content-length", b"900"),
        ]
    }
    measured: dict[str, float] = {}
    clock = _Clock(measured)
    for _ in deliveries:
        if not secret_is_right(source, headers_of(scope)):
            raise AssertionError("the secret is the source's")
    clock.lap("authentication")
    parsed = [source.connector.parse(delivery) for delivery in deliveries]
    clock.lap("parsing")
    batches: list[Batch] = [
        sort_out(items, source=source, received_at=delivery.received_at, content_type="")
        for items, delivery in zip(parsed, deliveries, strict=True)
    ]
    clock.lap("sorting out")
    for batch in batches:
        decode_batch(batch, dict(devices), installed=installed)
    clock.lap("decoding and mapping")
    numbers = count(1)
    for batch in batches:
        for device, value in streams_wanted(batch):
            device.streams[value.asset.asset_id, value.measure.key] = next(numbers)
    clock.forget()
    for first in range(0, MESSAGES, GROUP):
        flush_parameters(batches[first : first + GROUP])
    clock.lap("rows for the database")
    for batch in batches:
        told(batch)
    clock.lap("answer")
    return measured


class _Clock:
    def __init__(self, measured: dict[str, float]) -> None:
        self._measured = measured
        self._at = time.process_time()

    def lap(self, name: str) -> None:
        self._measured[name] = (time.process_time() - self._at) / MESSAGES * 1e6
        self._at = time.process_time()

    def forget(self) -> None:
        self._at = time.process_time()
