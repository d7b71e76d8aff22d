"""Messages over MQTT, QoS 1: publisher, broker, subscriber and database on one machine."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from uuid import UUID

import msgspec
import psycopg
from django.db import connections

from beffroi.city.ingest.bench.mqtt_load import MqttJob
from beffroi.city.ingest.bench.running import cpu_of, cpu_of_server, running_process
from beffroi.city.ingest.bench.town import BenchTown
from beffroi.city.ingest.mqtt.api import (
    BrokerDescription,
    broker_create,
    broker_enable,
    subscription_add,
)
from beffroi.city.ingest.mqtt.testing import Mosquitto, broker, has_mosquitto
from beffroi.foundation.database.api import acting_for, connected_to
from beffroi.foundation.database.connection import django_database

FILTER = "application/+/device/+/event/up"
_KEEPS_ALL = ("max_queued_messages 1000000", "max_inflight_messages 1000")
"""The publisher is faster than the subscriber; by default the broker would drop what waits."""

PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttFigure:
    """Messages that were on disk per second, and the CPU of each in microseconds."""

    per_s: float
    subscriber_us: float
    database_us: float
    broker_us: float


def mqtt_figure(town: BenchTown, bodies: Path, *, count: int) -> MqttFigure | None:
    """Publish messages to the sensors' source; None where there is no mosquitto.

    The clock runs from the first publish until the last message is committed.
    """
    if not has_mosquitto():
        return None
    with broker(lines=_KEEPS_ALL) as mosquitto:
        named = _subscribe(town, mosquitto)
        environment = {
            "DATABASE_URL": town.application_url,
            "BEFFROI_DATA_DIR": str(town.folder),
        }
        with running_process(["-m", "beffroi", "mqtt", "run"], environment) as subscriber:
            before = _stored(town)
            _publish(MqttJob(port=mosquitto.port, bodies=str(bodies)), only_first=True)
            _wait_for(town, before + 1)
            cpu = (cpu_of([subscriber]), cpu_of_server(town.postmaster), cpu_of([mosquitto.pid]))
            began = time.perf_counter()
            _publish(MqttJob(port=mosquitto.port, bodies=str(bodies), first=1))
            _wait_for(town, before + count)
            seconds = time.perf_counter() - began
            after = (cpu_of([subscriber]), cpu_of_server(town.postmaster), cpu_of([mosquitto.pid]))
        _leave(town, named)
    ours, sql, theirs = (
        (later - earlier) / count * 1e6 for earlier, later in zip(cpu, after, strict=True)
    )
    return MqttFigure(per_s=count / seconds, subscriber_us=ours, database_us=sql, broker_us=theirs)


def _subscribe(town: BenchTown, mosquitto: Mosquitto) -> UUID:
    described = BrokerDescription(
        name=f"Banc {mosquitto.port}", host="127.0.0.1", port=mosquitto.port, tls=False
    )
    with connected_to(django_database(town.application_url)):
        with acting_for(town.territory_id):
            row = broker_create(described)
            subscription_add(town.sensors.source_uuid, row.uuid, topic=FILTER)
        connections.close_all()
    return row.uuid


def _leave(town: BenchTown, named: UUID) -> None:
    with connected_to(django_database(town.application_url)):
        with acting_for(town.territory_id):
            broker_enable(named, enabled=False)
        connections.close_all()


def _publish(job: MqttJob, *, only_first: bool = False) -> None:
    module = "beffroi.city.ingest.bench.mqtt_load"
    subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-m", module, "first" if only_first else "rest"],
        input=msgspec.json.encode(job) + b"\n",
        check=True,
    )


def _stored(town: BenchTown) -> int:
    with psycopg.connect(town.administrator_url) as admin:
        row = admin.execute("SELECT count(*) FROM ingest_message").fetchone()
    return int(cast("tuple[int]", row)[0])


def _wait_for(town: BenchTown, count: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while _stored(town) < count:
        if time.monotonic() > until:
            raise AssertionError(f"{_stored(town)} of {count} messages arrived over MQTT")
        time.sleep(0.05)
