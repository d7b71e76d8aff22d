"""What an asset that nobody has named is called, and the street where each one stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from beffroi.city.assets.contracts import AssetSummary
from beffroi.city.basemap.api import streets_near
from beffroi.modules.control_room.words import type_label


def streets_of(assets: Sequence[AssetSummary]) -> list[str]:
    """Return the street where each asset stands; nothing where none is near."""
    return streets_near([(asset.lon, asset.lat) for asset in assets])


def called(asset: AssetSummary, *, street: str) -> AssetSummary:
    """Return the asset with something to call it by when it has neither name nor identifier."""
    if asset.name or asset.identifier:
        return asset
    place = street or asset.area_name
    label = type_label(asset.type_key)
    return replace(asset, described=f"{label}\u00a0· {place}" if place else label)


def all_called(assets: Sequence[AssetSummary]) -> list[AssetSummary]:
    """Return the assets, each with something to call it by."""
    return [
        called(asset, street=street)
        for asset, street in zip(assets, streets_of(assets), strict=True)
    ]
