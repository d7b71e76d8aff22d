"""Indicators of the weather: degree days by both conventions, rain, wind."""

from __future__ import annotations

from datetime import timedelta

from beffroi.domains.weather.parameters import HEATING_BASE_C
from beffroi.kernel import clock
from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import Indicator, MeasureTotal, Ranking, Statistic
from beffroi.sdk.declarations import translatable as _

_DAY = timedelta(days=1)
_MONTH = timedelta(days=30)


def _station(measure: str, over_time: Statistic, *, window: timedelta = _DAY) -> MeasureTotal:
    return MeasureTotal(
        asset_type="weather_station",
        measure=measure,
        over_assets=Statistic.MEAN,
        over_time=over_time,
        window=window,
    )


def degree_days_meteo(*, lowest_c: float, highest_c: float, base_c: float = 18.0) -> float:
    """Heating degree days of a day by the mean of its extremes.

    Unit: K·d. Formula: max(0, S - (Tn + Tx) / 2). Source: Météo-France, "méthode Météo".

    Raises:
        ValueError: the lowest temperature is above the highest.
    """
    _check_order(lowest_c=lowest_c, highest_c=highest_c)
    return max(0.0, base_c - (lowest_c + highest_c) / 2)


def degree_days_costic(*, lowest_c: float, highest_c: float, base_c: float = 18.0) -> float:
    """Heating degree days of a day as heating contracts count them.

    Unit: K·d. Formula: S > Tx: S - (Tn + Tx) / 2; S <= Tn: 0; else
    (S - Tn) (0.08 + 0.42 (S - Tn) / (Tx - Tn)). Source: COSTIC, "méthode professionnels de
    l'énergie".

    Raises:
        ValueError: the lowest temperature is above the highest.
    """
    _check_order(lowest_c=lowest_c, highest_c=highest_c)
    if base_c > highest_c:
        return base_c - (lowest_c + highest_c) / 2
    if base_c <= lowest_c:
        return 0.0
    below = base_c - lowest_c
    return below * (0.08 + 0.42 * below / (highest_c - lowest_c))


def _check_order(*, lowest_c: float, highest_c: float) -> None:
    if not lowest_c <= highest_c:
        raise ValueError("the lowest temperature is above the highest, or one is missing")


def _base_c() -> float:
    return float(HEATING_BASE_C.at(clock.now().astimezone(clock.PARIS).date()))


def day_meteo(*, lowest_c: float, highest_c: float) -> float:
    """Degree days of the last 24 hours with the base in force; see :func:`degree_days_meteo`.

    Raises:
        ValueError: the lowest temperature is above the highest.
    """
    return degree_days_meteo(lowest_c=lowest_c, highest_c=highest_c, base_c=_base_c())


def day_costic(*, lowest_c: float, highest_c: float) -> float:
    """Degree days of the last 24 hours with the base in force; see :func:`degree_days_costic`.

    Raises:
        ValueError: the lowest temperature is above the highest.
    """
    return degree_days_costic(lowest_c=lowest_c, highest_c=highest_c, base_c=_base_c())


def rain_total(*, rain_mm: float) -> float:
    """Rain of a period, mean of the stations. Unit: mm. Formula: sum over time, mean over them."""
    return rain_mm


def highest_gust(*, gust_ms: float) -> float:
    """Highest gust of a day at any station. Unit: km/h. Formula: 3.6 × gust [m/s]."""
    return 3.6 * gust_ms


def mean_temperature(*, temperature_c: float) -> float:
    """Latest temperature, mean of the stations. Unit: °C."""
    return temperature_c


_EXTREMES = {
    "lowest_c": _station("temperature_c", Statistic.MIN),
    "highest_c": _station("temperature_c", Statistic.MAX),
}

INDICATORS = (
    Indicator(
        key="temperature_now",
        label=_("Temperature now"),
        definition=_("Mean of the latest temperatures of the stations."),
        unit=Unit.CELSIUS,
        source=_("WMO-No. 8, air temperature"),
        inputs={
            "temperature_c": MeasureTotal(
                asset_type="weather_station",
                measure="temperature_c",
                over_assets=Statistic.MEAN,
            ),
        },
        compute=mean_temperature,
    ),
    Indicator(
        key="rain_day",
        label=_("Rain of the last 24 hours"),
        definition=_("Rain of the last 24 hours, mean of the stations."),
        unit=Unit.MILLIMETRE,
        source=_("WMO-No. 8, amount of precipitation"),
        inputs={"rain_mm": _station("rain_mm", Statistic.SUM)},
        compute=rain_total,
    ),
    Indicator(
        key="rain_month",
        label=_("Rain of the last 30 days"),
        definition=_("Rain of the last 30 days, mean of the stations."),
        unit=Unit.MILLIMETRE,
        source=_("WMO-No. 8, amount of precipitation"),
        inputs={"rain_mm": _station("rain_mm", Statistic.SUM, window=_MONTH)},
        compute=rain_total,
        decimals=0,
    ),
    Indicator(
        key="highest_gust_day",
        label=_("Highest gust of the last 24 hours"),
        definition=_("Highest gust at any station in the last 24 hours."),
        unit=Unit.KILOMETRE_PER_HOUR,
        source=_("WMO-No. 8, wind gust"),
        inputs={
            "gust_ms": MeasureTotal(
                asset_type="weather_station",
                measure="wind_gust_ms",
                over_assets=Statistic.MAX,
                over_time=Statistic.MAX,
                window=_DAY,
            ),
        },
        compute=highest_gust,
        decimals=0,
    ),
    Indicator(
        key="degree_days_meteo",
        label=_("Degree days (Météo)"),
        definition=_(
            "Heating degree days of the last 24 hours, base 18 °C, by the mean of the lowest "
            "and highest temperature."
        ),
        unit=Unit.KELVIN_DAY,
        source=_("Météo-France, méthode Météo"),
        inputs=_EXTREMES,
        compute=day_meteo,
    ),
    Indicator(
        key="degree_days_costic",
        label=_("Degree days (COSTIC)"),
        definition=_(
            "Heating degree days of the last 24 hours, base 18 °C, as heating contracts count "
            "them when the temperature passes the base within the day."
        ),
        unit=Unit.KELVIN_DAY,
        source=_("COSTIC, méthode professionnels de l’énergie"),
        inputs=_EXTREMES,
        compute=day_costic,
    ),
)

RANKINGS = (
    Ranking(
        asset_type="weather_station",
        measure="temperature_c",
        descending=True,
        label=_("Warmest stations"),
    ),
    Ranking(
        asset_type="weather_station",
        measure="wind_gust_ms",
        descending=True,
        label=_("Windiest stations"),
    ),
)
