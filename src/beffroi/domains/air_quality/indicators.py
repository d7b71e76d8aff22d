"""Indicators of the air; totals come from the caller."""

from __future__ import annotations

import math
from datetime import timedelta

from beffroi.domains.air_quality.indices import atmo_estimate, european_estimate
from beffroi.kernel import clock
from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import Indicator, MeasureTotal, Ranking, Statistic
from beffroi.sdk.declarations import translatable as _

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=2)
"""Two hours, since an hourly mean is published within the hour that follows it."""


def _stations(measure: str, over_time: Statistic, *, window: timedelta) -> MeasureTotal:
    """Take the highest of the stations: an index speaks of the worst place."""
    return MeasureTotal(
        asset_type="air_station",
        measure=measure,
        over_assets=Statistic.MAX,
        over_time=over_time,
        window=window,
    )


def atmo_of_day(
    *,
    no2: float | None = None,
    o3: float | None = None,
    pm10: float | None = None,
    pm25: float | None = None,
    so2: float | None = None,
) -> float:
    """Estimate the ATMO index of the last 24 hours; see :func:`.indices.atmo_estimate`.

    Raises:
        ValueError: nitrogen dioxide, ozone or both sizes of particles are missing.
    """
    today = clock.now().astimezone(clock.PARIS).date()
    values = {"no2": no2, "o3": o3, "pm10": pm10, "pm25": pm25, "so2": so2}
    return float(atmo_estimate(values, day=today))


def european_of_hour(
    *,
    no2: float | None = None,
    o3: float | None = None,
    pm10: float | None = None,
    pm25: float | None = None,
    so2: float | None = None,
) -> float:
    """Estimate the European index of the last hour; see :func:`.indices.european_estimate`.

    Raises:
        ValueError: nitrogen dioxide, ozone or both sizes of particles are missing.
    """
    today = clock.now().astimezone(clock.PARIS).date()
    values = {"no2": no2, "o3": o3, "pm10": pm10, "pm25": pm25, "so2": so2}
    return float(european_estimate(values, day=today))


def mean_concentration(*, value: float) -> float:
    """Mean of the stations over the period. Unit: that of the measure.

    Raises:
        ValueError: there is no value.
    """
    if not math.isfinite(value):
        raise ValueError("there is no value")
    return value


INDICATORS = (
    Indicator(
        key="atmo_estimate",
        label=_("ATMO index (estimate)"),
        definition=_(
            "Worst of five sub-indices over the last 24 hours, 1 (good) to 6 (extremely poor), "
            "from the town’s stations. Only the approved association publishes the official index."
        ),
        unit=Unit.INDEX,
        source=_("Arrêté du 10 juillet 2020, annexe I"),
        inputs={
            "no2": _stations("no2_ugm3", Statistic.MAX, window=_DAY),
            "o3": _stations("o3_ugm3", Statistic.MAX, window=_DAY),
            "pm10": _stations("pm10_ugm3", Statistic.MEAN, window=_DAY),
            "pm25": _stations("pm25_ugm3", Statistic.MEAN, window=_DAY),
            "so2": _stations("so2_ugm3", Statistic.MAX, window=_DAY),
        },
        compute=atmo_of_day,
        decimals=0,
        better=-1,
    ),
    Indicator(
        key="european_estimate",
        label=_("European index (estimate)"),
        definition=_(
            "Worst of five sub-indices of the latest hour, 1 (good) to 6 (extremely poor), "
            "from the town’s stations."
        ),
        unit=Unit.INDEX,
        source=_("European Environment Agency, bands of 2024 (ETC HE 2024/17)"),
        inputs={
            "no2": _stations("no2_ugm3", Statistic.MEAN, window=_HOUR),
            "o3": _stations("o3_ugm3", Statistic.MEAN, window=_HOUR),
            "pm10": _stations("pm10_ugm3", Statistic.MEAN, window=_HOUR),
            "pm25": _stations("pm25_ugm3", Statistic.MEAN, window=_HOUR),
            "so2": _stations("so2_ugm3", Statistic.MEAN, window=_HOUR),
        },
        compute=european_of_hour,
        decimals=0,
        better=-1,
    ),
    *(
        Indicator(
            key=f"{measure.removesuffix('_ugm3')}_month",
            label=label,
            definition=_("Mean of the stations over the last 30 days."),
            unit=Unit.MICROGRAM_PER_CUBIC_METRE,
            source=_("Directive (EU) 2024/2881 on ambient air quality"),
            inputs={
                "value": MeasureTotal(
                    asset_type="air_station",
                    measure=measure,
                    over_assets=Statistic.MEAN,
                    over_time=Statistic.MEAN,
                    window=timedelta(days=30),
                ),
            },
            compute=mean_concentration,
            better=-1,
        )
        for measure, label in (
            ("no2_ugm3", _("Nitrogen dioxide, 30 days")),
            ("pm25_ugm3", _("Particles PM2.5, 30 days")),
        )
    ),
    Indicator(
        key="indoor_co2_now",
        label=_("Carbon dioxide in rooms"),
        definition=_("Mean of the latest values of the indoor sensors."),
        unit=Unit.PARTS_PER_MILLION,
        source=_("Smart Data Models IndoorEnvironmentObserved"),
        inputs={
            "value": MeasureTotal(
                asset_type="indoor_sensor",
                measure="co2_ppm",
                over_assets=Statistic.MEAN,
            ),
        },
        compute=mean_concentration,
        decimals=0,
        better=-1,
    ),
)

RANKINGS = (
    Ranking(
        asset_type="air_station",
        measure="no2_ugm3",
        descending=True,
        label=_("Stations with most nitrogen dioxide"),
    ),
    Ranking(
        asset_type="air_station",
        measure="pm25_ugm3",
        descending=True,
        label=_("Stations with most fine particles"),
    ),
    Ranking(
        asset_type="indoor_sensor",
        measure="co2_ppm",
        descending=True,
        label=_("Stuffiest rooms"),
    ),
)
