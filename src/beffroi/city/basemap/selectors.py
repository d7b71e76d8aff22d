from __future__ import annotations

from beffroi.city.basemap.contracts import ReadyTile, SourceView
from beffroi.city.basemap.models import BasemapSource, BasemapTile
from beffroi.kernel.geometry import Tile


def basemap_tile(tile: Tile) -> ReadyTile | None:
    """Return a ready tile of the acting territory, or None where the map is empty."""
    row = (
        BasemapTile.objects.filter(z=tile.z, x=tile.x, y=tile.y)
        .values_list("content", "etag")
        .first()
    )
    return None if row is None else ReadyTile(content=bytes(row[0]), etag=row[1])


def basemap_sources() -> list[SourceView]:
    """Return the files that the base map and the address search come from."""
    return [
        SourceView(
            layer=row.layer,
            name=row.name,
            attribution=row.attribution,
            feature_count=row.feature_count,
            imported_at=row.imported_at,
        )
        for row in BasemapSource.objects.order_by("layer", "name")
    ]


def basemap_attributions() -> list[str]:
    """Return the credits that the map must show, each once."""
    found = BasemapSource.objects.exclude(attribution="").order_by("id")
    return list(dict.fromkeys(found.values_list("attribution", flat=True)))
