"""Days of old months packed together: what readers see stays, whatever comes after."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.city.assets.testing import make_asset
from beffroi.city.series.api import (
    NewObservation,
    observations_correct,
    observations_record,
    series_maintain,
)
from beffroi.city.series.civil_time import instant_of, wall_ms
from beffroi.city.series.contracts import Step
from beffroi.city.series.models import Stream
from beffroi.city.series.ranges import series_range, values_read
from beffroi.city.series.repacking import months_pack
from beffroi.city.series.testing import make_stream, record
from beffroi.city.series.tests import naive
from beffroi.city.series.tests.test_packing import flags, values
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.database.testing import TestDatabase
from beffroi.foundation.territories.models import Territory
from beffroi.kernel.quality import Quality
from beffroi.sdk.declarations import Statistic

FIRST, LAST = date(2025, 3, 1), date(2025, 5, 1)
SPAN = wall_ms(LAST) - wall_ms(FIRST)

Drawn = list[tuple[int, float, float, Quality]]
drawn = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.one_of(st.sampled_from([0.0, 0.3, 0.5, 0.999]), st.floats(0, 1, exclude_max=True)),
        values,
        flags,
    ),
    max_size=25,
)


def new(streams: list[Stream], given_points: Drawn) -> list[NewObservation]:
    start = wall_ms(FIRST)
    return [
        NewObservation(streams[rank].pk, instant_of(start + int(share * SPAN)), value, quality)
        for rank, share, value, quality in given_points
    ]


def stored(kind: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(sum(n), 0) FROM series_{kind}")  # noqa: S608 - of this file
        return int(cursor.fetchone()[0])


def same_figures(stream: Stream, points: list[naive.Point]) -> None:
    start, end = instant_of(wall_ms(FIRST)), instant_of(wall_ms(LAST))
    for step, statistic in ((Step.DAY, Statistic.SUM), (Step.MONTH, Statistic.INCREASE),
                            (Step.DAY, Statistic.LAST), (Step.HOUR, Statistic.MAX)):  # fmt: skip
        found = series_range(stream.pk, start=start, end=end, step=step, statistic=statistic)
        wanted = naive.buckets(points, step=step, statistic=statistic)
        largest = max((abs(value) for _at, value, _flag in points), default=1.0)
        assert found.n.tolist() == [item.n for item in wanted]
        assert found.quality.tolist() == [item.quality for item in wanted]
        assert found.mean.tolist() == pytest.approx(
            [item.mean for item in wanted], rel=1e-9, abs=1e-12 * largest, nan_ok=True
        )


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(first=drawn, late=drawn, corrected=drawn, again=st.booleans())
def test_packing_by_month_changes_nothing_that_a_reader_sees(
    territory: Territory, *, first: Drawn, late: Drawn, corrected: Drawn, again: bool
) -> None:
    with transaction.atomic():
        streams = [make_stream(make_asset(territory)) for _ in range(2)]
        with acting_for(territory.pk):
            observations_record(territory.pk, new(streams, first))
            naive.absorb(LAST)
            seen = [naive.stored(stream.pk) for stream in streams]
            count = sum(map(len, seen))
            assert months_pack(LAST).rows == count
            assert (stored("segment"), stored("month")) == (0, count)
            assert months_pack(LAST).rows == 0, "a second round has nothing to do"
            observations_record(territory.pk, new(streams, late))
            seen = [naive.stored(stream.pk) for stream in streams]
            for points, stream in zip(seen, streams, strict=True):
                assert set(points) >= set(naive.stored(stream.pk))
                same_figures(stream, points)
            naive.absorb(LAST)
            assert [naive.stored(stream.pk) for stream in streams] == seen
            if again:
                months_pack(LAST)
            observations_correct(territory.pk, new(streams, corrected))
            naive.absorb(LAST)
            months_pack(LAST)
            wanted = []
            for points, stream in zip(seen, streams, strict=True):
                kept = {at: (at, value, flag) for at, value, flag in points}
                for item in new(streams, corrected):
                    if item.stream_id == stream.pk:
                        kept[item.observed_at] = (
                            item.observed_at, item.value, int(item.quality or 0)
                        )  # fmt: skip
                wanted.append([kept[at] for at in sorted(kept)])
            assert [naive.stored(stream.pk) for stream in streams] == wanted
            assert sum(naive.hot_rows(stream.pk) for stream in streams) == 0
            assert stored("segment") == 0
            for points, stream in zip(wanted, streams, strict=True):
                same_figures(stream, points)
        transaction.set_rollback(True)


def test_the_pulse_packs_old_months_and_leaves_days_that_windows_open(stream: Stream) -> None:
    now = datetime(2025, 6, 20, 12, tzinfo=UTC)
    record(stream, [(now - timedelta(days=back), float(back)) for back in range(3, 120)])
    with acting_for(stream.territory_id):
        before = naive.stored(stream.pk)
    assert series_maintain(now).months_packed == 48 - 10 + 31 - 10 + 10
    with acting_for(stream.territory_id):
        assert naive.stored(stream.pk) == before
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT min(day), (SELECT max(last) FROM series_month) FROM series_segment"
            )
            assert cursor.fetchone() == (date(2025, 5, 1), date(2025, 4, 30))


def test_a_stream_of_very_many_values_has_several_rows_in_a_month(stream: Stream) -> None:
    start = datetime(2025, 4, 3, 22, tzinfo=UTC)
    observations_record(
        stream.territory_id,
        [
            NewObservation(stream.pk, start + timedelta(days=day, seconds=second), float(second))
            for day in range(3)
            for second in range(9_000)
        ],
    )
    naive.absorb(LAST)
    assert months_pack(LAST).rows == 27_000
    with acting_for(stream.territory_id):
        with connection.cursor() as cursor:
            cursor.execute("SELECT n FROM series_month ORDER BY first")
            assert cursor.fetchall() == [(18_000,), (9_000,)]
        t_ms, _value, _flag = values_read(
            stream.pk, start=start + timedelta(days=1), end=start + timedelta(days=3)
        )
        assert len(t_ms) == 18_000


def test_an_interrupted_packing_by_month_has_done_nothing(stream: Stream) -> None:
    at = datetime(2025, 4, 3, 10, tzinfo=UTC)
    record(stream, [(at, 1.0)])
    naive.absorb(LAST)
    with acting_for(stream.territory_id):
        before = naive.stored(stream.pk)
        point = transaction.savepoint()
        assert months_pack(LAST).rows == 1
        transaction.savepoint_rollback(point)
        assert (naive.stored(stream.pk), stored("segment"), stored("month")) == (before, 1, 0)
        assert months_pack(LAST).rows == 1
        assert naive.stored(stream.pk) == before


@pytest.mark.django_db(transaction=True)
def test_a_month_that_is_not_read_back_as_it_was_keeps_its_days(
    stream: Stream, test_database: TestDatabase
) -> None:
    """Planted fault: the table changes one octet of what it is given."""
    other = make_stream(make_asset(stream.territory))
    record(stream, [(instant_of(wall_ms(FIRST)) + timedelta(days=day), 1.5) for day in range(9)])
    record(other, [(instant_of(wall_ms(FIRST)), 1.0)])
    naive.absorb(LAST)
    with acting_for(stream.territory_id):
        before = naive.stored(stream.pk)
    with psycopg.connect(test_database.urls.owner or "", autocommit=True) as owner:
        owner.execute(
            f"""CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.stream_id = {stream.pk} THEN
                    NEW.vsum[3] := NEW.vsum[3] + 1e-9;
                END IF; RETURN NEW; END $$""".encode()
        )
        owner.execute(
            "CREATE TRIGGER spoil BEFORE INSERT ON series_month"
            " FOR EACH ROW EXECUTE FUNCTION spoil()"
        )
        try:
            packed = months_pack(LAST)
            assert (packed.rows, f"series {stream.pk}" in packed.problem) == (1, True)
        finally:
            owner.execute("DROP TRIGGER spoil ON series_month")
            owner.execute("DROP FUNCTION spoil()")
    with acting_for(stream.territory_id):
        assert (naive.stored(stream.pk), stored("segment"), stored("month")) == (before, 9, 1)
    assert months_pack(LAST).rows == 9
