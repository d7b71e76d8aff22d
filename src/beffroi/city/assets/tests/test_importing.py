from __future__ import annotations

from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.city.assets import api
from beffroi.city.assets.coercion import NotOfKindError, as_stored, coerced
from beffroi.city.assets.contracts import ImportRefused
from beffroi.city.assets.mapping import plain_key
from beffroi.city.assets.models import Asset, AssetChange, ImportRun
from beffroi.city.assets.tests.samples import geojson
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.files.reading import FileRefused
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory
from beffroi.sdk.declarations import Property
from beffroi.sdk.registry import asset_types

# Three rows of the town's own style: dBase types in the header, decimal comma, Lambert-93.
CAR_PARKS = """ID,N,6,0;NOM,C,50;NBRE_PLACE,N,5,0;COORD_X,N,10,1;COORD_Y,N,10,1;OBS,C,20
1;Comédie;806;770995,4;6279273,1;ouvert
2;Foch;612;770410,9;6279452,0;
3;Gare;neuf cents;771153,1;6278742,3;travaux
"""


def _import(
    town: Territory, content: bytes | str, *, name: str = "f.csv", **wanted: object
) -> api.ImportReport:
    with acting_for(town.pk):
        return api.import_run(
            content.encode("cp1252") if isinstance(content, str) else content,
            name=name,
            **{"type_key": "car_park", **wanted},  # type: ignore[arg-type]  # each its own
        )


@pytest.mark.django_db
def test_a_town_file_is_imported_as_it_is_and_again_without_duplicates() -> None:
    town = make_territory()
    first = _import(town, CAR_PARKS, options=api.ImportOptions(origin="real", attribution="Ville"))
    assert (first.counts.created, first.refused, first.dropped) == (3, 0, 1)
    assert first.mapping["NBRE_PLACE"] == "nominal_capacity_places"
    assert first.mapping["NOM"] == "@name"
    again = _import(town, CAR_PARKS, options=api.ImportOptions(origin="real", attribution="Ville"))
    assert (again.counts.created, again.counts.unchanged) == (0, 3)
    with acting_for(town.pk):
        asset = Asset.objects.get(name="Comédie")
        assert asset.properties == {"nominal_capacity_places": 806, "id": 1, "obs": "ouvert"}
        assert (round(asset.lon, 3), round(asset.lat, 3)) == (3.879, 43.609)
        assert (asset.origin, asset.attribution) == ("real", "Ville")
        assert AssetChange.objects.count() == 3
        assert ImportRun.objects.count() == 2


@pytest.mark.django_db
def test_a_wrong_value_is_named_and_its_row_is_imported_without_it() -> None:
    town = make_territory()
    report = _import(town, CAR_PARKS)
    (refusal,) = report.refusals
    assert (refusal.row, refusal.field, refusal.value) == (4, "NBRE_PLACE", "neuf cents")
    assert not refusal.whole
    assert "neuf cents" in api.refusal_text(refusal)
    with acting_for(town.pk):
        assert "nominal_capacity_places" not in Asset.objects.get(name="Gare").properties


@pytest.mark.django_db
def test_rows_that_cannot_be_placed_or_told_apart_are_refused_with_a_way_out() -> None:
    town = make_territory()
    content = geojson(
        (3.88, 43.61, {"identifiant": "P1", "nom": "A"}),
        (None, 0, {"identifiant": "P2", "nom": "B"}),
        (3.89, 43.61, {"identifiant": "P1", "nom": "C"}),
        (3.90, 43.61, {"identifiant": None, "nom": "D"}),
        (3.91, 43.61, {"identifiant": "0", "nom": "E"}),
    )
    report = _import(town, content, name="f.geojson")
    assert (report.counts.created, report.refused) == (3, 2)
    assert [(item.row, item.whole) for item in report.refusals] == [(2, True), (3, True)]
    assert all(item.reason and item.way_out for item in report.refusals)
    assert report.refusals[1].params == {"first": "1"}
    with acting_for(town.pk):
        keys = set(Asset.objects.values_list("external_key", flat=True))
        assert keys == {"P1", "3.900000,43.610000", "3.910000,43.610000"}
        (kept,) = api.imports_recent()
        assert (kept.refused, kept.refusals) == (2, ())
        assert kept.uuid is not None
        assert api.import_get(kept.uuid).refusals == report.refusals


@pytest.mark.django_db
def test_without_identifier_two_assets_at_one_place_stay_two() -> None:
    town = make_territory()
    content = geojson(*[(3.88, 43.61, {"nom": name}) for name in "ABC"], (3.89, 43.61, {}))
    for expected in (4, 0):
        report = _import(town, content, name="f.geojson")
        assert report.counts.created == expected
    with acting_for(town.pk):
        keys = Asset.objects.order_by("external_key").values_list("external_key", flat=True)
        assert list(keys) == [
            "3.880000,43.610000",
            "3.880000,43.610000#2",
            "3.880000,43.610000#3",
            "3.890000,43.610000",
        ]


@pytest.mark.django_db
def test_the_person_decides_where_columns_go() -> None:
    town = make_territory()
    options = api.ImportOptions(keep_unknown=False, prefix="MTP-")
    report = _import(town, CAR_PARKS, mapping={"ID": "@key", "OBS": "@keep"}, options=options)
    assert report.counts.created == 3
    with acting_for(town.pk):
        asset = Asset.objects.get(external_key="MTP-1")
        assert asset.properties == {"nominal_capacity_places": 806}
    for wrong in ({"NULLE_PART": "@key"}, {"ID": "@magic"}, {"ID": "users", "OBS": "users"}):
        with pytest.raises(ImportRefused):
            _import(town, CAR_PARKS, mapping=wrong)


@pytest.mark.django_db
def test_a_trial_counts_and_leaves_nothing() -> None:
    town = make_territory()
    report = _import(town, CAR_PARKS, dry_run=True)
    assert (report.counts.created, report.uuid, report.dry_run) == (3, None, True)
    with acting_for(town.pk):
        assert not Asset.objects.exists()
        assert not ImportRun.objects.exists()
        assert api.tiles_version() == 0


@pytest.mark.django_db
def test_a_preview_says_the_same_and_writes_nothing() -> None:
    town = make_territory()
    with acting_for(town.pk):
        preview = api.import_preview(CAR_PARKS.encode("cp1252"), name="f.csv", type_key="car_park")
        assert not Asset.objects.exists()
    assert (preview.row_count, preview.accepted, preview.dropped) == (3, 3, 1)
    assert preview.first_rows[0]["NOM"] == "Comédie"
    assert {column.label: column.target for column in preview.columns}["OBS"] == "@keep"
    assert preview.extent is not None
    assert 3.8 < preview.extent.west < preview.extent.east < 3.95
    assert len(preview.sample_points) == 3
    assert all(finding.text for finding in preview.findings)


@pytest.mark.django_db
def test_what_is_no_file_of_assets_is_refused_as_a_whole() -> None:
    town = make_territory()
    with pytest.raises(ImportRefused):
        _import(town, "nom;valeur\nA;1\nB;2\n")
    with pytest.raises(FileRefused):
        _import(town, b"%PDF-1.7 ...")
    with acting_for(town.pk):
        assert not ImportRun.objects.exists()


@pytest.mark.django_db
def test_lines_and_areas_keep_their_shape_and_stand_on_it() -> None:
    town = make_territory()
    content = b"""{"type": "FeatureCollection", "features": [
      {"type": "Feature", "properties": {"identifiant": "Z"}, "geometry": {"type": "Polygon",
       "coordinates": [[[3.87, 43.60], [3.88, 43.60], [3.88, 43.61], [3.87, 43.60]]]}}]}"""
    for unchanged in (0, 1):
        report = _import(town, content, name="f.geojson")
        assert report.counts.unchanged == unchanged
    with acting_for(town.pk):
        asset = Asset.objects.get()
        assert asset.shape is not None
        assert asset.shape["type"] == "Polygon"
        assert 3.87 < asset.lon < 3.88


@pytest.mark.django_db
def test_the_command_line_prints_what_was_done(tmp_path: Path) -> None:
    town = make_territory()
    path = tmp_path / "parkings.csv"
    path.write_text(CAR_PARKS, encoding="cp1252")
    seen: list[tuple[int, int]] = []
    report = api.import_file(
        path,
        territory_id=town.pk,
        type_key="car_park",
        report=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(3, 3)]
    text = api.report_text(report)
    assert "parkings.csv" in text
    assert "neuf cents" in text


WHOLE = Property(key="n", label="n", kind=int)
REAL = Property(key="n", label="n", kind=float)
TEXT = Property(key="n", label="n")
FLAG = Property(key="n", label="n", kind=bool)
DAY = Property(key="n", label="n", kind=date)
CHOICE = Property(key="n", label="n", choices=("Sodium haute pression", "LED"))


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        ("1 200", WHOLE, 1200),
        ("12,0", WHOLE, 12),
        (12.0, WHOLE, 12),
        ("1\u202f250,5", REAL, 1250.5),
        (12.0, TEXT, "12"),
        ("  A ", TEXT, "A"),
        ("", TEXT, None),
        (None, WHOLE, None),
        ("Oui", FLAG, True),
        ("N", FLAG, False),
        (1, FLAG, True),
        ("31/12/2013", DAY, "2013-12-31"),
        (date(2013, 12, 31), DAY, "2013-12-31"),
        ("led", CHOICE, "LED"),
        ("SODIUM HAUTE-PRESSION", CHOICE, "Sodium haute pression"),
    ],
)
def test_values_are_read_as_people_write_them(
    value: object, wanted: Property, expected: object
) -> None:
    assert coerced(value, wanted) == expected  # type: ignore[arg-type]  # values of a file


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("douze", WHOLE),
        (12.5, WHOLE),
        (float("nan"), REAL),
        (float("inf"), REAL),
        (10**30, WHOLE),
        ("peut-être", FLAG),
        ("31/02/2013", DAY),
        ("mercure", CHOICE),
    ],
)
def test_values_that_are_not_of_the_kind_are_refused(value: object, wanted: Property) -> None:
    with pytest.raises(NotOfKindError) as caught:
        coerced(value, wanted)  # type: ignore[arg-type]  # values of a file
    assert caught.value.reason
    assert caught.value.way_out


@given(
    st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.booleans(), st.dates()),
    st.sampled_from([WHOLE, REAL, TEXT, FLAG, DAY, CHOICE]),
)
def test_any_value_is_read_or_refused_and_nothing_else(value: object, wanted: Property) -> None:
    with suppress(NotOfKindError):
        coerced(value, wanted)  # type: ignore[arg-type]  # values of a file
    as_stored(value)  # type: ignore[arg-type]  # values of a file


def test_every_declared_type_can_be_mapped_from_its_own_keys() -> None:
    for declared in asset_types().values():
        for item in declared.properties:
            assert plain_key(item.key) == item.key
