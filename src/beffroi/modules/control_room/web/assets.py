"""One asset: its page, its overview beside the map, its curves, its form."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from beffroi.city.assets.api import AssetSummary
from beffroi.foundation.accounts.access import agent
from beffroi.modules.control_room import api
from beffroi.modules.control_room.contracts import AssetPageView, Preview, ShownValue
from beffroi.modules.control_room.web.requests import (
    access_of,
    asset_url,
    base_map,
    found_or_404,
    is_fragment,
    live_url,
    scope_of,
    tiles_template,
)
from beffroi.sdk.registry import domains


@agent("assets.see")
@require_safe
def asset_view(request: HttpRequest, territory: str, asset: UUID) -> HttpResponse:
    """Show all that is known of one asset, for who is in charge of it or stands before it."""
    view: AssetPageView = found_or_404(lambda: api.asset_page(asset, scope=scope_of(request)))
    period = _period(request)
    known = {value.measure_key: value for value in view.values}
    chosen = request.GET.get("mesure", "")
    main = known.get(chosen) or known.get(view.headline)
    charts = [_chart(request, territory, value, period) for value in view.values]
    context = {
        "view": view,
        "asset": view.asset,
        "main": next((item for item in charts if item["value"] is main), None),
        "others": [item for item in charts if item["value"] is not main],
        "table": _table(view, main, period),
        "period": period,
        "ranges": _ranges(request, period),
        "before_url": _moved(request, period, forward=False),
        "after_url": _moved(request, period, forward=True),
        "map": _small_map(territory, view),
        # What is called by its type needs no line above to say it again.
        "kicker": "" if view.asset.described else view.type_label,
        "coordinates": f"{view.asset.lat:.6f}, {view.asset.lon:.6f}",
        **_links(request, territory, view.asset),
        "live_url": live_url(territory),
        "crumbs": [
            (_("City map"), reverse("control_room:city", kwargs={"territory": territory})),
            (view.domain_label, _domain_url(territory, view.asset)),
            (view.asset.title, None),
        ],
    }
    return render(request, "control_room/asset.html", context)


@agent("assets.see")
@require_safe
def preview(request: HttpRequest, territory: str, asset: UUID) -> HttpResponse:
    """Say the main things of an asset beside the map, for the operator who has clicked on it."""
    if not is_fragment(request):
        return HttpResponseRedirect(asset_url(territory, asset))
    view: Preview = found_or_404(lambda: api.asset_preview(asset, scope=scope_of(request)))
    context = {"view": view, "asset": view.asset, "url": asset_url(territory, asset)}
    return render(request, "control_room/parts/preview.html", context)


@agent("assets.see")
@require_safe
def curve(request: HttpRequest, territory: str, asset: UUID, measure: str) -> HttpResponse:
    """Draw one measure of an asset, when its fold is opened; alone, it is the asset's page."""
    if not is_fragment(request):
        query = request.GET.copy()
        query["mesure"] = measure
        return HttpResponseRedirect(f"{asset_url(territory, asset)}?{query.urlencode()}#courbe")
    view: AssetPageView = found_or_404(lambda: api.asset_page(asset, scope=scope_of(request)))
    value = next((item for item in view.values if item.measure_key == measure), None)
    if value is None:
        raise Http404
    period = _period(request)
    context = {
        "chart": _chart(request, territory, value, period),
        "asset": view.asset,
        "table": _table(view, value, period),
        "ranges": (),
    }
    return render(request, "control_room/parts/chart.html", context)


def _period(request: HttpRequest) -> api.Period:
    query = request.GET
    return api.period_of(
        span=query.get("periode", ""), start=query.get("de", ""), end=query.get("a", "")
    )


def _chart(
    request: HttpRequest, territory: str, value: ShownValue, period: api.Period
) -> dict[str, Any]:
    """Return what the chart of a measure is drawn from.

    The address of the values names the usual period: a chart reads by itself the ends that the
    address of the page names, and comes back to the usual ones when they are taken away.
    """
    usual = api.period_of(span=period.span)
    stream = reverse("series_json", kwargs={"territory": territory, "stream": value.stream_uuid})
    query = {"points": usual.points, "de": usual.start.isoformat(timespec="seconds")}
    here = {name: request.GET[name] for name in ("periode", "de", "a") if name in request.GET}
    fold = reverse(
        "control_room:curve",
        kwargs={
            "territory": territory,
            "asset": value.asset_uuid,
            "measure": value.measure_key,
        },
    )
    return {
        "value": value,
        "src": f"{stream}?{urlencode(query)}",
        "fold_url": f"{fold}?{urlencode(here)}" if here else fold,
        "csv_url": _csv_url(request, territory, value, period),
    }


def _csv_url(request: HttpRequest, territory: str, value: ShownValue, period: api.Period) -> str:
    if "series.export" not in access_of(request).verbs:
        return ""
    url = reverse("series_export_csv", kwargs={"territory": territory})
    return f"{url}?{urlencode({'flux': value.stream_uuid, **_ends(period)})}"


def _ends(period: api.Period) -> dict[str, str]:
    return {
        "de": period.start.isoformat(timespec="seconds"),
        "a": period.end.isoformat(timespec="seconds"),
    }


def _table(view: AssetPageView, value: ShownValue | None, period: api.Period) -> Any:
    if value is None:
        return None
    stream = api.stream_of(view.asset.id, measure_key=value.measure_key)
    return None if stream is None else api.curve_table(stream, period=period)


def _ranges(request: HttpRequest, period: api.Period) -> list[tuple[str, str, bool]]:
    kept = {"mesure": request.GET["mesure"]} if "mesure" in request.GET else {}
    return [
        (
            str(label),
            f"?{urlencode({**kept, 'periode': span.value})}#courbe",
            span is period.span and not period.chosen,
        )
        for span, label in api.LABELS.items()
    ]


def _moved(request: HttpRequest, period: api.Period, *, forward: bool) -> str:
    ends = period.moved(forward=forward)
    if ends is None:
        return ""
    kept = {"mesure": request.GET["mesure"]} if "mesure" in request.GET else {}
    query = {
        **kept,
        "periode": period.span.value,
        "de": ends[0].isoformat(timespec="seconds"),
        "a": ends[1].isoformat(timespec="seconds"),
    }
    return f"?{urlencode(query)}#courbe"


def _small_map(territory: str, view: AssetPageView) -> dict[str, Any]:
    config: dict[str, Any] = {
        **base_map(territory),
        "asset_tiles": tiles_template(territory, name="assets:tile"),
        "domains": [
            {"key": item.key, "label": item.label, "icon": item.icon, "hue": item.hue}
            for item in map(api.domain_count, domains())
        ],
        "point": [view.asset.lon, view.asset.lat],
        "interactive": False,
    }
    if view.shape is not None:
        config["shape"] = view.shape
    return config


def _links(request: HttpRequest, territory: str, asset: AssetSummary) -> dict[str, str]:
    """Return where the page leads, of what the person may do."""
    access = access_of(request)
    keys = {"territory": territory, "asset": asset.uuid}
    city_url = reverse("control_room:city", kwargs={"territory": territory})
    list_url = reverse("control_room:list", kwargs={"territory": territory})
    period = _period(request)
    ends = f"?{urlencode(_ends(period))}"
    edit = access.can("assets.edit", domain=asset.domain_key, area_id=asset.area_id)
    export = access.can("series.export", domain=asset.domain_key, area_id=asset.area_id)
    delete = access.can("assets.delete", domain=asset.domain_key, area_id=asset.area_id)
    return {
        "edit_url": reverse("control_room:asset_edit", kwargs=keys) if edit else "",
        "checked_url": reverse("control_room:asset_checked", kwargs=keys) if edit else "",
        "remove_url": reverse("control_room:asset_remove", kwargs=keys) if delete else "",
        "restore_url": reverse("control_room:asset_restore", kwargs=keys) if delete else "",
        "csv_url": reverse("series_asset_export_csv", kwargs=keys) + ends if export else "",
        "parquet_url": reverse("series_asset_export_parquet", kwargs=keys) + ends if export else "",
        "city_url": f"{city_url}?equipement={asset.uuid}#17.00/{asset.lat:.6f}/{asset.lon:.6f}",
        "children_url": f"{list_url}?parent={asset.uuid}",
        "domain_url": _domain_url(territory, asset),
        "sources_url": reverse("ingest:devices", kwargs={"territory": territory})
        if "sources.see" in access.verbs
        else "",
    }


def _domain_url(territory: str, asset: AssetSummary) -> str:
    return reverse(
        "control_room:domain", kwargs={"territory": territory, "domain": asset.domain_key}
    )
