"""Rows of CSV as a sender writes them: any delimiter, any encoding, one bad row refused alone."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from beffroi.kernel.errors import ParseError
from beffroi.sdk.messages import MAX_ITEMS

DELIMITERS = ";,\t|"
MAX_CELL = 10_000
MAX_COLUMNS = 500
SNIFFED_LINES = 20
MAX_LINES = 40 * MAX_ITEMS
"""Empty ones included: beyond, a body is not looked at."""

RECORD_LINES = 20
"""A quoted cell that is not closed within so many lines is a fault of its first line."""

_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._:-]{1,40})", re.ASCII)
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_ENCODINGS = frozenset(
    {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "ascii", "iso8859-1", "iso8859-15", "cp1252",
     "cp850", "mac-roman"}
)  # fmt: skip
_BINARY = frozenset("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f")


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row: its cells by the name of their column, or why it has none; and its own text."""

    cells: Mapping[str, str]
    text: str
    problem: ParseError | None = None


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A body of CSV, opened: its columns, its delimiter, its rows one by one."""

    header: str
    columns: tuple[str, ...]
    delimiter: str
    lines: Sequence[str]

    def rows(self) -> Iterator[CsvRow]:
        """Give the rows that are not empty.

        Raises:
            ParseError: there are more than a request may hold.
        """
        place, count = 0, 0
        while place < len(self.lines):
            line = self.lines[place]
            if not line.strip():
                place += 1
                continue
            if count >= MAX_ITEMS:
                raise _too_many()
            count += 1
            row, size = self._row(place)
            place += size
            yield row

    def _row(self, place: int) -> tuple[CsvRow, int]:
        line = self.lines[place]
        if '"' not in line:
            return self._named(line.split(self.delimiter), line), 1
        record = self.lines[place : place + RECORD_LINES]
        reader = csv.reader((f"{part}\n" for part in record), delimiter=self.delimiter)
        try:
            cells = next(reader)
        except (csv.Error, StopIteration) as problem:
            return _faulty(line, "The row is not CSV: {reason}.", reason=str(problem)[:80]), 1
        text = "\n".join(record[: reader.line_num])
        if reader.line_num > 1 and text.count('"') % 2:
            return _faulty(line, "The row opens a quotation mark that it does not close."), 1
        return self._named(cells, text), reader.line_num

    def _named(self, cells: Sequence[str], text: str) -> CsvRow:
        if len(cells) > len(self.columns) and any(
            cell.strip() for cell in cells[len(self.columns) :]
        ):
            return _faulty(
                text,
                "The row has {count} cells and the header {columns}.",
                count=len(cells),
                columns=len(self.columns),
            )
        if any(len(cell) > MAX_CELL for cell in cells):
            return _faulty(text, "A cell of the row has more than {most} characters.",
                           most=MAX_CELL)  # fmt: skip
        named = {
            column: cell.strip()
            for column, cell in zip(self.columns, cells, strict=False)
            if column
        }
        return CsvRow(named, text)


def open_csv(body: bytes, *, content_type: str = "", delimiter: str = "") -> CsvTable:
    """Open a body of CSV with a header.

    ``delimiter`` is declared, or found: the sign that cuts the first lines most evenly.

    Raises:
        ParseError: it is no text, is empty, has no header or holds too many rows.
    """
    text = text_of_body(body, content_type=content_type)
    text = text.lstrip("\n")
    if text.count("\n") > MAX_LINES:
        raise _too_many()
    lines = text.split("\n")
    declared = ""
    if lines and lines[0][:4].lower() == "sep=":  # how spreadsheets tell their own delimiter
        declared = lines.pop(0)[4:5]
    first = next((place for place, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise ParseError("The body is empty.", way_out="Send a header and at least one row.")
    lines = lines[first:]
    if '"' not in text and sum(1 for line in lines if line.strip()) > MAX_ITEMS + 1:
        raise _too_many()
    chosen = delimiter or (declared if declared in DELIMITERS else "") or _delimiter_of(lines)
    try:
        cells = next(csv.reader([lines[0]], delimiter=chosen))
    except csv.Error:
        cells = []
    if len(cells) > MAX_COLUMNS:
        raise ParseError(
            "The header has {count} columns; at most {most} are read.",
            way_out="Check the delimiter of the source, or leave columns out.",
            params={"count": len(cells), "most": MAX_COLUMNS},
        )
    columns = _columns(cells)
    if not any(columns):
        raise ParseError(
            "The body has no header.", way_out="Name the columns in the first line of the file."
        )
    return CsvTable(lines[0], columns, chosen, lines[1:])


def text_of_body(body: bytes, *, content_type: str = "") -> str:
    """Return a body as text with plain line ends.

    The encoding is that of its first octets, or the declared one, or UTF-8; a line that is not
    in it is read alone as Windows-1252, which is what older programs of this country write.

    Raises:
        ParseError: it is no text.
    """
    encoding = next((name for mark, name in _BOMS if body.startswith(mark)), "")
    if not encoding and (match := _CHARSET.search(content_type)):
        encoding = _known_encoding(match[1])
    try:
        text = body.decode(encoding or "utf-8")
    except (UnicodeError, ValueError):
        if encoding.startswith("utf-16"):
            raise _no_text() from None
        text = "\n".join(_decoded_line(line) for line in body.split(b"\n"))
    if any(sign in text for sign in _BINARY):
        raise _no_text()
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")


def _known_encoding(name: str) -> str:
    """Return an encoding that files really have; others (punycode…) cost more than they tell."""
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return ""
    return found if found in _ENCODINGS else ""


def _decoded_line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


def _delimiter_of(lines: Sequence[str]) -> str:
    """Return the sign that gives the header most cells, among those the next rows agree with."""
    first, *following = [line for line in lines[: 4 * SNIFFED_LINES] if line.strip()][
        :SNIFFED_LINES
    ]
    best, best_score = ";", (0.0, 0)
    for sign in DELIMITERS:
        width = _width(first, sign)
        if width < 2:
            continue
        agreeing = sum(1 for line in following if _width(line, sign) == width)
        score = (agreeing / len(following) if following else 1.0, width)
        # A decimal comma cuts some rows as evenly as a semicolon: the header decides then.
        if score > best_score:
            best, best_score = sign, score
    return best


def _width(line: str, sign: str) -> int:
    if '"' not in line:
        return line.count(sign) + 1
    try:
        return len(next(csv.reader([line], delimiter=sign)))
    except (csv.Error, StopIteration):
        return 0


def _columns(cells: Sequence[str]) -> tuple[str, ...]:
    """Return names without spaces around, each once: the second ``t`` is ``t_2``."""
    seen: dict[str, int] = {}
    names: list[str] = []
    for cell in cells:
        name = cell.strip()[:200]
        if name:
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > 1:
                name = f"{name}_{seen[name]}"
        names.append(name)
    return tuple(names)


def _faulty(text: str, message: str, **params: object) -> CsvRow:
    problem = ParseError(
        message, way_out="Check the delimiter and the quotation marks of the file.", params=params
    )
    return CsvRow({}, text, problem)


def _too_many() -> ParseError:
    return ParseError(
        "The body holds more than {most} rows.",
        way_out="Cut it into several.",
        params={"most": MAX_ITEMS},
    )


def _no_text() -> ParseError:
    return ParseError("The body is not text.", way_out="Save the file as CSV in UTF-8.")
