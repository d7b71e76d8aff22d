"""What other rooms may use of the base map's room."""

from __future__ import annotations

from beffroi.city.basemap.contracts import (
    BasemapBuild,
    BasemapImport,
    Layer,
    Place,
    ReadyTile,
    SourceView,
    UnknownLayer,
)
from beffroi.city.basemap.drawing import FIRST_ZOOM, LAST_ZOOM
from beffroi.city.basemap.geocoding import address_search
from beffroi.city.basemap.importing import addresses_import, basemap_import
from beffroi.city.basemap.nearest import streets_near
from beffroi.city.basemap.selectors import (
    basemap_attributions,
    basemap_sources,
    basemap_tile,
)
from beffroi.city.basemap.services import (
    NewAddress,
    NewFeature,
    basemap_addresses_replace,
    basemap_build,
    basemap_features_replace,
)
from beffroi.city.basemap.words import plain

__all__ = [
    "FIRST_ZOOM",
    "LAST_ZOOM",
    "BasemapBuild",
    "BasemapImport",
    "Layer",
    "NewAddress",
    "NewFeature",
    "Place",
    "ReadyTile",
    "SourceView",
    "UnknownLayer",
    "address_search",
    "addresses_import",
    "basemap_addresses_replace",
    "basemap_attributions",
    "basemap_build",
    "basemap_features_replace",
    "basemap_import",
    "basemap_sources",
    "basemap_tile",
    "plain",
    "streets_near",
]
