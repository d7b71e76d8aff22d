from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction
from django.db.utils import IntegrityError

from beffroi.city.assets.models import Asset
from beffroi.city.assets.testing import make_asset
from beffroi.city.series.api import retention_set, series_maintain
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
