"""The forms in which open data portals give a position, one small file each.

Headers as the portals write them: Opendatasoft (``geo_point_2d``, records of API v1), ArcGIS
(``f=json`` and CSV with X and Y), etalab's IRVE and BNLC schemas, Grist, GPS receivers.
"""

from __future__ import annotations

import json

import pyproj
import pytest
import shapely

from beffroi.foundation.files.reading import FileRefused, open_table, open_tables
from beffroi.foundation.files.reading.degrees import read_degrees
from beffroi.foundation.files.tests.builders import MONTPELLIER, excel, point_of, zipped

HERE = (3.8767, 43.6111)
THERE = (3.88, 43.62)


OPENDATASOFT = (
    '\ufeffGeo Point;Geo Shape;nom\n43.6111, 3.8767;"{""coordinates"": [3.8767, 43.6111],'
    ' ""type"": ""Point""}";A\n43.62, 3.88;"{""coordinates"": [3.88, 43.62], ""type"":'
    ' ""Point""}";B\n'
)


def projected(code: int, place: tuple[float, float]) -> tuple[float, float]:
    """Return a place in another system."""
    turned = pyproj.Transformer.from_crs(4326, code, always_xy=True)
    x, y = turned.transform(*place)
    return float(x), float(y)


def places(content: bytes | str, *, name: str = "x.csv") -> list[tuple[float, float] | None]:
    """Return the positions of the rows, to a metre."""
    given = content.encode() if isinstance(content, str) else content
    table = open_table(given, name=name, near=MONTPELLIER)
    return [
        None if row.geometry is None else (round(point_of(row).x, 4), round(point_of(row).y, 4))
        for row in table.rows()
    ]


def esri(geometries: list[object], *, wkid: int = 2154) -> bytes:
    """Return what an ArcGIS server answers."""
    features = [
        {"attributes": {"OBJECTID": rank, "NOM": f"n{rank}"}, "geometry": one}
        for rank, one in enumerate(geometries, start=1)
    ]
    return json.dumps({"spatialReference": {"wkid": wkid}, "features": features}).encode()


@pytest.mark.parametrize(
    "content",
    [
        OPENDATASOFT,
        "geo_point_2d;nom\n43.6111,3.8767;A\n43.62,3.88;B\n",
        "id_pdc_itinerance;coordonneesXY\nFR1;[3.8767,43.6111]\nFR2;[3.88,43.62]\n",
        "id_local;Xlong;Ylat\nA;3.8767;43.6111\nB;3.88;43.62\n",
        "id,Nom,Latitude,Longitude\n1,A,43.6111,3.8767\n2,B,43.62,3.88\n",
        "nom;latitude;longitude\nA;43°36'39.96\"N;3°52'36.12\"E\nB;43° 37,2' N;3° 52.8′ E\n",
        "nom;coordonnees\nA;43°36'39.96\"N 3°52'36.12\"E\nB;N 43° 37.2', E 3° 52.8'\n",
        "nom;lon;lat\nA;43.6111;3.8767\nB;43.62;3.88\n",
        'nom,lat,lon\nA,"43,6111","3,8767"\nB,"43,62","3,88"\n',
    ],
)
def test_positions_as_portals_write_them(content: str) -> None:
    assert places(content) == [HERE, THERE]


@pytest.mark.parametrize("code", [2154, 3857, 27572, 32631, *range(3942, 3951)])
def test_every_system_of_the_mainland_in_two_columns(code: int) -> None:
    rows = "".join(f"n;{x};{y}\n" for x, y in (projected(code, HERE), projected(code, THERE)))
    assert places(f"nom;X;Y\n{rows}") == [HERE, THERE]
    swapped = "".join(f"n;{y};{x}\n" for x, y in (projected(code, HERE), projected(code, THERE)))
    assert places(f"nom;X;Y\n{swapped}") == [HERE, THERE]


def test_records_of_an_opendatasoft_portal_have_the_names_of_their_fields() -> None:
    record = {
        "datasetid": "parkings",
        "recordid": "5d1f",
        "fields": {"nom": "Comédie", "places": 800},
        "geometry": {"type": "Point", "coordinates": HERE},
        "record_timestamp": "2024-01-01T00:00:00Z",
    }
    table = open_table(json.dumps({"nhits": 1, "records": [record]}).encode(), name="x.json")
    assert [column.label for column in table.columns] == ["nom", "places", "geometry"]
    assert table.preview(1)[0].geometry == shapely.Point(HERE)


def test_what_arcgis_answers_is_read_with_its_system_and_its_holes() -> None:
    x, y = projected(2154, HERE)
    assert places(esri([{"x": x, "y": y}, {"x": "NaN", "y": "NaN"}]), name="x.json") == [HERE, None]
    web = projected(3857, HERE)
    assert places(esri([{"x": web[0], "y": web[1]}], wkid=102100), name="x.json") == [HERE]
    outer = [[x, y], [x, y + 90], [x + 90, y + 90], [x + 90, y], [x, y]]
    hole = [
        [x + 30, y + 30],
        [x + 60, y + 30],
        [x + 60, y + 60],
        [x + 30, y + 60],
        [x + 30, y + 30],
    ]
    apart = [[a + 500, b] for a, b in outer]
    row = open_table(
        esri([{"rings": [outer, hole, apart]}]), name="x.json", near=MONTPELLIER
    ).preview(1)[0]
    assert row.geometry is not None
    parts = shapely.get_parts(row.geometry)
    assert sorted(len(part.interiors) for part in parts) == [0, 1]
    assert row.values["NOM"] == "n1"
    bad = list(open_table(esri([{"x": x, "y": y}, {"rings": [[1]]}, {}]), name="x.json").rows())
    assert [one.geometry is None for one in bad] == [False, True, True]
    assert all(one.problems for one in bad[1:])


def test_points_routes_and_tracks_of_a_receiver() -> None:
    content = (
        '<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">'
        '<metadata><name>Relevé</name></metadata><wpt lat="43.6111" lon="3.8767"><ele>12.5</ele>'
        "<name>Banc</name><extensions><x>1</x></extensions></wpt>"
        '<wpt lat="nord" lon="3"><name>Faux</name></wpt>'
        '<rte><name>Route</name><rtept lat="43.61" lon="3.87"/>'
        '<rtept lat="43.62" lon="3.88"/></rte>'
        '<trk><trkseg><trkpt lat="43.61" lon="3.87"/><trkpt lat="43.62" lon="3.88"/></trkseg>'
        '<trkseg><trkpt lat="43.6" lon="3.87"/><trkpt lat="43.6" lon="3.88"/></trkseg></trk></gpx>'
    )
    table = open_table(content.encode(), name="x.gpx", near=MONTPELLIER)
    rows = list(table.rows())
    assert [None if row.geometry is None else row.geometry.geom_type for row in rows] == [
        "Point",
        None,
        "LineString",
        "MultiLineString",
    ]
    assert rows[0].values == {"name": "Banc", "ele": 12.5}
    assert rows[1].problems[0].code == "geometry_broken"
    bomb = content.replace("<gpx ", '<!DOCTYPE gpx [<!ENTITY a "b">]><gpx ').replace("Banc", "&a;")
    for hostile in (bomb, "<gpx>" + "<rte>" * 10_000, "<gpx></gpx>", content[:-40]):
        with pytest.raises(FileRefused) as refused:
            open_tables(hostile.encode(), name="x.gpx")
        assert refused.value.way_out


def test_one_row_the_other_way_round_is_turned_and_told() -> None:
    content = "nom;lon;lat\nA;3.8767;43.6111\nB;43.62;3.88\nC;3.87;43.61\nD;2.35;48.85\n"
    rows = list(open_table(content.encode(), name="x.csv", near=MONTPELLIER).rows())
    assert rows[1].geometry == shapely.Point(THERE)
    assert [problem.code for problem in rows[1].problems] == ["position_swapped"]
    assert [problem.code for problem in rows[3].problems] == ["position_outside"]  # Paris is Paris
    assert not rows[0].problems


def test_null_island_is_no_place_in_any_form() -> None:
    geojson = '{"type":"Point","coordinates":[0,0]}'
    collection = f'{{"type":"GeometryCollection","geometries":[{geojson},{geojson}]}}'
    rows = list(open_table(collection.encode(), name="x.geojson").rows())
    rows += open_table(b"nom;geom\nA;POINT (0 0)\nB;POINT (3.8 43.6)\n", name="x.csv").preview(1)
    assert [row.geometry for row in rows] == [None] * 3
    assert {row.problems[0].code for row in rows} == {"position_zero"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("43°36'40\"N", 43.61111),
        ("3° 52′ 36″ O", -3.87667),
        ("43º 36,5' S", -43.60833),
        ("-1°33'", -1.55),
        ("12.5°", 12.5),
        ("43°60'00\"N", None),
        ("43.6111", None),
        ("°", None),
        ("9" * 5_000 + "°", None),
    ],
)
def test_degrees_minutes_and_seconds(text: str, value: float | None) -> None:
    read = read_degrees(text)
    assert (None if read is None else round(read, 5)) == value


def test_a_portal_s_archive_of_folders_is_read_without_what_macs_add() -> None:
    csv = b"nom;lat;lon\nA;43.6111;3.8767\nB;43.62;3.88\n"
    content = zipped(
        {
            "__MACOSX/donnees/._a.csv": b"\x00\x05\x16\x07",
            "donnees/.DS_Store": b"\x00\x00\x00\x01Bud1",
            "donnees/a.csv": csv,
            "donnees/sous dossier/b.csv": csv,
            "LISEZMOI.txt": b"Licence Ouverte",
        }
    )
    tables = open_tables(content, name="x.zip").tables
    assert [table.row_count for table in tables] == [2, 2]


def test_a_workbook_with_introduction_totals_and_several_sheets() -> None:
    rows: list[list[object]] = [
        ["Parcs de stationnement au 1er janvier 2024"],
        [],
        ["Nom", "Places", "Latitude", "Longitude"],
        ["Comédie", 800, 43.6111, 3.8767],
        [],
        ["Foch", 200, "43,62", "3,88"],
        ["Total", 1000, None, None],
    ]
    content = excel(Accueil=[["Ce classeur contient deux feuilles"]], Parcs=rows)
    table = open_table(content, name="x.xlsx", near=MONTPELLIER)
    assert [column.label for column in table.columns] == rows[2]
    found = list(table.rows())
    assert [(row.number, row.values["Nom"], row.geometry is None) for row in found] == [
        (4, "Comédie", False),
        (6, "Foch", False),
        (7, "Total", True),
    ]
    assert found[2].problems[0].code == "geometry_missing"
