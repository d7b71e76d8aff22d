"""Finding an asset from what a person types: a name, an identifier, an address."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from beffroi.city.assets.contracts import AssetSummary
from beffroi.city.assets.models import Asset, Attachment, Device
from beffroi.city.assets.scopes import scope_filter
from beffroi.city.assets.selectors import HEAVY, asset_summary, seen_assets
from beffroi.city.basemap.api import plain
from beffroi.foundation.accounts.contracts import Scope

MAX_RESULTS = 50
_HIGHEST = "\U0010ffff"


def assets_search(text: str, *, scope: Scope, limit: int = 10) -> list[AssetSummary]:
    """Return assets whose name, key, address or device begins with or contains the words.

    In this order: names that begin so, external keys equal to it, identifiers of devices that
    begin so, then whatever contains every word. Trigram indexes would not help: row-level
    security forbids their operators before its policy; the last step reads the territory's
    rows, about a millisecond for every thousand.
    """
    wanted = plain(text.replace("\x00", ""))
    limit = max(1, min(limit, MAX_RESULTS))
    if len(wanted) < 2:
        return []
    found: dict[int, AssetSummary] = {}
    seen = seen_assets(scope)
    _take(found, _beginning(seen, wanted), limit)
    if len(found) < limit:
        _take(found, seen.filter(external_key__in={text.strip(), wanted}), limit)
    if len(found) < limit:
        _take(found, _of_devices(text, scope), limit)
    if len(found) < limit:
        rows = seen
        for word in wanted.split():
            rows = rows.filter(search_text__contains=word)
        _take(found, rows, limit)
    return list(found.values())[:limit]


def _beginning(rows: QuerySet[Asset], wanted: str) -> QuerySet[Asset]:
    # Comparisons of text are leak-proof, so this is a range of the index; LIKE would not be.
    return rows.filter(search_text__gte=wanted, search_text__lt=wanted + _HIGHEST).order_by(
        "search_text", "id"
    )


def _of_devices(text: str, scope: Scope) -> QuerySet[Asset]:
    identifier = text.strip().lower().replace("\x00", "")
    devices = Device.objects.filter(
        identifier__gte=identifier, identifier__lt=identifier + _HIGHEST
    ).order_by("identifier")[:MAX_RESULTS]
    attached = Attachment.objects.filter(
        attached_until__isnull=True, device_id__in=list(devices.values_list("id", flat=True))
    )
    return Asset.objects.filter(
        scope_filter(scope),
        Q(id__in=attached.values("asset_id")),
        removed_at__isnull=True,
    )


def _take(found: dict[int, AssetSummary], rows: QuerySet[Asset], limit: int) -> None:
    joined = rows.select_related("area", "department").defer(*HEAVY)
    for row in joined[:limit]:
        found.setdefault(row.id, asset_summary(row))
