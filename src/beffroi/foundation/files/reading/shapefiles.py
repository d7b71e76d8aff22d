"""Read shapefiles: several files of one stem, in a folder or an archive."""

from __future__ import annotations

import dataclasses
import io
import struct
from collections.abc import Iterator, Mapping

import numpy as np
import shapefile
import shapely
import shapely.geometry
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from beffroi.foundation.files.reading.contracts import (
    FileKind,
    FileRefused,
    Finding,
    Findings,
    Limits,
    Problem,
    shown,
)
from beffroi.foundation.files.reading.crs import Declared, read_declared
from beffroi.foundation.files.reading.dbase import Dbase, open_dbase
from beffroi.foundation.files.reading.raw import RawTable, Record

PARTS = frozenset({"shp", "shx", "dbf", "prj", "cpg", "cst", "qpj"})
"""Extensions that are read; indexes and metadata are not needed."""

_POINTS = frozenset({1, 11, 21})
_MULTIPOINT = 8
_MAGIC = b"\x00\x00\x27\x0a"
_FAILURES = (
    shapefile.ShapefileException,
    struct.error,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    AssertionError,
    EOFError,
    OverflowError,
    AttributeError,
    ShapelyError,
)

_BROKEN = object()

# Doubtful shapes are told as problems of their rows, not on the error stream.
shapefile.VERBOSE = False


def open_shapefile(parts: Mapping[str, bytes], *, name: str, limits: Limits) -> RawTable:
    """Understand a shapefile from its parts, by lower-case extension.

    A missing ``.dbf`` or ``.shx`` is told and does without; a missing ``.shp`` leaves the table.

    Raises:
        FileRefused: neither shapes nor table can be read.
    """
    table = None
    if parts.get("dbf"):
        table = open_dbase(
            parts["dbf"],
            name=name,
            limits=limits,
            code_page=_code_page(parts),
        )
    if not parts.get("shp"):
        if table is None:
            raise FileRefused("shape_missing", name=name)
        return _table_only(table, name=name, note="shp" not in parts and "shx" in parts)
    shapes = _shapes(parts["shp"], name=name, limits=limits)
    return _joined(shapes, table=table, declared=_declared(parts), name=name)


def open_lone_dbase(content: bytes, *, name: str, limits: Limits) -> RawTable:
    """Understand a ``.dbf`` without shapes.

    Raises:
        FileRefused: it is not a dBase table.
    """
    return _table_only(open_dbase(content, name=name, limits=limits), name=name, note=False)


def _code_page(parts: Mapping[str, bytes]) -> str:
    raw = parts.get("cpg") or parts.get("cst") or b""
    return raw[:80].decode("ascii", "ignore")


def _declared(parts: Mapping[str, bytes]) -> Declared | None:
    for extension in ("prj", "qpj"):
        text = parts.get(extension, b"")[:20_000].decode("utf-8", "replace")
        declared = read_declared(text, label=_short(text))
        if declared is not None:
            return declared
    return None


def _short(text: str) -> str:
    """Return the name inside a WKT definition."""
    pieces = text.split('"', 2)
    return pieces[1] if len(pieces) > 2 and pieces[1] else text[:60]


def _shapes(content: bytes, *, name: str, limits: Limits) -> list[object]:
    """Read every shape once: a geometry, ``None`` for a null shape, or ``_BROKEN``."""
    if not content.startswith(_MAGIC):
        raise FileRefused("shape_broken", name=name, detail="it does not begin as a .shp does")
    found: list[object] = []
    offset, size = 100, len(content)
    # Record by record: one damaged shape must not hide the others, and the .shx may lie.
    while offset + 12 <= size:
        length = 2 * struct.unpack_from(">i", content, offset + 4)[0]
        end = offset + 8 + length
        if length < 4 or end > size:
            found.append(_BROKEN)
            break
        found.append(_shape(content[offset + 8 : end], limits=limits))
        if len(found) > limits.rows:
            raise FileRefused("too_many_rows", name=name, limit=limits.rows)
        offset = end
    _build_points(found)
    return found


def _shape(content: bytes, *, limits: Limits) -> object:
    (kind,) = struct.unpack_from("<i", content)
    if kind == 0:
        return None
    if kind in _POINTS:
        return struct.unpack_from("<dd", content, 4) if len(content) >= 20 else _BROKEN
    if _is_empty(kind, content):
        return shapely.GeometryCollection()
    if (len(content) - 40) // 16 > limits.geometry_vertices:
        return _BROKEN
    # pyshp reads whole files: give it one of a single record.
    length = 50 + (8 + len(content)) // 2
    head = _MAGIC + bytes(20) + struct.pack(">i", length) + struct.pack("<ii", 1000, kind)
    record = struct.pack(">ii", 1, len(content) // 2) + content
    try:
        with np.errstate(all="ignore"):
            reader = shapefile.Reader(shp=io.BytesIO(head + bytes(64) + record))
            geometry = shapely.geometry.shape(reader.shape(0).__geo_interface__)
    except _FAILURES:
        return _BROKEN
    return geometry


def _is_empty(kind: int, content: bytes) -> bool:
    """Tell whether a shape of many points has none: its count stands after the box."""
    place = 36 if kind % 10 == _MULTIPOINT else 40
    return len(content) >= place + 4 and not any(content[place : place + 4])


def _build_points(found: list[object]) -> None:
    """Replace pairs of coordinates by points, all at once."""
    pairs = {place: shape for place, shape in enumerate(found) if isinstance(shape, tuple)}
    if pairs:
        coordinates = np.array(list(pairs.values()), dtype=float)
        points = np.asarray(shapely.points(coordinates), dtype=object)
        for place, point in zip(pairs, points, strict=True):
            found[place] = point


def _joined(
    shapes: list[object],
    *,
    table: Dbase | None,
    declared: Declared | None,
    name: str,
) -> RawTable:
    notes: list[Finding] = []
    if table is None:
        notes.append(_note("shape_without_table"))
    else:
        notes += table.encoding.notes
        if table.count != len(shapes):
            notes.append(_note("shape_counts", shapes=len(shapes), records=table.count))
        deleted = sum(table.deleted(place) for place in range(table.count))
        if deleted:
            notes.append(_note("records_deleted", count=deleted))

    def records() -> Iterator[Record]:
        rows = iter(table.records() if table is not None else ())
        empty: list[object] = [None] * (len(table.fields) if table is not None else 0)
        for place, shape in enumerate(shapes):
            cells = next(rows, empty)
            if table is not None and place < table.count and table.deleted(place):
                continue
            yield _record(place + 1, cells, shape)
        for place, cells in enumerate(rows, start=len(shapes)):
            yield _record(place + 1, cells, None)

    return dataclasses.replace(
        _raw(table, name=name, kind=FileKind.SHAPEFILE, notes=tuple(notes)),
        records=records,
        spatial=True,
        declared_crs=declared,
    )


def _record(number: int, cells: list[object], shape: object) -> Record:
    if isinstance(shape, BaseGeometry):
        return Record(number, cells, shape)
    if shape is None:
        return Record(number, cells, None)
    problem = Problem(row=number, column="", value="", code="geometry_broken", fatal=True)
    return Record(number, cells, None, (problem,))


def _table_only(table: Dbase, *, name: str, note: bool) -> RawTable:
    notes = table.encoding.notes + ((_note("shape_without_geometry"),) if note else ())
    return _raw(table, name=name, kind=FileKind.DBASE, notes=notes)


def _raw(table: Dbase | None, *, name: str, kind: FileKind, notes: tuple[Finding, ...]) -> RawTable:
    def records() -> Iterator[Record]:
        if table is None:
            return
        for place, cells in enumerate(table.records()):
            if not table.deleted(place):
                yield Record(place + 1, cells, None)

    names = tuple(field.name for field in table.fields) if table is not None else ()
    return RawTable(
        name=name,
        findings=Findings(
            kind=kind,
            encoding=table.encoding.finding if table is not None else None,
            header=Finding(about="header", value="", code="header_declared"),
            notes=notes,
        ),
        labels=names,
        keys=names,
        declared_kinds=table.kinds if table is not None else (),
        records=records,
        typed=True,
    )


def _note(code: str, **params: object) -> Finding:
    return Finding(about="shapefile", value=shown(code), code=code, params=params, warning=True)
