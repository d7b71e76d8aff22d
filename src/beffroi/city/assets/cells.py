"""The precomputed squares of the map below street zoom, and the version counter of its tiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from beffroi.city.assets.quads import LEVEL
from beffroi.foundation.database.api import required_territory_id

FIRST_ZOOM = 6
"""Coarsest zoom that is kept; tiles above it group its squares."""
LAST_ZOOM = 14
"""Finest zoom that shows squares; from the next one the assets themselves are sent."""
CELL_BITS = 4
"""A tile has ``2 ** CELL_BITS`` squares on a side, aligned to its own corner."""
MANY_SQUARES = 500
"""Above so many changed squares, the whole domain is computed again: it is quicker."""

# Microseconds of the clock, so that a version that was rolled back never comes again for
# something else: caches keep what they computed under it.
_BUMP = """
INSERT INTO assets_version AS known (territory_id, version)
VALUES (%s, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
ON CONFLICT (territory_id) DO UPDATE
SET version = greatest(known.version + 1, excluded.version)
RETURNING version
"""
_FROM_ASSETS = """
INSERT INTO assets_cell
    (territory_id, zoom, cell, domain_key, area_id, n, warn, alarm, lon, lat)
SELECT territory_id, %(zoom)s, quad >> %(shift)s, domain_key, area_id, count(*),
    count(*) FILTER (WHERE state IN (1, 3)), count(*) FILTER (WHERE state = 2),
    avg(lon), avg(lat)
FROM assets_asset
WHERE removed_at IS NULL AND domain_key = ANY(%(domains)s) {only}
GROUP BY territory_id, quad >> %(shift)s, domain_key, area_id
"""
_FROM_FINER = """
INSERT INTO assets_cell
    (territory_id, zoom, cell, domain_key, area_id, n, warn, alarm, lon, lat)
SELECT territory_id, %(zoom)s, cell >> 2, domain_key, area_id, sum(n), sum(warn), sum(alarm),
    sum(lon * n) / sum(n), sum(lat * n) / sum(n)
FROM assets_cell
WHERE zoom = %(zoom)s + 1 AND domain_key = ANY(%(domains)s) {only}
GROUP BY territory_id, cell >> 2, domain_key, area_id
"""


def version_bump() -> int:
    """Count one more change of the territory's map, and return the new version.

    It also makes writers of one territory wait for each other until they commit, so that two
    of them never compute the same square from two different pasts.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BUMP, [required_territory_id()])
        return int(cursor.fetchone()[0])


def cells_rebuild(domains: Sequence[str]) -> int:
    """Compute every square of these domains again; return the new version."""
    version = version_bump()
    names = {"domains": sorted(set(domains))}
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM assets_cell WHERE domain_key = ANY(%(domains)s)", names)
        shift = _shift(LAST_ZOOM)
        cursor.execute(_FROM_ASSETS.format(only=""), {**names, "zoom": LAST_ZOOM, "shift": shift})
        for zoom in range(LAST_ZOOM - 1, FIRST_ZOOM - 1, -1):
            cursor.execute(_FROM_FINER.format(only=""), {**names, "zoom": zoom})
    return version


def cells_refresh(changed: Iterable[tuple[str, int]]) -> int | None:
    """Compute again the squares around changed assets, given as (domain, quad).

    Nothing happens, and None is returned, when nothing changed.
    """
    shift = _shift(LAST_ZOOM)
    squares = {(domain, quad >> shift) for domain, quad in changed}
    if not squares:
        return None
    domains = sorted({domain for domain, _ in squares})
    if len(squares) > MANY_SQUARES:
        return cells_rebuild(domains)
    version = version_bump()
    cells = sorted({cell for _, cell in squares})
    with connection.cursor() as cursor:
        for zoom in range(LAST_ZOOM, FIRST_ZOOM - 1, -1):
            given: dict[str, Any] = {
                "domains": domains,
                "zoom": zoom,
                "cells": cells,
                "shift": shift,
            }
            cursor.execute(
                "DELETE FROM assets_cell WHERE zoom = %(zoom)s AND cell = ANY(%(cells)s)"
                " AND domain_key = ANY(%(domains)s)",
                given,
            )
            if zoom == LAST_ZOOM:
                given["low"] = [cell << shift for cell in cells]
                given["high"] = [((cell + 1) << shift) - 1 for cell in cells]
                only = (
                    "AND EXISTS (SELECT FROM unnest(%(low)s::bigint[], %(high)s::bigint[])"
                    " AS square(low, high) WHERE quad BETWEEN low AND high)"
                    if len(cells) > 1
                    else "AND quad BETWEEN %(first)s AND %(last)s"
                )
                given["first"], given["last"] = cells[0] << shift, ((cells[0] + 1) << shift) - 1
                cursor.execute(_FROM_ASSETS.format(only=only), given)
            else:
                given["finer"] = [(cell << 2) + rank for cell in cells for rank in range(4)]
                cursor.execute(_FROM_FINER.format(only="AND cell = ANY(%(finer)s)"), given)
            cells = sorted({cell >> 2 for cell in cells})
    return version


def _shift(zoom: int) -> int:
    return 2 * (LEVEL - zoom - CELL_BITS)
