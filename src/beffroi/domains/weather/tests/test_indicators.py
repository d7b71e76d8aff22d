from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.domains.weather.indicators import (
    degree_days_costic,
    degree_days_meteo,
    highest_gust,
)

DEGREES = st.floats(min_value=-40, max_value=50)


@pytest.mark.parametrize(
    ("lowest", "highest", "meteo", "costic"),
    [
        # Both agree on a day that stays below the base.
        (2.0, 10.0, 12.0, 12.0),
        # A day that passes it: (18-10) (0.08 + 0.42 × 8/14) = 2.56 by heating professionals.
        (10.0, 24.0, 1.0, 2.56),
        # A mean above the base still heats in the morning.
        (14.0, 26.0, 0.0, 4 * (0.08 + 0.42 * 4 / 12)),
        # A warm night heats nothing.
        (18.0, 30.0, 0.0, 0.0),
        (19.0, 31.0, 0.0, 0.0),
    ],
)
def test_degree_days_by_both_conventions(
    lowest: float, highest: float, meteo: float, costic: float
) -> None:
    assert degree_days_meteo(lowest_c=lowest, highest_c=highest) == pytest.approx(meteo)
    assert degree_days_costic(lowest_c=lowest, highest_c=highest) == pytest.approx(costic)


@given(DEGREES, DEGREES)
def test_degree_days_are_never_negative(one: float, other: float) -> None:
    lowest, highest = sorted((one, other))
    assert degree_days_meteo(lowest_c=lowest, highest_c=highest) >= 0
    assert degree_days_costic(lowest_c=lowest, highest_c=highest) >= 0


@pytest.mark.parametrize(("lowest", "highest"), [(10.0, 5.0), (math.nan, 5.0)])
def test_extremes_in_disorder_are_refused(lowest: float, highest: float) -> None:
    with pytest.raises(ValueError, match="lowest"):
        degree_days_meteo(lowest_c=lowest, highest_c=highest)
    with pytest.raises(ValueError, match="lowest"):
        degree_days_costic(lowest_c=lowest, highest_c=highest)


def test_gusts_are_told_in_kilometres_an_hour() -> None:
    assert highest_gust(gust_ms=10) == 36
