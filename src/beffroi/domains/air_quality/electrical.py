"""Electrical measures of metering sensors, per phase and in total."""

from __future__ import annotations

from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import Measure, Statistic
from beffroi.sdk.declarations import translatable as _

_SOURCE = "Watteco application layer: clusters 0x0052, 0x8052, 0x800A, 0x800B, 0x800D, 0x8010"
_ENERGY = (-2_147_483_648, 4_294_967_295)
_POWER = (-2_147_483_648, 4_294_967_295)

PHASES = ("a", "b", "c", "total")
_PHASE_LABEL = {"a": "phase A", "b": "phase B", "c": "phase C", "total": "three phases"}

_PER_PHASE = (
    ("active_energy_{}_wh", "Active energy", Unit.WATT_HOUR),
    ("reactive_energy_{}_varh", "Reactive energy", Unit.VOLT_AMPERE_REACTIVE_HOUR),
    ("power_{}_w", "Active power", Unit.WATT),
    ("reactive_power_{}_var", "Reactive power", Unit.VOLT_AMPERE_REACTIVE),
    ("energy_drawn_{}_wh", "Active energy drawn", Unit.WATT_HOUR),
    ("energy_injected_{}_wh", "Active energy injected", Unit.WATT_HOUR),
    ("reactive_energy_drawn_{}_varh", "Reactive energy drawn", Unit.VOLT_AMPERE_REACTIVE_HOUR),
    (
        "reactive_energy_injected_{}_varh",
        "Reactive energy injected",
        Unit.VOLT_AMPERE_REACTIVE_HOUR,
    ),
    ("power_drawn_{}_w", "Active power drawn", Unit.WATT),
    ("power_injected_{}_w", "Active power injected", Unit.WATT),
    ("reactive_power_drawn_{}_var", "Reactive power drawn", Unit.VOLT_AMPERE_REACTIVE),
    ("reactive_power_injected_{}_var", "Reactive power injected", Unit.VOLT_AMPERE_REACTIVE),
)
_PER_LINE = (
    ("voltage_{}_v", "Voltage", Unit.VOLT, (0.0, 6_553.5)),
    ("current_{}_a", "Electric current", Unit.AMPERE, (0.0, 6_553.5)),
    ("phase_angle_{}_deg", "Phase angle", Unit.DEGREE, (-360.0, 360.0)),
)
_POWERS = (Unit.WATT, Unit.VOLT_AMPERE_REACTIVE)


def _measure(
    key: str,
    label: str,
    unit: Unit,
    valid: tuple[float, float],
    *,
    aggregate: Statistic = Statistic.MEAN,
) -> Measure:
    return Measure(
        key=key, label=label, unit=unit, valid=valid, source=_SOURCE, aggregate=aggregate
    )


ELECTRICAL_MEASURES: tuple[Measure, ...] = (
    _measure(
        "active_energy_wh",
        _("Active energy"),
        Unit.WATT_HOUR,
        _ENERGY,
        aggregate=Statistic.INCREASE,
    ),
    _measure(
        "reactive_energy_varh",
        _("Reactive energy"),
        Unit.VOLT_AMPERE_REACTIVE_HOUR,
        _ENERGY,
        aggregate=Statistic.INCREASE,
    ),
    _measure("power_w", _("Active power"), Unit.WATT, _POWER),
    _measure("reactive_power_var", _("Reactive power"), Unit.VOLT_AMPERE_REACTIVE, _POWER),
    _measure("metering_samples_count", _("Metering samples"), Unit.COUNT, (0, 65_535)),
    _measure("current_a", _("Electric current"), Unit.AMPERE, (0, 10_000)),
    _measure("frequency_hz", _("Mains frequency"), Unit.HERTZ, (20, 90)),
    _measure("frequency_min_hz", _("Mains frequency, lowest"), Unit.HERTZ, (20, 90)),
    _measure("frequency_max_hz", _("Mains frequency, highest"), Unit.HERTZ, (20, 90)),
    _measure("voltage_v", _("Voltage"), Unit.VOLT, (0, 6_553.5)),
    _measure("voltage_min_v", _("Voltage, lowest"), Unit.VOLT, (0, 6_553.5)),
    _measure("voltage_max_v", _("Voltage, highest"), Unit.VOLT, (0, 6_553.5)),
    _measure("peak_voltage_v", _("Peak voltage"), Unit.VOLT, (0, 6_553.5)),
    _measure("peak_voltage_min_v", _("Peak voltage, lowest"), Unit.VOLT, (0, 6_553.5)),
    _measure("peak_voltage_max_v", _("Peak voltage, highest"), Unit.VOLT, (0, 6_553.5)),
    _measure("overvoltage_count", _("Overvoltages"), Unit.COUNT, (0, 65_535)),
    _measure("sag_count", _("Voltage sags"), Unit.COUNT, (0, 65_535)),
    _measure("brownout_count", _("Brownouts"), Unit.COUNT, (0, 65_535)),
    *(
        _measure(
            key.format(phase),
            f"{label}, {_PHASE_LABEL[phase]}",
            unit,
            _POWER if unit in _POWERS else _ENERGY,
            aggregate=Statistic.MEAN if unit in _POWERS else Statistic.INCREASE,
        )
        for key, label, unit in _PER_PHASE
        for phase in PHASES
    ),
    *(
        _measure(key.format(phase), f"{label}, {_PHASE_LABEL[phase]}", unit, valid)
        for key, label, unit, valid in _PER_LINE
        for phase in PHASES[:3]
    ),
)
"""What a plug, a clamp or a meter reader reports."""


def _meter(
    key: str, label: str, unit: Unit, high: float, *, aggregate: Statistic = Statistic.INCREASE
) -> Measure:
    return Measure(
        key=key,
        label=label,
        unit=unit,
        valid=(0, high),
        source="Enedis, customer port of the meters (TIC): NOI-CPT_54E, 02E, 55E and ICE",
        aggregate=aggregate,
        decimals=0,
    )


_HOURS = ("p", "pm", "hce", "hch", "hh", "hcd", "hd", "ja", "hpe", "hph", "hpd")
_VA = Unit.VOLT_AMPERE
_U32, _U24 = 4_294_967_295, 16_777_215

METER_MEASURES: tuple[Measure, ...] = (
    _meter("tic_drawn_total_wh", _("Meter: energy drawn"), Unit.WATT_HOUR, _U32),
    _meter("tic_injected_total_wh", _("Meter: energy injected"), Unit.WATT_HOUR, _U32),
    _meter("tic_base_wh", _("Meter: base index"), Unit.WATT_HOUR, _U32),
    _meter("tic_off_peak_wh", _("Meter: off-peak index"), Unit.WATT_HOUR, _U32),
    _meter("tic_peak_wh", _("Meter: peak index"), Unit.WATT_HOUR, _U32),
    _meter("tic_ejp_normal_wh", _("Meter: EJP index, normal hours"), Unit.WATT_HOUR, _U32),
    _meter("tic_ejp_peak_wh", _("Meter: EJP index, peak days"), Unit.WATT_HOUR, _U32),
    *(
        _meter(f"tic_tempo_{key}_wh", label, Unit.WATT_HOUR, _U32)
        for key, label in (
            ("blue_off_peak", _("Meter: Tempo index, blue days, off-peak")),
            ("blue_peak", _("Meter: Tempo index, blue days, peak")),
            ("white_off_peak", _("Meter: Tempo index, white days, off-peak")),
            ("white_peak", _("Meter: Tempo index, white days, peak")),
            ("red_off_peak", _("Meter: Tempo index, red days, off-peak")),
            ("red_peak", _("Meter: Tempo index, red days, peak")),
        )
    ),
    *(
        _meter(key, label, Unit.AMPERE, 65_535, aggregate=Statistic.LAST)
        for key, label in (
            ("tic_subscribed_current_a", _("Meter: subscribed current")),
            ("tic_highest_current_a", _("Meter: highest current drawn")),
        )
    ),
    *(
        _meter(
            f"tic_supplier_index_{rank}_wh", f"Meter: supplier index {rank}", Unit.WATT_HOUR, _U32
        )
        for rank in range(1, 11)
    ),
    *(
        _meter(
            f"tic_distributor_index_{rank}_wh",
            f"Meter: distributor index {rank}",
            Unit.WATT_HOUR,
            _U32,
        )
        for rank in range(1, 5)
    ),
    *(
        _meter(
            f"tic_reactive_q{rank}_varh",
            f"Meter: reactive energy, quadrant {rank}",
            Unit.VOLT_AMPERE_REACTIVE_HOUR,
            _U32,
        )
        for rank in range(1, 5)
    ),
    *(
        _meter(
            f"tic_current_{rank}_a",
            f"Meter: current, phase {rank}",
            Unit.AMPERE,
            65_535,
            aggregate=Statistic.MEAN,
        )
        for rank in range(1, 4)
    ),
    *(
        _meter(
            f"tic_voltage_{rank}_v",
            f"Meter: voltage, phase {rank}",
            Unit.VOLT,
            65_535,
            aggregate=Statistic.MEAN,
        )
        for rank in range(1, 4)
    ),
    _meter("tic_drawn_power_va", _("Meter: power drawn"), _VA, _U32, aggregate=Statistic.MEAN),
    *(
        _meter(
            f"tic_drawn_power_{rank}_va",
            f"Meter: power drawn, phase {rank}",
            _VA,
            _U24,
            aggregate=Statistic.MEAN,
        )
        for rank in range(1, 4)
    ),
    _meter(
        "tic_injected_power_va", _("Meter: power injected"), _VA, _U24, aggregate=Statistic.MEAN
    ),
    _meter(
        "tic_reference_power_kva",
        _("Meter: reference power"),
        Unit.KILOVOLT_AMPERE,
        255,
        aggregate=Statistic.LAST,
    ),
    _meter(
        "tic_cutoff_power_kva",
        _("Meter: cut-off power"),
        Unit.KILOVOLT_AMPERE,
        255,
        aggregate=Statistic.LAST,
    ),
    _meter(
        "tic_period_drawn_kwh", _("Meter: energy drawn in the period"), Unit.KILOWATT_HOUR, _U24
    ),
    _meter(
        "tic_period_injected_kwh",
        _("Meter: energy injected in the period"),
        Unit.KILOWATT_HOUR,
        _U24,
    ),
    *(
        _meter(
            f"tic_period_{hour}_kwh",
            f"Meter: energy of the period, {hour.upper()}",
            Unit.KILOWATT_HOUR,
            _U24,
        )
        for hour in _HOURS
    ),
)
"""What a French electricity meter says on its customer port."""
