"""Files made by hand for the tests, so that each shows one thing only."""

from __future__ import annotations

import io
import sqlite3
import struct
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from importlib import import_module
from pathlib import Path

import shapely
from shapely.geometry.base import BaseGeometry

from beffroi.foundation.files.reading import Finding, Row, Table

SAMPLES = Path(__file__).parent / "samples"
MONTPELLIER = (3.8767, 43.6111, 30.0)


def zipped(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def geopackage(
    layers: Mapping[str, Sequence[tuple[str, BaseGeometry | bytes | None]]],
    *,
    srs: int = 2154,
    extra_sql: Sequence[str] = (),
) -> bytes:
    database = sqlite3.connect(":memory:")
    database.executescript(
        """
        CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY,
          organization TEXT, organization_coordsys_id INTEGER, definition TEXT);
        CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT, srs_id INTEGER);
        CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, srs_id INTEGER);
        """
    )
    database.execute(
        "INSERT INTO gpkg_spatial_ref_sys VALUES ('x', ?, 'EPSG', ?, 'undefined')", (srs, srs)
    )
    for name, rows in layers.items():
        database.execute(
            f'CREATE TABLE "{name}" (fid INTEGER PRIMARY KEY, geom BLOB, nom TEXT, pose DATE)'
        )
        database.execute("INSERT INTO gpkg_contents VALUES (?, 'features', ?)", (name, srs))
        database.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?)", (name, srs))
        for label, shape in rows:
            database.execute(
                f'INSERT INTO "{name}" (geom, nom, pose) VALUES (?, ?, ?)',  # noqa: S608 - a test's own name
                (gpkg_blob(shape, srs=srs), label, date(2020, 5, 17).isoformat()),
            )
    for statement in extra_sql:
        database.execute(statement)
    database.commit()
    content = bytes(database.serialize())
    database.close()
    return content


def gpkg_blob(shape: BaseGeometry | bytes | None, *, srs: int) -> bytes | None:
    if shape is None or isinstance(shape, bytes):
        return shape
    empty = 0x10 if shape.is_empty else 0
    return b"GP" + bytes([0, 1 | empty]) + struct.pack("<i", srs) + shapely.to_wkb(shape)


def dbf(fields: Sequence[tuple[bytes, str, int]], rows: Sequence[Sequence[bytes]]) -> bytes:
    width = 1 + sum(size for _, _, size in fields)
    start = 33 + 32 * len(fields)
    head = struct.pack("<BBBBIHH20x", 3, 114, 1, 27, len(rows), start, width)
    for name, code, size in fields:
        head += name.ljust(11, b"\x00") + code.encode() + bytes(4) + bytes([size, 0]) + bytes(14)
    body = b"".join(
        b" " + b"".join(cell.ljust(size) for cell, (_, _, size) in zip(row, fields, strict=True))
        for row in rows
    )
    return head + b"\x0d" + body + b"\x1a"


def shp(points: Sequence[tuple[float, float] | None]) -> bytes:
    records = b""
    for number, point in enumerate(points, start=1):
        content = struct.pack("<i", 0) if point is None else struct.pack("<idd", 1, *point)
        records += struct.pack(">ii", number, len(content) // 2) + content
    head = struct.pack(">i20xi", 9994, (100 + len(records)) // 2) + struct.pack("<ii", 1000, 1)
    return head + bytes(64) + records


def excel(*, far: tuple[str, str] | None = None, **sheets: list[list[object]]) -> bytes:
    """A workbook as Excel writes it; ``far`` is one more cell in the first sheet."""
    # Imported by name: the library ships no types.
    book = import_module("openpyxl").Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    if far is not None:
        book.worksheets[0][far[0]] = far[1]
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def ods(rows_xml: str) -> bytes:
    content = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document-content'
        ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
        ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2">'
        f'<office:body><office:spreadsheet><table:table table:name="Feuille1">{rows_xml}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        '<?xml version="1.0"?><manifest:manifest'
        ' xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    )
    return zipped(
        {
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": manifest.encode(),
            "content.xml": content.encode(),
        }
    )


def ods_cell(text: str) -> str:
    return (
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
    )


def shared_text(text: str, *, rows: int) -> bytes:
    """A workbook whose rows all show one shared text."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    cells = "".join(
        f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, rows + 1)
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{types}"><Override PartName="/xl/workbook.xml"'
        f' ContentType="{kind}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{links}"><Relationship Id="r1"'
        f' Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="F" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{links}"><Relationship Id="r1"'
        f' Type="{office}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2"'
        f' Type="{office}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData>'
        "</worksheet>",
        "xl/sharedStrings.xml": f'<sst xmlns="{main}"><si><t>{text}</t></si></sst>',
    }
    return zipped({name: part.encode() for name, part in parts.items()})


def found(table: Table, about: str) -> Finding:
    """The finding of a table on a subject, which must be there."""
    finding = getattr(table.findings, about)
    assert isinstance(finding, Finding)
    return finding


def point_of(row: Row) -> shapely.Point:
    """The position of a row, which must be a point."""
    assert isinstance(row.geometry, shapely.Point)
    return row.geometry
