from __future__ import annotations

import pytest

from beffroi.domains.waste import indicators


def test_shares_are_percentages() -> None:
    assert indicators.over_eighty(share=0.25) == 25


def test_ratios_need_the_population() -> None:
    assert indicators.containers_per_thousand(containers=69, inhabitants=300_000) == 0.23
    with pytest.raises(ValueError, match="population"):
        indicators.containers_per_thousand(containers=69, inhabitants=0)
