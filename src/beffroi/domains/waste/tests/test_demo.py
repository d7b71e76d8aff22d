from __future__ import annotations

from datetime import UTC, datetime, timedelta

from beffroi.domains.waste.demo import collection_days, container, fill_level_pct, last_emptying
from beffroi.kernel.clock import PARIS
from beffroi.sdk.declarations import DemoAsset

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
FLEET = [DemoAsset(key=f"bin {rank}", lon=3.88, lat=43.6) for rank in range(60)]


def test_a_container_only_loses_what_is_collected() -> None:
    for bin_ in FLEET[:10]:
        before = None
        for hour in range(24 * 14):
            at = MONDAY + timedelta(hours=hour)
            level = fill_level_pct(bin_, at)
            if before is not None and level < before - 0.01:
                assert at - last_emptying(bin_, at) <= timedelta(hours=1)
            before = level


def test_containers_are_emptied_on_their_days() -> None:
    for bin_ in FLEET:
        emptied = last_emptying(bin_, MONDAY).astimezone(PARIS)
        assert emptied.weekday() in collection_days(bin_)
        assert 6 <= emptied.hour <= 10


def test_some_containers_fill_up_and_most_do_not() -> None:
    levels = [
        fill_level_pct(bin_, MONDAY + timedelta(hours=5 * step))
        for bin_ in FLEET
        for step in range(34)
    ]
    over = sum(level >= 80 for level in levels) / len(levels)
    assert 0.02 < over < 0.35


def test_the_distance_shrinks_as_the_container_fills() -> None:
    reports = [container(bin_, MONDAY) for bin_ in FLEET]
    ordered = sorted(reports, key=lambda report: report["fill_level_pct"])
    distances = [report["distance_mm"] for report in ordered]
    assert distances == sorted(distances, reverse=True)
