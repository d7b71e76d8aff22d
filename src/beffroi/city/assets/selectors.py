from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Prefetch, Q, QuerySet

from beffroi.city.assets.contracts import (
    AssetDetail,
    AssetFilter,
    AssetNotFound,
    AssetPage,
    AssetState,
    AssetSummary,
    AttachmentView,
    ChangeKind,
    ChangeView,
    TypeCount,
    Why,
)
from beffroi.city.assets.device_selectors import device_summary
from beffroi.city.assets.models import Asset, AssetChange, Attachment
from beffroi.city.assets.quads import cover
from beffroi.city.assets.scopes import scope_filter
from beffroi.city.basemap.api import plain
from beffroi.foundation.accounts.contracts import Scope
from beffroi.foundation.territories.api import areas_within, proper_name
from beffroi.kernel.clock import parse_instant
from beffroi.kernel.errors import InvalidInput
from beffroi.kernel.geometry import BoundingBox

HEAVY = ("shape", "properties", "area__boundary", "area__bbox")
"""What a summary does not show: an area's outline read for each row is most of a list's cost."""

MAX_PAGE = 500
MAX_VIEW = 5_000
ORDERS: dict[str, tuple[tuple[str, bool], ...]] = {
    "name": (("search_text", False),),
    "state": (("urgency", False), ("search_text", False)),
    "updated": (("updated_at", True),),
    "type": (("type_key", False), ("search_text", False)),
}
"""Orders of a list: fields, and whether the greatest comes first. The id always comes last."""


def seen_assets(scope: Scope) -> QuerySet[Asset]:
    """Return the assets that are in the city now and that the scope may see."""
    return Asset.objects.filter(scope_filter(scope), removed_at__isnull=True)


def _listed(scope: Scope, wanted: AssetFilter) -> QuerySet[Asset]:
    if wanted.removed:
        return Asset.objects.filter(scope_filter(scope), removed_at__isnull=False)
    return seen_assets(scope)


def assets_in_view(
    bbox: BoundingBox,
    *,
    scope: Scope,
    domains: Sequence[str] | None = None,
    limit: int = MAX_PAGE,
) -> list[AssetSummary]:
    """Return the assets inside a rectangle, those with something wrong first."""
    ranges: Q = reduce(
        lambda one, other: one | other,
        (Q(quad__range=limits) for limits in cover(bbox)),
    )
    found = seen_assets(scope).filter(
        ranges,
        lon__range=(bbox.west, bbox.east),
        lat__range=(bbox.south, bbox.north),
    )
    if domains is not None:
        found = found.filter(domain_key__in=list(domains))
    return _summaries(found.order_by("urgency", "search_text", "id")[: min(limit, MAX_VIEW)])


def assets_page(
    wanted: AssetFilter,
    *,
    scope: Scope,
    order: str = "name",
    reverse: bool = False,
    after: str = "",
    before: str = "",
    limit: int = 50,
) -> AssetPage:
    """Return one page of a list in a stable order, found by key and not by counting rows.

    ``order`` is one of :data:`ORDERS`; ``after`` and ``before`` come from a former page.

    Raises:
        InvalidInput: the order does not exist or the cursor is not one of ours.
    """
    if order not in ORDERS:
        raise InvalidInput("There is no such order.", field="order", value=order)
    limit = max(1, min(limit, MAX_PAGE))
    fields = [(name, down != reverse) for name, down in ORDERS[order]] + [("id", reverse)]
    every = narrowed(_listed(scope, wanted), wanted)
    found = every
    backwards = bool(before)
    if cursor := before or after:
        found = found.filter(_beyond(fields, _read_cursor(cursor, fields), backwards=backwards))
    ordering = [f"{'-' if down != backwards else ''}{name}" for name, down in fields]
    rows = list(_joined(found.order_by(*ordering))[: limit + 1])
    more = len(rows) > limit
    rows = rows[:limit]
    if backwards:
        rows.reverse()
    has_next = more if not backwards else True
    has_previous = bool(after) if not backwards else more
    return AssetPage(
        rows=tuple(asset_summary(row) for row in rows),
        after=_cursor(rows[-1], fields) if rows and has_next else "",
        before=_cursor(rows[0], fields) if rows and has_previous else "",
        total=every.count(),
    )


def assets_matching(wanted: AssetFilter, *, scope: Scope) -> Iterable[AssetSummary]:
    """Give every asset of a list, for an export; read in batches."""
    rows = _joined(narrowed(_listed(scope, wanted), wanted)).order_by("search_text", "id")
    for row in rows.iterator(chunk_size=2_000):
        yield asset_summary(row)


def asset_get(uuid: UUID, *, scope: Scope) -> AssetDetail:
    """Return one asset with its parent and its devices, past ones included.

    Raises:
        AssetNotFound: there is none, or it is outside the scope.
    """
    attachments = Attachment.objects.select_related("device").order_by(
        F("attached_until").desc(nulls_first=True), "-attached_from"
    )
    asset = (
        Asset.objects.filter(scope_filter(scope), uuid=uuid)
        .select_related("area", "department", "parent", "parent__area", "parent__department")
        .defer("area__boundary", "area__bbox", "parent__area__boundary", "parent__area__bbox")
        .annotate(children_count=Count("children", filter=Q(children__removed_at__isnull=True)))
        .prefetch_related(Prefetch("attachments", queryset=attachments))
        .first()
    )
    if asset is None:
        raise AssetNotFound("There is no such asset here.")
    summary = asset_summary(asset)
    return AssetDetail(
        summary=summary,
        shape=asset.shape,
        properties=asset.properties,
        attribution=asset.attribution,
        parent=None if asset.parent is None else asset_summary(asset.parent),
        children_count=asset.children_count,
        attachments=tuple(
            AttachmentView(
                device=device_summary(item.device),
                since=item.attached_from,
                until=item.attached_until,
            )
            for item in asset.attachments.all()
        ),
        created_at=asset.created_at,
        removed_at=asset.removed_at,
        absent_from=asset.absent_from,
    )


def assets_by_uuid(uuids: Iterable[UUID], *, scope: Scope) -> dict[UUID, AssetSummary]:
    """Return those of the assets that exist and are in the scope."""
    found = seen_assets(scope).filter(uuid__in=list(uuids))
    return {row.uuid: row for row in _summaries(found)}


def assets_by_id(ids: Iterable[int], *, scope: Scope) -> dict[int, AssetSummary]:
    """Return those of the assets that exist and are in the scope."""
    found = seen_assets(scope).filter(id__in=list(ids))
    return {row.id: row for row in _summaries(found)}


def asset_history(uuid: UUID, *, scope: Scope, limit: int = 200) -> list[ChangeView]:
    """Return the history of an asset, latest first.

    Raises:
        AssetNotFound: there is none, or it is outside the scope.
    """
    asset_id = (
        Asset.objects.filter(scope_filter(scope), uuid=uuid).values_list("id", flat=True).first()
    )
    if asset_id is None:
        raise AssetNotFound("There is no such asset here.")
    lines = (
        AssetChange.objects.filter(asset_id=asset_id).select_related("import_run").order_by("-id")
    )
    return [
        ChangeView(
            at=line.at,
            kind=ChangeKind(line.kind),
            why=Why(line.why),
            user_id=line.user_id,
            changes={key: (before, after) for key, (before, after) in line.changes.items()},
            import_file="" if line.import_run is None else line.import_run.file_name,
            note=line.note,
        )
        for line in lines[:limit]
    ]


def counts_by_type(*, scope: Scope, bbox: BoundingBox | None = None) -> list[TypeCount]:
    """Return how many assets of each type there are, by state."""
    found = seen_assets(scope)
    if bbox is not None:
        found = found.filter(
            reduce(
                lambda one, other: one | other,
                (Q(quad__range=limits) for limits in cover(bbox)),
            ),
            lon__range=(bbox.west, bbox.east),
            lat__range=(bbox.south, bbox.north),
        )
    rows = (
        found.order_by("domain_key", "type_key")
        .values("domain_key", "type_key")
        .annotate(
            total=Count("id"),
            attention=Count("id", filter=Q(state=AssetState.ATTENTION)),
            alarm=Count("id", filter=Q(state=AssetState.ALARM)),
            silent=Count("id", filter=Q(state=AssetState.SILENT)),
            never_reported=Count("id", filter=Q(state=AssetState.NEVER_REPORTED)),
        )
    )
    return [TypeCount(**row) for row in rows]


def asset_summary(asset: Asset) -> AssetSummary:
    """Return the contract of a row whose area and department are already joined."""
    return AssetSummary(
        id=asset.id,
        uuid=asset.uuid,
        territory_id=asset.territory_id,
        type_key=asset.type_key,
        domain_key=asset.domain_key,
        name=asset.name,
        external_key=asset.external_key,
        lon=asset.lon,
        lat=asset.lat,
        state=AssetState(asset.state),
        origin=asset.origin,
        area_id=asset.area_id,
        area_name="" if asset.area is None else proper_name(asset.area.name),
        department_id=asset.department_id,
        department_name="" if asset.department is None else asset.department.name,
        updated_at=asset.updated_at,
    )


def _summaries(rows: QuerySet[Asset]) -> list[AssetSummary]:
    return [asset_summary(row) for row in _joined(rows)]


def _joined(rows: QuerySet[Asset]) -> QuerySet[Asset]:
    return rows.select_related("area", "department").defer(*HEAVY)


def narrowed(rows: QuerySet[Asset], wanted: AssetFilter) -> QuerySet[Asset]:
    """Narrow assets to a list's filters."""
    exact: dict[str, Any] = {
        "domain_key": wanted.domain_key or None,
        "type_key": wanted.type_key or None,
        "department_id": wanted.department_id,
        "state": wanted.state,
        "parent_id": wanted.parent_id,
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value is not None})
    if wanted.area_id is not None:
        rows = rows.filter(area_id__in=areas_within([wanted.area_id])[wanted.area_id])
    if wanted.to_check:
        rows = rows.exclude(absent_from="")
    for word in plain(wanted.text).split():
        rows = rows.filter(search_text__contains=word)
    return rows


def _beyond(fields: list[tuple[str, bool]], values: list[Any], *, backwards: bool) -> Q:
    """Return the rows after (or before) a position in a lexicographic order."""
    condition = Q(pk__in=())
    equal = Q()
    for (name, down), value in zip(fields, values, strict=True):
        comparison = "lt" if down != backwards else "gt"
        condition |= equal & Q(**{f"{name}__{comparison}": value})
        equal &= Q(**{name: value})
    first, down = fields[0]
    # Redundant, and what lets the database begin its walk of the index at the right place.
    edge = "lte" if down != backwards else "gte"
    return Q(**{f"{first}__{edge}": values[0]}) & condition


def _cursor(row: Asset, fields: list[tuple[str, bool]]) -> str:
    values = [getattr(row, name) for name, _ in fields]
    text = json.dumps(values, default=str, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str, fields: list[tuple[str, bool]]) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [_READ[name](value) for (name, _), value in zip(fields, values, strict=True)]
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidInput(
            "This page link is not valid any more.",
            field="after",
            value=cursor,
            way_out="Go back to the first page of the list.",
        ) from error


def _text(value: object) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise TypeError(value)
    return value


_READ: dict[str, Callable[[Any], Any]] = {
    "id": int,
    "urgency": int,
    "search_text": _text,
    "type_key": _text,
    "updated_at": parse_instant,
}
