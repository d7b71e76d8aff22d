from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.city.assets.testing import make_asset
from beffroi.city.series.api import (
    NewObservation,
    ObservationRefused,
    StreamNotFound,
    latest_of_assets,
    observations_correct,
    series_maintain,
)
from beffroi.city.series.civil_time import instant_of, wall_ms
from beffroi.city.series.contracts import Step
from beffroi.city.series.models import Stream
from beffroi.city.series.ranges import series_range
from beffroi.city.series.testing import make_partitions, make_stream, record
from beffroi.city.series.tests import naive
from beffroi.city.series.tests.test_packing import DAYS, day_length_ms, flags, values, written
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.quality import Quality
from beffroi.sdk.declarations import Statistic

AT = datetime(2025, 6, 3, 10, tzinfo=UTC)
DAY = date(2025, 6, 3)

Drawn = list[tuple[int, float, float, Quality]]
drawn = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.one_of(st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.999]), st.floats(0, 1, exclude_max=True)),
        values,
        flags,
    ),
    max_size=20,
)


def correct(day: date, streams: list[Stream], given_points: Drawn) -> int:
    start, length = wall_ms(day), day_length_ms(day)
    return observations_correct(
        streams[0].territory_id,
        [
            NewObservation(
                streams[rank].pk, instant_of(start + int(share * length)), value, quality
            )
            for rank, share, value, quality in given_points
        ],
    ).stored


def expected(day: date, stages: list[tuple[Drawn, bool]], stream: int) -> list[naive.Point]:
    """Work out what stands: a first writing never replaces, a correction always does."""
    start, length = wall_ms(day), day_length_ms(day)
    kept: dict[datetime, naive.Point] = {}
    for points, correcting in stages:
        for rank, share, value, quality in points:
            at = instant_of(start + int(share * length))
            if rank == stream and (correcting or at not in kept):
                kept[at] = (at, value, int(quality))
    return [kept[at] for at in sorted(kept)]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    day=st.sampled_from(DAYS),
    packed=st.booleans(),
    first=drawn,
    late=drawn,
    corrected=drawn,
    again=drawn,
)
def test_a_correction_is_what_every_reader_sees_packed_or_not(
    territory: Territory,
    *,
    day: date,
    packed: bool,
    first: Drawn,
    late: Drawn,
    corrected: Drawn,
    again: Drawn,
) -> None:
    with transaction.atomic():
        streams = [make_stream(make_asset(territory)) for _ in range(2)]
        make_partitions(instant_of(wall_ms(day)), instant_of(wall_ms(day)))
        with acting_for(territory.pk):
            written(day, streams, first)
            if packed:
                naive.pack(day)
            written(day, streams, late)
            stages = [(first, False), (late, False)]
            for points in (corrected, again):
                correct(day, streams, points)
                stages.append((points, True))
                wanted = [expected(day, stages, rank) for rank in range(2)]
                assert [naive.stored(stream.pk) for stream in streams] == wanted
                assert correct(day, streams, points) == 0, "twice is once"
                same_figures(day, streams, wanted)
            naive.pack(day)
            naive.absorb(day + timedelta(days=1))
            assert [naive.stored(stream.pk) for stream in streams] == wanted
            assert [naive.hot_rows(stream.pk) for stream in streams] == [0, 0]
            same_figures(day, streams, wanted)
        transaction.set_rollback(True)


def same_figures(day: date, streams: list[Stream], wanted: list[list[naive.Point]]) -> None:
    """Compare what summaries say with plain Python: for a packed day they are what changed."""
    start = instant_of(wall_ms(day))
    for stream, points in zip(streams, wanted, strict=True):
        for statistic in (Statistic.SUM, Statistic.LAST, Statistic.MAX, Statistic.INCREASE):
            found = series_range(
                stream.pk,
                start=start,
                end=start + timedelta(hours=1),
                step=Step.DAY,
                statistic=statistic,
            )
            items = naive.buckets(points, step=Step.DAY, statistic=statistic)
            largest = max((abs(value) for _at, value, _flag in points), default=1.0)
            assert found.n.tolist() == [item.n for item in items]
            assert found.quality.tolist() == [item.quality for item in items]
            np.testing.assert_allclose(
                found.mean, [item.mean for item in items], rtol=1e-9, atol=1e-12 * largest
            )


def test_only_the_instant_given_changes_in_a_packed_day(stream: Stream) -> None:
    points = [(AT, 1.0, Quality.GOOD), (AT + timedelta(minutes=1), 2.0, Quality.SUSPECT),
              (AT + timedelta(minutes=2), 3.0, Quality.BAD)]  # fmt: skip
    record(stream, points)
    with acting_for(stream.territory_id):
        naive.absorb(DAY + timedelta(days=1))
        changed = NewObservation(stream.pk, AT + timedelta(minutes=1), 20.0, Quality.GOOD)
        assert observations_correct(stream.territory_id, [changed]).stored == 1
        assert naive.hot_rows(stream.pk) == 0
        assert naive.stored(stream.pk) == [
            (AT, 1.0, 1),
            (AT + timedelta(minutes=1), 20.0, 1),
            (AT + timedelta(minutes=2), 3.0, 4),
        ]
        with connection.cursor() as cursor:
            cursor.execute("SELECT n, n_ok, worst, vmin, vmax, vsum, vlast FROM series_segment")
            assert cursor.fetchall() == [(3, 2, 4, 1.0, 20.0, 21.0, 20.0)]


def test_the_latest_value_is_corrected_with_its_observation(stream: Stream) -> None:
    record(stream, [(AT, 1.0), (AT + timedelta(minutes=1), 2.0)])
    earlier = observations_correct(stream.territory_id, [NewObservation(stream.pk, AT, 9.0)])
    assert (earlier.stored, earlier.changed) == (1, ())
    last = NewObservation(stream.pk, AT + timedelta(minutes=1), 8.0)
    assert [item.value for item in observations_correct(stream.territory_id, [last]).changed] == [
        8.0
    ]
    with acting_for(stream.territory_id):
        assert latest_of_assets([stream.asset_id])[stream.asset_id]["power_w"].value == 8.0


def test_of_two_corrections_of_one_instant_the_last_stands(stream: Stream) -> None:
    pair = [NewObservation(stream.pk, AT, 1.0), NewObservation(stream.pk, AT, 2.0)]
    observations_correct(stream.territory_id, pair)
    with acting_for(stream.territory_id):
        assert [value for _at, value, _flag in naive.stored(stream.pk)] == [2.0]
        assert latest_of_assets([stream.asset_id])[stream.asset_id]["power_w"].value == 2.0


def test_what_may_not_be_written_may_not_correct(stream: Stream) -> None:
    with pytest.raises(ObservationRefused):
        observations_correct(stream.territory_id, [NewObservation(stream.pk, AT, 1e19)])
    with pytest.raises(StreamNotFound):
        observations_correct(make_territory().pk, [NewObservation(stream.pk, AT, 1.0)])


def test_a_correction_of_days_that_were_purged_is_merged_like_any_late_value(
    stream: Stream,
) -> None:
    with acting_for(stream.territory_id):
        observations_correct(stream.territory_id, [NewObservation(stream.pk, AT, 4.0)])
        assert naive.hot_rows(stream.pk) == 1
        assert series_maintain(AT + timedelta(days=20)).late_rows == 1
        assert [value for _at, value, _flag in naive.stored(stream.pk)] == [4.0]
