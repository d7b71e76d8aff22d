from __future__ import annotations

from datetime import date

import pytest

from beffroi.domains.street_lighting import indicators
from beffroi.domains.street_lighting.parameters import PARK_OFF_AT_H


def test_energy_of_a_week_is_brought_to_a_year() -> None:
    value = indicators.energy_per_light_point(energy_kwh=70, light_points=10)
    assert value == pytest.approx(365)
    assert indicators.energy_per_inhabitant(energy_kwh=700, inhabitants=365) == pytest.approx(100)


@pytest.mark.parametrize(
    "undefined",
    [
        lambda: indicators.energy_per_light_point(energy_kwh=70, light_points=0),
        lambda: indicators.energy_per_inhabitant(energy_kwh=70, inhabitants=0),
        lambda: indicators.installed_power(power_w=0),
        lambda: indicators.light_points_per_thousand(light_points=10, inhabitants=0),
    ],
)
def test_what_is_not_defined_is_not_given(undefined: object) -> None:
    assert callable(undefined)
    with pytest.raises(ValueError, match=r"there is no|not known|no lamp"):
        undefined()


def test_the_decree_is_dated() -> None:
    assert PARK_OFF_AT_H.at(date(2026, 11, 16)) == 1
    with pytest.raises(LookupError):
        PARK_OFF_AT_H.at(date(2018, 1, 1))
