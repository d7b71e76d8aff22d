"""What an indicator is worked out from, said in words."""

from __future__ import annotations

import math

from django.utils.translation import gettext as _

from beffroi.modules.control_room.contracts import InputLine
from beffroi.modules.control_room.readings import measures_by_key
from beffroi.modules.control_room.words import (
    STATISTICS,
    duration_words,
    number,
    property_text,
    told,
    type_label,
)
from beffroi.sdk.declarations import (
    AssetCount,
    IndicatorInput,
    Kind,
    Measure,
    MeasureShare,
    MeasureTotal,
    PropertySum,
    TerritoryFact,
)
from beffroi.sdk.registry import asset_types


def input_line(item: IndicatorInput, value: float | None) -> InputLine:
    """Return one input with its value, its unit and what it counts."""
    match item:
        case AssetCount():
            return InputLine(label=_count_words(item), value=value, unit="", decimals=0)
        case PropertySum():
            return _property_line(item, value)
        case MeasureTotal():
            measure = measures_by_key(item.asset_type).get(item.measure)
            return InputLine(
                label=_total_words(item, measure),
                value=value,
                unit="" if measure is None else measure.unit.symbol,
                decimals=1 if measure is None else measure.decimals,
            )
        case MeasureShare():
            share = None if value is None else 100 * value
            return InputLine(label=_share_words(item), value=share, unit="%", decimals=1)
        case TerritoryFact():
            known = {
                "population": (_("Population of the territory"), _("inhabitants"), 0),
                "area_km2": (_("Area of the territory"), "km²", 1),
            }
            label, unit, decimals = known.get(item.fact, (item.fact, "", 1))
            return InputLine(label=label, value=value, unit=unit, decimals=decimals)


def _count_words(item: AssetCount) -> str:
    types = type_label(item.asset_type, plural=True)
    if item.where is None:
        return _("Number: %(types)s") % {"types": types}
    key, wanted = item.where
    return _("Number: %(types)s, where “%(property)s” is “%(value)s”") % {
        "types": types,
        "property": _property_label(item.asset_type, key),
        "value": property_text(wanted),
    }


def _property_line(item: PropertySum, value: float | None) -> InputLine:
    declared = asset_types().get(item.asset_type)
    found = [p for p in (declared.properties if declared else ()) if p.key == item.property]
    return InputLine(
        label=_("Sum of “%(property)s”: %(types)s")
        % {
            "property": _property_label(item.asset_type, item.property),
            "types": type_label(item.asset_type, plural=True),
        },
        value=value,
        unit=found[0].unit.symbol if found else "",
        decimals=0,
    )


def _total_words(item: MeasureTotal, measure: Measure | None) -> str:
    told_words = {
        "over_assets": STATISTICS[item.over_assets],
        "measure": item.measure if measure is None else told(measure.label),
        "types": type_label(item.asset_type, plural=True),
    }
    if item.window is None:
        return _("%(over_assets)s of the latest values of “%(measure)s”: %(types)s") % told_words
    return _(
        "%(over_assets)s of “%(measure)s” over %(window)s (%(over_time)s for each): %(types)s"
    ) % {
        **told_words,
        "over_time": str(STATISTICS[item.over_time]).lower(),
        "window": duration_words(item.window),
    }


def _share_words(item: MeasureShare) -> str:
    measure = measures_by_key(item.asset_type).get(item.measure)
    decimals = 0 if float(item.low if math.isfinite(item.low) else 0).is_integer() else 1
    told_words = {
        "measure": item.measure if measure is None else told(measure.label),
        "types": type_label(item.asset_type, plural=True),
        "low": number(item.low, decimals=decimals) if math.isfinite(item.low) else "",
        "high": number(item.high, decimals=decimals) if math.isfinite(item.high) else "",
        "unit": "" if measure is None else measure.unit.symbol,
    }
    if measure is not None and measure.kind is Kind.BOOLEAN and item.low > 0:
        return _("Share where “%(measure)s” is “yes”: %(types)s") % told_words
    if math.isfinite(item.low) and math.isfinite(item.high):
        text = _("Share where “%(measure)s” is from %(low)s to %(high)s %(unit)s: %(types)s")
    elif math.isfinite(item.high):
        text = _("Share where “%(measure)s” is at most %(high)s %(unit)s: %(types)s")
    else:
        text = _("Share where “%(measure)s” is at least %(low)s %(unit)s: %(types)s")
    # A measure without unit leaves two spaces.
    return (text % told_words).replace(" :", "\u202f:").replace("  ", " ")


def _property_label(type_key: str, key: str) -> str:
    declared = asset_types().get(type_key)
    for item in () if declared is None else declared.properties:
        if item.key == key:
            return told(item.label)
    return key
