"""What is known of assets as they stand in the register, for whoever works on many of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from beffroi.city.assets.contracts import AssetFilter
from beffroi.city.assets.selectors import narrowed, seen_assets
from beffroi.foundation.accounts.contracts import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFacts:
    """An asset's place and properties, without state or links."""

    external_key: str
    name: str
    lon: float
    lat: float
    origin: str
    properties: Mapping[str, Any]


def assets_facts(wanted: AssetFilter, *, scope: Scope) -> Iterator[AssetFacts]:
    """Give the facts of every asset of a list in the order of their keys, read in batches."""
    rows = narrowed(seen_assets(scope), wanted).order_by("external_key", "id")
    for row in rows.only("external_key", "name", "lon", "lat", "origin", "properties").iterator(
        chunk_size=2_000
    ):
        yield AssetFacts(
            external_key=row.external_key,
            name=row.name,
            lon=row.lon,
            lat=row.lat,
            origin=row.origin,
            properties=row.properties,
        )
