"""The same content as the map, as a list."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from beffroi.city.assets.api import AssetFilter, AssetState, AssetSummary
from beffroi.foundation.accounts.access import agent
from beffroi.foundation.web.api import ordering
from beffroi.modules.control_room import api
from beffroi.modules.control_room.web.forms import REMOVED, TO_CHECK, ListForm
from beffroi.modules.control_room.web.requests import (
    asset_url_template,
    found_or_404,
    keys_of,
    live_url,
    scope_of,
)

ORDERS = {"nom": "name", "type": "type", "etat": "state", "modifie": "updated"}


@agent("assets.see")
@require_safe
def asset_list(request: HttpRequest, territory: str) -> HttpResponseBase:
    """List the assets: for who does not use the map, counts things, or makes a file of them."""
    scope = scope_of(request)
    parent = _parent(request)
    form = ListForm(request.GET, scope=scope, chosen=keys_of(request, "domaines"))
    form.is_valid()  # what is not among the choices is left aside: a former link still opens
    inside = api.narrowed(scope, form.domain_keys())
    wanted = _filter(form.cleaned_data, parent)
    if request.GET.get("format") == "csv":
        return _csv(request, territory, wanted, inside)
    order = ordering(request, allowed=ORDERS, default="nom")
    page = api.list_page(
        wanted,
        scope=inside,
        order=order.removeprefix("-"),
        descending=order.startswith("-"),
        page=request.GET.get("page", ""),
    )
    city_url = reverse("control_room:city", kwargs={"territory": territory})
    context = {
        "form": form,
        "page": page,
        "order": request.GET.get("tri", "nom"),
        "parent": parent,
        "without_parent": _address(request, without=("parent", "page")),
        "before_url": _address(request, page=page.before) if page.before else "",
        "after_url": _address(request, page=page.after) if page.after else "",
        "filtered": bool(
            {"q", "domaines", "type", "quartier", "etat", "parent"} & set(request.GET)
        ),
        "import_url": reverse("assets:import", kwargs={"territory": territory}),
        "city_url": _city_url(city_url, form.domain_keys()),
        "live_url": live_url(territory),
        "crumbs": [(_("City map"), city_url), (_("List"), None)],
    }
    return render(request, "control_room/list.html", context)


def _filter(cleaned: dict[str, Any], parent: AssetSummary | None) -> AssetFilter:
    area, state = cleaned.get("quartier"), cleaned.get("etat")
    return AssetFilter(
        type_key=cleaned.get("type") or "",
        area_id=int(area) if area else None,
        state=AssetState[state.upper()] if state and state not in {TO_CHECK, REMOVED} else None,
        to_check=state == TO_CHECK,
        removed=state == REMOVED,
        text=cleaned.get("q") or "",
        parent_id=None if parent is None else parent.id,
    )


def _parent(request: HttpRequest) -> AssetSummary | None:
    try:
        uuid = UUID(request.GET.get("parent", ""))
    except ValueError:
        return None
    found: AssetSummary = found_or_404(lambda: api.parent_of_list(uuid, scope=scope_of(request)))
    return found


def _csv(
    request: HttpRequest, territory: str, wanted: AssetFilter, scope: Any
) -> StreamingHttpResponse:
    page_url = request.build_absolute_uri(
        asset_url_template(territory, name="asset", mark="__uuid__")
    ).replace("__uuid__", "{uuid}")
    lines = api.list_csv(wanted, scope=scope, page_url=page_url)
    response = StreamingHttpResponse(
        (line.encode() for line in lines), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{territory}-equipements.csv"'
    response["Cache-Control"] = "private, no-store"
    return response


def _address(request: HttpRequest, *, page: str = "", without: tuple[str, ...] = ()) -> str:
    query = request.GET.copy()
    for name in without:
        query.pop(name, None)
    if page:
        query["page"] = page
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _city_url(city_url: str, keys: list[str]) -> str:
    return f"{city_url}?domaines={','.join(keys)}" if keys else city_url
