"""From the unit of a sender to the unit that a measure declares."""

from __future__ import annotations

from beffroi.kernel.units import Unit
from beffroi.sdk import registry

# The first of each group is its base: a value times the factor, plus the offset, is in the base.
_GROUPS: tuple[tuple[tuple[str, float, float], ...], ...] = (
    (("°C", 1, 0), ("K", 1, -273.15), ("°F", 5 / 9, -160 / 9)),
    (
        ("Pa", 1, 0),
        ("hPa", 100, 0),
        ("mbar", 100, 0),
        ("kPa", 1_000, 0),
        ("bar", 1e5, 0),
    ),
    (("m", 1, 0), ("mm", 1e-3, 0), ("cm", 1e-2, 0), ("km", 1e3, 0)),
    (("m³", 1, 0), ("L", 1e-3, 0), ("hL", 0.1, 0)),
    (("m³/h", 1, 0), ("L/h", 1e-3, 0), ("L/min", 0.06, 0), ("L/s", 3.6, 0), ("m³/s", 3_600, 0)),
    (("m/s", 1, 0), ("km/h", 1 / 3.6, 0)),
    (("V", 1, 0), ("mV", 1e-3, 0)),
    (("A", 1, 0), ("mA", 1e-3, 0)),
    (("W", 1, 0), ("kW", 1e3, 0), ("MW", 1e6, 0)),
    (("Wh", 1, 0), ("kWh", 1e3, 0), ("MWh", 1e6, 0), ("J", 1 / 3_600, 0)),
    (("VA", 1, 0), ("kVA", 1e3, 0)),
    (("s", 1, 0), ("ms", 1e-3, 0), ("min", 60, 0), ("h", 3_600, 0)),
    (("kg", 1, 0), ("g", 1e-3, 0), ("t", 1e3, 0)),
    (("ppm", 1, 0), ("ppb", 1e-3, 0)),
    (("µg/m³", 1, 0), ("mg/m³", 1e3, 0)),
    (("%", 1, 0), ("1", 100, 0)),
    (("Hz", 1, 0), ("kHz", 1e3, 0), ("MHz", 1e6, 0)),
)
_BY_NAME = {
    name: (rank, factor, offset)
    for rank, group in enumerate(_GROUPS)
    for name, factor, offset in group
}
_SAME = {unit.ucum: unit.symbol for unit in Unit} | {"Cel": "°C", "[degF]": "°F", "l": "L"}

UNITS = tuple(name for group in _GROUPS for name, _, _ in group)
"""The units that a sender may declare."""


def conversion(unit: str, *, measure: str) -> tuple[float, float] | None:
    """Return ``(factor, offset)`` from a sender's unit to that of a measure; None without any.

    ``unit`` is a symbol or a UCUM code. A unit that the measure declares itself needs no change;
    for a measure that nothing installed declares there is no conversion.
    """
    declared = registry.measures().get(measure)
    if declared is None:
        return None
    wanted, given = declared.unit.symbol, _SAME.get(unit, unit)
    if given == wanted:
        return 1.0, 0.0
    if given not in _BY_NAME or wanted not in _BY_NAME:
        return None
    group, factor, offset = _BY_NAME[given]
    other, to_base, from_zero = _BY_NAME[wanted]
    if group != other:
        return None
    return factor / to_base, (offset - from_zero) / to_base
