from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.city.assets.testing import make_asset
from beffroi.city.series.api import NewObservation, observations_record, series_maintain
from beffroi.city.series.civil_time import instant_of, wall_ms
from beffroi.city.series.models import Stream
from beffroi.city.series.services import partition_days
from beffroi.city.series.testing import make_partitions, make_stream, record
from beffroi.city.series.tests import naive
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.quality import Quality

FLIP = "UPDATE series_segment SET points = set_byte(points, length(points) - 1, 1)"
"""The last octet of values that have no flag but GOOD is one of a value."""

SHORT_DAY = date(2025, 3, 30)  # 23 hours
LONG_DAY = date(2025, 10, 26)  # 25 hours
LEAP_DAY = date(2024, 2, 29)
PLAIN_DAY = date(2025, 6, 3)
DAYS = (SHORT_DAY, LONG_DAY, LEAP_DAY, PLAIN_DAY)


def day_length_ms(day: date) -> int:
    return wall_ms(day + timedelta(days=1)) - wall_ms(day)


values = st.floats(min_value=-1e18, max_value=1e18, allow_nan=False)
flags = st.sampled_from(list(Quality))
points = st.lists(
    st.tuples(st.integers(0, 2), st.floats(0, 1, exclude_max=True), values, flags), max_size=40
)
few_instants = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.999]), values, flags), max_size=12
)


def written(
    day: date, streams: list[Stream], drawn: list[tuple[int, float, float, Quality]]
) -> None:
    start = wall_ms(day)
    length = day_length_ms(day)
    observations_record(
        streams[0].territory_id,
        [
            NewObservation(
                streams[rank].pk, instant_of(start + int(share * length)), value, quality
            )
            for rank, share, value, quality in drawn
        ],
    )


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    day=st.sampled_from(DAYS),
    first=st.one_of(points, few_instants),
    late=st.one_of(points, few_instants),
    later=few_instants,
)
def test_packing_and_merging_late_values_changes_nothing_that_a_reader_sees(
    territory: Territory,
    day: date,
    first: list[tuple[int, float, float, Quality]],
    late: list[tuple[int, float, float, Quality]],
    later: list[tuple[int, float, float, Quality]],
) -> None:
    with transaction.atomic():
        streams = [make_stream(make_asset(territory)) for _ in range(3)]
        make_partitions(instant_of(wall_ms(day)), instant_of(wall_ms(day)))
        with acting_for(territory.pk):
            written(day, streams, first)
            before = [naive.stored(stream.pk) for stream in streams]
            assert naive.pack(day) == sum(map(len, before))
            assert [naive.stored(stream.pk) for stream in streams] == before
            assert sum(naive.hot_rows(stream.pk) for stream in streams) == 0
            for batch in (late, later):
                written(day, streams, batch)
                seen = [naive.stored(stream.pk) for stream in streams]
                naive.absorb(day + timedelta(days=1))
                assert [naive.stored(stream.pk) for stream in streams] == seen
                assert sum(naive.hot_rows(stream.pk) for stream in streams) == 0
                assert [naive.packed_points(stream.pk) for stream in streams] == [*map(len, seen)]
            for stream, was in zip(streams, before, strict=True):
                assert set(was) <= set(naive.stored(stream.pk)), "an existing value was replaced"
        transaction.set_rollback(True)


def test_the_smallest_and_largest_values_pack(stream: Stream) -> None:
    at = datetime(2025, 6, 3, 10, tzinfo=UTC)
    values = [5e-324, -5e-324, 1e-300, -1e18, 1e18, 300.0, -300.0, 0.0]
    record(stream, [(at + timedelta(minutes=rank), value) for rank, value in enumerate(values)])
    with acting_for(stream.territory_id):
        naive.absorb(date(2025, 6, 4))
        assert [value for _at, value, _flag in naive.stored(stream.pk)] == values
        assert naive.hot_rows(stream.pk) == 0


def test_the_checker_sees_one_changed_value(stream: Stream) -> None:
    at = datetime(2025, 6, 3, 10, tzinfo=UTC)
    record(stream, [(at, 1.0), (at + timedelta(minutes=1), 2.0)])
    with acting_for(stream.territory_id):
        before = naive.stored(stream.pk)
        naive.absorb(date(2025, 6, 4))
        with connection.cursor() as cursor:
            cursor.execute(FLIP)
        assert naive.stored(stream.pk) != before


def test_a_day_that_is_not_over_is_not_packed(territory: Territory) -> None:
    del territory
    with pytest.raises(DatabaseError, match="not closed"), transaction.atomic():
        naive.pack(datetime.now(UTC).date() + timedelta(days=1))


def test_rows_that_waited_for_their_partition_move_into_it(stream: Stream) -> None:
    at = datetime(2025, 6, 3, 10, tzinfo=UTC)
    record(stream, [(at, 1.0)])
    with connection.cursor() as cursor:
        make_partitions(at, at)
        with acting_for(stream.territory_id):
            cursor.execute("SELECT tableoid::regclass::text, value FROM series_observation")
            assert cursor.fetchall() == [("series_observation_20250603", 1.0)]


def test_the_pulse_keeps_partitions_packs_and_merges(stream: Stream) -> None:
    now = datetime(2025, 6, 20, 12, tzinfo=UTC)
    days = [now - timedelta(days=back) for back in range(12)]
    make_partitions(days[-1], days[0])
    record(stream, [(day, float(rank)) for rank, day in enumerate(days)])
    with acting_for(stream.territory_id):
        before = naive.stored(stream.pk)

    report = series_maintain(now)

    assert (report.days_packed, report.rows_packed, report.refused) == (10, 10, ())
    assert partition_days() == [now.date() + timedelta(days=ahead) for ahead in range(-1, 4)]
    with acting_for(stream.territory_id):
        assert naive.stored(stream.pk) == before
        record(stream, [(days[-1] + timedelta(minutes=1), 99.0)])
        assert series_maintain(now).late_rows == 1
        assert len(naive.stored(stream.pk)) == len(before) + 1
        assert series_maintain(now).sentence() == "", "a second round has nothing to do"


def test_an_interrupted_pack_has_done_nothing(stream: Stream) -> None:
    at = datetime(2025, 6, 3, 10, tzinfo=UTC)
    make_partitions(at, at)
    record(stream, [(at, 1.0)])

    with acting_for(stream.territory_id):
        before = naive.stored(stream.pk)
        point = transaction.savepoint()
        assert naive.pack(at.date()) == 1
        transaction.savepoint_rollback(point)
        assert naive.stored(stream.pk) == before
        assert (naive.hot_rows(stream.pk), naive.packed_points(stream.pk)) == (1, 0)
        assert naive.pack(at.date()) == 1
        assert naive.stored(stream.pk) == before


def test_days_of_two_territories_are_packed_together(stream: Stream) -> None:
    other = make_stream(make_asset(make_territory()))
    at = datetime(2025, 6, 3, 10, tzinfo=UTC)
    make_partitions(at, at)
    record(stream, [(at, 1.0)])
    record(other, [(at, 2.0), (at + timedelta(hours=1), 3.0)])
    assert naive.pack(at.date()) == 3
    with acting_for(other.territory_id):
        assert [value for _at, value, _flag in naive.stored(other.pk)] == [2.0, 3.0]
        assert naive.stored(stream.pk) == []
