"""Territories for other rooms' tests."""

from __future__ import annotations

from itertools import count

from django.db import connection

from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.contracts import TerritoryKind
from beffroi.foundation.territories.models import Area, Territory
from beffroi.kernel.clock import now

_numbers = count(1)


def make_territory(
    slug: str | None = None,
    *,
    insee: str | None = None,
    siren: str | None = None,
    name: str | None = None,
    kind: TerritoryKind = TerritoryKind.COMMUNE,
) -> Territory:
    """Store a territory; what is not given is made up and unique."""
    number = next(_numbers)
    slug = slug or f"ville-{number}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('territories_territory', 'id'))")
        territory_id = int(cursor.fetchone()[0])
    with acting_for(territory_id):
        return Territory.objects.create(
            id=territory_id,
            slug=slug,
            name=name or slug.replace("-", " ").capitalize(),
            kind=kind.value,
            insee=insee,
            siren=siren or f"{900_000_000 + number}",
            lon=3.8767,
            lat=43.6108,
            created_at=now(),
        )


def make_area(
    territory: Territory,
    *,
    name: str = "Centre",
    code: str | None = None,
    kind: str = "quartier",
    bounds: tuple[float, float, float, float] | None = None,
    parent: Area | None = None,
) -> Area:
    """Store an area, a rectangle ``(west, south, east, north)`` where bounds are given."""
    boundary = None
    if bounds is not None:
        west, south, east, north = bounds
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        boundary = {"type": "Polygon", "coordinates": [ring]}
    with acting_for(territory.pk):
        return Area.objects.create(
            territory=territory,
            kind=kind,
            name=name,
            code=code or f"a{next(_numbers)}",
            boundary=boundary,
            bbox=None if bounds is None else list(bounds),
            parent=parent,
        )
