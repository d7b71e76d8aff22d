"""Bounds of the air-quality indices, dated, with their texts.

A value is five upper bounds in µg/m³, all inclusive; above the last, the sixth class.
"""

from __future__ import annotations

from datetime import date

from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import ParameterRow, ParameterTable
from beffroi.sdk.declarations import translatable as _

Bounds = tuple[float, float, float, float, float]

_ATMO_TEXT = _(
    "Arrêté du 10 juillet 2020 relatif à l’indice de la qualité de l’air ambiant, annexe I "
    "(JORFTEXT000042164835)"
)
_ATMO_FROM = date(2021, 1, 1)
_EAQI_TEXT = _("European Environment Agency, ETC HE report 2024/17: bands of the European index")
_EAQI_FROM = date(2024, 11, 1)


def _table(key: str, label: str, bounds: Bounds, *, valid_from: date, text: str) -> ParameterTable:
    row = ParameterRow(valid_from=valid_from, valid_to=None, value=bounds, text=text)
    return ParameterTable(key=key, label=label, unit=Unit.MICROGRAM_PER_CUBIC_METRE, rows=(row,))


def _atmo(pollutant: str, label: str, bounds: Bounds) -> ParameterTable:
    return _table(f"atmo_{pollutant}", label, bounds, valid_from=_ATMO_FROM, text=_ATMO_TEXT)


def _eaqi(pollutant: str, label: str, bounds: Bounds) -> ParameterTable:
    return _table(f"eaqi_{pollutant}", label, bounds, valid_from=_EAQI_FROM, text=_EAQI_TEXT)


ATMO_BOUNDS = {
    "so2": _atmo("so2", _("ATMO index: sulphur dioxide"), (100, 200, 350, 500, 750)),
    "no2": _atmo("no2", _("ATMO index: nitrogen dioxide"), (40, 90, 120, 230, 340)),
    "o3": _atmo("o3", _("ATMO index: ozone"), (50, 100, 130, 240, 380)),
    "pm10": _atmo("pm10", _("ATMO index: particles PM10"), (20, 40, 50, 100, 150)),
    "pm25": _atmo("pm25", _("ATMO index: particles PM2.5"), (10, 20, 25, 50, 75)),
}
"""Gases: highest hourly mean of the day; particles: mean of the day."""

EAQI_BOUNDS = {
    "so2": _eaqi("so2", _("European index: sulphur dioxide"), (20, 40, 125, 190, 275)),
    "no2": _eaqi("no2", _("European index: nitrogen dioxide"), (10, 25, 60, 100, 150)),
    "o3": _eaqi("o3", _("European index: ozone"), (60, 100, 120, 160, 180)),
    "pm10": _eaqi("pm10", _("European index: particles PM10"), (15, 45, 120, 195, 270)),
    "pm25": _eaqi("pm25", _("European index: particles PM2.5"), (5, 15, 50, 90, 140)),
}
"""Hourly means of all five."""

PARAMETERS = (*ATMO_BOUNDS.values(), *EAQI_BOUNDS.values())
