"""The map of the city and the search."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from beffroi.foundation.accounts.access import agent
from beffroi.foundation.territories.contracts import TerritoryCard
from beffroi.foundation.web.api import NONE_SHOWN
from beffroi.modules.control_room import api
from beffroi.modules.control_room.contracts import DomainCount
from beffroi.modules.control_room.web.requests import (
    asset_url_template,
    base_map,
    is_fragment,
    keys_of,
    live_url,
    scope_of,
    territory_of,
    tiles_template,
)

AROUND = 0.03
"""Degrees shown around the middle of a territory whose boundary is not known."""
RESULTS_SHOWN = 40


@agent("assets.see")
@require_safe
def city(request: HttpRequest, territory: str) -> HttpResponse:
    """Show the city live, for the operator on duty and for whoever signs in."""
    scope, town = scope_of(request), territory_of(request)
    counts = api.domain_counts(scope=scope)
    shown = [item for item in counts if item.count] or counts
    keys = {item.key for item in shown}
    asked = keys_of(request, "domaines")
    active = [key for key in asked if key in keys] or [key for key in asked if key == NONE_SHOWN]
    raster = settings.BEFFROI.raster_attribution if settings.BEFFROI.raster_tiles else ""
    sources = api.map_credits(territory_id=town.id, scope=scope, raster=raster)
    list_url = reverse("control_room:list", kwargs={"territory": territory})
    if active:
        list_url = f"{list_url}?domaines={','.join(active)}"
    context = {
        "config": _map_config(request, town, shown, active, sources.town),
        "domains": [toggle(item) for item in shown],
        "active": active,
        "total": sum(item.count for item in counts),
        "alarms": sum(item.alarms for item in counts),
        "attention": sum(item.attention for item in counts),
        "silent": sum(item.silent for item in counts),
        "credits": [*sources.town, *sources.assets],
        "list_url": list_url,
        "search_url": reverse("control_room:search", kwargs={"territory": territory}),
        "import_url": reverse("assets:import", kwargs={"territory": territory}),
        "live_url": live_url(territory),
    }
    return render(request, "control_room/city.html", context)


@agent("assets.see")
@require_safe
def search(request: HttpRequest, territory: str) -> HttpResponse:
    """Find an asset or a place by its words: for the operator whom somebody calls."""
    text = request.GET.get("q", "")
    city_url = reverse("control_room:city", kwargs={"territory": territory})
    if is_fragment(request):
        found = api.find(text, scope=scope_of(request))
        return render(
            request, "control_room/parts/suggestions.html", {"found": found, "city_url": city_url}
        )
    found = api.find(text, scope=scope_of(request), assets=RESULTS_SHOWN, places=RESULTS_SHOWN // 2)
    context = {
        "found": found,
        "asked": text.strip(),
        "city_url": city_url,
        "search_url": request.path,
        "live_url": live_url(territory),
        "crumbs": [(_("City map"), city_url), (_("Search"), None)],
    }
    return render(request, "control_room/search.html", context)


def toggle(item: DomainCount) -> dict[str, Any]:
    """Return an urban service as the toggles and the map take it."""
    return {
        "key": item.key,
        "label": item.label,
        "icon": item.icon,
        "hue": item.hue,
        "count": item.count,
        "alarms": item.alarms,
    }


def _map_config(
    request: HttpRequest,
    town: TerritoryCard,
    shown: list[DomainCount],
    active: list[str],
    sources: tuple[str, ...],
) -> dict[str, Any]:
    slug = town.slug
    config: dict[str, Any] = {
        **base_map(slug),
        "asset_tiles": tiles_template(slug, name="assets:tile"),
        "domains": [
            {"key": item.key, "label": item.label, "icon": item.icon, "hue": item.hue}
            for item in shown
        ],
        "active": active,
        "preview_url": asset_url_template(slug, name="preview", mark="__uuid__"),
        "attribution": " · ".join(sources),
    }
    if town.bbox is not None:
        config["bounds"] = list(town.bbox)
    elif town.lon is not None and town.lat is not None:
        config["bounds"] = [
            town.lon - AROUND, town.lat - AROUND, town.lon + AROUND, town.lat + AROUND,
        ]  # fmt: skip
    if settings.BEFFROI.raster_tiles:
        config["raster_tiles"] = settings.BEFFROI.raster_tiles
        config["raster_attribution"] = settings.BEFFROI.raster_attribution
    selected = request.GET.get("equipement", "")
    if _is_uuid(selected):
        config["selected"] = selected
    return config


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
