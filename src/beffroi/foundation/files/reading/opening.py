"""Recognise a file by its content, whatever its name says, and open every table in it."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from beffroi.foundation.files.reading.archive import (
    gunzip,
    open_archive,
    read_member,
    shown_path,
)
from beffroi.foundation.files.reading.contracts import (
    Choices,
    FileKind,
    FileRefused,
    Limits,
    Near,
    Opened,
    Skipped,
    Table,
)
from beffroi.foundation.files.reading.encodings import find_encoding
from beffroi.foundation.files.reading.geopackage import open_geopackage
from beffroi.foundation.files.reading.gpx import open_gpx
from beffroi.foundation.files.reading.json_text import open_json
from beffroi.foundation.files.reading.kml import open_kml
from beffroi.foundation.files.reading.raw import RawTable
from beffroi.foundation.files.reading.separated import open_separated
from beffroi.foundation.files.reading.shapefiles import PARTS, open_lone_dbase, open_shapefile
from beffroi.foundation.files.reading.table import build_table
from beffroi.foundation.files.reading.workbook import is_opendocument, open_workbook

Source: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview

_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_GZIP = b"\x1f\x8b"
_SQLITE = b"SQLite format 3\x00"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SHAPE = b"\x00\x00\x27\x0a"
_DBASE = frozenset({0x02, 0x03, 0x04, 0x30, 0x31, 0x43, 0x63, 0x83, 0x8B, 0xF5})

_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "PDF document"),
    (b"\x89PNG", "picture (PNG)"),
    (b"\xff\xd8\xff", "picture (JPEG)"),
    (b"GIF8", "picture (GIF)"),
    (b"II*\x00", "picture (TIFF)"),
    (b"MM\x00*", "picture (TIFF)"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    (b"Rar!", "RAR archive"),
    (b"PAR1", "Parquet file"),
    (b"{\\rtf", "RTF document"),
    (b"AC10", "AutoCAD drawing"),
    (b"BZh", "bzip2 archive"),
    (b"\xfd7zXZ", "xz archive"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"PMTiles", "map tile archive"),
)
_NOTHING_INSIDE = frozenset(
    {"pdf", "doc", "docx", "odt", "rtf", "txt", "xml", "sbn", "sbx", "qix", "fix", "mxd", "lyr"}
    | {"png", "jpg", "jpeg", "gif", "svg", "html", "htm", "md", "qml", "sld", "ds_store", "ini"}
    | {"atx", "ain", "aih", "cst", "qpj", "fbn", "fbx", "ixs", "mxs", "db"}
)


def open_tables(
    source: Source,
    *,
    name: str = "",
    limits: Limits | None = None,
    near: Near | None = None,
    choices: Choices | None = None,
) -> Opened:
    """Open a file and return all tables in it, the most useful first.

    Args:
        source: path or content. Beside a path ending in ``.shp``, its siblings are read.
        name: as the person knows the file; the file name of a path by default.
        limits: how much is accepted.
        near: where the town is: longitude, latitude in degrees, radius in kilometres.
        choices: what a person decided after a first look; applied to every table.

    Raises:
        FileRefused: nothing in it can be read.
    """
    limits, choices = limits or Limits(), choices or Choices()
    content, siblings, name = _load(source, name=name, limits=limits)
    opener = _Opener(limits=limits, choices=choices)
    if siblings:
        raws = [open_shapefile(siblings, name=name, limits=limits)]
    else:
        raws = opener.open(content, name=name)
    skipped = opener.skipped
    tables: list[Table] = []
    for raw in raws:
        try:
            tables.append(build_table(raw, limits=limits, near=near, choices=choices))
        except FileRefused as refusal:
            skipped.append(Skipped(raw.name, refusal))
    if not tables:
        raise (
            skipped[0].refusal
            if len(skipped) == 1
            else FileRefused("archive_without_table", name=name)
        )
    tables.sort(key=_usefulness)
    return Opened(tuple(tables), tuple(skipped))


def open_table(
    source: Source,
    *,
    name: str = "",
    table: str | None = None,
    limits: Limits | None = None,
    near: Near | None = None,
    choices: Choices | None = None,
) -> Table:
    """Open one table of a file: the one called ``table``, or the most useful.

    Raises:
        FileRefused: nothing can be read, or there is no such table.
    """
    opened = open_tables(source, name=name, limits=limits, near=near, choices=choices)
    if table is None:
        return opened.tables[0]
    for one in opened.tables:
        if table in {one.name, one.name.rpartition(" › ")[2]}:
            return one
    raise FileRefused(
        "table_unknown",
        name=name or "?",
        table=table[:80],
        tables=", ".join(one.name for one in opened.tables)[:500],
    )


_ORDER = (
    FileKind.GEOPACKAGE,
    FileKind.SHAPEFILE,
    FileKind.GEOJSON,
    FileKind.KML,
    FileKind.GPX,
    FileKind.CSV,
    FileKind.EXCEL,
    FileKind.OPENDOCUMENT,
    FileKind.JSON,
    FileKind.DBASE,
)


def _usefulness(table: Table) -> tuple[bool, int, int]:
    return not table.has_geometry, -table.row_count, _ORDER.index(table.findings.kind)


def _load(source: Source, *, name: str, limits: Limits) -> tuple[bytes, dict[str, bytes], str]:
    if isinstance(source, bytes | bytearray | memoryview):
        content = bytes(source)
        if len(content) > limits.file_bytes:
            raise FileRefused("file_too_large", name=name or "?", limit_mb=limits.file_bytes >> 20)
        return content, {}, name or "?"
    path = Path(source)
    name = name or path.name
    content = _read(path, name=name, limits=limits)
    if not content.startswith(_SHAPE):
        return content, {}, name
    parts = {"shp": content}
    for sibling in sorted(path.parent.iterdir()):
        extension = sibling.suffix.lower().lstrip(".")
        if sibling.stem == path.stem and extension in PARTS - {"shp"} and sibling.is_file():
            parts[extension] = _read(sibling, name=sibling.name, limits=limits)
    return content, parts, name


def _read(path: Path, *, name: str, limits: Limits) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(limits.file_bytes + 1)
    except OSError as error:
        raise FileRefused("file_missing", name=name) from error
    if len(content) > limits.file_bytes:
        raise FileRefused("file_too_large", name=name, limit_mb=limits.file_bytes >> 20)
    return content


class _Opener:
    """Opens one file with everything inside it, counting all that is unpacked."""

    def __init__(self, *, limits: Limits, choices: Choices) -> None:
        self.limits = limits
        self.choices = choices
        self.skipped: list[Skipped] = []
        self.left = limits.unpacked_bytes
        self.count = 0

    def open(self, content: bytes, *, name: str, depth: int = 0) -> list[RawTable]:
        """Recognise a content and open it.

        Raises:
            FileRefused: it cannot be read.
        """
        if not content.strip(b"\x00 \t\r\n"):
            raise FileRefused("file_empty", name=name)
        for magics, opening in (
            (_ZIP, self._zip),
            (_GZIP, self._gzip),
            (_SQLITE, self._geopackage),
            (_OLE, self._excel),
            (_SHAPE, self._lone_shape),
        ):
            if content.startswith(magics):
                found = opening(content, name=name, depth=depth)
                break
        else:
            _refuse_foreign(content, name=name)
            if _is_dbase(content):
                found = [open_lone_dbase(content, name=name, limits=self.limits)]
            else:
                found = [_open_text(content, name=name, limits=self.limits, choices=self.choices)]
        return found

    def _gzip(self, content: bytes, *, name: str, depth: int) -> list[RawTable]:
        if depth >= self.limits.archive_depth:
            raise FileRefused("archive_too_deep", name=name)
        inner = gunzip(content, name=name, limits=self.limits, budget=self.left)
        self.left -= len(inner)
        return self.open(inner, name=name.removesuffix(".gz"), depth=depth + 1)

    def _geopackage(self, content: bytes, *, name: str, depth: int) -> list[RawTable]:
        del depth
        return open_geopackage(content, name=name, limits=self.limits)

    def _excel(self, content: bytes, *, name: str, depth: int) -> list[RawTable]:
        del depth
        return self._workbook(content, name=name, kind=FileKind.EXCEL)

    def _workbook(self, content: bytes, *, name: str, kind: FileKind) -> list[RawTable]:
        return open_workbook(
            content, name=name, kind=kind, limits=self.limits, choices=self.choices
        )

    def _lone_shape(self, content: bytes, *, name: str, depth: int) -> list[RawTable]:
        del depth
        return [open_shapefile({"shp": content}, name=name, limits=self.limits)]

    def _zip(self, content: bytes, *, name: str, depth: int) -> list[RawTable]:
        archive = open_archive(content, name=name, limits=self.limits)
        names = {member.filename for member in archive.infolist()}
        if is_opendocument(archive):
            return self._workbook(content, name=name, kind=FileKind.OPENDOCUMENT)
        if "[Content_Types].xml" in names:
            if any(one.startswith("xl/") for one in names):
                return self._workbook(content, name=name, kind=FileKind.EXCEL)
            raise FileRefused("file_format_known", name=name, what="Word or PowerPoint document")
        if {"mimetype", "content.xml"} <= names:
            raise FileRefused("file_format_known", name=name, what="OpenDocument text")
        if depth >= self.limits.archive_depth:
            raise FileRefused("archive_too_deep", name=name)
        before = len(self.skipped)
        found = self._members(archive, name=name, depth=depth)
        if not found:
            if len(self.skipped) == before + 1:
                raise self.skipped.pop().refusal
            raise FileRefused("archive_without_table", name=name)
        return found

    def _members(self, archive: zipfile.ZipFile, *, name: str, depth: int) -> list[RawTable]:
        """Open the members of an archive, the parts of one shapefile together."""
        groups = _grouped(archive)
        found: list[RawTable] = []
        for parts in groups:
            if self.count >= self.limits.tables:
                break
            main = parts.get("shp") or parts.get("dbf") or next(iter(parts.values()))
            title = f"{name} › {shown_path(main.filename)}" if len(groups) > 1 else name
            contents = {
                extension: self._read(archive, member, name=name)
                for extension, member in parts.items()
            }
            try:
                if PARTS & contents.keys():
                    tables = [open_shapefile(contents, name=title, limits=self.limits)]
                else:
                    tables = self.open(contents[""], name=title, depth=depth + 1)
            except FileRefused as refusal:
                if refusal.code == "archive_too_large":
                    raise
                self.skipped.append(Skipped(title, refusal))
                continue
            self.count += len(tables)
            found += tables
        return found

    def _read(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, *, name: str) -> bytes:
        content = read_member(archive, member, name=name, limits=self.limits, budget=self.left)
        self.left -= len(content)
        return content


def _grouped(archive: zipfile.ZipFile) -> list[dict[str, zipfile.ZipInfo]]:
    """Return what is worth reading: parts of a shapefile by extension, other files under ``""``."""
    stems: dict[str, dict[str, zipfile.ZipInfo]] = {}
    singles: list[dict[str, zipfile.ZipInfo]] = []
    for member in archive.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))
        hidden = path.name.startswith(".") or "__MACOSX" in path.parts
        if member.is_dir() or hidden or not path.name:
            continue
        extension = path.suffix.lower().lstrip(".")
        if extension in PARTS:
            stem = member.filename[: len(member.filename) - len(path.suffix)].lower()
            stems.setdefault(stem, {})[extension] = member
        elif extension not in _NOTHING_INSIDE:
            singles.append({"": member})
    return [parts for parts in stems.values() if {"shp", "dbf"} & parts.keys()] + singles


def _refuse_foreign(content: bytes, *, name: str) -> None:
    for magic, what in _FOREIGN:
        # A text may begin with MZ; a program has zeros soon after.
        if content.startswith(magic) and (magic != b"MZ" or b"\x00" in content[:512]):
            raise FileRefused("file_format_known", name=name, what=what)


def _is_dbase(content: bytes) -> bool:
    """Recognise a table: version, a date, and a header that ends where it says."""
    if len(content) < 66 or content[0] not in _DBASE:
        return False
    month, day = content[2], content[3]
    end = int.from_bytes(content[8:10], "little")
    return month <= 12 and day <= 31 and 33 <= end <= len(content)


def _open_text(content: bytes, *, name: str, limits: Limits, choices: Choices) -> RawTable:
    head = content[:4_000]
    if b"\x00" in head or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = find_encoding(content[:40_000]).decode(content[:40_000])[:4_000].encode()
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\x00\x1e")
    if start.startswith((b"{", b"[")) and not _looks_separated(start):
        return open_json(content, name=name, limits=limits)
    if start.startswith(b"<"):
        lower = start[:400].lower()
        if b"<html" in lower or b"<table" in lower or b"<!doctype html" in lower:
            raise FileRefused("file_format_known", name=name, what="web page")
        if b"<gpx" in lower:
            return open_gpx(content, name=name, limits=limits)
        return open_kml(content, name=name, limits=limits)
    return open_separated(content, name=name, limits=limits, choices=choices)


def _looks_separated(start: bytes) -> bool:
    """Tell a CSV whose first cell is ``[lon,lat]`` or ``{…}`` from a JSON document."""
    line = start.split(b"\n", 1)[0].rstrip()
    return line.startswith(b"[") and b"]" in line and not line.endswith((b"]", b",", b"[", b"{"))
