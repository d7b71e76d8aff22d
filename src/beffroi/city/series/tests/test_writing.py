from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from beffroi.city.assets.api import WHOLE
from beffroi.city.assets.models import Asset
from beffroi.city.assets.testing import make_asset
from beffroi.city.series.api import (
    NewObservation,
    ObservationRefused,
    StreamNotFound,
    latest_in_view,
    latest_of_assets,
    observations_record,
    streams_ensure,
)
from beffroi.city.series.models import Stream
from beffroi.city.series.testing import make_stream
from beffroi.city.series.tests import naive
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.geometry import BoundingBox
from beffroi.kernel.quality import Quality

AT = datetime(2026, 1, 5, 10, 0, 0, 123_000, tzinfo=UTC)


def test_writing_twice_stores_once_and_changes_nothing(stream: Stream) -> None:
    readings = [NewObservation(stream.pk, AT + timedelta(minutes=n), float(n)) for n in range(5)]
    first = observations_record(stream.territory_id, readings)
    again = observations_record(stream.territory_id, readings)
    assert (first.stored, [value.value for value in first.changed]) == (5, [4.0])
    assert (again.stored, again.changed) == (0, ())


def test_a_late_value_is_stored_and_the_latest_stays(stream: Stream) -> None:
    observations_record(stream.territory_id, [NewObservation(stream.pk, AT, 1.0)])
    late = observations_record(
        stream.territory_id, [NewObservation(stream.pk, AT - timedelta(days=3), 2.0)]
    )
    assert (late.stored, late.changed) == (1, ())
    with acting_for(stream.territory_id):
        latest = latest_of_assets([stream.asset_id])[stream.asset_id]["power_w"]
    assert (latest.value, latest.observed_at) == (1.0, AT)


def test_of_two_values_at_one_instant_the_first_stands_everywhere(stream: Stream) -> None:
    observations_record(
        stream.territory_id,
        [NewObservation(stream.pk, AT, 1.0), NewObservation(stream.pk, AT, 2.0)],
    )
    with acting_for(stream.territory_id):
        assert naive.stored(stream.pk)[0][1] == 1.0
        assert latest_of_assets([stream.asset_id])[stream.asset_id]["power_w"].value == 1.0


def test_of_many_values_at_one_instant_the_first_stands(stream: Stream) -> None:
    readings = [
        NewObservation(stream.pk, AT + timedelta(minutes=n % 3), float(n)) for n in range(60)
    ]
    observations_record(stream.territory_id, readings)
    with acting_for(stream.territory_id):
        assert [value for _at, value, _flag in naive.stored(stream.pk)] == [0.0, 1.0, 2.0]
        assert latest_of_assets([stream.asset_id])[stream.asset_id]["power_w"].value == 2.0


def test_an_instant_is_kept_to_the_millisecond(stream: Stream) -> None:
    observations_record(
        stream.territory_id, [NewObservation(stream.pk, AT + timedelta(microseconds=999), 1.0)]
    )
    with acting_for(stream.territory_id):
        assert naive.stored(stream.pk)[0][0] == AT


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e19])
def test_what_is_no_number_is_refused_and_nothing_of_the_batch_is_stored(
    stream: Stream, value: float
) -> None:
    batch = [NewObservation(stream.pk, AT, 1.0), NewObservation(stream.pk, AT, value)]
    with pytest.raises(ObservationRefused) as refusal:
        observations_record(stream.territory_id, batch)
    assert refusal.value.field == "value"
    with acting_for(stream.territory_id):
        assert naive.stored(stream.pk) == []


@pytest.mark.parametrize("ahead", [timedelta(days=1, seconds=1), timedelta(days=4_000)])
def test_a_clock_far_ahead_is_refused(stream: Stream, ahead: timedelta) -> None:
    with pytest.raises(ObservationRefused) as refusal:
        observations_record(
            stream.territory_id, [NewObservation(stream.pk, AT + ahead, 1.0)], received_at=AT
        )
    assert refusal.value.field == "observed_at"


def test_a_value_outside_its_declared_range_is_kept_with_a_flag(asset: Asset) -> None:
    stream = make_stream(asset, measure_key="battery_pct", unit="%")
    result = observations_record(
        stream.territory_id,
        [
            NewObservation(stream.pk, AT, 50.0),
            NewObservation(stream.pk, AT + timedelta(hours=1), 150.0),
        ],
    )
    assert [value.quality for value in result.changed] == [Quality.BAD]
    with acting_for(stream.territory_id):
        assert [flag for _at, _value, flag in naive.stored(stream.pk)] == [1, 4]


def test_streams_are_made_on_first_sight_and_found_after(asset: Asset) -> None:
    with acting_for(asset.territory_id):
        first = streams_ensure(asset.pk, measures={"power_w": "W", "rssi_dbm": "dBm"})
        again = streams_ensure(asset.pk, measures={"rssi_dbm": "dBm", "snr_db": "dB"})
    assert again["rssi_dbm"] == first["rssi_dbm"]
    assert set(first) == {"power_w", "rssi_dbm"}


def test_a_stream_or_asset_of_another_territory_does_not_exist(stream: Stream) -> None:
    other = make_territory()
    with pytest.raises(StreamNotFound):
        observations_record(other.pk, [NewObservation(stream.pk, AT, 1.0)])
    with acting_for(other.pk), pytest.raises(StreamNotFound):
        streams_ensure(stream.asset_id, measures={"snr_db": "dB"})


def test_the_latest_values_of_what_a_map_shows(territory: Territory) -> None:
    near = make_stream(make_asset(territory, lon=3.88, lat=43.61))
    far = make_stream(make_asset(territory, lon=4.88, lat=43.61))
    for rank, stream in enumerate((near, far)):
        observations_record(territory.pk, [NewObservation(stream.pk, AT, float(rank))])
    with acting_for(territory.pk):
        seen = latest_in_view(BoundingBox(3.8, 43.5, 3.9, 43.7), scope=WHOLE)
    assert {key: value["power_w"].value for key, value in seen.items()} == {near.asset_id: 0.0}
