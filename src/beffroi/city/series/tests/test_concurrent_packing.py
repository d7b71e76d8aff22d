"""Packing while others read and write: on connections of their own, as processes have."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.db.utils import DatabaseError

from beffroi.city.assets.testing import make_asset
from beffroi.city.series.contracts import Packed
from beffroi.city.series.models import Stream
from beffroi.city.series.packing import day_pack
from beffroi.city.series.testing import make_partitions, make_stream, record
from beffroi.city.series.tests import naive
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.database.testing import TestDatabase
from beffroi.foundation.territories.testing import make_territory

pytestmark = pytest.mark.django_db(transaction=True)

AT = datetime(2025, 5, 6, 10, tzinfo=UTC)
DAY = date(2025, 5, 6)


@pytest.fixture
def kept() -> Stream:
    stream = make_stream(make_asset(make_territory()))
    make_partitions(AT, AT)
    record(stream, [(AT + timedelta(seconds=rank), float(rank)) for rank in range(50)])
    return stream


class Packer(threading.Thread):
    """Packs on a connection of its own and keeps what came of it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.connected = threading.Event()
        self.pid = 0
        self.outcome: object = None

    def start(self) -> None:
        super().start()
        assert self.connected.wait(timeout=10)

    def run(self) -> None:
        try:
            connection.ensure_connection()
            self.pid = connection.connection.info.backend_pid
            self.connected.set()
            self.outcome = day_pack(DAY)
        except DatabaseError as problem:
            self.outcome = problem.__cause__
        finally:
            connection.close()


@contextmanager
def reader_in_the_way(url: str, stream: Stream) -> Iterator[psycopg.Connection[Any]]:
    """Hold a transaction that has read, so that the packer comes to wait just before its drop."""
    with psycopg.connect(url) as reader:
        reader.execute(
            "SELECT set_config('beffroi.territory', %s, true)", [str(stream.territory_id)]
        )
        reader.execute("SELECT count(*) FROM series_observation")
        yield reader


def wait_until_blocked(url: str, pid: int) -> None:
    with psycopg.connect(url, autocommit=True) as watcher:
        for _ in range(200_000):
            row = watcher.execute(
                "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted", [pid]
            ).fetchone()
            if row != (0,):
                return
    raise AssertionError("the packer never waited")


def state(stream: Stream) -> tuple[list[naive.Point], int, int]:
    with acting_for(stream.territory_id):
        return naive.stored(stream.pk), naive.hot_rows(stream.pk), naive.packed_points(stream.pk)


def test_a_packer_killed_before_its_drop_loses_nothing(
    kept: Stream, test_database: TestDatabase
) -> None:
    before = state(kept)
    packer = Packer()
    with reader_in_the_way(test_database.urls.application, kept):
        packer.start()
        wait_until_blocked(test_database.administrator, packer.pid)
        with psycopg.connect(test_database.administrator, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", [packer.pid])
        packer.join(timeout=10)
    assert isinstance(packer.outcome, psycopg.Error)
    assert state(kept) == before == (before[0], 50, 0)
    with acting_for(kept.territory_id):
        assert naive.pack(DAY) == 50
    assert state(kept) == (before[0], 0, 50)


def test_a_row_that_arrives_during_a_pack_is_not_dropped(
    kept: Stream, test_database: TestDatabase
) -> None:
    packer = Packer()
    with reader_in_the_way(test_database.urls.application, kept) as writer:
        packer.start()
        wait_until_blocked(test_database.administrator, packer.pid)
        writer.execute(
            "INSERT INTO series_observation VALUES (%s, %s, %s, 99, 1)",
            [kept.territory_id, kept.pk, AT + timedelta(hours=1)],
        )
    packer.join(timeout=10)
    assert isinstance(packer.outcome, psycopg.errors.SerializationFailure)
    points, hot, packed = state(kept)
    assert (len(points), hot, packed) == (51, 51, 0)
    with acting_for(kept.territory_id):
        assert naive.pack(DAY) == 51
    assert state(kept) == (points, 0, 51)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE series_observation SET value = 99 WHERE value = 0",
        "UPDATE series_observation SET value = -value WHERE value = 0",
        "UPDATE series_observation SET quality = 2 WHERE value = 0",
    ],
)
def test_a_row_that_changes_during_a_pack_undoes_it(
    kept: Stream, test_database: TestDatabase, change: str
) -> None:
    packer = Packer()
    with reader_in_the_way(test_database.urls.application, kept) as writer:
        packer.start()
        wait_until_blocked(test_database.administrator, packer.pid)
        writer.execute(change.encode())
    packer.join(timeout=10)
    assert isinstance(packer.outcome, psycopg.errors.SerializationFailure)
    points, hot, packed = state(kept)
    assert (len(points), hot, packed) == (50, 50, 0)


@pytest.mark.parametrize("arriving", [True, False])
def test_without_the_last_proof_that_row_would_be_lost(
    kept: Stream, test_database: TestDatabase, *, arriving: bool
) -> None:
    """Negative control: the same races with the check taken out of the function."""
    owner = test_database.urls.owner
    assert owner is not None
    name = "series_partition_drop(date, bigint, bigint)"
    with psycopg.connect(owner, autocommit=True) as admin:
        row = admin.execute("SELECT pg_get_functiondef(%s::regprocedure)", [name]).fetchone()
        assert row is not None
        whole = str(row[0])
        check = "rows_there <> p_rows OR checksum_there <> p_checksum"
        assert check in whole
        admin.execute(whole.replace(check, "false").encode())
    try:
        packer = Packer()
        with reader_in_the_way(test_database.urls.application, kept) as writer:
            packer.start()
            wait_until_blocked(test_database.administrator, packer.pid)
            if arriving:
                writer.execute(
                    "INSERT INTO series_observation VALUES (%s, %s, %s, 99, 1)",
                    [kept.territory_id, kept.pk, AT + timedelta(hours=1)],
                )
            else:
                writer.execute("UPDATE series_observation SET value = 99 WHERE value = 0")
        packer.join(timeout=10)
        assert packer.outcome == Packed(rows=50)
        values = [value for _at, value, _flag in state(kept)[0]]
        assert 99.0 not in values, "the row was to be lost: the test above proves nothing"
    finally:
        with psycopg.connect(owner, autocommit=True) as admin:
            admin.execute(whole.encode())
