from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from beffroi.domains.parking.demo import car_park, meter
from beffroi.sdk.declarations import DemoAsset

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)


def park(capacity: int, *, structure: str = "Souterrain") -> DemoAsset:
    return DemoAsset(
        key="park",
        lon=3.88,
        lat=43.6,
        properties={"nominal_capacity_places": capacity, "structure": structure},
    )


@given(st.integers(min_value=1, max_value=3_000), st.integers(min_value=0, max_value=20_000))
def test_places_always_add_up_to_the_capacity(capacity: int, minutes: int) -> None:
    report = car_park(park(capacity), MONDAY + timedelta(minutes=minutes))
    assert report["free_places"] + report["occupied_places"] == capacity
    assert 0 <= report["occupied_places"] <= capacity


def test_a_car_park_fills_by_day_and_empties_by_night() -> None:
    noon = car_park(park(500), MONDAY + timedelta(hours=10))["occupancy_pct"]
    night = car_park(park(500), MONDAY + timedelta(hours=2))["occupancy_pct"]
    assert noon > 2 * night


def test_a_park_and_ride_rests_on_sunday() -> None:
    away = park(350, structure="Surface")
    monday = car_park(away, MONDAY + timedelta(hours=12))["occupancy_pct"]
    sunday = car_park(away, MONDAY - timedelta(hours=12))["occupancy_pct"]
    assert sunday < monday / 1.5


def test_without_a_capacity_nothing_is_invented() -> None:
    assert car_park(park(0), MONDAY) == {}
    assert car_park(DemoAsset(key="x", lon=3.88, lat=43.6), MONDAY) == {}


def test_a_machine_counts_upwards() -> None:
    machine = DemoAsset(key="m", lon=3.88, lat=43.6)
    counts = [
        meter(machine, MONDAY + timedelta(hours=6 * step))["tickets_count"] for step in range(9)
    ]
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]
