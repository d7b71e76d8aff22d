"""Weather stations; names follow Smart Data Models WeatherObserved."""

from __future__ import annotations

from datetime import timedelta

from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import AssetType, Measure, Statistic
from beffroi.sdk.declarations import translatable as _
from beffroi.sdk.shared_properties import altitude_m, operator, town

_WMO = "WMO Guide to Instruments and Methods of Observation (WMO-No. 8)"

WEATHER_STATION = AssetType(
    key="weather_station",
    label=_("Weather station"),
    label_plural=_("Weather stations"),
    ngsi_type="WeatherObserved",
    measures=(
        Measure(
            key="temperature_c",
            label=_("Temperature"),
            unit=Unit.CELSIUS,
            valid=(-45, 55),
            source=f"{_WMO}: air temperature; French records are -41 and 46 degrees",
            ngsi_name="temperature",
        ),
        Measure(
            key="humidity_pct",
            label=_("Relative humidity"),
            unit=Unit.PERCENT,
            valid=(0, 100),
            source=f"{_WMO}: relative humidity",
            decimals=0,
            ngsi_name="relativeHumidity",
        ),
        Measure(
            key="pressure_hpa",
            label=_("Atmospheric pressure"),
            unit=Unit.HECTOPASCAL,
            valid=(500, 1_100),
            source=f"{_WMO}: atmospheric pressure",
            ngsi_name="atmosphericPressure",
        ),
        Measure(
            key="wind_speed_ms",
            label=_("Wind speed"),
            unit=Unit.METRE_PER_SECOND,
            valid=(0, 75),
            source=f"{_WMO}: wind speed, mean of ten minutes",
            ngsi_name="windSpeed",
        ),
        Measure(
            key="wind_gust_ms",
            label=_("Wind gust"),
            unit=Unit.METRE_PER_SECOND,
            valid=(0, 110),
            source=f"{_WMO}: highest three-second mean",
            aggregate=Statistic.MAX,
            ngsi_name="gustSpeed",
        ),
        Measure(
            key="wind_direction_deg",
            label=_("Wind direction"),
            unit=Unit.DEGREE,
            valid=(0, 360),
            source=f"{_WMO}: direction that the wind comes from, clockwise from north",
            aggregate=Statistic.LAST,
            decimals=0,
            ngsi_name="windDirection",
        ),
        Measure(
            key="rain_mm",
            label=_("Rain since the last report"),
            unit=Unit.MILLIMETRE,
            valid=(0, 200),
            source=f"{_WMO}: amount of precipitation",
            aggregate=Statistic.SUM,
            ngsi_name="precipitation",
        ),
        Measure(
            key="solar_radiation_wm2",
            label=_("Solar radiation"),
            unit=Unit.WATT_PER_SQUARE_METRE,
            valid=(0, 1_500),
            source=f"{_WMO}: global irradiance",
            decimals=0,
            ngsi_name="solarRadiation",
        ),
    ),
    properties=(
        altitude_m("alti", "elevation"),
        operator("exploitant", "gestionnaire", "organisme"),
        town("nom_commune"),
    ),
    headline="temperature_c",
    silent_after=timedelta(hours=3),
    name_synonyms=("nom", "nom_station", "nom_usuel", "libelle"),
    key_synonyms=("identifiant", "num_poste", "id_station", "numer_sta"),
    icon="weather",
)
