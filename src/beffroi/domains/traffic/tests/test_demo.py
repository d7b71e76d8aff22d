from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from beffroi.domains.traffic.demo import _WEEKEND, _WORKING_DAY, EVERY, counter
from beffroi.sdk.declarations import DemoAsset

TUESDAY = datetime(2026, 11, 17, tzinfo=UTC) - timedelta(hours=1)  # midnight in Paris
STREET = DemoAsset(
    key="street",
    lon=3.88,
    lat=43.6,
    properties={"average_day_vehicles": 8_000.0, "speed_limit_kmh": 50.0},
)


def test_the_hours_of_a_day_add_up() -> None:
    assert sum(_WORKING_DAY) == pytest.approx(1, abs=0.005)
    assert sum(_WEEKEND) == pytest.approx(1, abs=0.005)


def test_a_day_brings_the_traffic_that_was_counted_there() -> None:
    day = sum(counter(STREET, TUESDAY + step * EVERY)["vehicles_count"] for step in range(96))
    assert day == pytest.approx(8_000, rel=0.15)


def test_peaks_are_slower_than_nights() -> None:
    peak, night = counter(STREET, TUESDAY + timedelta(hours=17.5)), counter(STREET, TUESDAY)
    assert peak["vehicles_per_hour"] > 5 * night["vehicles_per_hour"]
    assert peak["road_occupancy_pct"] > night["road_occupancy_pct"]
