from __future__ import annotations

from datetime import UTC, datetime, timedelta

from beffroi.domains.air_quality.demo import air_station, indoor_sensor
from beffroi.sdk.declarations import DemoAsset

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
STREET = DemoAsset(key="a", lon=3.88, lat=43.6, properties={"surroundings": "trafic"})
SUBURB = DemoAsset(key="a", lon=3.88, lat=43.6, properties={"surroundings": "périurbain"})


def test_a_street_has_more_nitrogen_dioxide_and_less_ozone_than_a_suburb() -> None:
    at = MONDAY + timedelta(hours=8)
    street, suburb = air_station(STREET, at), air_station(SUBURB, at)
    assert street["no2_ugm3"] > suburb["no2_ugm3"]
    assert street["o3_ugm3"] < suburb["o3_ugm3"]


def test_the_morning_peak_is_seen() -> None:
    hours = {hour: air_station(STREET, MONDAY + timedelta(hours=hour)) for hour in range(24)}
    assert hours[7]["no2_ugm3"] > 2 * hours[2]["no2_ugm3"]


def test_a_room_fills_with_co2_during_lessons_and_airs_at_night() -> None:
    room = DemoAsset(key="room", lon=3.88, lat=43.6)
    assert indoor_sensor(room, MONDAY + timedelta(hours=3))["co2_ppm"] < 440
    assert indoor_sensor(room, MONDAY + timedelta(hours=10, minutes=30))["co2_ppm"] > 600
    sunday = MONDAY - timedelta(days=1)
    assert indoor_sensor(room, sunday + timedelta(hours=10))["co2_ppm"] < 440
