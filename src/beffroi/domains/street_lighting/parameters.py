"""Hours that the decree of 27 December 2018 sets; ordinary street lighting has none."""

from __future__ import annotations

from datetime import date

from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import ParameterRow, ParameterTable
from beffroi.sdk.declarations import translatable as _

_TEXT = _(
    "Arrêté du 27 décembre 2018 relatif à la prévention, à la réduction et à la limitation "
    "des nuisances lumineuses"
)
_IN_FORCE = date(2019, 1, 1)


def _table(key: str, label: str, unit: Unit, value: float) -> ParameterTable:
    row = ParameterRow(valid_from=_IN_FORCE, valid_to=None, value=value, text=_TEXT)
    return ParameterTable(key=key, label=label, unit=unit, rows=(row,))


SITE_OFF_AFTER_H = _table(
    "activity_site_off_after_h",
    _("Enclosed activity sites: off so many hours after closing"),
    Unit.HOUR,
    1,
)
PARK_OFF_AT_H = _table(
    "park_off_at_h",
    _("Parks and gardens: off at this hour at the latest, or one hour after closing"),
    Unit.HOUR,
    1,
)
WINDOW_OFF_AT_H = _table(
    "shop_window_off_at_h",
    _("Shop windows: off at this hour at the latest, or one hour after closing"),
    Unit.HOUR,
    1,
)

PARAMETERS = (SITE_OFF_AFTER_H, PARK_OFF_AT_H, WINDOW_OFF_AT_H)
