"""Files made to harm: each is refused or read in part, quickly, and never raises anything else."""

import gzip
import io
import json
import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
import shapely

from beffroi.foundation.files.reading import FileRefused, Limits, open_table, open_tables
from beffroi.foundation.files.reading.archive import shown_path
from beffroi.foundation.files.reading.geometries import wkb_is_shallow, wkt_is_shallow
from beffroi.foundation.files.tests.builders import (
    excel,
    geopackage,
    ods,
    ods_cell,
    shared_text,
    shp,
    zipped,
)

SMALL = Limits(unpacked_bytes=1_000_000, file_bytes=2_000_000)


def refusal(content: bytes | Path, *, name: str = "x", limits: Limits | None = None) -> str:
    with pytest.raises(FileRefused) as caught:
        open_tables(content, name=name, limits=limits)
    assert caught.value.way_out
    return caught.value.code


def test_zip_bomb_by_its_declaration() -> None:
    assert refusal(zipped({"a.csv": b"0" * 5_000_000}), limits=SMALL) == "archive_too_large"


def test_zip_bomb_that_lies_about_its_size() -> None:
    content = bytearray(zipped({"a.csv": b"0" * 5_000_000}))
    real = struct.pack("<I", 5_000_000)
    assert content.count(real) >= 1
    lying = bytes(content).replace(real, struct.pack("<I", 10))
    assert refusal(lying, limits=SMALL) in {"archive_too_large", "archive_broken"}


def test_many_small_bombs_share_one_budget() -> None:
    inner = zipped({f"{n}.csv": b"a;b\n" + b"1;2\n" * 50_000 for n in range(2)})
    outer = zipped({f"{n}.zip": inner for n in range(20)})
    assert refusal(outer, limits=SMALL) == "archive_too_large"


def test_gzip_bomb() -> None:
    assert refusal(gzip.compress(b"0" * 5_000_000), limits=SMALL) == "archive_too_large"


def test_archive_of_too_many_files() -> None:
    members = {f"{n}.csv": b"a" for n in range(50)}
    assert refusal(zipped(members), limits=Limits(archive_members=20)) == "archive_too_many"


def test_member_names_are_never_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content = zipped({"../../evil.csv": b"a;b\n1;2\n", "/etc/other.csv": b"a;b\n1;2\n"})
    names = [table.name for table in open_tables(content, name="x.zip").tables]
    assert sorted(names) == ["x.zip › etc/other.csv", "x.zip › evil.csv"]
    assert list(tmp_path.iterdir()) == []
    assert shown_path("C:\\..\\a\x07b.csv") == "C:/ab.csv"


def test_encrypted_archive() -> None:
    content = bytearray(zipped({"a.csv": b"a;b\n1;2\n"}))
    place = content.find(b"PK\x01\x02")
    content[place + 8] |= 1
    content[6] |= 1
    assert refusal(bytes(content)) == "archive_encrypted"


def test_line_without_end() -> None:
    assert refusal(b"a;b\n" + b"x" * 3_000_000) == "line_too_long"


def test_a_million_columns() -> None:
    assert refusal(b",".join([b"a"] * 1_000_000)) in {"too_many_columns", "line_too_long"}


def test_nul_bytes() -> None:
    row = open_table(b"nom;ville\na\x00b;c\n" + b"d;e\n" * 100, name="x.csv").preview(1)[0]
    assert row.values["nom"] == "ab"
    assert refusal(bytes(1_000)) == "file_empty"
    assert refusal(b"a;b\n" + bytes(range(1, 32)) * 50) == "text_binary"


@pytest.mark.parametrize("levels", [5_000, 200_000])
def test_deep_json_of_every_kind(levels: int) -> None:
    """GEOS ends the process on deep collections: they must not reach it."""
    deep = '{"type":"GeometryCollection","geometries":[' * levels + "]}" * levels
    arrays = "[" * levels + "]" * levels
    good = '{"type":"Feature","geometry":{"type":"Point","coordinates":[3,43]},"properties":{}}'
    for text in (deep, arrays, '{"a":' * levels + "1" + "}" * levels):
        with pytest.raises(FileRefused):
            open_tables(text.encode(), name="x.geojson")
    for bad in (deep, f'{{"type":"Point","coordinates":{arrays}}}'):
        member = f'{{"type":"Feature","geometry":{bad},"properties":{{}}}}'
        content = f'{{"type":"FeatureCollection","features":[{good},{member}]}}'
        with pytest.raises(FileRefused):
            open_tables(content.encode(), name="x.geojson")


def test_json_nested_just_below_the_parser_limit() -> None:
    levels = 300
    escaped = "Geometry\\u0043ollection"
    deep = f'{{"type":"{escaped}","geometries":[' * levels
    deep += '{"type":"Point","coordinates":[3,43]}' + "]}" * levels
    member = f'{{"type":"Feature","geometry":{deep},"properties":{{"n":1}}}}'
    row = open_table(member.encode(), name="x.geojson").preview(1)[0]
    assert row.geometry is None
    assert row.problems[0].code == "geometry_broken"


def test_deep_wkb_and_wkt_do_not_reach_geos() -> None:
    limits = Limits()
    leaf = shapely.to_wkb(shapely.Point(1, 1), byte_order=1)
    for kind in (7, 4, 6, 0x80000007, 1007, 0x1F000007):
        assert not wkb_is_shallow(struct.pack("<BII", 1, kind, 1) * 200_000 + leaf, limits=limits)
    assert not wkt_is_shallow("GEOMETRYCOLLECTION(" * 200_000, limits=limits)
    collection = shapely.GeometryCollection([shapely.Point(1, 1), shapely.Point(2, 2).buffer(1)])
    for shape in (collection, shapely.MultiPoint([(1, 1, 1), (2, 2, 2)]), shapely.Point()):
        for flavor in ("extended", "iso"):
            assert wkb_is_shallow(shapely.to_wkb(shape, flavor=flavor), limits=limits)
    deep = "GEOMETRYCOLLECTION(" * 50_000 + "POINT(3 43)" + ")" * 50_000
    table = open_table(f'nom;geom\na;POINT(3.8 43.6)\nb;"{deep}"\n'.encode(), name="x.csv")
    assert [row.geometry is None for row in table.rows()] == [False, True]


def test_geopackage_with_a_deep_blob() -> None:
    blob = b"GP\x00\x01" + struct.pack("<i", 2154) + struct.pack("<BII", 1, 7, 1) * 100_000
    content = geopackage({"lampes": [("a", shapely.Point(770_000, 6_280_000)), ("b", blob)]})
    rows = list(open_table(content, name="x.gpkg").rows())
    assert [row.geometry is None for row in rows] == [False, True]


def test_geopackage_whose_layer_is_a_query_without_end() -> None:
    endless = (
        "CREATE VIEW piege AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
        "SELECT x, NULL AS geom FROM n"
    )
    declare = "INSERT INTO gpkg_contents VALUES ('piege', 'features', 2154)"
    content = geopackage({}, extra_sql=[endless, declare])
    limits = Limits(sqlite_steps=2_000_000, rows=10_000_000)
    assert refusal(content, limits=limits) == "geopackage_costly"


def test_geopackage_may_not_call_functions_or_write() -> None:
    view = "CREATE VIEW piege AS SELECT load_extension('x') AS a"
    declare = "INSERT INTO gpkg_contents VALUES ('piege', 'attributes', 2154)"
    assert refusal(geopackage({}, extra_sql=[view, declare])).startswith("geopackage_")


def test_databases_that_are_not_geopackages() -> None:
    assert refusal(b"SQLite format 3\x00" + bytes(200)).startswith("geopackage_")
    assert refusal(b"SQLite format 3\x00").startswith("geopackage_")


def test_one_cell_at_the_end_of_the_sheet() -> None:
    content = excel(F=[["nom"]], far=("XFD1048576", "loin"))
    assert refusal(content, name="x.xlsx") == "sheet_too_large"


def test_one_long_text_used_by_many_cells() -> None:
    limits = Limits(sheet_text_bytes=1_000_000)
    assert refusal(shared_text("x" * 30_000, rows=500), limits=limits) == "archive_too_large"
    table = open_table(shared_text("ville", rows=500), name="x.xlsx", limits=limits)
    assert table.row_count >= 499


def test_cells_repeated_a_million_times() -> None:
    cell = ods_cell("x").replace(
        "<table:table-cell", '<table:table-cell table:number-columns-repeated="16000"'
    )
    row = f'<table:table-row table:number-rows-repeated="1000000">{cell}</table:table-row>'
    assert refusal(ods(row), name="x.ods") == "sheet_too_large"
    empty = (
        f"<table:table-row>{ods_cell('nom')}</table:table-row>"
        f"<table:table-row>{ods_cell('Arc')}"
        '<table:table-cell table:number-columns-repeated="16383"/></table:table-row>'
        '<table:table-row table:number-rows-repeated="1048574">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    assert open_table(ods(empty), name="x.ods").row_count == 1  # as LibreOffice writes every sheet


def compound_with_a_loop() -> bytes:
    """An .xls whose directory is a chain of sectors without end, as one changed byte makes it."""
    sector = 512
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    end = 2**32 - 2
    head += struct.pack("<5H6x", 62, 3, 0xFFFE, 9, 6)
    head += struct.pack("<9I", 0, 1, 1, 0, 4096, end, 0, end, 0)
    head += struct.pack("<I", 0) + struct.pack("<I", 2**32 - 1) * 108
    table = struct.pack("<III", 2**32 - 3, 2, 1) + struct.pack("<I", 2**32 - 1) * 125
    return head[:sector].ljust(sector, b"\xff") + table + bytes(2 * sector)


def test_a_workbook_that_would_take_all_memory_harms_its_own_process_only() -> None:
    limits = Limits(sheet_memory_bytes=500_000_000, sheet_seconds=10)
    code = refusal(compound_with_a_loop(), name="x.xls", limits=limits)
    assert code in {"workbook_costly", "workbook_broken"}


def test_a_workbook_that_takes_too_long_is_given_up() -> None:
    content = excel(F=[[f"texte {n}" for n in range(50)]] * 3_000)
    limits = Limits(sheet_seconds=0)
    assert refusal(content, name="x.xlsx", limits=limits) == "workbook_costly"


def test_workbooks_that_are_not() -> None:
    assert refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)) == "workbook_broken"
    fake = zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"})
    assert refusal(fake) in {"workbook_broken", "no_rows"}


def test_billion_laughs() -> None:
    entities = "".join(
        f'<!ENTITY l{n} "{"&l" + str(n - 1) + ";" if n else "lol"}">' for n in range(10)
    )
    content = f"<?xml version='1.0'?><!DOCTYPE kml [{entities}]><kml><name>&l9;</name></kml>"
    assert refusal(content.encode(), name="x.kml") == "xml_forbidden"


def test_deep_xml() -> None:
    content = "<kml>" + "<Folder>" * 100_000
    assert refusal(content.encode(), name="x.kml") == "xml_broken"


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "x.csv", "file_empty"),
        (b"%PDF-1.7 ...", "x.csv", "file_format_known"),
        (b"\x89PNG\r\n\x1a\n....", "x.xlsx", "file_format_known"),
        (b"<!DOCTYPE html><html><table></table></html>", "x.xls", "file_format_known"),
        (b"<marches><marche/></marches>", "x.xml", "xml_other"),
        (b"\x7fELF" + bytes(50), "x.zip", "file_format_known"),
        (b"PK\x03\x04", "x.zip", "archive_broken"),
        (b'{"type":"FeatureCollection","features":[{"type":', "x.geojson", "json_broken"),
        (b'{"type":"FeatureCollection","features":[]}', "x.geojson", "no_rows"),
        (b"\x00\x00\x27\x0a" + bytes(10), "x.shp", "no_rows"),
    ],
)
def test_files_that_are_not_what_they_say(content: bytes, name: str, code: str) -> None:
    assert refusal(content, name=name) == code


def test_a_file_is_known_by_its_content_not_by_its_name() -> None:
    assert open_table(b"nom;ville\na;b\n", name="x.xlsx").findings.kind == "csv"
    assert open_table(json.dumps([{"a": 1}]).encode(), name="x.csv").findings.kind == "json"
    assert open_table(zipped({"donnees": b"nom;ville\na;b\n"}), name="x.csv").row_count == 1


def test_too_large_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"a;b\n" * 1_000)
    limits = Limits(file_bytes=1_000)
    assert refusal(path, limits=limits) == "file_too_large"
    assert refusal(path.read_bytes(), limits=limits) == "file_too_large"
    assert refusal(tmp_path / "absent.csv") == "file_missing"


def test_shapefile_that_claims_four_billion_points() -> None:
    content = struct.pack("<i32xii", 5, 2**31 - 1, 2**31 - 1) + bytes(40)
    record = struct.pack(">ii", 1, len(content) // 2) + content
    rows = list(open_table(shp([(3.8, 43.6)]) + record, name="x.shp").rows())
    assert rows[1].problems[0].code == "geometry_broken"


def test_more_rows_than_allowed() -> None:
    limits = Limits(rows=10)
    assert refusal(b"a;b\n" + b"1;2\n" * 20, limits=limits) == "too_many_rows"


def test_archive_that_names_one_member_twice() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.csv", "nom;ville\na;b\n")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.csv", "nom;ville\nc;d\n")
    assert len(open_tables(stream.getvalue(), name="x.zip").tables) == 2


def test_geopackage_with_triggers_writes_nothing(tmp_path: Path) -> None:
    trap = tmp_path / "trap.sqlite"
    trigger = (
        "CREATE TRIGGER piege AFTER INSERT ON gpkg_contents BEGIN "
        "DELETE FROM lampes; INSERT INTO gpkg_contents VALUES ('x', 'features', 2154); END"
    )
    virtual = "CREATE TABLE notes (rowid_of INTEGER, corps TEXT)"
    attach = f"CREATE VIEW fuite AS SELECT '{trap}' AS chemin"
    content = geopackage(
        {"lampes": [("a", shapely.Point(770_000, 6_280_000))]}, extra_sql=[trigger, virtual, attach]
    )
    path = tmp_path / "x.gpkg"
    path.write_bytes(content)
    assert open_table(path).row_count == 1
    assert path.read_bytes() == content
    assert sorted(one.name for one in tmp_path.iterdir()) == ["x.gpkg"]


def test_geopackage_with_a_blob_as_large_as_the_file() -> None:
    big = b"GP\x00\x01" + struct.pack("<i", 2154) + bytes(5_000_000)
    content = geopackage({"lampes": [("a", shapely.Point(770_000, 6_280_000)), ("b", big)]})
    rows = list(open_table(content, name="x.gpkg").rows())
    assert [row.geometry is None for row in rows] == [False, True]


def test_entities_in_a_workbook_are_not_expanded() -> None:
    content = shared_text("ville", rows=3)
    archive = zipfile.ZipFile(io.BytesIO(content))
    laughs = "".join(
        f'<!ENTITY l{n} "{"&l" + str(n - 1) + ";" if n == 0 else ("&l" + str(n - 1) + ";") * 10}">'
        for n in range(1, 10)
    )
    members = {name: archive.read(name) for name in archive.namelist()}
    strings = members["xl/sharedStrings.xml"].decode().replace("ville", "&l9;")
    head = f'<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY l0 "lol">{laughs}]>'
    members["xl/sharedStrings.xml"] = (head + strings).encode()
    # Read without them, or refused: what counts is that nothing grows.
    with suppress(FileRefused):
        table = open_table(zipped(members), name="x.xlsx")
        assert all(len(str(value)) < 100 for row in table.rows() for value in row.values.values())


def test_a_picture_in_a_workbook_is_passed_over() -> None:
    archive = zipfile.ZipFile(io.BytesIO(excel(Feuille=[["nom", "ville"], ["a", "b"]])))
    members = {name: archive.read(name) for name in archive.namelist()}
    members["xl/media/image1.png"] = b"\x89PNG\r\n\x1a\n" + bytes(2_000_000)
    assert open_table(zipped(members), name="x.xlsx").row_count == 1


@pytest.mark.parametrize("number", ["1e308", "-1e308", "1e400", "9" * 400, "nan", "inf"])
def test_numbers_beyond_the_earth_are_positions_of_nothing(number: str) -> None:
    point = f'{{"type":"Point","coordinates":[{number},43.6]}}'
    texts = {
        "x.csv": f"nom;lon;lat\nA;{number};43.6\n" + "B;3.8;43.6\nC;3.9;43.6\n" * 3,
        "y.csv": f"nom;geom\nA;POINT ({number} 43.6)\nB;POINT (3.8 43.6)\n",
        "x.kml": "<kml><Placemark><Point><coordinates>"
        f"{number},43.6</coordinates></Point></Placemark></kml>",
    }
    if number[0] in "19-":
        texts["x.geojson"] = f'{{"type":"Feature","properties":{{"a":1}},"geometry":{point}}}'
    for name, text in texts.items():
        with suppress(FileRefused):
            row = open_table(text.encode(), name=name).preview(1)[0]
            assert row.geometry is None, name
            assert row.problems, name
