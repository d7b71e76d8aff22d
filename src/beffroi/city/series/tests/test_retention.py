from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError, IntegrityError

from beffroi.city.assets.models import Asset
from beffroi.city.assets.testing import make_asset
from beffroi.city.series.api import retention_set, series_maintain
from beffroi.city.series.contracts import Kept, KeptDays, RetentionRefused, SeriesRange, Step
from beffroi.city.series.models import Stream
from beffroi.city.series.ranges import series_range
from beffroi.city.series.repacking import months_pack
from beffroi.city.series.retention import purges, retention_preview
from beffroi.city.series.testing import make_stream, record
from beffroi.city.series.tests import naive
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.testing import make_territory

NOW = datetime(2025, 6, 20, 12, tzinfo=UTC)
OLD, RECENT = NOW - timedelta(days=100), NOW - timedelta(days=20)


def test_packed_days_go_when_their_measure_says_so(asset: Asset) -> None:
    kept = make_stream(asset, measure_key="energy_kwh", unit="kWh")
    short = make_stream(asset, measure_key="power_w")
    other = make_stream(asset, measure_key="snr_db", unit="dB")
    elsewhere = make_stream(make_asset(make_territory()))
    for stream in (kept, short, other, elsewhere):
        record(stream, [(OLD, 1.0), (RECENT, 2.0)])
    naive.absorb(date(2025, 6, 13))
    with acting_for(asset.territory_id):
        retention_set(measure_key="power_w", keep_days=10, reason="lamps switch every night")
        retention_set(keep_days=50)
        retention_set(measure_key="energy_kwh", keep_days=3_650)

    report = series_maintain(NOW)

    assert report.segments_purged == 3
    with acting_for(asset.territory_id):
        assert [naive.packed_points(item.pk) for item in (kept, short, other)] == [2, 0, 1]
        retention_set(keep_days=None)
    with acting_for(elsewhere.territory_id):
        assert naive.packed_points(elsewhere.pk) == 2
    assert series_maintain(NOW).segments_purged == 0


def test_without_a_rule_everything_is_kept(asset: Asset) -> None:
    stream = make_stream(asset)
    record(stream, [(OLD, 1.0)])
    series_maintain(NOW)
    with acting_for(asset.territory_id):
        assert len(naive.stored(stream.pk)) == 1


def test_a_rule_keeps_one_day_at_least(asset: Asset) -> None:
    with acting_for(asset.territory_id), pytest.raises(IntegrityError), transaction.atomic():
        retention_set(keep_days=0)


@pytest.mark.parametrize("by_month", [False, True])
def test_hours_and_days_outlive_their_values(asset: Asset, *, by_month: bool) -> None:
    stream = make_stream(asset, measure_key="power_w")
    day = datetime(2025, 3, 11, 23, tzinfo=UTC)
    points = [(day + timedelta(minutes=10 * rank), float(rank % 37)) for rank in range(3 * 144)]
    record(stream, points)
    naive.absorb(date(2025, 6, 13))
    if by_month:
        months_pack(date(2025, 6, 1))
    start, end = day, day + timedelta(days=3)
    with acting_for(asset.territory_id):
        by_step = {step: curve(stream, step, start, end) for step in (Step.HOUR, Step.DAY)}
        keep = (NOW.date() - date(2025, 3, 14)).days
        preview = retention_preview("power_w", KeptDays(raw=keep, hourly=900), at=NOW)
        assert (preview.values, preview.hours, preview.days) == (288, 0, 0)
        retention_set(measure_key="power_w", kept=KeptDays(raw=keep, hourly=900), reason="privacy")
    assert series_maintain(NOW).failed == ()
    with acting_for(asset.territory_id):
        assert naive.stored(stream.pk) == [(at, value, 1) for at, value in points[288:]]
        for step, was in by_step.items():
            found = curve(stream, step, start, end)
            assert same(found, was), step
            assert found.available is step
        raw = curve(stream, Step.RAW, start, end)
        assert (len(raw), raw.available) == (144, Step.HOUR)
        chosen = series_range(stream.pk, start=start, end=end)
        assert (chosen.step, len(chosen)) == (Step.HOUR, 72)
        told = [(item.what, item.items, item.streams, item.reason) for item in purges()]
        assert told == [(Kept.RAW, 288, 1, "privacy")]
        # What comes after its term is not kept; what comes within it is.
        record(stream, [(start + timedelta(minutes=1), 5.0), (end - timedelta(minutes=1), 6.0)])
        naive.absorb(date(2025, 6, 13))
        assert (naive.packed_points(stream.pk), naive.hot_rows(stream.pk)) == (145, 0)
        assert same(curve(stream, Step.DAY, start, start + timedelta(days=2)),
                    part(by_step[Step.DAY], 2))  # fmt: skip
        retention_set(measure_key="power_w", kept=KeptDays(raw=1, hourly=1))
    series_maintain(NOW)
    with acting_for(asset.territory_id):
        assert len(curve(stream, Step.HOUR, start, end)) == 0
        days = curve(stream, Step.DAY, start, end)
        assert days.n.tolist() == [144, 144, 145]
        assert curve(stream, Step.RAW, start, end).available is Step.DAY
        retention_set(measure_key="power_w", kept=KeptDays(raw=1, hourly=1, daily=1))
    series_maintain(NOW)
    with acting_for(asset.territory_id):
        assert len(curve(stream, Step.DAY, start, end)) == 0
        assert {item.what for item in purges()} == set(Kept)


def curve(stream: Stream, step: Step, start: datetime, end: datetime) -> SeriesRange:
    return series_range(stream.pk, start=start, end=end, step=step)


def same(one: SeriesRange, other: SeriesRange) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("t_ms", "mean", "min", "max", "n", "quality")
    )


def part(found: SeriesRange, count: int) -> SeriesRange:
    names = ("t_ms", "mean", "min", "max", "n", "quality")
    return replace(found, **{name: getattr(found, name)[:count] for name in names})


@pytest.mark.parametrize(
    "kept",
    [
        KeptDays(raw=30, hourly=10),
        KeptDays(raw=30, hourly=40, daily=35),
        KeptDays(raw=30, daily=40),
        KeptDays(raw=0),
        KeptDays(raw=40_000),
    ],
)
def test_what_is_brought_together_lasts_as_long_as_what_it_was_made_of(
    asset: Asset, kept: KeptDays
) -> None:
    with acting_for(asset.territory_id), pytest.raises(RetentionRefused):
        retention_set(kept=kept)


def test_what_was_removed_is_never_changed(asset: Asset) -> None:
    stream = make_stream(asset)
    record(stream, [(OLD, 1.0)])
    naive.absorb(date(2025, 6, 13))
    with acting_for(asset.territory_id):
        retention_set(keep_days=50)
    series_maintain(NOW)
    with acting_for(asset.territory_id):
        for statement in ("DELETE FROM series_purge", "UPDATE series_purge SET items = 0"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
