from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from beffroi.kernel.errors import Conflict, InvalidInput, NotFound

GeoJson = dict[str, Any]
"""A GeoJSON geometry (RFC 7946) as Python objects, WGS 84."""

DEFAULT_PRIMARY_COLOR = "#2b4a73"
DEFAULT_SECONDARY_COLOR = "#96501a"


class TerritoryKind(StrEnum):
    """Kinds of local authority that may own rows."""

    COMMUNE = "commune"
    EPCI = "epci"
    DEPARTEMENT = "departement"
    SYNDICAT = "syndicat"


class AreaKind(StrEnum):
    """Ways in which a territory is cut, from the coarsest to the finest."""

    MEMBER_COMMUNE = "commune"
    SECTOR = "secteur"
    DISTRICT = "quartier"
    SUB_DISTRICT = "sous_quartier"


@dataclass(frozen=True, slots=True, kw_only=True)
class TerritoryCard:
    """What every page needs of a territory; its boundary is read apart.

    Attributes:
        bbox: ``(west, south, east, north)`` in degrees, or ``None`` where no boundary is known.
    """

    id: int
    uuid: UUID
    slug: str
    name: str
    kind: TerritoryKind
    insee: str | None
    siren: str
    population: int | None
    lon: float | None
    lat: float | None
    bbox: tuple[float, float, float, float] | None
    primary_color: str
    secondary_color: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaCard:
    """One part of a territory, without its boundary."""

    id: int
    uuid: UUID
    kind: AreaKind
    name: str
    code: str
    parent_id: int | None
    bbox: tuple[float, float, float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaDraft:
    """An area to be stored.

    Attributes:
        code: stable within the territory and kind: a second import finds the same area by it.
        geometry: GeoJSON Polygon or MultiPolygon, or ``None`` where the boundary is unknown.
        parent_code: code of an area of a coarser kind, or an empty string.
    """

    name: str
    code: str
    geometry: GeoJson | None = None
    parent_code: str = ""


class TerritoryNotFound(NotFound):
    """No territory of the installation has this slug, code or number."""

    code = "territory.not_found"


class TerritoryExists(Conflict):
    """The authority is already a territory of the installation."""

    code = "territory.exists"


class UnknownAuthority(InvalidInput):
    """The code is in none of the reference lists."""

    code = "territory.unknown_authority"


class InvalidBoundary(InvalidInput):
    """The GeoJSON cannot serve as a boundary."""

    code = "territory.invalid_boundary"


class UnreadableColour(InvalidInput):
    """A colour of the town cannot be read on white.

    Attributes:
        proposal: the nearest shade that can, as ``#rrggbb``; empty when the text is no colour.
    """

    code = "territory.unreadable_colour"

    def __init__(self, message: str, *, field: str, value: object, proposal: str) -> None:
        self.proposal = proposal
        way_out = "The nearest shade that can be read is {proposal}." if proposal else ""
        super().__init__(
            message, field=field, value=value, way_out=way_out, params={"proposal": proposal}
        )
