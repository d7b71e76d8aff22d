"""In which area of the territory a position lies."""

from __future__ import annotations

from django.db import connection, transaction

from beffroi.city.assets.cells import cells_rebuild
from beffroi.city.assets.models import Asset
from beffroi.foundation.territories.api import areas_of

_REASSIGN = """
UPDATE assets_asset AS asset SET area_id = given.area_id
FROM unnest(%(ids)s::bigint[], %(areas)s::bigint[]) AS given(id, area_id)
WHERE asset.id = given.id
"""


@transaction.atomic
def areas_reassign() -> int:
    """Find again the area of every asset, after the areas changed; return how many moved."""
    rows = list(
        Asset.objects.order_by("id").values_list("id", "lon", "lat", "area_id", "domain_key")
    )
    found = areas_of([(lon, lat) for _, lon, lat, _, _ in rows])
    moved = [
        (row[0], area_id, row[4])
        for row, area_id in zip(rows, found, strict=True)
        if row[3] != area_id
    ]
    if not moved:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            _REASSIGN,
            {"ids": [row[0] for row in moved], "areas": [row[1] for row in moved]},
        )
    cells_rebuild(sorted({row[2] for row in moved}))
    return len(moved)
