"""Base temperatures of the degree days."""

from __future__ import annotations

from datetime import date

from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import ParameterRow, ParameterTable
from beffroi.sdk.declarations import translatable as _

HEATING_BASE_C = ParameterTable(
    key="heating_base_c",
    label=_("Base temperature of heating degree days"),
    unit=Unit.CELSIUS,
    rows=(
        ParameterRow(
            valid_from=date(1970, 1, 1),
            valid_to=None,
            value=18.0,
            text=_("Convention of Météo-France and COSTIC for degree days, base 18"),
        ),
    ),
)
PARAMETERS = (HEATING_BASE_C,)
