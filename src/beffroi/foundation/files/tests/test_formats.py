import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import shapely

from beffroi.foundation.files.reading import (
    ColumnKind,
    FileKind,
    FileRefused,
    open_table,
    open_tables,
)
from beffroi.foundation.files.tests.builders import (
    MONTPELLIER,
    SAMPLES,
    dbf,
    excel,
    found,
    geopackage,
    ods,
    ods_cell,
    point_of,
    shp,
    zipped,
)

HERE = shapely.Point(770_795.139, 6_279_509.474)
"""Montpellier in Lambert-93."""


def feature(geometry: object, **properties: object) -> dict[str, object]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def point(lon: float = 3.8767, lat: float = 43.6111) -> dict[str, object]:
    return {"type": "Point", "coordinates": [lon, lat]}


# --- workbooks -------------------------------------------------------------------------------


def test_excel_keeps_types_titles_and_sheets() -> None:
    content = excel(
        Parkings=[
            ["Parkings de la ville"],
            [],
            ["Nom", "Places", "Ouvert le", "Relevé", "Payant", "Longitude", "Latitude"],
            ["Arc", 474, date(2008, 1, 1), datetime(2020, 7, 1, 12, 0), True, 3.8732, 43.611],  # noqa: DTZ001 - as Excel writes it
            ["Pitot", 781, date(1991, 12, 16), None, False, "3,8701", "43,6122"],
        ],
        Vide=[],
        Notes=[["Auteur"], ["Ville"]],
    )
    opened = open_tables(content, name="parkings.xlsx", near=MONTPELLIER)
    table = opened.tables[0]
    assert [one.name for one in opened.tables] == [
        "parkings.xlsx › Parkings",
        "parkings.xlsx › Notes",
    ]
    assert [column.kind for column in table.columns] == [
        ColumnKind.TEXT,
        ColumnKind.INTEGER,
        ColumnKind.DATE,
        ColumnKind.DATETIME,
        ColumnKind.BOOLEAN,
        ColumnKind.NUMBER,
        ColumnKind.NUMBER,
    ]
    rows = list(table.rows())
    assert [row.number for row in rows] == [4, 5]
    assert rows[0].values["Relevé"] == datetime(2020, 7, 1, 10, tzinfo=UTC)
    assert [round(point_of(row).x, 4) for row in rows] == [3.8732, 3.8701]
    assert open_table(content, name="x", table="Notes").row_count == 1
    with pytest.raises(FileRefused, match="no table called"):
        open_table(content, name="x", table="Autre")


def test_opendocument_is_read() -> None:
    rows = "".join(
        f"<table:table-row>{ods_cell(one)}{ods_cell(two)}</table:table-row>"
        for one, two in [("nom", "places"), ("Arc", "474"), ("Pitot", "781")]
    )
    table = open_table(ods(rows), name="parkings.ods")
    assert table.findings.kind is FileKind.OPENDOCUMENT
    assert [row.values["places"] for row in table.rows()] == [474, 781]


# --- GeoJSON and JSON ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"type": "FeatureCollection", "features": [feature(point(), nom="a")]}),
        json.dumps(feature(point(), nom="a")),
        "\n".join(json.dumps(feature(point(), nom=name)) for name in "ab"),
        "\x1e" + "\n\x1e".join(json.dumps(feature(point(), nom=name)) for name in "ab"),
        json.dumps([feature(point(), nom="a"), feature(point(), nom="b")]),
        (
            '{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point",'
            '"coordinates":[3.8767,43.6111]},"properties":{"nom":"a","h":NaN}}]}'
        ),
    ],
)
def test_geojson_in_all_its_forms(content: str) -> None:
    table = open_table(content.encode(), name="points.geojson")
    row = table.preview(1)[0]
    assert row.values["nom"] == "a"
    assert (point_of(row).x, point_of(row).y) == (3.8767, 43.6111)


def test_geometries_without_features_are_rows() -> None:
    geometries = {"type": "GeometryCollection", "geometries": [point(), point(3.9)]}
    assert open_table(json.dumps(geometries).encode(), name="g.geojson").row_count == 2
    assert open_table(json.dumps(point()).encode(), name="g.geojson").row_count == 1


def test_geojson_of_2008_may_declare_its_system() -> None:
    content = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2154"}},
        "features": [feature(point(770_795.139, 6_279_509.474), nom="a")],
    }
    table = open_table(json.dumps(content).encode(), name="g.geojson")
    assert found(table, "crs").code == "crs_declared"
    assert point_of(table.preview(1)[0]).x == pytest.approx(3.8767, abs=1e-6)


def test_bad_geometries_are_told_row_by_row() -> None:
    ring = [[3.87, 43.60], [3.88, 43.61], [3.88, 43.60], [3.87, 43.61], [3.87, 43.60]]
    content = {
        "type": "FeatureCollection",
        "features": [
            feature(point(), n=1),
            feature(None, n=2),
            feature({"type": "Point", "coordinates": []}, n=3),
            feature({"type": "Point", "coordinates": ["x", 1]}, n=4),
            feature({"type": "Polygon", "coordinates": [ring]}, n=5),
            feature({"type": "Polygon", "coordinates": [ring[:3]]}, n=6),
            feature({"type": "Point", "coordinates": [3.87, 43.6, 25.0]}, n=7),
            "no feature",
        ],
    }
    rows = list(open_table(json.dumps(content).encode(), name="g.geojson").rows())
    assert [[problem.code for problem in row.problems] for row in rows] == [
        [],
        ["geometry_missing"],
        ["geometry_empty"],
        ["geometry_broken"],
        ["geometry_repaired"],
        [],  # a ring left open is closed
        [],
        ["row_unreadable"],
    ]
    assert rows[4].geometry is not None
    assert rows[4].geometry.is_valid
    assert rows[5].geometry is not None
    assert rows[5].geometry.geom_type == "Polygon"
    assert not point_of(rows[6]).has_z


def test_nested_values_become_text() -> None:
    content = feature(point(), nom="a", detail={"b": [1, 2]})
    row = open_table(json.dumps(content).encode(), name="g.geojson").preview(1)[0]
    assert row.values["detail"] == '{"b":[1,2]}'


def test_a_list_of_records_is_found_inside_plain_json() -> None:
    content = {"zoo": {"animaux": [{"nom": "Addax", "position": {"lon": 3.87, "lat": 43.64}}]}}
    table = open_table(json.dumps(content).encode(), name="zoo.json")
    assert table.preview(1)[0].values == {
        "nom": "Addax",
        "position.lon": 3.87,
        "position.lat": 43.64,
    }
    assert point_of(table.preview(1)[0]).x == 3.87
    with pytest.raises(FileRefused, match="no list of records"):
        open_table(b'{"a": 1}', name="x.json")
    with pytest.raises(FileRefused, match="TopoJSON"):
        open_table(b'{"type": "Topology", "objects": {}}', name="x.json")


# --- shapefiles ------------------------------------------------------------------------------


def test_shapefile_with_a_null_shape_a_code_page_and_a_deleted_record() -> None:
    table = dbf(
        [(b"NOM", "C", 20), (b"PLACES", "N", 6), (b"POSE", "D", 8)],
        [["Sète".encode("cp850"), b"12", b"20100917"], [b"b", b"*****", b""], [b"c", b"3", b"0"]],
    )
    members = {
        "dossier/Points.SHP": shp([(770_795.139, 6_279_509.474), None, (770_800.0, 6_279_600.0)]),
        "dossier/Points.dbf": table,
        "dossier/points.cpg": b"OEM 850",
        "dossier/points.shp.xml": b"<metadata/>",
        "__MACOSX/dossier/._Points.shp": b"\x00\x05",
    }
    table_of_points = open_table(zipped(members), name="points.zip")
    rows = list(table_of_points.rows())
    assert found(table_of_points, "encoding").value == "cp850"
    assert rows[0].values == {"NOM": "Sète", "PLACES": 12, "POSE": date(2010, 9, 17)}
    assert rows[1].values["PLACES"] is None
    assert [[problem.code for problem in row.problems] for row in rows] == [
        [],
        ["geometry_missing"],
        ["value_not_of_kind"],
    ]
    assert point_of(rows[0]).x == pytest.approx(3.8767, abs=1e-6)


def test_shapefile_on_disk_finds_its_siblings(tmp_path: Path) -> None:
    (tmp_path / "points.shp").write_bytes(shp([(3.8767, 43.6111)]))
    (tmp_path / "points.dbf").write_bytes(dbf([(b"NOM", "C", 8)], [[b"Arc"]]))
    row = open_table(tmp_path / "points.shp").preview(1)[0]
    assert row.values == {"NOM": "Arc"}
    alone = open_table((tmp_path / "points.shp").read_bytes(), name="points.shp")
    assert "shape_without_table" in {note.code for note in alone.findings.notes}
    table = open_table(tmp_path / "points.dbf")
    assert table.findings.kind is FileKind.DBASE
    with pytest.raises(FileRefused, match="holds no file"):
        open_table(zipped({"points.shx": b"x"}), name="points.zip")


def test_a_damaged_shape_does_not_hide_the_others() -> None:
    content = bytearray(shp([(3.87, 43.6), (3.88, 43.61), (3.89, 43.62)]))
    content[108 + 28 : 108 + 32] = b"\x05\x00\x00\x00"  # the second claims to be a polygon
    rows = list(open_table(bytes(content), name="x.shp").rows())
    assert [bool(row.geometry) for row in rows] == [True, False, True]
    assert rows[1].problems[0].code == "geometry_broken"


def test_degrees_of_rgf93_are_wgs84() -> None:
    table = open_table(SAMPLES / "bornes_fontaines.zip", near=MONTPELLIER)
    assert table.row_count == 48
    assert point_of(table.preview(1)[0]).x == pytest.approx(3.87576, abs=1e-6)


# --- GeoPackage ------------------------------------------------------------------------------


def test_geopackage_layers_are_tables() -> None:
    content = geopackage(
        {
            "lampes": [
                ("a", HERE),
                ("b", None),
                ("c", shapely.Point()),
                ("d", b"GP\x00\x01 nonsense"),
            ],
            "bancs publics": [("e", HERE)],
        }
    )
    opened = open_tables(content, name="ville.gpkg")
    assert [table.name for table in opened.tables] == [
        "ville.gpkg › lampes",
        "ville.gpkg › bancs publics",
    ]
    rows = list(opened.tables[0].rows())
    assert point_of(rows[0]).x == pytest.approx(3.8767, abs=1e-6)
    assert rows[0].values == {"fid": 1, "nom": "a", "pose": date(2020, 5, 17)}
    assert [[problem.code for problem in row.problems] for row in rows] == [
        [],
        ["geometry_missing"],
        ["geometry_empty"],
        ["geometry_broken"],
    ]
    assert found(opened.tables[0], "crs").value == "EPSG:2154"


def test_geopackage_on_disk_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ville.gpkg"
    path.write_bytes(geopackage({"lampes": [("a", HERE)]}))
    before = path.read_bytes()
    assert open_table(path).row_count == 1
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["ville.gpkg"]


# --- KML -------------------------------------------------------------------------------------

KML = """<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>
<Placemark><name>Arc</name><description><![CDATA[<b>474</b> places]]></description>
<ExtendedData><Data name="places"><value>474</value></Data></ExtendedData>
<Point><coordinates>3.8767,43.6111,0</coordinates></Point></Placemark>
<Folder><Placemark><name>Voie</name><LineString><coordinates>3.87,43.61 3.88, 43.62
</coordinates></LineString></Placemark>
<Placemark><MultiGeometry><Polygon><outerBoundaryIs><LinearRing><coordinates>
3.8,43.6 3.9,43.6 3.9,43.7 3.8,43.6</coordinates></LinearRing></outerBoundaryIs></Polygon>
</MultiGeometry></Placemark><Placemark><name>rien</name></Placemark>
<Placemark><Point><coordinates>ici</coordinates></Point></Placemark></Folder></Document></kml>"""


@pytest.mark.parametrize("wrap", [bytes, lambda text: zipped({"doc.kml": text})])
def test_kml_and_kmz(wrap: Callable[[bytes], bytes]) -> None:
    rows = list(open_table(wrap(KML.encode()), name="lieux.kmz").rows())
    assert rows[0].values == {"name": "Arc", "description": "474 places", "places": 474}
    assert [row.geometry and row.geometry.geom_type for row in rows] == [
        "Point",
        "LineString",
        "MultiPolygon",
        None,
        None,
    ]
    assert rows[4].problems[0].code == "geometry_broken"


# --- archives --------------------------------------------------------------------------------


def test_an_archive_in_an_archive_is_opened_and_a_third_is_not() -> None:
    inner = zipped({"a.csv": b"nom;ville\na;b\n"})
    assert open_table(zipped({"inner.zip": inner}), name="x.zip").row_count == 1
    deep = zipped({"deep.zip": zipped({"inner.zip": inner})})
    with pytest.raises(FileRefused, match="inside an archive"):
        open_table(deep, name="x.zip")


def test_what_cannot_be_read_in_an_archive_is_listed() -> None:
    members = {"a.csv": b"nom;ville\na;b\n", "b.bin": bytes(range(256)) * 20, "c.pdf": b"%PDF-1.4"}
    opened = open_tables(zipped(members), name="x.zip")
    assert [table.name for table in opened.tables] == ["x.zip › a.csv"]
    assert [one.name for one in opened.skipped] == ["x.zip › b.bin"]
