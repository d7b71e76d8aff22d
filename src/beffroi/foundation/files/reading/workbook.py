"""Read workbooks: Excel (.xlsx, .xlsm, .xlsb, .xls) and OpenDocument (.ods), through calamine.

calamine lays a sheet out as a full rectangle and copies every shared text, so a few bytes can ask
for gigabytes: one cell at the last row and column, a text used a million times, a cell repeated a
million times. What a sheet would cost is counted before calamine sees it, and calamine works in a
process of its own (:mod:`sheet_process`), which may fail without harm.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from beffroi.foundation.files.reading.archive import FAILURES, open_archive, read_member
from beffroi.foundation.files.reading.contracts import (
    Choices,
    FileKind,
    FileRefused,
    Findings,
    Limits,
    shown,
)
from beffroi.foundation.files.reading.grid import grid_table
from beffroi.foundation.files.reading.raw import RawTable, Record
from beffroi.foundation.files.reading.sheet_process import Answer, Sheet, cell_in

_CELL = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})(\d{1,7})"')
_ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*?\br="(\d{1,7})"')
_SHARED_USE = re.compile(rb'\bt="s"[^>]*>\s*<(?:\w+:)?v>(\d{1,9})<')
_SHARED_TEXT = re.compile(rb"<(?:\w+:)?si\b.*?</(?:\w+:)?si>", re.DOTALL)
_ODS_PART = re.compile(
    rb"<table:table-row\b([^>]*)>|<table:(?:covered-)?table-cell\b([^>]*?)(/?)>|</table:table-row>"
    rb"|<table:table\b"
)
_ODS_REPEAT = re.compile(rb'number-(?:rows|columns)-repeated="(\d{1,9})"')
_EXCEL_MIN_CELLS = 10_000


def open_workbook(
    content: bytes, *, name: str, kind: FileKind, limits: Limits, choices: Choices
) -> list[RawTable]:
    """Return one raw table for each sheet that holds something.

    Raises:
        FileRefused: the workbook cannot be opened, or would cost too much.
    """
    if content.startswith(b"PK"):
        _check_cost(content, name=name, limits=limits)
    answer = _ask(content, name=name, limits=limits)
    tables: list[RawTable] = []
    refusals: list[FileRefused] = []
    for sheet in answer.sheets:
        title = f"{name} › {sheet.name}" if len(answer.sheets) > 1 else name
        try:
            tables.append(_sheet(sheet, name=title, kind=kind, limits=limits, choices=choices))
        except FileRefused as refusal:
            refusals.append(refusal)
    if not tables:
        raise refusals[0] if refusals else FileRefused("no_rows", name=name)
    return tables


def _ask(content: bytes, *, name: str, limits: Limits) -> Answer:
    """Have the workbook read by a process that may be killed.

    Raises:
        FileRefused: it is protected, damaged, or costs too much.
    """
    command = [sys.executable, "-I", str(Path(__file__).with_name("sheet_process.py"))]
    bounds = (
        limits.sheet_memory_bytes,
        limits.unpacked_bytes,
        limits.sheet_seconds,
        limits.sheet_cells,
        limits.columns,
        limits.tables,
    )
    # Files, not pipes: nothing to wait for, and the size of the answer is bounded by the system.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as taken:
        given.write(content)
        given.seek(0)
        try:
            done = subprocess.run(  # noqa: S603 - our own script, no word of it from outside
                [*command, *map(str, bounds)],
                stdin=given,
                stdout=taken,
                stderr=subprocess.DEVNULL,
                timeout=2 * limits.sheet_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise FileRefused("workbook_costly", name=name) from error
        taken.seek(0)
        written = taken.read()
    if done.returncode != 0:
        raise FileRefused("workbook_costly", name=name)
    try:
        answer = msgspec.msgpack.decode(written, type=Answer)
    except msgspec.DecodeError as error:
        raise FileRefused("workbook_costly", name=name) from error
    if answer.encrypted:
        raise FileRefused("archive_encrypted", name=name)
    if answer.error:
        raise FileRefused("workbook_broken", name=name, detail=shown(answer.error))
    return answer


def _sheet(
    sheet: Sheet, *, name: str, kind: FileKind, limits: Limits, choices: Choices
) -> RawTable:
    if sheet.too_large:
        rows, columns = sheet.extent
        raise FileRefused("sheet_too_large", name=name, rows=rows, columns=columns)
    cells = [[cell_in(cell) for cell in row] for row in sheet.rows]

    def records() -> Iterator[Record]:
        for number, row in enumerate(cells, start=1):
            yield Record(number, row, None)

    return grid_table(
        records, name=name, findings=Findings(kind=kind), limits=limits, choices=choices
    )


def _check_size(rows: int, columns: int, *, name: str, limits: Limits) -> None:
    if columns > limits.columns and rows * columns > _EXCEL_MIN_CELLS:
        raise FileRefused("sheet_too_large", name=name, rows=rows, columns=columns)
    if rows * columns > limits.sheet_cells:
        raise FileRefused("sheet_too_large", name=name, rows=rows, columns=columns)


def _check_cost(content: bytes, *, name: str, limits: Limits) -> None:
    """Count what calamine would build from the parts of a zipped workbook.

    Raises:
        FileRefused: a part is too large, or asks for too many cells or too much text.
    """
    archive = open_archive(content, name=name, limits=limits)
    total = 0
    shared: list[int] = []
    sheets: list[bytes] = []
    for member in archive.infolist():
        part = read_member(
            archive, member, name=name, limits=limits, budget=limits.unpacked_bytes - total
        )
        total += len(part)
        path = member.filename.lower()
        if path.endswith("sharedstrings.xml"):
            shared = [len(match.group()) for match in _SHARED_TEXT.finditer(part)]
        elif "worksheets/" in path and path.endswith(".xml"):
            _check_extent(part, name=name, limits=limits)
            sheets.append(part)
        elif path == "content.xml":
            _check_repeats(part, name=name, limits=limits)
    longest = max(shared, default=0)
    for part in sheets:
        if part.count(b't="s"') * longest <= limits.sheet_text_bytes:
            continue
        copied = sum(
            shared[place]
            for match in _SHARED_USE.finditer(part)
            if (place := int(match[1])) < len(shared)
        )
        if copied > limits.sheet_text_bytes:
            raise FileRefused(
                "archive_too_large", name=name, limit_mb=limits.sheet_text_bytes >> 20
            )


def _check_extent(part: bytes, *, name: str, limits: Limits) -> None:
    rows, columns = 0, 0
    for match in _CELL.finditer(part):
        column = 0
        for letter in match[1]:
            column = column * 26 + letter - 64
        rows, columns = max(rows, int(match[2])), max(columns, column)
    rows = max([rows, *(int(match[1]) for match in _ROW.finditer(part))])
    _check_size(rows, columns, name=name, limits=limits)


def _check_repeats(part: bytes, *, name: str, limits: Limits) -> None:
    """Count the cells of an OpenDocument sheet with their repetitions."""
    rows = waiting = width = row_width = pending = 0
    repeat, filled = 1, False
    for match in _ODS_PART.finditer(part):
        token = match.group()
        if token.startswith(b"<table:table-row"):
            found = _ODS_REPEAT.search(match[1] or b"")
            repeat, filled, row_width, pending = int(found[1]) if found else 1, False, 0, 0
        elif token.startswith(b"</"):
            if filled:
                # Empty rows count once a filled one follows.
                rows += waiting + repeat
                waiting, width = 0, max(width, row_width)
                _check_size(rows, width, name=name, limits=limits)
            else:
                waiting += repeat
        elif token.startswith(b"<table:table-cell") or b"covered" in token[:20]:
            found = _ODS_REPEAT.search(match[2] or b"")
            count = int(found[1]) if found else 1
            empty = match[3] == b"/" and b"value" not in (match[2] or b"")
            pending += count
            if not empty:
                filled, row_width = True, row_width + pending
                pending = 0
        else:
            rows = waiting = width = 0


def is_opendocument(archive: zipfile.ZipFile) -> bool:
    """Tell whether an archive is an OpenDocument spreadsheet."""
    try:
        with archive.open("mimetype") as stream:
            return stream.read(80).startswith(b"application/vnd.oasis.opendocument.spreadsheet")
    except FAILURES:
        return False
