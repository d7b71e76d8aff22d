"""Read a workbook with calamine in a process of its own.

calamine trusts the sizes and the chains of sectors that an .xls declares: one changed byte can make
it ask for eight gigabytes, and Rust ends the process where memory is refused. Here that process is
not the one that serves people. Run as a script: the workbook comes on the standard input, the cells
go to the standard output as MessagePack, and limits are set before anything is read.
"""

from __future__ import annotations

import io
import resource
import sys
from datetime import date, datetime, time, timedelta

import msgspec
from python_calamine import CalamineWorkbook, PasswordError, SheetTypeEnum


class Sheet(msgspec.Struct):
    """One sheet: its cells, or the extent that was too much."""

    name: str
    rows: list[list[object]]
    extent: tuple[int, int]
    too_large: bool = False


class Answer(msgspec.Struct):
    """What the process says: sheets, or why there are none."""

    sheets: list[Sheet] = []
    error: str = ""
    encrypted: bool = False


def cell_out(cell: object) -> object:
    """Return a cell as MessagePack can carry it; dates become ``[kind, text]``."""
    if isinstance(cell, datetime):
        return ["t", cell.isoformat()]
    if isinstance(cell, date):
        return ["d", cell.isoformat()]
    if isinstance(cell, time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    if isinstance(cell, int) and not -(2**63) <= cell < 2**63:
        return float(cell)
    return cell


def cell_in(cell: object) -> object:
    """Return a cell as the common part knows it: midnight is a date, an empty text is nothing."""
    if isinstance(cell, list):
        moment = datetime.fromisoformat(str(cell[1]))
        return moment.date() if cell[0] == "d" or moment.time() == time() else moment
    if isinstance(cell, str):
        return cell.replace("\x00", "") or None
    return cell


def read_book(content: bytes, *, max_cells: int, max_columns: int, max_sheets: int) -> Answer:
    """Read every sheet of a workbook."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    except PasswordError:
        return Answer(encrypted=True)
    answer = Answer()
    for described in book.sheets_metadata[:max_sheets]:
        if described.typ is not SheetTypeEnum.WorkSheet:
            continue
        sheet = book.get_sheet_by_name(described.name)
        extent = (sheet.total_height, sheet.total_width)
        cells = extent[0] * extent[1]
        if cells > max_cells or (extent[1] > max_columns and cells > 10_000):
            answer.sheets.append(Sheet(described.name, [], extent, too_large=True))
            continue
        rows = sheet.to_python(skip_empty_area=False)
        answer.sheets.append(
            Sheet(described.name, [[cell_out(cell) for cell in row] for row in rows], extent)
        )
    return answer


def main() -> None:
    """Read the standard input within the limits given as arguments."""
    memory, output, seconds, max_cells, max_columns, max_sheets = map(int, sys.argv[1:7])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (output, output))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    content = sys.stdin.buffer.read()
    try:
        answer = read_book(
            content, max_cells=max_cells, max_columns=max_columns, max_sheets=max_sheets
        )
    # A panic of Rust arrives outside Exception; whatever it is, the answer is that it failed.
    except BaseException as error:  # noqa: BLE001 - see above
        answer = Answer(error=f"{error}"[:200] or type(error).__name__)
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))


if __name__ == "__main__":
    main()
