from __future__ import annotations

import pytest

from beffroi.domains.parking import indicators


def test_occupancy_is_of_all_car_parks_together() -> None:
    assert indicators.occupancy(occupied=150, capacity=200) == 75
    with pytest.raises(ValueError, match="capacity"):
        indicators.occupancy(occupied=0, capacity=0)


def test_ratios_need_what_they_divide_by() -> None:
    assert indicators.capacity_per_thousand(places=500, inhabitants=1_000) == 500
    assert indicators.places_per_meter(places=500, meters=25) == 20
    with pytest.raises(ValueError, match="population"):
        indicators.capacity_per_thousand(places=500, inhabitants=0)
    with pytest.raises(ValueError, match="machine"):
        indicators.places_per_meter(places=500, meters=0)
