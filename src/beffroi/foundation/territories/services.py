from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from django.db import connection, transaction
from psycopg import sql
from shapely.geometry import shape

from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories import reference
from beffroi.foundation.territories.boundaries import geojson_of, polygon
from beffroi.foundation.territories.contracts import (
    AreaDraft,
    AreaKind,
    GeoJson,
    TerritoryCard,
    TerritoryExists,
    TerritoryKind,
    UnknownAuthority,
    UnreadableColour,
)
from beffroi.foundation.territories.models import Area, Territory
from beffroi.foundation.territories.selectors import territory_by_id
from beffroi.kernel.clock import now
from beffroi.kernel.colour import TEXT_RATIO, contrast, nearest_readable, parse_colour
from beffroi.kernel.identifiers import is_siren, slug_of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Authority:
    name: str
    kind: TerritoryKind
    insee: str | None
    siren: str
    population: int | None
    lon: float | None
    lat: float | None


def territory_create(
    *,
    insee: str | None = None,
    siren: str | None = None,
    name: str | None = None,
    kind: TerritoryKind | None = None,
    slug: str | None = None,
) -> TerritoryCard:
    """Make a territory of an authority, with its member communes when it is an EPCI.

    ``insee`` names a commune and ``siren`` an EPCI, both found in the reference lists. Another
    authority (département, syndicat) gives its ``siren``, ``name`` and ``kind``.

    Raises:
        UnknownAuthority: the code is in no list, and no name and kind were given.
        TerritoryExists: it is a territory already, or the slug is taken.
    """
    authority = _authority(insee=insee, siren=siren, name=name, kind=kind)
    wanted = slug or slug_of(authority.name)
    with transaction.atomic():
        if Territory.objects.filter(siren=authority.siren).exists():
            raise TerritoryExists(
                "{name} is already a territory of this installation.",
                params={"name": authority.name},
            )
        # Row-level security lets a territory write no row but its own: its number comes first.
        territory_id = _next_territory_id()
        with acting_for(territory_id):
            Territory.objects.create(
                id=territory_id,
                slug=_free_slug(wanted, authority=authority, chosen=slug is not None),
                name=authority.name,
                kind=authority.kind.value,
                insee=authority.insee,
                siren=authority.siren,
                population=authority.population,
                lon=authority.lon,
                lat=authority.lat,
                created_at=now(),
            )
            if authority.kind is TerritoryKind.EPCI:
                areas_replace(
                    territory_id,
                    kind=AreaKind.MEMBER_COMMUNE,
                    drafts=[
                        AreaDraft(name=fact.name, code=fact.insee)
                        for fact in reference.members(authority.siren)
                    ],
                )
            return territory_by_id(territory_id)


def territory_boundary_set(territory_id: int, *, boundary: GeoJson) -> None:
    """Store the boundary and the rectangle around it.

    Raises:
        InvalidBoundary: not a polygon in WGS 84.
    """
    made = polygon(boundary)
    with acting_for(territory_id):
        Territory.objects.filter(pk=territory_id).update(
            boundary=geojson_of(made), bbox=list(made.bounds)
        )


def areas_replace(territory_id: int, *, kind: AreaKind, drafts: Iterable[AreaDraft]) -> int:
    """Make the areas of one kind those of the drafts, and return how many there are.

    An area is found again by its code and keeps its number; those no longer listed are removed.
    Of two drafts with the same code the last is kept.

    Raises:
        InvalidBoundary: a draft's geometry is not a polygon in WGS 84.
    """
    wanted = {draft.code: draft for draft in drafts}
    with acting_for(territory_id):
        others = Area.objects.exclude(kind=kind.value)
        parents = dict(others.values_list("code", "pk"))
        Area.objects.filter(kind=kind.value).exclude(code__in=list(wanted)).delete()
        rows = [_area(territory_id, kind, draft, parents) for draft in wanted.values()]
        Area.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["territory", "kind", "code"],
            update_fields=["name", "boundary", "bbox", "parent"],
        )
    return len(wanted)


def territory_settings_change(
    territory_id: int, *, name: str, primary_color: str, secondary_color: str
) -> TerritoryCard:
    """Change the name and the two colours of a town.

    Raises:
        UnreadableColour: text in this colour on white would be under 4.5:1.
    """
    with acting_for(territory_id):
        Territory.objects.filter(pk=territory_id).update(
            name=name.strip(),
            primary_color=readable_colour(primary_color, field="primary_color"),
            secondary_color=readable_colour(secondary_color, field="secondary_color"),
        )
        return territory_by_id(territory_id)


def readable_colour(text: str, *, field: str) -> str:
    """Return the colour as ``#rrggbb`` when it can be read on white.

    Raises:
        UnreadableColour: it cannot; the error carries the nearest shade that can.
    """
    try:
        plain = parse_colour(text)
    except ValueError as error:
        raise UnreadableColour(
            "{value} is not a colour written as # and six hexadecimal digits.",
            field=field,
            value=text,
            proposal="",
        ) from error
    if contrast(plain, "#ffffff") < TEXT_RATIO:
        raise UnreadableColour(
            "{value} is too pale to be read on white.",
            field=field,
            value=plain,
            proposal=nearest_readable(plain),
        )
    return plain


def reference_load() -> bool:
    """Fill the tables of communes and EPCI from the shipped lists; as the owner.

    The fingerprint of the files is kept as the table's comment: what is there already is left.
    Returns whether anything was loaded.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT obj_description('territories_commune'::regclass)")
        if cursor.fetchone() == (reference.fingerprint(),):
            return False
        cursor.execute("TRUNCATE territories_commune, territories_epci")
        with cursor.copy(
            "COPY territories_commune (insee, name, siren, population, epci_siren, ept_siren,"
            " departement, region, lon, lat, postal_codes) FROM STDIN"
        ) as copy:
            for fact in reference.communes().values():
                copy.write_row(
                    (
                        fact.insee,
                        fact.name,
                        fact.siren,
                        fact.population,
                        fact.epci_siren,
                        fact.ept_siren,
                        fact.departement,
                        fact.region,
                        fact.lon,
                        fact.lat,
                        " ".join(fact.postal_codes),
                    )
                )
        with cursor.copy(
            "COPY territories_epci (siren, name, kind, population) FROM STDIN"
        ) as copy:
            for body in reference.epcis().values():
                copy.write_row((body.siren, body.name, body.kind, body.population))
        cursor.execute(
            sql.SQL("COMMENT ON TABLE territories_commune IS {}").format(
                sql.Literal(reference.fingerprint())
            )
        )
    return True


def _authority(
    *, insee: str | None, siren: str | None, name: str | None, kind: TerritoryKind | None
) -> _Authority:
    if insee:
        fact = reference.commune(insee)
        if fact is None or not fact.siren:
            raise UnknownAuthority(
                "No commune with its own administration has the code {value}.",
                field="insee",
                value=insee,
                way_out="Give the INSEE code of the commune, not its postal code.",
            )
        lon, lat = _position(fact)
        return _Authority(
            name=fact.name,
            kind=TerritoryKind.COMMUNE,
            insee=fact.insee,
            siren=fact.siren,
            population=fact.population,
            lon=lon,
            lat=lat,
        )
    body = reference.epci(siren or "")
    if body is not None:
        lon, lat = _seat(body.siren)
        return _Authority(
            name=body.name,
            kind=TerritoryKind.EPCI,
            insee=None,
            siren=body.siren,
            population=body.population,
            lon=lon,
            lat=lat,
        )
    if not (siren and is_siren(siren) and name and kind):
        raise UnknownAuthority(
            "No inter-municipal body has the SIREN {value}.",
            field="siren",
            value=siren,
            way_out="Give its name and its kind as well if it is another authority.",
        )
    return _Authority(
        name=name, kind=kind, insee=None, siren=siren, population=None, lon=None, lat=None
    )


def _position(fact: reference.CommuneFacts) -> tuple[float | None, float | None]:
    """Return where a commune is, or where those around it are: the lists miss a hundred of them.

    A map must open somewhere near; a boundary, once given, says it exactly.
    """
    if fact.lon is not None and fact.lat is not None:
        return fact.lon, fact.lat
    around = [
        (other.lon, other.lat)
        for other in reference.communes().values()
        if other.lon is not None
        and other.lat is not None
        and (
            set(other.postal_codes) & set(fact.postal_codes)
            or (fact.epci_siren and other.epci_siren == fact.epci_siren)
        )
    ]
    if not around:
        return None, None
    lons, lats = zip(*around, strict=True)
    return round(fmean(lons), 5), round(fmean(lats), 5)


def _seat(siren: str) -> tuple[float | None, float | None]:
    """Return the position of the most populous member: the lists do not give that of the seat."""
    largest = max(reference.members(siren), key=lambda fact: fact.population or 0, default=None)
    return (None, None) if largest is None else _position(largest)


def _next_territory_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('territories_territory', 'id'))")
        return int(cursor.fetchone()[0])


def _free_slug(wanted: str, *, authority: _Authority, chosen: bool) -> str:
    if not Territory.objects.filter(slug=wanted).exists():
        return wanted
    if chosen:
        raise TerritoryExists("The address {slug} is taken.", params={"slug": wanted})
    # France has eleven Saint-Denis: the second to come carries its code.
    return f"{wanted}-{(authority.insee or authority.siren).lower()}"


def _area(territory_id: int, kind: AreaKind, draft: AreaDraft, parents: dict[str, int]) -> Area:
    boundary, bbox = None, None
    if draft.geometry is not None:
        boundary = geojson_of(polygon(draft.geometry))
        bbox = list(shape(boundary).bounds)
    return Area(
        territory_id=territory_id,
        kind=kind.value,
        name=draft.name,
        code=draft.code,
        boundary=boundary,
        bbox=bbox,
        parent_id=parents.get(draft.parent_code) if draft.parent_code else None,
    )
