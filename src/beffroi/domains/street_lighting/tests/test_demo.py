from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from beffroi.domains.street_lighting.demo import (
    DAY_BURNER_SHARE,
    FAILED_SHARE,
    _hours,
    is_day_burner,
    is_failed,
    lamp,
    nominal_w,
)
from beffroi.domains.street_lighting.rules import day_burner, lamp_out
from beffroi.sdk.declarations import DemoAsset

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
NIGHT = datetime(2026, 11, 16, 20, tzinfo=UTC)
DEEP_NIGHT = datetime(2026, 11, 17, 1, tzinfo=UTC)


def asset(key: str, **properties: object) -> DemoAsset:
    return DemoAsset(key=key, lon=3.877, lat=43.611, properties=properties)


SOUND = next(
    item
    for item in (asset(f"lamp {rank}", lantern_type="LANTERNE") for rank in range(1_000))
    if not is_failed(item) and not is_day_burner(item)
)


def test_a_lamp_burns_by_night_dims_late_and_rests_by_day() -> None:
    assert lamp(SOUND, NOON)["power_w"] == 0
    assert lamp(SOUND, NIGHT)["dimming_pct"] == 100
    assert lamp(SOUND, NIGHT)["power_w"] == pytest.approx(70, rel=0.03)
    assert lamp(SOUND, DEEP_NIGHT)["dimming_pct"] == 50
    assert lamp(SOUND, DEEP_NIGHT)["power_w"] == pytest.approx(35, rel=0.03)


def test_the_energy_index_agrees_with_the_power() -> None:
    instants = [NOON + timedelta(minutes=10 * step) for step in range(145)]
    reports = [lamp(SOUND, at) for at in instants]
    indexes = [report["energy_kwh"] for report in reports]
    assert indexes == sorted(indexes)
    metered = indexes[-1] - indexes[0]
    assert metered == pytest.approx(
        sum(report["power_w"] for report in reports) / 6 / 1_000, rel=0.05
    )


def test_a_year_at_dijon_has_the_hours_of_darkness_that_are_known() -> None:
    # 4 291 h from sunset to sunrise at Dijon in 2026; refraction and the year make some hours.
    start = _hours(datetime(2026, 1, 1, 12, tzinfo=UTC), lon=5.04, lat=47.32)
    end = _hours(datetime(2027, 1, 1, 12, tzinfo=UTC), lon=5.04, lat=47.32)
    assert end[1] - start[1] == pytest.approx(4_291, rel=0.002)
    # Half output in the 67.6 % of them between 22:00 and 06:00 saves 33.8 %.
    assert (end[0] - start[0]) / (end[1] - start[1]) == pytest.approx(1 - 0.338, abs=0.005)


def test_few_lamps_fail_or_burn_by_day_and_the_rules_find_them() -> None:
    fleet = [asset(f"lamp {rank}") for rank in range(20_000)]
    failed = [item for item in fleet if is_failed(item)]
    burning = [item for item in fleet if is_day_burner(item)]
    assert len(failed) / len(fleet) == pytest.approx(FAILED_SHARE, rel=0.2)
    assert len(burning) / len(fleet) == pytest.approx(DAY_BURNER_SHARE, rel=0.4)
    assert all(lamp_out(lamp(item, NIGHT)) for item in failed)
    assert all(day_burner(lamp(item, NOON)) for item in burning)
    assert not lamp_out(lamp(SOUND, NIGHT))
    assert not day_burner(lamp(SOUND, NOON))


def test_the_register_says_the_power_before_the_lantern_type() -> None:
    assert nominal_w(asset("a", power_nominal_w=36.0, lantern_type="PROJECTEUR")) == 36
    assert nominal_w(asset("a", lantern_type="PROJECTEUR")) == 150
    assert nominal_w(asset("a", lantern_type="Encastré")) == 12
    assert nominal_w(asset("a")) == 60
