from __future__ import annotations

import pytest

from beffroi.domains.traffic import indicators


def test_shares_and_means() -> None:
    assert indicators.vehicles_of_day(vehicles=9_000, counters=3) == 3_000
    assert indicators.sound_equipped(equipped=97, crossroads=388) == 25
    assert indicators.step_free(accessible=1, crossings=4) == 25


@pytest.mark.parametrize(
    "undefined",
    [
        lambda: indicators.vehicles_of_day(vehicles=0, counters=0),
        lambda: indicators.sound_equipped(equipped=0, crossroads=0),
        lambda: indicators.step_free(accessible=0, crossings=0),
    ],
)
def test_what_is_not_defined_is_not_given(undefined: object) -> None:
    assert callable(undefined)
    with pytest.raises(ValueError, match="there is no"):
        undefined()
