"""What other rooms may use of the territories' room."""

from __future__ import annotations

from beffroi.foundation.territories import reference
from beffroi.foundation.territories.boundaries import (
    area_drafts_from_geojson,
    boundary_from_geojson,
)
from beffroi.foundation.territories.contracts import (
    AreaCard,
    AreaDraft,
    AreaKind,
    InvalidBoundary,
    TerritoryCard,
    TerritoryExists,
    TerritoryKind,
    TerritoryNotFound,
    UnknownAuthority,
    UnreadableColour,
)
from beffroi.foundation.territories.naming import proper_name
from beffroi.foundation.territories.selectors import (
    area_boundary,
    area_of,
    areas_list,
    areas_of,
    areas_within,
    territories_all,
    territories_among,
    territory_boundary,
    territory_by_id,
    territory_by_slug,
    territory_find,
)
from beffroi.foundation.territories.services import (
    areas_replace,
    readable_colour,
    reference_load,
    territory_boundary_set,
    territory_create,
    territory_settings_change,
)

__all__ = [
    "AreaCard",
    "AreaDraft",
    "AreaKind",
    "InvalidBoundary",
    "TerritoryCard",
    "TerritoryExists",
    "TerritoryKind",
    "TerritoryNotFound",
    "UnknownAuthority",
    "UnreadableColour",
    "area_boundary",
    "area_drafts_from_geojson",
    "area_of",
    "areas_list",
    "areas_of",
    "areas_replace",
    "areas_within",
    "boundary_from_geojson",
    "proper_name",
    "readable_colour",
    "reference",
    "reference_load",
    "territories_all",
    "territories_among",
    "territory_boundary",
    "territory_boundary_set",
    "territory_by_id",
    "territory_by_slug",
    "territory_create",
    "territory_find",
    "territory_settings_change",
]
