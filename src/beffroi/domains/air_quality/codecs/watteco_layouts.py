"""Batch layouts of the Watteco models, as the vendor's application notes give them."""

from __future__ import annotations

from beffroi.domains.air_quality.codecs.watteco_batch import Layout, Sample, Series

_BATTERY = Series("battery_v", Sample.UNSIGNED_16, resolution=100, divide=1_000)
_FINE_BATTERY = Series("battery_v", Sample.UNSIGNED_16, resolution=1, divide=1_000)
_EXTERNAL = Series("external_supply_v", Sample.UNSIGNED_16, resolution=100, divide=1_000)


def _temperature(measure: str = "temperature_c", *, resolution: float = 10) -> Series:
    return Series(measure, Sample.SIGNED_16, resolution=resolution, divide=100)


def _humidity(*, resolution: float = 100) -> Series:
    return Series("humidity_pct", Sample.UNSIGNED_16, resolution=resolution, divide=100)


def _index(rank: int = 1) -> Series:
    return Series(f"pulse_{rank}_total", Sample.UNSIGNED_32)


def _state(rank: int = 1) -> Series:
    return Series(f"input_{rank}_state", Sample.BOOLEAN)


def _analog(rank: int, *, resolution: float = 1, divide: float = 1) -> Series:
    return Series(f"analog_value_{rank}", Sample.FLOAT, resolution=resolution, divide=divide)


def _pressure(statistic: str) -> Series:
    return Series(f"differential_pressure_{statistic}_pa", Sample.SIGNED_16)


_PULSES = {0: _index(1), 1: _index(2), 2: _index(3), 3: _state(1), 4: _state(2), 5: _state(3)}

LAYOUTS: dict[str, tuple[Layout, tuple[str, ...]]] = {
    "th": (
        Layout(2, {0: _temperature(), 1: _humidity(), 2: _FINE_BATTERY, 3: _state()}),
        ("TH", "Clim'O", "Hygrotemp'O", "Hygrotemp'O Remote"),
    ),
    "temperature": (
        Layout(1, {0: _temperature(), 1: _BATTERY}),
        ("Temp'O", "Temp'O Remote 1 probe", "Indoor Temperature"),
    ),
    "two_probes": (
        Layout(3, {0: _temperature(), 1: _temperature("temperature_2_c"), 5: _BATTERY}),
        ("Temp'O Remote 2 probes", "Temp'O Outdoor", "Outdoor Temperature"),
    ),
    "closo": (Layout(2, {0: _state(), 1: _BATTERY}), ("Clos'O",)),
    "atmo": (
        Layout(
            3,
            {
                0: _temperature(resolution=1),
                1: _humidity(resolution=1),
                2: Series("pressure_hpa", Sample.SIGNED_16),
                3: _index(1),
                4: _index(2),
                5: _FINE_BATTERY,
            },
        ),
        ("Atm'O",),
    ),
    "vaqao": (
        Layout(
            3,
            {
                0: Series("occupied", Sample.UNSIGNED_8),
                1: _temperature(),
                2: _humidity(),
                3: Series("co2_ppm", Sample.UNSIGNED_16, resolution=10),
                4: Series("tvoc_ppb", Sample.UNSIGNED_16, resolution=10),
                5: Series("light_lux", Sample.UNSIGNED_16, resolution=10),
                6: Series("pressure_hpa", Sample.UNSIGNED_16, resolution=10, divide=10),
            },
        ),
        ("Vaqa'O", "Vaqa'O Lite", "Vaqa'O LT", "Vaqa'O Plus"),
    ),
    "moveo": (
        Layout(
            3,
            {
                0: Series("occupied", Sample.UNSIGNED_8),
                1: _temperature(),
                2: _humidity(),
                5: Series("light_lux", Sample.UNSIGNED_16, resolution=10),
            },
        ),
        ("Move'O", "Move'O Lite"),
    ),
    "ventilo": (
        Layout(
            3,
            {
                0: _pressure("mean"),
                1: _pressure("min"),
                2: _pressure("max"),
                3: _FINE_BATTERY,
                4: _temperature(),
                5: Series("differential_pressure_pa", Sample.SIGNED_16),
                6: _index(),
                7: _state(),
            },
        ),
        ("Ventil'O",),
    ),
    "flasho": (Layout(1, {0: _index(), 1: _BATTERY}), ("Flash'O",)),
    "pulse": (
        Layout(4, {**_PULSES, 6: _BATTERY, 7: Series("", Sample.UNSIGNED_16)}, inputs=3),
        ("Pulse Sens'O", "Pulse Sens'O ATEX"),
    ),
    "torano": (
        Layout(
            4,
            {
                **_PULSES,
                6: _analog(1, resolution=0.004),
                7: _analog(2),
                8: _analog(3),
                9: _analog(4),
                10: _analog(5),
                11: _BATTERY,
            },
            inputs=3,
        ),
        ("Toran'O ATEX",),
    ),
    "presso": (
        Layout(
            3,
            {
                0: _analog(1, resolution=0.004),
                1: _analog(2),
                2: _BATTERY,
                3: _EXTERNAL,
                4: _index(),
            },
        ),
        ("Press'O", "Lev'O"),
    ),
    "monito": (
        Layout(
            3,
            {
                0: _analog(1, resolution=0.02),
                1: _analog(2, resolution=17),
                2: _BATTERY,
                3: _EXTERNAL,
            },
        ),
        ("Monit'O",),
    ),
    "intenso": (
        Layout(2, {0: Series("current_a", Sample.FLOAT, resolution=0.1), 1: _BATTERY}),
        ("Intens'O",),
    ),
    "inclino": (
        Layout(
            3,
            {
                0: Series("acceleration_mg", Sample.UNSIGNED_16),
                1: Series("angle_deg", Sample.FLOAT, resolution=0.1, divide=1_000),
            },
        ),
        ("Inclin'O",),
    ),
    "smart_plug": (
        Layout(1, {0: Series("active_energy_wh", Sample.SIGNED_24)}),
        ("Smart Plug",),
    ),
}
"""Layout and models by family; the codec of a family is called ``watteco_<family>``."""
