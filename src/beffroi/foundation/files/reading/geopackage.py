"""Read GeoPackage layers without trusting the database.

An SQLite file can carry views and triggers made to run for ever or to call functions: it is opened
in memory, read-only, with an authorizer that lets reads through and nothing else, and a budget of
instructions. Format: OGC 12-128r18, GeoPackage 1.3.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import date, datetime

from beffroi.foundation.files.reading.contracts import (
    ColumnKind,
    FileKind,
    FileRefused,
    Finding,
    Findings,
    Limits,
    Problem,
    shown,
)
from beffroi.foundation.files.reading.crs import Declared, read_declared
from beffroi.foundation.files.reading.geometries import from_wkb
from beffroi.foundation.files.reading.raw import RawTable, Record

_CHUNK = 500
_STEP = 100_000
_WAL_VERSION = 2
_ENVELOPES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
_EMPTY_FLAG = 0x10
_ALLOWED = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
_FUNCTIONS = frozenset({"count", "lower", "upper", "length", "coalesce", "ifnull", "substr"})
_KINDS = {
    "DATE": ColumnKind.DATE,
    "DATETIME": ColumnKind.DATETIME,
    "BOOLEAN": ColumnKind.BOOLEAN,
}


def open_geopackage(content: bytes, *, name: str, limits: Limits) -> list[RawTable]:
    """Return one raw table for each layer or attribute table.

    Raises:
        FileRefused: it is not a GeoPackage, or is damaged.
    """
    database = _connect(content, name=name, limits=limits)
    layers = _query(
        database,
        "SELECT c.table_name, c.data_type, g.column_name, coalesce(g.srs_id, c.srs_id) "
        "FROM gpkg_contents c LEFT JOIN gpkg_geometry_columns g ON g.table_name = c.table_name "
        "WHERE lower(c.data_type) IN ('features', 'attributes', 'aspatial') "
        "ORDER BY c.data_type DESC, c.table_name",
        name=name,
        missing="geopackage_no_layer",
    )
    systems = _systems(database, name=name)
    tables: list[RawTable] = []
    for table, _, geometry, system in layers[: limits.tables]:
        if not isinstance(table, str):
            continue
        raw = _layer(
            database,
            table=table,
            geometry=geometry if isinstance(geometry, str) else None,
            declared=systems.get(system),
            name=f"{name} › {table}" if len(layers) > 1 else name,
            limits=limits,
        )
        if raw is not None:
            tables.append(raw)
    if not tables:
        raise FileRefused("geopackage_no_layer", name=name)
    return tables


def _connect(content: bytes, *, name: str, limits: Limits) -> sqlite3.Connection:
    if content[18:20] == bytes([_WAL_VERSION, _WAL_VERSION]):
        # A database in memory has no write-ahead log: say that this one needs none.
        content = content[:18] + b"\x01\x01" + content[20:]
    # Used by one thread at a time, but not always by the one that opened it.
    database = sqlite3.connect(":memory:", check_same_thread=False)
    try:
        database.deserialize(content)
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA cell_size_check = ON")
        database.execute("PRAGMA query_only = ON")
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, min(limits.file_bytes, 2**30))
        database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    except (sqlite3.Error, OverflowError) as error:
        database.close()
        raise FileRefused("geopackage_broken", name=name, detail=shown(str(error))) from error
    database.text_factory = lambda raw: raw.decode("utf-8", "replace").replace("\x00", "")
    database.set_authorizer(_authorize)
    return database


def _authorize(
    action: int, first: str | None, second: str | None, database: str | None, view: str | None
) -> int:
    del first, database, view
    if action not in _ALLOWED:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in _FUNCTIONS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _within_budget(database: sqlite3.Connection, *, limits: Limits) -> None:
    """Give the next query its own budget of instructions."""
    left = limits.sqlite_steps // _STEP

    def spend() -> int:
        nonlocal left
        left -= 1
        return left < 0

    database.set_progress_handler(spend, _STEP)


def _query(
    database: sqlite3.Connection,
    sql: str,
    *parameters: str,
    name: str,
    missing: str = "geopackage_broken",
) -> list[tuple[object, ...]]:
    _within_budget(database, limits=Limits())
    try:
        return database.execute(sql, parameters).fetchmany(10_000)
    except sqlite3.OperationalError as error:
        raise FileRefused(missing, name=name, detail=shown(str(error))) from error
    except (sqlite3.Error, OverflowError, UnicodeError) as error:
        raise FileRefused("geopackage_broken", name=name, detail=shown(str(error))) from error


def _systems(database: sqlite3.Connection, *, name: str) -> dict[object, Declared]:
    found: dict[object, Declared] = {}
    for key, organization, code, definition in _query(
        database,
        "SELECT srs_id, organization, organization_coordsys_id, definition "
        "FROM gpkg_spatial_ref_sys",
        name=name,
    ):
        declared = None
        if isinstance(code, int) and code > 0:
            declared = read_declared(f"{organization}:{code}")
        if declared is None and isinstance(definition, str):
            declared = read_declared(definition, label=f"{organization}:{code}")
        if declared is not None:
            found[key] = declared
    return found


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""').replace("\x00", "") + '"'


def _layer(
    database: sqlite3.Connection,
    *,
    table: str,
    geometry: str | None,
    declared: Declared | None,
    name: str,
    limits: Limits,
) -> RawTable | None:
    described = _query(
        database,
        "SELECT type, sql FROM sqlite_master WHERE name = ?",
        table,
        name=name,
    )
    if not described or str(described[0][1] or "").upper().lstrip().startswith("CREATE VIRTUAL"):
        return None
    select = f"SELECT * FROM {_quoted(table)}"  # noqa: S608 - an identifier, quoted
    _within_budget(database, limits=limits)
    try:
        cursor = database.execute(f"{select} LIMIT 0")
        labels = [column[0] for column in cursor.description]
    except sqlite3.Error as error:
        raise FileRefused("geopackage_broken", name=name, detail=shown(str(error))) from error
    if len(labels) > limits.columns:
        raise FileRefused("too_many_columns", name=name, limit=limits.columns)
    place = next(
        (
            place
            for place, label in enumerate(labels)
            if geometry and label.lower() == geometry.lower()
        ),
        None,
    )
    names = tuple(label for at, label in enumerate(labels) if at != place)
    types = _types(str(described[0][1] or ""), names)

    is_view = described[0][0] != "table"

    def records() -> Iterator[Record]:
        return _records(database, select, place=place, name=name, limits=limits, is_view=is_view)

    return RawTable(
        name=name,
        findings=Findings(
            kind=FileKind.GEOPACKAGE,
            header=Finding(about="header", value="", code="header_declared"),
        ),
        labels=names,
        keys=names,
        declared_kinds=types,
        records=records,
        spatial=place is not None,
        typed=True,
        declared_crs=declared,
    )


def _types(sql: str, names: tuple[str, ...]) -> tuple[ColumnKind | None, ...]:
    """Find which columns a CREATE TABLE declares as dates or booleans."""
    upper = sql.upper()
    kinds: list[ColumnKind | None] = []
    for name in names:
        after = ""
        for written in (
            f'"{name.upper()}"',
            f"`{name.upper()}`",
            f"[{name.upper()}]",
            name.upper(),
        ):
            _, found, rest = upper.partition(written + " ")
            if found:
                after = rest.lstrip().split(maxsplit=1)[0].rstrip(",)") if rest.strip() else ""
                break
        kinds.append(_KINDS.get(after))
    return tuple(kinds)


def _records(
    database: sqlite3.Connection,
    select: str,
    *,
    place: int | None,
    name: str,
    limits: Limits,
    is_view: bool,
) -> Iterator[Record]:
    number = 0
    try:
        _within_budget(database, limits=limits)
        cursor = database.execute(select)
        while rows := cursor.fetchmany(_CHUNK):
            yield from _chunk(rows, first=number + 1, place=place, limits=limits)
            number += len(rows)
            if not is_view:
                # A table ends with its file; a view may never end and gets one budget for all.
                _within_budget(database, limits=limits)
    except sqlite3.OperationalError as error:
        code = "geopackage_costly" if "interrupted" in str(error) else "geopackage_broken"
        raise FileRefused(code, name=name, detail=shown(str(error))) from error
    except (sqlite3.Error, OverflowError) as error:
        raise FileRefused("geopackage_broken", name=name, detail=shown(str(error))) from error


def _chunk(
    rows: list[tuple[object, ...]], *, first: int, place: int | None, limits: Limits
) -> Iterator[Record]:
    if place is None:
        for number, row in enumerate(rows, start=first):
            yield Record(number, [_cell(cell) for cell in row], None)
        return
    geometries = from_wkb([_wkb(row[place]) for row in rows], limits=limits)
    for at, row in enumerate(rows):
        number = first + at
        cells = [_cell(cell) for other, cell in enumerate(row) if other != place]
        problems: tuple[Problem, ...] = ()
        if geometries[at] is None and row[place] is not None:
            code = "geometry_empty" if _is_empty(row[place]) else "geometry_broken"
            problems = (Problem(row=number, column="", value="", code=code, fatal=True),)
        yield Record(number, cells, geometries[at], problems)


def _cell(cell: object) -> object:
    if isinstance(cell, bytes):
        return None  # pictures and the like
    return cell if isinstance(cell, str | int | float | date | datetime) else None


def _is_empty(blob: object) -> bool:
    return isinstance(blob, bytes) and len(blob) > 3 and bool(blob[3] & _EMPTY_FLAG)


def _wkb(blob: object) -> bytes | None:
    """Return the WKB inside a GeoPackage geometry: header ``GP``, version, flags, system, box."""
    if not isinstance(blob, bytes) or len(blob) < 8 or blob[:2] != b"GP":
        return None
    flags = blob[3]
    envelope = _ENVELOPES.get((flags >> 1) & 0x07)
    if envelope is None or flags & _EMPTY_FLAG:
        return None
    return blob[8 + envelope :]
