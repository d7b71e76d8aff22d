from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import mean

from beffroi.domains.weather.demo import EVERY, station
from beffroi.sdk.declarations import DemoAsset

HERE = DemoAsset(key="station", lon=3.88, lat=43.6)
JULY = datetime(2026, 7, 1, tzinfo=UTC)
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


def temperatures(start: datetime, *, hours: tuple[int, ...]) -> float:
    return mean(
        station(HERE, start + timedelta(days=day, hours=hour))["temperature_c"]
        for day in range(28)
        for hour in hours
    )


def test_summer_is_warmer_than_winter_and_day_than_night() -> None:
    assert temperatures(JULY, hours=(12,)) > temperatures(JANUARY, hours=(12,)) + 12
    assert temperatures(JULY, hours=(14,)) > temperatures(JULY, hours=(3,)) + 3


def test_values_move_smoothly() -> None:
    readings = [station(HERE, JULY + step * EVERY)["temperature_c"] for step in range(1_000)]
    assert max(abs(one - other) for one, other in pairwise(readings)) < 0.8


def test_the_sun_does_not_shine_at_night() -> None:
    assert station(HERE, JULY + timedelta(hours=1))["solar_radiation_wm2"] == 0
    assert station(HERE, JULY + timedelta(hours=12))["solar_radiation_wm2"] > 200


def test_a_year_has_a_plausible_amount_of_rain() -> None:
    total = sum(station(HERE, JANUARY + step * EVERY)["rain_mm"] for step in range(6 * 24 * 365))
    assert 250 < total < 1_100
