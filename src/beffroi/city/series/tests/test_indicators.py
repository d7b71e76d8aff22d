from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from beffroi.city.assets.testing import make_asset
from beffroi.city.series.api import indicator_evaluate
from beffroi.city.series.models import Stream
from beffroi.city.series.testing import make_partitions, make_stream, record
from beffroi.city.series.tests import naive
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.quality import Quality
from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import (
    AssetCount,
    Indicator,
    IndicatorInput,
    MeasureShare,
    MeasureTotal,
    PropertySum,
    Statistic,
    TerritoryFact,
)

NOW = datetime(2025, 6, 20, 12, tzinfo=UTC)


def indicator(**inputs: IndicatorInput) -> Indicator:
    return Indicator(
        key="tested",
        label="Tested",
        definition="The sum of the inputs.",
        unit=Unit.WATT,
        source="this test",
        inputs=inputs,
        compute=lambda **values: sum(values.values()),
    )


def total(over_assets: Statistic, over_time: Statistic, days: float | None = None) -> MeasureTotal:
    return MeasureTotal(
        asset_type="light_point",
        measure="power_w",
        over_assets=over_assets,
        over_time=over_time,
        window=None if days is None else timedelta(days=days),
    )


@pytest.fixture
def city(territory: Territory) -> Iterator[dict[int, list[naive.Point]]]:
    """Three lamps over 20 days, of which the first 12 are packed; another town beside them."""
    make_partitions(NOW - timedelta(days=7), NOW)
    points: dict[int, list[naive.Point]] = {}
    for lamp in range(3):
        stream = make_stream(make_asset(territory, properties={"rated_power_w": 50 + lamp}))
        at = [NOW - timedelta(hours=7 * rank) for rank in range(68)]
        points[stream.pk] = [
            (when, float((rank * 37 + lamp * 11) % 23), 4 if rank % 13 == 5 else 1)
            for rank, when in enumerate(at)
        ]
        record(stream, [(when, value, Quality(flag)) for when, value, flag in points[stream.pk]])
    elsewhere = make_stream(make_asset(make_territory()))
    record(elsewhere, [(NOW, 1e6)])
    naive.absorb(date(2025, 6, 13))
    with acting_for(territory.pk):
        yield points


def expected(
    points: dict[int, list[naive.Point]], statistic: Statistic, days: float
) -> list[float]:
    since = NOW - timedelta(days=days)
    figures = []
    for series in points.values():
        kept = sorted(
            (at, value) for at, value, flag in series if flag not in {4, 9} and since <= at <= NOW
        )
        figures.append(naive.statistic_of([value for _at, value in kept], statistic, None))
    return figures


@pytest.mark.parametrize("days", [0.5, 1, 6.3, 10, 15.7, 19])
@pytest.mark.parametrize("statistic", [item for item in Statistic if item is not Statistic.LAST])
def test_a_window_over_hot_and_packed_days_is_exact(
    city: dict[int, list[naive.Point]], statistic: Statistic, days: float
) -> None:
    found = indicator_evaluate(indicator(x=total(Statistic.SUM, statistic, days)), at=NOW)
    assert found.value == pytest.approx(sum(expected(city, statistic, days)))
    assert (found.contributing, found.total) == (3, 3)


@pytest.mark.usefixtures("city")
def test_latest_values_leave_out_what_is_old_or_bad(territory: Territory) -> None:
    silent = make_stream(make_asset(territory))
    broken = make_stream(make_asset(territory))
    record(silent, [(NOW - timedelta(days=40), 1e6)])
    record(broken, [(NOW, 1e6, Quality.BAD)])
    found = indicator_evaluate(indicator(x=total(Statistic.MAX, Statistic.LAST)), at=NOW)
    assert found.value == 22.0
    assert (found.contributing, found.total) == (3, 5)


@pytest.mark.usefixtures("city")
def test_counts_sums_and_shares() -> None:
    found = indicator_evaluate(
        indicator(
            lamps=AssetCount(asset_type="light_point"),
            small=AssetCount(asset_type="light_point", where=("rated_power_w", 50)),
            installed=PropertySum(asset_type="light_point", property="rated_power_w"),
            bright=MeasureShare(asset_type="light_point", measure="power_w", low=11),
        ),
        at=NOW,
    )
    assert found.inputs == {"lamps": 3.0, "small": 1.0, "installed": 153.0, "bright": 2 / 3}


def test_what_is_not_known_is_said_and_not_counted_as_zero(territory: Territory) -> None:
    with acting_for(territory.pk):
        found = indicator_evaluate(
            indicator(x=total(Statistic.SUM, Statistic.MEAN, 1), y=TerritoryFact(fact="population"))
        )
    assert found.value is None
    assert found.missing == "nothing is known of x, y"


def test_an_indicator_that_its_inputs_do_not_define_has_no_value(territory: Territory) -> None:
    undefined = Indicator(
        key="tested",
        label="Tested",
        definition="One over the number of lamps.",
        unit=Unit.NONE,
        source="this test",
        inputs={"lamps": AssetCount(asset_type="light_point")},
        compute=lambda *, lamps: 1 / lamps,
    )
    with acting_for(territory.pk):
        assert indicator_evaluate(undefined).value is None


def test_another_territory_counts_nothing_of_this_one(
    city: dict[int, list[naive.Point]], stream: Stream
) -> None:
    del city, stream
    with acting_for(make_territory().pk):
        found = indicator_evaluate(indicator(lamps=AssetCount(asset_type="light_point")), at=NOW)
    assert found.value == 0


@pytest.mark.parametrize("statistic", [item for item in Statistic if item is not Statistic.LAST])
def test_a_window_within_one_packed_day_has_both_its_ends(
    territory: Territory, statistic: Statistic
) -> None:
    stream = make_stream(make_asset(territory))
    start = datetime(2025, 6, 3, 6, tzinfo=UTC)
    values = [3.0, 4.0, 9.0, 5.0, 8.0, 100.0]
    record(stream, [(start + timedelta(hours=rank), value) for rank, value in enumerate(values)])
    for _packed in range(2):
        with acting_for(territory.pk):
            found = indicator_evaluate(
                indicator(x=total(Statistic.SUM, statistic, 3 / 24)), at=start + timedelta(hours=4)
            )
        assert found.value == pytest.approx(naive.statistic_of(values[1:5], statistic, None))
        naive.absorb(date(2025, 6, 4))


def test_a_number_of_an_asset_that_no_float_holds_stops_no_sum(territory: Territory) -> None:
    for number in (1.5, 0, 2.5):
        make_asset(territory, properties={"rated_power_w": number})
    with acting_for(territory.pk):
        for literal in ("1e400", "-1e400", "1e-400", "1e300", "true", '"x"', "null"):
            asset = make_asset(territory)
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE assets_asset SET properties ="
                    " format('{\"rated_power_w\": %%s}', %s::text)::jsonb WHERE id = %s",
                    [literal, asset.pk],
                )
        installed = PropertySum(asset_type="light_point", property="rated_power_w")
        assert indicator_evaluate(indicator(x=installed), at=NOW).value == 4.0


def test_an_indicator_that_leaves_what_floats_hold_says_so(territory: Territory) -> None:
    make_asset(territory)
    with acting_for(territory.pk):
        found = indicator_evaluate(
            replace(
                indicator(x=AssetCount(asset_type="light_point")),
                compute=lambda *, x: 10.0 ** (x * 999),
            ),
            at=NOW,
        )
    assert (found.value, bool(found.missing)) == (None, True)
