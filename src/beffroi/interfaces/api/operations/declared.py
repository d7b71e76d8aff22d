"""What the installation knows: urban services, types, measures; and indicators worked out."""

from __future__ import annotations

import math
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from ninja import Query, Router
from pydantic import Field

from beffroi.city.series.api import indicator_evaluate
from beffroi.interfaces.api.answers import LISTS, names_of, single
from beffroi.interfaces.api.asking import FieldsAsked, PageAsked, instant, keys
from beffroi.interfaces.api.callers import scope_of
from beffroi.interfaces.api.contracts import NoSuchResource, ScopeMissing
from beffroi.interfaces.api.declaring import operation
from beffroi.interfaces.api.operations.short_lists import short_list
from beffroi.interfaces.api.operations.towns import TOWN
from beffroi.interfaces.api.resources import (
    ASSET_TYPE,
    DOMAIN,
    INDICATOR,
    INDICATOR_VALUE,
    MEASURE,
)
from beffroi.sdk.declarations import Indicator, Measure
from beffroi.sdk.registry import asset_types, domain_of, domains, measures_of

router = Router(tags=["Indicators"])
catalogue_router = Router(tags=["Catalogue"])


class InstantAsked(FieldsAsked):
    """At which instant."""

    at: str | None = Field(
        None,
        max_length=40,
        description="The instant, with its offset; now by default.",
        examples=["2026-03-29T06:30:00Z"],
        json_schema_extra={"format": "date-time"},
    )


class TypeAsked(PageAsked):
    """Of which types."""

    type: str | None = Field(
        None, max_length=2_000, description="Keys of types, separated by commas."
    )


@operation(
    catalogue_router,
    TOWN + "/domains",
    id="listDomains",
    resource=DOMAIN,
    summary="Urban services",
    forms=LISTS,
)
def domains_list(request: HttpRequest, territory: str, asked: Query[PageAsked]) -> HttpResponseBase:
    """List the urban services that the installation knows."""
    del territory
    found = [
        {
            "key": domain.key,
            "label": gettext(domain.label),
            "description": gettext(domain.description),
            "pillar": domain.pillar.value,
            "asset_types": [item.key for item in domain.asset_types],
            "indicators": [item.key for item in domain.indicators],
        }
        for domain in domains().values()
    ]
    return short_list(request, DOMAIN, found, asked, key="key")


@operation(
    catalogue_router,
    TOWN + "/asset-types",
    id="listAssetTypes",
    resource=ASSET_TYPE,
    summary="Types of asset",
    forms=LISTS,
)
def types_list(request: HttpRequest, territory: str, asked: Query[PageAsked]) -> HttpResponseBase:
    """List the types of asset, with their properties and the keys of their measures."""
    del territory
    found = [
        {
            "key": item.key,
            "domain": domain_of(item.key).key,
            "label": gettext(item.label),
            "ngsi_type": item.ngsi_type,
            "shape": item.shape.value,
            "parent": item.parent,
            "headline": item.headline,
            "silent_after_s": int(item.silent_after.total_seconds()),
            "measures": list(measures_of(item.key)),
            "properties": [
                {
                    "key": one.key,
                    "label": gettext(one.label),
                    "kind": one.kind.__name__,
                    "unit": one.unit.symbol,
                    "choices": [gettext(choice) for choice in one.choices],
                }
                for one in item.properties
            ],
        }
        for item in asset_types().values()
    ]
    return short_list(request, ASSET_TYPE, found, asked, key="key")


@operation(
    catalogue_router,
    TOWN + "/measures",
    id="listMeasures",
    resource=MEASURE,
    summary="Measures with their units",
    forms=LISTS,
)
def measures_list(
    request: HttpRequest, territory: str, asked: Query[TypeAsked]
) -> HttpResponseBase:
    """List what each type reports: unit, range, statistic, and where the definition is from."""
    del territory
    wanted = keys(asked.type, field="type", known=tuple(asset_types()))
    found = [
        measure_row(measure, type_key=type_key)
        for type_key in wanted or asset_types()
        for measure in measures_of(type_key).values()
    ]
    return short_list(request, MEASURE, found, asked, key=("type", "key"))


@operation(
    router,
    TOWN + "/indicators",
    id="listIndicators",
    resource=INDICATOR,
    summary="Indicators",
    forms=LISTS,
)
def indicators(request: HttpRequest, territory: str, asked: Query[PageAsked]) -> HttpResponseBase:
    """List the indicators with their definitions."""
    del territory
    found = [
        indicator_row(item, domain_key=domain.key)
        for domain in domains().values()
        for item in domain.indicators
    ]
    return short_list(request, INDICATOR, found, asked, key=("domain", "key"))


@operation(
    router,
    TOWN + "/indicators/{slug:domain}/{slug:indicator}",
    id="getIndicatorValue",
    resource=INDICATOR_VALUE,
    summary="The value of an indicator",
    is_list=False,
    verb="assets.see",
)
def indicator_value(
    request: HttpRequest, territory: str, domain: str, indicator: str, asked: Query[InstantAsked]
) -> HttpResponseBase:
    """Work an indicator out at an instant, over the whole territory.

    It needs the right to see the whole urban service: a figure of all speaks of each.
    """
    del territory
    if not scope_of(request, "assets.see").covers(domain=domain):
        raise ScopeMissing(
            _("An indicator counts all assets of {domain}, and this only sees some."),
            params={"domain": domain},
        )
    names = names_of(request, INDICATOR_VALUE, asked.fields)
    known = domains().get(domain)
    item = next((one for one in known.indicators if one.key == indicator), None) if known else None
    if item is None:
        raise NoSuchResource(
            _("There is no such indicator."), way_out=_("The list of indicators has them all.")
        )
    at = None if asked.at is None else instant(asked.at, field="at")
    result = indicator_evaluate(item, at=at)
    values = {
        **indicator_row(item, domain_key=domain),
        "at": result.at,
        "value": result.value,
        "missing": result.missing,
        "inputs": {
            name: value if value is None or math.isfinite(value) else None
            for name, value in result.inputs.items()
        },
        "contributing": result.contributing,
        "total": result.total,
    }
    return single(request, values, names=names)


_BETTER = {-1: "lower", 0: "", 1: "higher"}


def indicator_row(item: Indicator, *, domain_key: str) -> dict[str, Any]:
    """Return an indicator as the API gives it."""
    return {
        "key": item.key,
        "domain": domain_key,
        "label": gettext(item.label),
        "definition": gettext(item.definition),
        "unit": item.unit.symbol,
        "ucum": item.unit.ucum,
        "source": item.source,
        "better": _BETTER[item.better],
    }


def measure_row(measure: Measure, *, type_key: str) -> dict[str, Any]:
    """Return a measure as the API gives it."""
    low, high = measure.valid or (None, None)
    return {
        "key": measure.key,
        "type": type_key,
        "label": gettext(measure.label),
        "unit": measure.unit.symbol,
        "ucum": measure.unit.ucum,
        "kind": measure.kind.value,
        "choices": [gettext(choice) for choice in measure.choices],
        "statistic": measure.aggregate.value,
        "valid_min": low,
        "valid_max": high,
        "decimals": measure.decimals,
        "source": measure.source,
    }
