"""Territories, their areas and departments."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Query, Router

from beffroi.foundation.accounts.api import departments
from beffroi.foundation.territories.api import TerritoryCard, areas_list
from beffroi.interfaces.api.answers import LISTS, names_of, single
from beffroi.interfaces.api.asking import FieldsAsked, PageAsked
from beffroi.interfaces.api.callers import caller_of, scope_of, territories_of_caller
from beffroi.interfaces.api.declaring import operation
from beffroi.interfaces.api.operations.short_lists import short_list
from beffroi.interfaces.api.resources import AREA, DEPARTMENT, TERRITORY

router = Router(tags=["Territories"])
TOWN = "/territories/{slug:territory}"


@operation(
    router,
    "/territories",
    id="listTerritories",
    resource=TERRITORY,
    summary="Territories that the key reads",
    forms=LISTS,
)
def territories(request: HttpRequest, asked: Query[PageAsked]) -> HttpResponseBase:
    """List the territories that the key, or the agent, may read."""
    found = [territory_row(card) for card in territories_of_caller(request)]
    return short_list(request, TERRITORY, found, asked, key="slug")


@operation(
    router,
    TOWN,
    id="getTerritory",
    resource=TERRITORY,
    summary="One territory",
    is_list=False,
)
def territory_one(
    request: HttpRequest, territory: str, asked: Query[FieldsAsked]
) -> HttpResponseBase:
    """Give one territory: its names, codes, population and place."""
    del territory
    names = names_of(request, TERRITORY, asked.fields)
    return single(request, territory_row(caller_of(request).territory), names=names)


@operation(
    router,
    TOWN + "/areas",
    id="listAreas",
    resource=AREA,
    summary="Areas of the territory",
    forms=LISTS,
    verb="assets.see",
)
def areas(request: HttpRequest, territory: str, asked: Query[PageAsked]) -> HttpResponseBase:
    """List the parts of the territory, the coarsest first. Assets are found by area."""
    del territory
    scope_of(request, "assets.see")
    cards = areas_list()
    by_id = {card.id: card.uuid for card in cards}
    found = [
        {
            "id": card.uuid,
            "name": card.name,
            "kind": card.kind.value,
            "code": card.code,
            "parent": None if card.parent_id is None else by_id.get(card.parent_id),
            "bbox": card.bbox,
        }
        for card in cards
    ]
    return short_list(request, AREA, found, asked, key="id")


@operation(
    router,
    TOWN + "/departments",
    id="listDepartments",
    resource=DEPARTMENT,
    summary="Departments of the authority",
    forms=LISTS,
    verb="assets.see",
)
def departments_list(
    request: HttpRequest, territory: str, asked: Query[PageAsked]
) -> HttpResponseBase:
    """List the departments that assets may belong to."""
    del territory
    scope_of(request, "assets.see")
    found = [{"id": card.uuid, "name": card.name} for card in departments()]
    return short_list(request, DEPARTMENT, found, asked, key="id")


def territory_row(card: TerritoryCard) -> dict[str, Any]:
    """Return a territory as the API gives it."""
    return {
        "slug": card.slug,
        "name": card.name,
        "kind": card.kind.value,
        "insee": card.insee,
        "siren": card.siren,
        "population": card.population,
        "lon": card.lon,
        "lat": card.lat,
        "bbox": card.bbox,
    }
