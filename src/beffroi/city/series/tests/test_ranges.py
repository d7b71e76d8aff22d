from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.city.series.api import NewObservation, RangeRefused, Step, observations_record
from beffroi.city.series.civil_time import edges_ms, instant_of, wall_ms
from beffroi.city.series.models import Stream
from beffroi.city.series.ranges import series_range, value_before, values_read
from beffroi.city.series.testing import make_partitions, record
from beffroi.city.series.tests import naive
from beffroi.foundation.database.api import acting_for
from beffroi.kernel.clock import PARIS
from beffroi.kernel.quality import Quality
from beffroi.sdk.declarations import Statistic

PERIODS = {
    "spring": (date(2025, 3, 28), date(2025, 4, 2)),
    "autumn": (date(2025, 10, 24), date(2025, 10, 29)),
    "leap": (date(2024, 2, 27), date(2024, 3, 3)),
}


@pytest.fixture(params=PERIODS)
def filled(
    request: pytest.FixtureRequest, stream: Stream
) -> Iterator[tuple[Stream, list[naive.Point], datetime, datetime]]:
    """Five random days: some packed, some hot, with late values and values that do not count."""
    first, last = PERIODS[request.param]
    draw = Random(f"{request.param}, the same each time")  # noqa: S311 - no secret
    start, end = instant_of(wall_ms(first)), instant_of(wall_ms(last))
    make_partitions(start, end)
    span = wall_ms(last) - wall_ms(first)

    def some(count: int) -> list[naive.Point]:
        return [
            (
                instant_of(wall_ms(first) + draw.randrange(span)),
                round(draw.uniform(-20, 90), 2),
                draw.choice([1, 1, 1, 2, 3, 4, 9]),
            )
            for _ in range(count)
        ]

    at_night = [
        (instant_of(wall_ms(first + timedelta(days=back)) + shift), 12.5, 1)
        for back in range(5)
        for shift in (-1, 0, 1, 3_600_000 * 2, 3_600_000 * 3)
    ]
    points = some(400) + at_night
    write(stream, points)
    with acting_for(stream.territory_id):
        for back in range(3):
            naive.pack(first + timedelta(days=back))
    late = [*some(60), *((at, value + 1, 1) for at, value, _flag in points[:20])]
    write(stream, late)
    with acting_for(stream.territory_id):
        yield stream, points + late, start, end


def write(stream: Stream, points: list[naive.Point]) -> None:
    observations_record(
        stream.territory_id,
        [NewObservation(stream.pk, at, value, Quality(flag)) for at, value, flag in points],
    )


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.RAW])
def test_buckets_are_what_plain_python_finds(
    filled: tuple[Stream, list[naive.Point], datetime, datetime], step: Step
) -> None:
    stream, points, start, end = filled
    for statistic in Statistic:
        # A value just before the period counts in no bucket of it, but a counter grows from it.
        expected = [
            item
            for item in naive.buckets(points, step=step, statistic=statistic)
            if item.start >= naive.bucket_start(start, step)
        ]
        found = series_range(stream.pk, start=start, end=end, step=step, statistic=statistic)
        assert [instant_of(at) for at in found.t_ms.tolist()] == [item.start for item in expected]
        assert found.n.tolist() == [item.n for item in expected]
        assert found.quality.tolist() == [item.quality for item in expected]
        for name, wanted in (("mean", "mean"), ("min", "low"), ("max", "high")):
            np.testing.assert_allclose(
                getattr(found, name),
                [getattr(item, wanted) for item in expected],
                rtol=1e-9,
                atol=1e-9,
                err_msg=f"{statistic} {name}",
            )


def test_raw_values_come_in_order_and_once(
    filled: tuple[Stream, list[naive.Point], datetime, datetime],
) -> None:
    stream, points, start, end = filled
    kept: dict[datetime, naive.Point] = {}
    for point in points:
        kept.setdefault(point[0], point)
    t_ms, value, quality = values_read(stream.pk, start=start, end=end)
    expected = [kept[at] for at in sorted(kept) if start <= at < end]
    assert (
        list(zip(map(instant_of, t_ms.tolist()), value.tolist(), quality.tolist(), strict=True))
        == expected
    )


def test_the_comparison_with_plain_python_can_fail(
    filled: tuple[Stream, list[naive.Point], datetime, datetime],
) -> None:
    """Negative control: one value changed a little, and the sums differ."""
    stream, points, start, end = filled
    planted = [(at, value + 0.01 * (rank == 0), 1) for rank, (at, value, _) in enumerate(points)]
    sums = [
        [item.mean for item in naive.buckets(some, step=Step.MONTH, statistic=Statistic.SUM)]
        for some in (planted, [(at, value, 1) for at, value, _flag in points])
    ]
    assert not np.allclose(sums[0], sums[1], rtol=1e-9, atol=1e-9)
    with acting_for(stream.territory_id):
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE series_segment SET points = set_byte(points, o, get_byte(points, o) # 1)"
                " FROM (SELECT (length(points) - n) / 2 AS o FROM series_segment LIMIT 1) middle"
            )
        found = series_range(stream.pk, start=start, end=end, step=Step.HOUR)
    expected = naive.buckets(points, step=Step.HOUR, statistic=Statistic.MEAN)
    expected = [item for item in expected if item.start >= start]
    assert not np.allclose(
        found.mean, [item.mean for item in expected], rtol=1e-9, atol=1e-9, equal_nan=True
    )


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2025, 3, 30), 23), (date(2025, 10, 26), 25), (date(2024, 2, 29), 24)]
)
def test_a_day_has_the_hours_that_it_has(stream: Stream, day: date, hours: int) -> None:
    start, end = instant_of(wall_ms(day)), instant_of(wall_ms(day + timedelta(days=1)))
    make_partitions(start, start)
    record(stream, [(start + timedelta(hours=rank), 1.0) for rank in range(-1, hours + 1)])
    for packed in (False, True):
        with acting_for(stream.territory_id):
            if packed:
                assert naive.pack(day) == hours
            by_hour = series_range(stream.pk, start=start, end=end, step=Step.HOUR)
            by_day = series_range(stream.pk, start=start, end=end, step=Step.DAY)
        assert by_hour.n.tolist() == [1] * hours
        assert by_day.n.tolist() == [hours]


def test_a_month_begins_at_midnight_in_paris(stream: Stream) -> None:
    midnight = datetime(2025, 7, 1, tzinfo=PARIS)
    record(stream, [(midnight - timedelta(milliseconds=1), 1.0), (midnight, 2.0)])
    with acting_for(stream.territory_id):
        found = series_range(
            stream.pk,
            start=midnight - timedelta(days=1),
            end=midnight + timedelta(days=1),
            step=Step.MONTH,
        )
    assert found.mean.tolist() == [1.0, 2.0]
    assert instant_of(int(found.t_ms[1])) == midnight


def test_decibels_are_averaged_as_energy(stream: Stream) -> None:
    # Two sources of 60 and 70 dB: mean energy (1e6 + 1e7) / 2, that is 67.4 dB and not 65.
    at = datetime(2025, 6, 3, 10, tzinfo=UTC)
    record(stream, [(at, 60.0), (at + timedelta(minutes=1), 70.0)])
    for _packed in range(2):
        with acting_for(stream.territory_id):
            found = series_range(
                stream.pk,
                start=at,
                end=at + timedelta(hours=1),
                step=Step.DAY,
                statistic=Statistic.MEAN_ENERGY_DB,
            )
            naive.absorb(date(2025, 6, 4))
        assert found.mean[0] == pytest.approx(67.404, abs=0.001)


def test_a_counter_that_restarts_does_not_count_backwards(stream: Stream) -> None:
    at = datetime(2025, 6, 3, 10, tzinfo=UTC)
    record(stream, [(at + timedelta(days=n), v) for n, v in enumerate([100.0, 130.0, 5.0, 25.0])])
    with acting_for(stream.territory_id):
        found = series_range(
            stream.pk,
            start=at + timedelta(days=1),
            end=at + timedelta(days=4),
            step=Step.DAY,
            statistic=Statistic.INCREASE,
        )
    assert found.mean.tolist() == [30.0, 0.0, 20.0]


@pytest.mark.parametrize("packed", [False, True])
def test_the_first_hour_grows_from_the_value_before_it_on_the_same_day(
    stream: Stream, *, packed: bool
) -> None:
    at = datetime(2025, 6, 3, 8, tzinfo=UTC)
    day_before = (at - timedelta(hours=20), 100.0)
    hours = [(at + timedelta(hours=n), 150.0 + n) for n in range(4)]
    record(stream, [day_before, *hours, (at + timedelta(minutes=90), 999.0, Quality.BAD)])
    with acting_for(stream.territory_id):
        if packed:
            naive.absorb(date(2025, 6, 4))
        found = series_range(
            stream.pk,
            start=at + timedelta(hours=2),
            end=at + timedelta(hours=4),
            step=Step.HOUR,
            statistic=Statistic.INCREASE,
        )
    assert found.mean.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("packed", [False, True])
def test_a_packed_day_before_is_opened_only_as_far_as_it_counts(
    stream: Stream, *, packed: bool
) -> None:
    # What waits to be merged is later than what is packed of the same day: it is what comes before.
    at = datetime(2025, 6, 3, 8, tzinfo=UTC)
    record(stream, [(at, 10.0)])
    with acting_for(stream.territory_id):
        naive.absorb(date(2025, 6, 4))
        record(stream, [(at + timedelta(hours=1), 30.0)])
        if packed:
            naive.absorb(date(2025, 6, 4))
        assert value_before(stream.pk, instant=at + timedelta(days=1)) == 30.0
        assert value_before(stream.pk, instant=at + timedelta(minutes=1)) == 10.0
        assert math.isnan(value_before(stream.pk, instant=at))


instants = st.one_of(
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(datetime(1969, 12, 31), datetime(1970, 1, 4), timezones=st.just(UTC)),  # noqa: DTZ001 - the strategy adds the zone
    st.datetimes(datetime(2199, 12, 30), datetime(2200, 1, 3), timezones=st.just(UTC)),  # noqa: DTZ001 - same
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(start=instants, end=instants, step=st.sampled_from([None, *Step]))
def test_any_period_gives_a_curve_or_a_refusal(
    stream: Stream, start: datetime, end: datetime, step: Step | None
) -> None:
    with acting_for(stream.territory_id):
        refused = ""
        try:
            found = series_range(stream.pk, start=start, end=end, step=step)
        except RangeRefused as refusal:
            refused = refusal.field
    assert refused in {"start", "step"} or len(found) == 0


def test_the_finest_step_that_fits_is_chosen(stream: Stream) -> None:
    at = datetime(2025, 6, 2, 22, tzinfo=UTC)
    record(stream, [(at + timedelta(minutes=5 * rank), 1.0) for rank in range(288)])
    with acting_for(stream.territory_id):
        chosen = {
            points: series_range(
                stream.pk, start=at, end=at + timedelta(days=1), max_points=points
            ).step
            for points in (288, 100, 30, 2)
        }
    assert chosen == {288: Step.RAW, 100: Step.MINUTES_15, 30: Step.HOUR, 2: Step.DAY}


def test_a_period_that_cannot_be_is_refused_with_its_field(stream: Stream) -> None:
    at = datetime(2025, 6, 3, tzinfo=UTC)
    with acting_for(stream.territory_id):
        with pytest.raises(RangeRefused) as empty:
            series_range(stream.pk, start=at, end=at)
        with pytest.raises(RangeRefused) as long:
            series_range(stream.pk, start=at, end=at + timedelta(days=3_000), step=Step.MINUTES_5)
    assert (empty.value.field, long.value.field) == ("start", "step")


def test_a_stream_without_values_gives_an_empty_curve(stream: Stream) -> None:
    at = datetime(2025, 6, 3, tzinfo=UTC)
    with acting_for(stream.territory_id):
        for step in Step:
            assert (
                len(series_range(stream.pk, start=at, end=at + timedelta(days=2), step=step)) == 0
            )


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.RAW])
def test_a_period_in_which_nothing_counts_has_buckets_without_figures(
    stream: Stream, step: Step
) -> None:
    at = datetime(2025, 6, 3, 10, tzinfo=UTC)
    record(stream, [(at, 1.0, Quality.BAD), (at + timedelta(seconds=1), 2.0, Quality.MISSING)])
    for _packed in range(2):
        with acting_for(stream.territory_id):
            found = series_range(stream.pk, start=at, end=at + timedelta(hours=1), step=step)
            naive.absorb(date(2025, 6, 4))
        assert (found.n.tolist(), found.quality.tolist()) == ([0], [9])
        assert np.isnan([found.mean, found.min, found.max]).all()


def test_edges_of_three_hours_follow_the_wall_clock() -> None:
    start = instant_of(wall_ms(date(2025, 3, 30)))
    edges = edges_ms(start, start + timedelta(hours=23), Step.HOURS_3)
    assert [(b - a) / 3_600_000 for a, b in pairwise(edges)] == [
        2,
        *[3] * 7,
    ]
    assert math.isclose((edges[-1] - edges[0]) / 3_600_000, 23)
