from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import shapely
from shapely.geometry import shape

from beffroi.foundation.territories.contracts import (
    AreaCard,
    AreaKind,
    GeoJson,
    TerritoryCard,
    TerritoryKind,
    TerritoryNotFound,
)
from beffroi.foundation.territories.models import Area, Territory
from beffroi.foundation.territories.naming import proper_name

_FINENESS = {kind: rank for rank, kind in enumerate(AreaKind)}


OUTSIDE = 1e9
"""Degrees that lie in no area."""


def territory_by_slug(slug: str) -> TerritoryCard:
    """Return the territory of a URL.

    Raises:
        TerritoryNotFound: no territory has this slug.
    """
    return _one(slug=slug)


def territory_by_id(territory_id: int) -> TerritoryCard:
    """Return the territory of a number.

    Raises:
        TerritoryNotFound: no territory has this number.
    """
    return _one(pk=territory_id)


def territory_find(*, insee: str | None = None, siren: str | None = None) -> TerritoryCard | None:
    """Return the territory of an INSEE code or a SIREN, or ``None`` when it is not here."""
    wanted = {"insee": insee} if insee else {"siren": siren}
    found = Territory.objects.defer("boundary").filter(**wanted).first()
    return None if found is None else _card(found)


def territories_all() -> list[TerritoryCard]:
    """Return the territories of the installation by name. Names are public; rows are not."""
    return [_card(row) for row in Territory.objects.defer("boundary").order_by("name", "pk")]


def territories_among(ids: Iterable[int]) -> list[TerritoryCard]:
    """Return these territories by name."""
    rows = Territory.objects.defer("boundary").filter(pk__in=list(ids)).order_by("name", "pk")
    return [_card(row) for row in rows]


def territory_boundary(territory_id: int) -> GeoJson | None:
    """Return the boundary as a GeoJSON geometry, or ``None`` where it is unknown."""
    return Territory.objects.values_list("boundary", flat=True).filter(pk=territory_id).first()


def areas_list(*, kind: AreaKind | None = None) -> list[AreaCard]:
    """Return the areas of the current territory, coarsest kind first, then by name.

    Runs within ``acting_for``.
    """
    rows = Area.objects.defer("boundary")
    if kind is not None:
        rows = rows.filter(kind=kind.value)
    cards = [_area_card(row) for row in rows]
    return sorted(cards, key=lambda card: (_FINENESS[card.kind], card.name, card.id))


def area_boundary(area_id: int) -> GeoJson | None:
    """Return the boundary of an area of the current territory, or ``None``."""
    return Area.objects.values_list("boundary", flat=True).filter(pk=area_id).first()


def areas_within(area_ids: Iterable[int]) -> dict[int, frozenset[int]]:
    """Return, for each area, itself and all the areas below it, within the current territory."""
    children: dict[int | None, list[int]] = {}
    for pk, parent_id in Area.objects.values_list("pk", "parent_id"):
        children.setdefault(parent_id, []).append(pk)
    return {area_id: frozenset(_descendants(area_id, children)) for area_id in area_ids}


def area_of(lon: float, lat: float) -> int | None:
    """Return the number of the finest area that holds the position, or ``None``.

    Runs within ``acting_for``; for many positions use :func:`areas_of`.
    """
    return areas_of([(lon, lat)])[0]


def areas_of(points: Sequence[tuple[float, float]]) -> list[int | None]:
    """Return for each ``(lon, lat)``, in degrees, the finest area of the current territory.

    Among areas of the same kind that overlap, the first created wins. A point on a shared edge
    belongs to one of them. Positions that are not finite belong to none. One query, then one
    vectorised search in a tree of rectangles.
    """
    if not points:
        return []
    stored = Area.objects.filter(boundary__isnull=False).values_list("pk", "kind", "boundary")
    rows = [(pk, kind, boundary) for pk, kind, boundary in stored if boundary is not None]
    # Finest first, so that the first polygon found is the answer.
    rows.sort(key=lambda row: (-_FINENESS[AreaKind(row[1])], row[0]))
    answers: list[int | None] = [None] * len(points)
    if not rows:
        return answers
    tree = shapely.STRtree([shape(boundary) for _pk, _kind, boundary in rows])
    coordinates = np.asarray(points, dtype=np.float64)
    coordinates[~np.isfinite(coordinates)] = OUTSIDE
    found = tree.query(shapely.points(coordinates), predicate="intersects")
    best = np.full(len(points), len(rows))
    np.minimum.at(best, found[0], found[1])
    for index in np.flatnonzero(best < len(rows)):
        answers[int(index)] = rows[int(best[index])][0]
    return answers


def _descendants(area_id: int, children: dict[int | None, list[int]]) -> set[int]:
    known = {area_id}
    waiting = [area_id]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in known:
                known.add(child)
                waiting.append(child)
    return known


def _one(**wanted: object) -> TerritoryCard:
    found = Territory.objects.defer("boundary").filter(**wanted).first()
    if found is None:
        raise TerritoryNotFound("This territory is not here.", way_out="Check the address.")
    return _card(found)


def _card(row: Territory) -> TerritoryCard:
    return TerritoryCard(
        id=row.pk,
        uuid=row.uuid,
        slug=row.slug,
        name=row.name,
        kind=TerritoryKind(row.kind),
        insee=row.insee,
        siren=row.siren,
        population=row.population,
        lon=row.lon,
        lat=row.lat,
        bbox=_box(row.bbox),
        primary_color=row.primary_color,
        secondary_color=row.secondary_color,
    )


def _area_card(row: Area) -> AreaCard:
    return AreaCard(
        id=row.pk,
        uuid=row.uuid,
        kind=AreaKind(row.kind),
        name=proper_name(row.name),
        code=row.code,
        parent_id=row.parent_id,
        bbox=_box(row.bbox),
    )


def _box(stored: list[float] | None) -> tuple[float, float, float, float] | None:
    if stored is None:
        return None
    west, south, east, north = stored
    return west, south, east, north
