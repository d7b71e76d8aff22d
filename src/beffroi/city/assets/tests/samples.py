"""What several test files build on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from beffroi.city.assets.bulk import BulkOptions, assets_upsert_many
from beffroi.city.assets.contracts import NewAsset, UpsertCounts

LANTERNS = "light_point"
WEST, SOUTH = 3.80, 43.55


def grid(count: int, *, step: float = 0.0007, prefix: str = "L") -> list[NewAsset]:
    """Return assets on a square grid over Montpellier, with keys in order."""
    side = max(1, round(count**0.5))
    return [
        NewAsset(
            external_key=f"{prefix}{rank:05d}",
            lon=round(WEST + (rank % side) * step, 7),
            lat=round(SOUTH + (rank // side) * step, 7),
            name=f"Lanterne {rank}" if rank % 3 else "",
            properties={"lantern_type": "Style", "adresse": f"{rank} rue de l’Aiguillerie"},
        )
        for rank in range(count)
    ]


def upsert(rows: Iterable[NewAsset], *, type_key: str = LANTERNS, **options: Any) -> UpsertCounts:
    """Write assets of a type."""
    return assets_upsert_many(rows, type_key=type_key, options=BulkOptions(**options))


def geojson(*rows: tuple[float | None, float, Mapping[str, Any]]) -> bytes:
    """Return a GeoJSON file of points; a longitude of None writes no geometry."""
    features = [
        {
            "type": "Feature",
            "properties": dict(properties),
            "geometry": None if lon is None else {"type": "Point", "coordinates": [lon, lat]},
        }
        for lon, lat, properties in rows
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()
