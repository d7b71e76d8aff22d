from __future__ import annotations

import pytest

from beffroi.domains.public_space import indicators


def test_ratios_to_the_population() -> None:
    assert indicators.per_thousand(count=23_972, inhabitants=299_700) == pytest.approx(80, rel=0.01)
    with pytest.raises(ValueError, match="population"):
        indicators.per_thousand(count=1, inhabitants=0)


def test_share_of_fountains_that_work() -> None:
    assert indicators.working_share(working=64, fountains=80) == 80
    with pytest.raises(ValueError, match="no fountain"):
        indicators.working_share(working=0, fountains=0)
