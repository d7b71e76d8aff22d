from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.domains.air_quality.indicators import atmo_of_day, european_of_hour
from beffroi.domains.air_quality.indices import (
    CLASSES,
    COLOURS,
    atmo_estimate,
    class_of,
    european_estimate,
)
from beffroi.domains.air_quality.parameters import ATMO_BOUNDS, EAQI_BOUNDS

DAY = date(2026, 11, 16)
CLEAN = {"no2": 5.0, "o3": 20.0, "pm10": 5.0, "pm25": 2.0, "so2": 1.0}


@pytest.mark.parametrize(
    ("pollutant", "value", "expected"),
    [
        # Arrêté du 10 juillet 2020, annexe I: upper bounds are inclusive.
        ("no2", 40, 1), ("no2", 40.1, 2), ("no2", 90, 2), ("no2", 120, 3), ("no2", 230, 4),
        ("no2", 340, 5), ("no2", 340.1, 6),
        ("o3", 50, 1), ("o3", 100, 2), ("o3", 130, 3), ("o3", 240, 4), ("o3", 381, 6),
        ("pm10", 20, 1), ("pm10", 50, 3), ("pm10", 100, 4), ("pm10", 151, 6),
        ("pm25", 10, 1), ("pm25", 25, 3), ("pm25", 75, 5),
        ("so2", 100, 1), ("so2", 751, 6),
    ],
)  # fmt: skip
def test_atmo_takes_the_class_of_the_decree(pollutant: str, value: float, expected: int) -> None:
    assert atmo_estimate({**CLEAN, pollutant: value}, day=DAY) == expected


@pytest.mark.parametrize(
    ("pollutant", "value", "expected"),
    [
        # European Environment Agency, bands of 2024 (ETC HE 2024/17).
        ("no2", 10, 1), ("no2", 25, 2), ("no2", 60, 3), ("no2", 100, 4), ("no2", 151, 6),
        ("o3", 60, 1), ("o3", 120, 3), ("o3", 181, 6),
        ("pm10", 15, 1), ("pm10", 45, 2), ("pm10", 271, 6),
        ("pm25", 5, 1), ("pm25", 15, 2), ("pm25", 50, 3), ("pm25", 141, 6),
        ("so2", 20, 1), ("so2", 40, 2), ("so2", 276, 6),
    ],
)  # fmt: skip
def test_the_european_index_takes_the_bands_of_2024(
    pollutant: str, value: float, expected: int
) -> None:
    assert european_estimate({**CLEAN, pollutant: value}, day=DAY) == expected


def test_the_worst_pollutant_decides() -> None:
    assert atmo_estimate({**CLEAN, "no2": 95, "pm25": 60}, day=DAY) == 5


def test_one_size_of_particles_and_no_sulphur_is_enough() -> None:
    assert atmo_estimate({"no2": 5, "o3": 20, "pm10": 5, "pm25": None}, day=DAY) == 1


@pytest.mark.parametrize(
    ("missing", "told"),
    [(("no2",), "no2"), (("o3",), "o3"), (("pm10", "pm25"), "particles")],
)
def test_without_enough_measurements_there_is_no_estimate(
    missing: tuple[str, ...], told: str
) -> None:
    values = {key: (None if key in missing else value) for key, value in CLEAN.items()}
    with pytest.raises(ValueError, match=told):
        atmo_estimate(values, day=DAY)


def test_before_the_decree_there_is_no_index() -> None:
    with pytest.raises(LookupError):
        atmo_estimate(CLEAN, day=date(2020, 6, 1))


@given(st.floats(min_value=0, max_value=2_000), st.floats(min_value=0, max_value=2_000))
def test_more_pollution_is_never_a_better_class(one: float, other: float) -> None:
    low, high = sorted((one, other))
    for table in (*ATMO_BOUNDS.values(), *EAQI_BOUNDS.values()):
        bounds = table.at(DAY)
        assert 1 <= class_of(low, bounds=bounds) <= class_of(high, bounds=bounds) <= 6


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_what_is_no_concentration_has_no_class(value: float) -> None:
    with pytest.raises(ValueError, match="concentration"):
        class_of(value, bounds=(1, 2, 3, 4, 5))


def test_indicators_leave_out_what_nobody_measures() -> None:
    assert atmo_of_day(no2=90, o3=50, pm10=20, pm25=10.1, so2=None) == 2
    assert european_of_hour(no2=10, o3=60, pm10=15, pm25=float("nan")) == 1


def test_each_class_has_a_name_and_a_colour() -> None:
    assert len(CLASSES) == len(COLOURS) == 6
