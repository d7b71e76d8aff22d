"""Measures that stations and radio sensors report; each says where its range comes from."""

from __future__ import annotations

from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import Kind, Measure, Statistic
from beffroi.sdk.declarations import translatable as _

ELSYS = "Elsys payload format, version 12"
WATTECO = "Watteco application layer"
DIRECTIVE = "Directive (EU) 2024/2881 on ambient air quality"

TEMPERATURE_C = Measure(
    key="temperature_c",
    label=_("Temperature"),
    unit=Unit.CELSIUS,
    valid=(-60, 85),
    source="usual operating range of outdoor electronic probes",
    ngsi_name="temperature",
)
HUMIDITY_PCT = Measure(
    key="humidity_pct",
    label=_("Relative humidity"),
    unit=Unit.PERCENT,
    valid=(0, 100),
    source="definition of relative humidity",
    decimals=0,
    ngsi_name="relativeHumidity",
)
PRESSURE_HPA = Measure(
    key="pressure_hpa",
    label=_("Atmospheric pressure"),
    unit=Unit.HECTOPASCAL,
    valid=(500, 1_100),
    source="extremes observed from sea level to 5 000 m (WMO)",
    decimals=0,
    ngsi_name="atmosphericPressure",
)
CO2_PPM = Measure(
    key="co2_ppm",
    label=_("Carbon dioxide"),
    unit=Unit.PARTS_PER_MILLION,
    valid=(300, 10_000),
    source="range of indoor infrared CO2 sensors; outdoor air holds more than 400 ppm",
    decimals=0,
    ngsi_name="co2",
)
LIGHT_LUX = Measure(
    key="light_lux",
    label=_("Illuminance"),
    unit=Unit.LUX,
    valid=(0, 130_000),
    source="direct sunlight is about 120 000 lx (CIE)",
    decimals=0,
    ngsi_name="illuminance",
)
MOTION_COUNT = Measure(
    key="motion_count",
    label=_("Movements since the last report"),
    unit=Unit.COUNT,
    valid=(0, 65_535),
    source=f"{ELSYS}: motion, PIR detections",
    aggregate=Statistic.SUM,
    decimals=0,
)
TVOC_PPB = Measure(
    key="tvoc_ppb",
    label=_("Volatile organic compounds"),
    unit=Unit.PARTS_PER_BILLION,
    valid=(0, 60_000),
    source=f"{ELSYS} and {WATTECO}: range of metal oxide sensors",
    decimals=0,
)
SOUND_PEAK_DB = Measure(
    key="sound_peak_db",
    label=_("Sound level, peak"),
    unit=Unit.DECIBEL,
    valid=(0, 140),
    source=f"{ELSYS}: sound peak",
    aggregate=Statistic.MAX,
    decimals=0,
)
SOUND_MEAN_DB = Measure(
    key="sound_mean_db",
    label=_("Sound level, mean"),
    unit=Unit.DECIBEL,
    valid=(0, 140),
    source=f"{ELSYS}: sound average",
    aggregate=Statistic.MEAN_ENERGY_DB,
    decimals=0,
)
OCCUPANCY_STATE = Measure(
    key="occupancy_state",
    label=_("Occupancy"),
    unit=Unit.NONE,
    valid=(0, 2),
    source=f"{ELSYS}: occupancy 0, 1, 2",
    kind=Kind.CHOICE,
    choices=(_("Unoccupied"), _("Leaving"), _("Occupied")),
    aggregate=Statistic.LAST,
    decimals=0,
)
OCCUPIED = Measure(
    key="occupied",
    label=_("Occupied"),
    unit=Unit.NONE,
    valid=(0, 1),
    source=f"{WATTECO}: cluster 0x0406, occupancy sensing",
    kind=Kind.BOOLEAN,
    decimals=0,
)


def _pollutant(key: str, label: str, *, high: float, ngsi_name: str) -> Measure:
    return Measure(
        key=key,
        label=label,
        unit=Unit.MICROGRAM_PER_CUBIC_METRE,
        valid=(0, high),
        source=f"{DIRECTIVE}: regulated pollutant; range of reference analysers",
        ngsi_name=ngsi_name,
    )


NO2_UGM3 = _pollutant("no2_ugm3", _("Nitrogen dioxide"), high=1_000, ngsi_name="no2")
NO_UGM3 = _pollutant("no_ugm3", _("Nitrogen monoxide"), high=1_500, ngsi_name="no")
O3_UGM3 = _pollutant("o3_ugm3", _("Ozone"), high=600, ngsi_name="o3")
PM10_UGM3 = _pollutant("pm10_ugm3", _("Particles PM10"), high=1_500, ngsi_name="pm10")
PM25_UGM3 = _pollutant("pm25_ugm3", _("Particles PM2.5"), high=1_000, ngsi_name="pm25")
SO2_UGM3 = _pollutant("so2_ugm3", _("Sulphur dioxide"), high=2_000, ngsi_name="so2")
CO_UGM3 = _pollutant("co_ugm3", _("Carbon monoxide"), high=60_000, ngsi_name="co")
BENZENE_UGM3 = _pollutant("benzene_ugm3", _("Benzene"), high=200, ngsi_name="benzene")


def _count(key: str, label: str, *, source: str, total: bool = False) -> Measure:
    return Measure(
        key=key,
        label=label,
        unit=Unit.COUNT,
        valid=(0, 4_294_967_295 if total else 65_535),
        source=source,
        aggregate=Statistic.INCREASE if total else Statistic.SUM,
        decimals=0,
    )


def _boolean(key: str, label: str, *, source: str, words: tuple[str, str]) -> Measure:
    return Measure(
        key=key,
        label=label,
        unit=Unit.NONE,
        valid=(0, 1),
        source=source,
        kind=Kind.BOOLEAN,
        choices=words,
        aggregate=Statistic.LAST,
        decimals=0,
    )


def _probe(key: str, label: str, *, source: str) -> Measure:
    return Measure(key=key, label=label, unit=Unit.CELSIUS, valid=(-200, 800), source=source)


def _supply(key: str, label: str) -> Measure:
    return Measure(
        key=key,
        label=label,
        unit=Unit.VOLT,
        valid=(0, 60),
        source=f"{WATTECO}: cluster 0x0050, node power descriptor",
        aggregate=Statistic.LAST,
        decimals=2,
    )


def _plain(key: str, label: str, unit: Unit, valid: tuple[float, float], source: str) -> Measure:
    return Measure(key=key, label=label, unit=unit, valid=valid, source=source)


INPUTS = 10
"""Watteco In'O has ten inputs; Elsys nodes have two."""

SENSOR_MEASURES: tuple[Measure, ...] = (
    _plain("acceleration_x", _("Acceleration X (63 is 1 g)"), Unit.COUNT, (-128, 127), ELSYS),
    _plain("acceleration_y", _("Acceleration Y (63 is 1 g)"), Unit.COUNT, (-128, 127), ELSYS),
    _plain("acceleration_z", _("Acceleration Z (63 is 1 g)"), Unit.COUNT, (-128, 127), ELSYS),
    _plain("acceleration_mg", _("Acceleration (mg)"), Unit.COUNT, (0, 65_535), WATTECO),
    _count("vibration_count", _("Shocks since the last report"), source=f"{ELSYS}: accMotion"),
    _plain("angle_deg", _("Angle"), Unit.DEGREE, (-360, 360), WATTECO),
    _plain("distance_mm", _("Distance"), Unit.MILLIMETRE, (0, 20_000), ELSYS),
    _plain("water_leak_level", _("Water on the probe"), Unit.COUNT, (0, 255), ELSYS),
    _plain("latitude_deg", _("Latitude"), Unit.DEGREE, (-90, 90), ELSYS),
    _plain("longitude_deg", _("Longitude"), Unit.DEGREE, (-180, 180), ELSYS),
    _plain("analog_1_mv", _("Analogue input 1"), Unit.MILLIVOLT, (0, 65_535), ELSYS),
    _plain("analog_2_mv", _("Analogue input 2"), Unit.MILLIVOLT, (0, 65_535), ELSYS),
    _plain("bridge_mv", _("Load cell voltage"), Unit.MILLIVOLT, (-2_200_000, 2_200_000), ELSYS),
    _plain("analog_value_1", _("Analogue value 1"), Unit.NONE, (-1e9, 1e9), WATTECO),
    _plain("analog_value_2", _("Analogue value 2"), Unit.NONE, (-1e9, 1e9), WATTECO),
    _plain("analog_value_3", _("Analogue value 3"), Unit.NONE, (-1e9, 1e9), WATTECO),
    _plain("analog_value_4", _("Analogue value 4"), Unit.NONE, (-1e9, 1e9), WATTECO),
    _plain("analog_value_5", _("Analogue value 5"), Unit.NONE, (-1e9, 1e9), WATTECO),
    _plain("humidity_2_pct", _("Relative humidity 2"), Unit.PERCENT, (0, 100), WATTECO),
    _probe("temperature_2_c", _("Temperature, probe 2"), source=WATTECO),
    _probe("external_temperature_c", _("External temperature"), source=ELSYS),
    _probe("external_temperature_2_c", _("External temperature 2"), source=ELSYS),
    _probe("external_temperature_3_c", _("External temperature 3"), source=ELSYS),
    _probe("external_temperature_4_c", _("External temperature 4"), source=ELSYS),
    _probe("external_temperature_5_c", _("External temperature 5"), source=ELSYS),
    _probe("ir_internal_temperature_c", _("Temperature of the infrared sensor"), source=ELSYS),
    _probe("ir_external_temperature_c", _("Temperature seen by infrared"), source=ELSYS),
    _probe("thermal_reference_c", _("Thermal image, reference"), source=ELSYS),
    _probe("thermal_min_c", _("Thermal image, coldest"), source=ELSYS),
    _probe("thermal_mean_c", _("Thermal image, mean"), source=ELSYS),
    _probe("thermal_max_c", _("Thermal image, hottest"), source=ELSYS),
    _plain(
        "differential_pressure_pa", _("Differential pressure"), Unit.PASCAL, (-1e4, 1e4), WATTECO
    ),
    *(
        _plain(f"differential_pressure_{key}_pa", label, Unit.PASCAL, (-1e4, 1e4), WATTECO)
        for key, label in (
            ("mean", _("Differential pressure, mean since the last report")),
            ("min", _("Differential pressure, lowest since the last report")),
            ("max", _("Differential pressure, highest since the last report")),
        )
    ),
    _count("pulse_1_count", _("Pulses since the last report, input 1"), source=ELSYS),
    _count("pulse_2_count", _("Pulses since the last report, input 2"), source=ELSYS),
    *(
        _count(
            f"pulse_{n}_total",
            f"Pulse index, input {n}",
            source=f"{ELSYS}; {WATTECO}: cluster 0x000F, attribute 0x0402",
            total=True,
        )
        for n in range(1, INPUTS + 1)
    ),
    *(
        _boolean(
            f"input_{n}_state",
            f"Input {n}",
            source=f"{ELSYS}; {WATTECO}: clusters 0x000F and 0x8005",
            words=(_("Inactive"), _("Active")),
        )
        for n in range(1, INPUTS + 1)
    ),
    *(
        _boolean(
            f"output_{n}_on",
            f"Output {n}",
            source=f"{WATTECO}: cluster 0x0006",
            words=(_("Off"), _("On")),
        )
        for n in range(1, 5)
    ),
    _plain("output_level", _("Output level"), Unit.COUNT, (0, 255), f"{WATTECO}: cluster 0x0013"),
    _supply("external_supply_v", _("External supply voltage")),
    _supply("rechargeable_battery_v", _("Rechargeable battery voltage")),
    _supply("solar_supply_v", _("Solar supply voltage")),
    _supply("tic_supply_v", _("Meter supply voltage")),
)
"""What general-purpose radio sensors report besides the air itself."""
