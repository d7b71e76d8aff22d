"""The town of the benchmark: a server of its own with devices and sources."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg.sql import SQL, Identifier

from beffroi.city.assets.api import (
    BulkOptions,
    NewAsset,
    NewDevice,
    assets_upsert_many,
    devices_attach_many,
)
from beffroi.city.ingest.bench.floor import TABLES
from beffroi.city.ingest.bench.messages import CODEC_KEY, STATION_TYPE_KEY, TYPE_KEY
from beffroi.city.ingest.services import source_create
from beffroi.city.series.api import series_maintain
from beffroi.foundation.database.api import acting_for, after_migrate, connected_to
from beffroi.foundation.database.connection import django_database, url_with, user_of
from beffroi.foundation.database.contracts import DEFAULT_DATABASE, DatabaseUrls
from beffroi.foundation.database.embedded import EmbeddedServer
from beffroi.foundation.territories.api import TerritoryKind, territory_create
from beffroi.kernel.clock import now

SENSORS = 2_000
STATIONS = 500


@dataclass(frozen=True, slots=True)
class Door:
    """A source of the town: where it posts, with what secret, and its devices."""

    target: str
    secret: str
    source_id: int
    source_uuid: UUID
    devices: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchTown:
    """A server with a town on it.

    Attributes:
        postmaster: process of the server; its children are what the database costs.
        application_url, administrator_url: of the database.
        sensors: a ChirpStack source of room sensors.
        stations: a plain JSON source of weather stations.
    """

    folder: Path
    postmaster: int
    application_url: str
    administrator_url: str
    territory_id: int
    sensors: Door
    stations: Door


@contextmanager
def bench_town(folder: Path | None) -> Iterator[BenchTown]:
    """Make the server and the town, durable as in production, and remove both afterwards."""
    place = Path(tempfile.mkdtemp(prefix="beffroi-bench-", dir=folder))
    if os.geteuid() == 0:
        place.chmod(0o711)  # the server's own account has to pass through
    server = EmbeddedServer(place / "data")
    try:
        urls = server.start()
        if (postmaster := server.status().pid) is None:
            raise AssertionError("a server just made has a process")
        administrator_url = url_with(server.administrator_url(), dbname=DEFAULT_DATABASE)
        with psycopg.connect(administrator_url, autocommit=True) as admin:
            admin.execute(TABLES.encode())
            grant = SQL("GRANT INSERT ON bench_message, bench_observation TO {}")
            admin.execute(grant.format(Identifier(user_of(urls.application))))
        territory_id, sensors, stations = furnish(urls, sensors=SENSORS, stations=STATIONS)
        yield BenchTown(
            folder=place,
            postmaster=postmaster,
            application_url=urls.application,
            administrator_url=administrator_url,
            territory_id=territory_id,
            sensors=sensors,
            stations=stations,
        )
    finally:
        server.stop()
        shutil.rmtree(place, ignore_errors=True)


def furnish(urls: DatabaseUrls, *, sensors: int, stations: int) -> tuple[int, Door, Door]:
    """Migrate an empty database and give it a town; its number, its two sources."""
    if urls.owner is None:
        raise AssertionError("a server of our own has an owner")
    with connected_to(django_database(urls.owner)):
        call_command("migrate", verbosity=0, interactive=False)
        after_migrate()
        connections.close_all()
    with connected_to(django_database(urls.application)):
        territory = territory_create(
            siren="200000008", name="Banc d’essai", kind=TerritoryKind.SYNDICAT
        )
        with acting_for(territory.id):
            doors = (
                _door("chirpstack", TYPE_KEY, count=sensors, codec=CODEC_KEY),
                _door("plain_json", STATION_TYPE_KEY, count=stations, codec=""),
            )
        series_maintain(now())
        connections.close_all()
    return territory.id, *doors


def _door(connector: str, type_key: str, *, count: int, codec: str) -> Door:
    devices = [f"a81758{len(type_key):04x}{rank:06x}" for rank in range(count)]
    source, issued = source_create(connector, name=connector, default_codec=codec)
    if issued is None:
        raise AssertionError("a source with a secret shows it once")
    assets_upsert_many(
        [
            NewAsset(external_key=device, lon=3.8 + rank * 1e-5, lat=43.6)
            for rank, device in enumerate(devices)
        ],
        type_key=type_key,
        options=BulkOptions(),
    )
    devices_attach_many(
        [
            (NewDevice(identifier=device, source_id=source.id, codec_key=codec), device)
            for device in devices
        ],
        type_key=type_key,
        at=now() - timedelta(days=2),
    )
    return Door(f"/ingest/{connector}/{source.key}", issued.secret, source.id, source.uuid, devices)
