"""Should a value ever make packing fail, it stands alone: everything else is packed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from beffroi.city.assets.testing import make_asset
from beffroi.city.series.api import MaintenanceFailed, retention_set, series_maintain
from beffroi.city.series.models import Stream
from beffroi.city.series.packing import late_absorb
from beffroi.city.series.pulse import BEATS
from beffroi.city.series.services import partition_days
from beffroi.city.series.testing import make_partitions, make_stream, record
from beffroi.city.series.tests import naive
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.database.testing import TestDatabase
from beffroi.foundation.territories.testing import make_territory

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2025, 6, 20, 12, tzinfo=UTC)
AT = NOW - timedelta(days=12)
BAD = 666.0


@contextmanager
def one_value_cannot_be_packed(database: TestDatabase) -> Iterator[None]:
    """Have the table of packed days refuse one value: no value known today does."""
    owner = database.urls.owner
    assert owner is not None
    with psycopg.connect(owner, autocommit=True) as admin:
        admin.execute("SET lock_timeout = '10s'")
        admin.execute(
            "ALTER TABLE series_segment ADD CONSTRAINT planted"
            f" CHECK (vmax IS DISTINCT FROM {BAD}) NOT VALID".encode()
        )
        try:
            yield
        finally:
            admin.execute("ALTER TABLE series_segment DROP CONSTRAINT planted")


@pytest.fixture
def streams(stream: Stream) -> list[Stream]:
    """A stream with the value, its neighbour, and one of another territory."""
    neighbour = make_stream(make_asset(stream.territory))
    elsewhere = make_stream(make_asset(make_territory()))
    return [stream, neighbour, elsewhere]


def seen(streams: list[Stream]) -> list[list[naive.Point]]:
    found = []
    for item in streams:
        with acting_for(item.territory_id):
            found.append(naive.stored(item.pk))
    return found


def hot(streams: list[Stream]) -> list[int]:
    found = []
    for item in streams:
        with acting_for(item.territory_id):
            found.append(naive.hot_rows(item.pk))
    return found


@pytest.mark.parametrize("late", [False, True])
def test_a_value_that_cannot_be_packed_stops_neither_streams_days_nor_territories(
    streams: list[Stream], test_database: TestDatabase, *, late: bool
) -> None:
    if not late:
        make_partitions(AT, AT + timedelta(days=1))
    for item in streams:
        record(item, [(AT, 1.0), (AT + timedelta(days=1), 2.0)])
    record(streams[0], [(AT + timedelta(minutes=1), BAD)])
    before = seen(streams)

    with one_value_cannot_be_packed(test_database):
        report = series_maintain(NOW)
        assert len(report.failed) == 1
        assert f"series {streams[0].pk}: new row" in report.failed[0]
        assert seen(streams) == before
        assert hot(streams) == [2, 0, 0]
        assert partition_days().count(AT.date()) == int(not late)
        # And the next round, which meets it again, still does the rest.
        record(streams[1], [(AT + timedelta(days=1, hours=1), 3.0)])
        with pytest.raises(MaintenanceFailed, match="planted"):
            BEATS[0].run(NOW)
        assert hot(streams) == [2, 0, 0]

    # Once what stopped it is mended, the day is packed like any other.
    assert series_maintain(NOW).failed == ()
    assert hot(streams) == [0, 0, 0]
    assert seen(streams)[0] == before[0]
    assert AT.date() not in partition_days()


def test_days_that_cannot_be_packed_leave_room_for_the_others(
    streams: list[Stream], test_database: TestDatabase
) -> None:
    days = [AT - timedelta(days=back) for back in range(5)]
    record(streams[0], [(day, BAD) for day in days])
    record(streams[1], [(AT + timedelta(days=1), 1.0)])
    with one_value_cannot_be_packed(test_database):
        found = late_absorb(date(2025, 6, 19), most=1)
    assert (found.rows, "planted" in found.problem) == (1, True)


def test_keeping_for_longer_than_the_calendar_is_keeping(stream: Stream) -> None:
    record(stream, [(AT, 1.0)])
    with acting_for(stream.territory_id):
        retention_set(keep_days=2**31 - 1)
    report = series_maintain(NOW)
    assert (report.failed, report.segments_purged) == ((), 0)
