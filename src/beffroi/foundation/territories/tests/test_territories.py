from __future__ import annotations

import json

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from beffroi.foundation.database.api import acting_for, check_rules
from beffroi.foundation.territories import api
from beffroi.foundation.territories.models import Area, Commune, Epci, Territory
from beffroi.foundation.territories.testing import make_area, make_territory

SQUARE = {
    "type": "Polygon",
    "coordinates": [[[3.8, 43.5], [4.0, 43.5], [4.0, 43.7], [3.8, 43.7], [3.8, 43.5]]],
}


def _collection(*features: tuple[dict[str, object], object]) -> bytes:
    listed = [
        {"type": "Feature", "properties": properties, "geometry": geometry}
        for properties, geometry in features
    ]
    return json.dumps({"type": "FeatureCollection", "features": listed}).encode()


@pytest.mark.django_db
def test_a_commune_becomes_a_territory() -> None:
    card = api.territory_create(insee="34172")
    assert (card.slug, card.name, card.kind) == ("montpellier", "Montpellier", "commune")
    assert (card.insee, card.siren, card.population) == ("34172", "213401722", 310_240)
    assert api.territory_by_slug("montpellier") == card
    assert api.territory_find(insee="34172") == card
    assert card in api.territories_all()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("insee", "name", "lon", "lat"),
    # Positions of the two town halls; the national list writes POINT EMPTY for these.
    [("42084", "Solore-en-Forez", 3.99, 45.73), ("56098", "Lanester", -3.34, 47.76)],
)
def test_a_commune_without_position_opens_near_its_neighbours(
    insee: str, name: str, lon: float, lat: float
) -> None:
    card = api.territory_create(insee=insee)
    assert card.name == name
    assert card.lon == pytest.approx(lon, abs=0.3)
    assert card.lat == pytest.approx(lat, abs=0.3)


@pytest.mark.django_db
def test_an_epci_comes_with_its_member_communes() -> None:
    card = api.territory_create(siren="243400017")
    assert card.kind is api.TerritoryKind.EPCI
    assert card.lon is not None
    with acting_for(card.id):
        areas = api.areas_list(kind=api.AreaKind.MEMBER_COMMUNE)
    assert len(areas) == 31
    assert ("Montpellier", "34172") in {(area.name, area.code) for area in areas}


@pytest.mark.django_db
def test_another_authority_says_who_it_is() -> None:
    card = api.territory_create(
        siren="223400011", name="Département de l’Hérault", kind=api.TerritoryKind.DEPARTEMENT
    )
    assert (card.slug, card.insee) == ("departement-de-l-herault", None)


@pytest.mark.django_db
def test_the_same_authority_is_not_made_twice() -> None:
    api.territory_create(insee="34172")
    with pytest.raises(api.TerritoryExists):
        api.territory_create(insee="34172")


@pytest.mark.django_db
def test_two_towns_of_the_same_name_have_two_addresses() -> None:
    assert api.territory_create(insee="93066").slug == "saint-denis"
    assert api.territory_create(insee="97411").slug == "saint-denis-97411"
    with pytest.raises(api.TerritoryExists):
        api.territory_create(insee="34172", slug="saint-denis")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "codes", [{"insee": "34000"}, {"siren": "000000000"}, {"siren": "123"}, {}]
)
def test_a_code_in_no_list_is_refused(codes: dict[str, str]) -> None:
    with pytest.raises(api.UnknownAuthority):
        api.territory_create(**codes)  # type: ignore[arg-type]  # only codes are given


@pytest.mark.django_db
def test_the_boundary_is_stored_with_its_rectangle() -> None:
    town = make_territory()
    boundary = api.boundary_from_geojson(_collection(({}, SQUARE)))
    api.territory_boundary_set(town.pk, boundary=boundary)
    card = api.territory_by_id(town.pk)
    assert card.bbox == (3.8, 43.5, 4.0, 43.7)
    stored = api.territory_boundary(town.pk)
    assert stored is not None
    assert stored["type"] == "Polygon"


@pytest.mark.parametrize(
    "content",
    [
        b"not json",
        b"[]",
        b'{"type": "Point", "coordinates": [3, 43]}',
        b'{"type": "FeatureCollection", "features": [1]}',
        b'{"type": "FeatureCollection", "features": []}',
        b'{"type": "Polygon", "coordinates": []}',
        b'{"type": "Polygon", "coordinates": [[[1]]]}',
        b'{"type": ["Polygon"], "coordinates": []}',
        b'{"type": "GeometryCollection", "geometries": []}',
        # Nested so deep that GEOS, or whoever walks it, would go down.
        b'{"type": "GeometryCollection", "geometries": [' * 400 + b"]}" * 400,
        b'{"type": "GeometryCollection", "geometries": [' * 100_000 + b"]}" * 100_000,
        b'{"type": "Polygon", "coordinates": ' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"type": "Polygon", "coordinates": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        # Lambert-93, in metres.
        (
            b'{"type": "Polygon", "coordinates": [[[770000, 6270000], [771000, 6270000],'
            b" [771000, 6271000], [770000, 6270000]]]}"
        ),
    ],
)
def test_what_is_no_boundary_is_refused(content: bytes) -> None:
    with pytest.raises(api.InvalidBoundary):
        api.boundary_from_geojson(content)


def test_a_polygon_that_crosses_itself_is_mended() -> None:
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    assert api.boundary_from_geojson(json.dumps(bow))["type"] == "MultiPolygon"


def test_names_and_codes_of_districts_are_guessed() -> None:
    drafts = api.area_drafts_from_geojson(
        _collection(({"NOM": "Antigone", "CODE": 12}, SQUARE), ({"libelle": "Écusson"}, SQUARE))
    )
    assert [(draft.name, draft.code) for draft in drafts] == [
        ("Antigone", "12"),
        ("Écusson", "ecusson"),
    ]
    with pytest.raises(api.InvalidBoundary):
        api.area_drafts_from_geojson(_collection(({"x": 1}, SQUARE)))


@pytest.mark.django_db
def test_areas_keep_their_number_when_they_come_again() -> None:
    town = make_territory()
    kind = api.AreaKind.DISTRICT
    api.areas_replace(
        town.pk,
        kind=kind,
        drafts=[api.AreaDraft(name="Nord", code="1"), api.AreaDraft(name="Sud", code="2")],
    )
    with acting_for(town.pk):
        before = {area.code: area.id for area in api.areas_list()}
    drafts = [
        api.AreaDraft(name="Grand Nord", code="1", geometry=SQUARE),
        api.AreaDraft(name="Est", code="3"),
    ]
    assert api.areas_replace(town.pk, kind=kind, drafts=drafts) == 2
    with acting_for(town.pk):
        after = {area.code: area for area in api.areas_list()}
    assert set(after) == {"1", "3"}
    assert (after["1"].id, after["1"].name) == (before["1"], "Grand Nord")
    assert after["1"].bbox == (3.8, 43.5, 4.0, 43.7)


@pytest.mark.django_db
def test_the_finest_area_holds_a_position() -> None:
    town = make_territory()
    api.areas_replace(
        town.pk,
        kind=api.AreaKind.SECTOR,
        drafts=[api.AreaDraft(name="Ouest", code="o", geometry=SQUARE)],
    )
    district = make_area(town, bounds=(3.85, 43.55, 3.95, 43.65))
    with acting_for(town.pk):
        sector = next(area for area in api.areas_list() if area.code == "o")
        found = api.areas_of([(3.9, 43.6), (3.81, 43.51), (2.0, 48.0), (float("nan"), 43.6)])
        assert found == [district.pk, sector.id, None, None]
        assert api.area_of(3.9, 43.6) == district.pk
        assert api.areas_of([]) == []


@pytest.mark.django_db
def test_an_area_includes_those_below_it() -> None:
    town = make_territory()
    top = make_area(town, kind="secteur")
    middle = make_area(town, parent=top)
    low = make_area(town, kind="sous_quartier", parent=middle)
    with acting_for(town.pk):
        below = api.areas_within([top.pk, low.pk])
    assert below == {top.pk: {top.pk, middle.pk, low.pk}, low.pk: {low.pk}}


@pytest.mark.django_db
def test_colours_must_be_readable_and_a_shade_is_proposed() -> None:
    town = make_territory()
    card = api.territory_settings_change(
        town.pk, name=" Ville ", primary_color="#0B3D91", secondary_color="#a33"
    )
    assert (card.name, card.primary_color, card.secondary_color) == ("Ville", "#0b3d91", "#aa3333")
    with pytest.raises(api.UnreadableColour) as refused:
        api.territory_settings_change(
            town.pk, name="Ville", primary_color="#ffd400", secondary_color="#aa3333"
        )
    assert api.readable_colour(refused.value.proposal, field="primary_color")
    with pytest.raises(api.UnreadableColour):
        api.readable_colour("jaune", field="primary_color")


@pytest.mark.django_db
def test_the_national_lists_are_loaded_and_cannot_be_changed() -> None:
    assert Commune.objects.count() == 34_969
    assert Epci.objects.count() == 1_266
    assert Commune.objects.get(insee="2A004").name == "Ajaccio"
    with pytest.raises(ProgrammingError), transaction.atomic():
        Commune.objects.filter(insee="2A004").update(name="x")


@pytest.mark.django_db
def test_loading_again_does_nothing() -> None:
    assert api.reference_load() is False


@pytest.mark.django_db
def test_a_territory_writes_no_other_territory() -> None:
    one, other = make_territory(), make_territory()
    make_area(other, name="Secret")
    with acting_for(one.pk):
        assert Territory.objects.filter(pk=other.pk).update(name="Pris") == 0
        assert Area.objects.count() == 0
        assert api.areas_list() == []
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            Area.objects.create(territory=other, kind="quartier", name="x", code="x")
    assert Area.objects.count() == 0  # no territory set: no rows
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM territories_territory")


@pytest.mark.django_db
def test_every_table_of_these_rooms_declares_its_rule() -> None:
    ours = ("territories_", "accounts_", "audit_")
    assert [found for found in check_rules() if found.subject.startswith(ours)] == []
