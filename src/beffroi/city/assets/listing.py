"""Assets as a program reads them: whole rows, in an order that nothing added disturbs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q

from beffroi.city.assets.models import Asset
from beffroi.city.assets.quads import cover
from beffroi.city.assets.scopes import scope_filter
from beffroi.city.basemap.api import plain
from beffroi.foundation.accounts.contracts import Scope
from beffroi.foundation.territories.api import areas_list, areas_within, proper_name
from beffroi.kernel.geometry import BoundingBox

MOST_LISTED = 10_000

_FIELDS = (
    "uuid",
    "type_key",
    "domain_key",
    "name",
    "external_key",
    "state",
    "origin",
    "attribution",
    "lon",
    "lat",
    "area__uuid",
    "area__name",
    "department__uuid",
    "department__name",
    "parent__uuid",
    "created_at",
    "updated_at",
    "removed_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetQuery:
    """What a program asks for; empty fields do not narrow.

    Attributes:
        area: an area and all those below it.
        updated_since: changed at that instant or later; removed assets then come too, so that
            a copy kept elsewhere learns of them.
    """

    uuids: tuple[UUID, ...] = ()
    type_keys: tuple[str, ...] = ()
    domain_keys: tuple[str, ...] = ()
    area: UUID | None = None
    department: UUID | None = None
    parent: UUID | None = None
    bbox: BoundingBox | None = None
    text: str = ""
    updated_since: datetime | None = None


class AssetRecord(NamedTuple):
    """An asset as it stands in the register; ``properties`` and ``shape`` None when not asked."""

    uuid: UUID
    type_key: str
    domain_key: str
    name: str
    external_key: str
    state: int
    origin: str
    attribution: str
    lon: float
    lat: float
    area_uuid: UUID | None
    area_name: str | None
    department_uuid: UUID | None
    department_name: str | None
    parent_uuid: UUID | None
    created_at: datetime
    updated_at: datetime
    removed_at: datetime | None
    properties: Mapping[str, Any] | None
    shape: Mapping[str, Any] | None


def assets_listed(
    wanted: AssetQuery,
    *,
    scope: Scope,
    after: UUID | None = None,
    limit: int = 1_000,
    with_properties: bool = True,
    with_shape: bool = False,
) -> list[AssetRecord]:
    """Return assets in the order of their identifiers, which grow with time; one statement.

    ``after`` is the identifier of the last asset of the former page.
    """
    found = Asset.objects.filter(scope_filter(scope), _condition(wanted))
    if after is not None:
        found = found.filter(uuid__gt=after)
    heavy = [name for name, on in (("properties", with_properties), ("shape", with_shape)) if on]
    rows = found.order_by("uuid").values_list(*_FIELDS, *heavy)[: min(limit, MOST_LISTED)]
    return [_record(row, with_properties=with_properties, with_shape=with_shape) for row in rows]


def _record(row: tuple[Any, ...], *, with_properties: bool, with_shape: bool) -> AssetRecord:
    kept = list(row)
    kept[11] = None if row[11] is None else proper_name(row[11])
    if not with_properties:
        kept.insert(len(_FIELDS), None)
    if not with_shape:
        kept.append(None)
    return AssetRecord(*kept)


def _condition(wanted: AssetQuery) -> Q:
    asked = Q()
    if wanted.updated_since is None:
        asked &= Q(removed_at__isnull=True)
    else:
        asked &= Q(updated_at__gte=wanted.updated_since) | Q(removed_at__gte=wanted.updated_since)
    for name, values in (
        ("uuid", wanted.uuids),
        ("type_key", wanted.type_keys),
        ("domain_key", wanted.domain_keys),
    ):
        if values:
            asked &= Q(**{f"{name}__in": values})
    if wanted.area is not None:
        asked &= _below(wanted.area)
    if wanted.department is not None:
        asked &= Q(department__uuid=wanted.department)
    if wanted.parent is not None:
        asked &= Q(parent__uuid=wanted.parent)
    if wanted.bbox is not None:
        asked &= _inside(wanted.bbox)
    for word in plain(wanted.text).split():
        asked &= Q(search_text__contains=word)
    return asked


def _below(area: UUID) -> Q:
    area_id = next((card.id for card in areas_list() if card.uuid == area), None)
    if area_id is None:
        return Q(pk__in=())
    return Q(area_id__in=areas_within([area_id])[area_id])


def _inside(bbox: BoundingBox) -> Q:
    ranges: Q = reduce(
        lambda one, other: one | other, (Q(quad__range=limits) for limits in cover(bbox))
    )
    return ranges & Q(lon__range=(bbox.west, bbox.east), lat__range=(bbox.south, bbox.north))
