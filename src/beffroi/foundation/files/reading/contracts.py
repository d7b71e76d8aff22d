"""What reading a file gives back: findings, columns, rows, problems, refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

from shapely.geometry.base import BaseGeometry

from beffroi.foundation.files.reading.wording import FINDINGS, PROBLEMS, REFUSALS, WORDS
from beffroi.kernel.errors import BeffroiError

Value: TypeAlias = str | int | float | bool | date | datetime | None
"""What a cell holds once read. A ``datetime`` is aware and in UTC."""

Near: TypeAlias = tuple[float, float, float]
"""Where the town is: longitude and latitude of its centre in degrees, radius in kilometres."""


class ColumnKind(StrEnum):
    """What the cells of a column are."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    GEOMETRY = "geometry"
    EMPTY = "empty"


class FileKind(StrEnum):
    """The formats that can be read."""

    CSV = "csv"
    EXCEL = "excel"
    OPENDOCUMENT = "ods"
    GEOJSON = "geojson"
    JSON = "json"
    SHAPEFILE = "shapefile"
    DBASE = "dbase"
    GEOPACKAGE = "geopackage"
    KML = "kml"
    GPX = "gpx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a file, and how strange a file, is accepted.

    The defaults let a whole city register through and keep one reading below about one gigabyte
    of memory. Sizes are bytes unless said otherwise.
    """

    file_bytes: int = 256 * 1024 * 1024
    unpacked_bytes: int = 512 * 1024 * 1024
    """All that an archive or a compressed file may give, counted while it is read."""
    archive_members: int = 2_000
    archive_depth: int = 2
    """An archive inside an archive is opened; one more level is not."""
    tables: int = 200
    line_chars: int = 2_000_000
    cell_chars: int = 1_000_000
    columns: int = 2_000
    rows: int = 5_000_000
    sheet_cells: int = 8_000_000
    """Rows times columns of one sheet, empty cells included."""
    sheet_text_bytes: int = 512 * 1024 * 1024
    sheet_memory_bytes: int = 3 * 1024 * 1024 * 1024
    """Of the process that reads a workbook."""
    sheet_seconds: int = 60
    """Of processor time for a workbook."""
    geometry_depth: int = 32
    geometry_vertices: int = 2_000_000
    """Of one row."""
    profiled_rows: int = 50_000
    """Rows looked at to find the type of each column; all rows are counted."""
    sqlite_steps: int = 200_000_000
    """Instructions that one query in a GeoPackage may cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a person decided instead of what was found; ``None`` leaves it to be found."""

    encoding: str | None = None
    separator: str | None = None
    decimal: str | None = None
    header_row: int | None = None
    """Row that carries the names, as the person sees it (1 is the first); 0 for none."""
    crs: str | None = None
    """For example ``EPSG:2154``."""
    swapped_axes: bool | None = None
    x_column: str | None = None
    y_column: str | None = None
    month_first: bool | None = None
    timezone: str = "Europe/Paris"
    """What a date with a time but no zone is taken for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found in the file, and why it is believed.

    Attributes:
        about: subject: ``encoding``, ``separator``, ``header``, ``crs``…
        value: what was found, as a machine name.
        code: which sentence of :data:`wording.FINDINGS` gives the reason.
        params: fields of that sentence.
        confidence: from 0 to 1.
        alternatives: other values that fit, best first.
        warning: the person should look at it.
    """

    about: str
    value: str
    code: str
    params: Mapping[str, object] = field(default_factory=dict)
    confidence: float = 1.0
    alternatives: tuple[str, ...] = ()
    warning: bool = False

    @property
    def reason_en(self) -> str:
        """Return the English sentence with ``{name}`` fields: the msgid."""
        return FINDINGS[self.code].message

    def say(self, translate: Callable[[str], str] = str) -> str:
        """Return the reason as a sentence."""
        return translate(self.reason_en).format_map(in_words(self.params, translate))


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Attributes:
        key: name used in ``Row.values``; unique in the table.
        label: name as the file writes it.
        kind: what its cells are.
        reason: code of the sentence that says why.
        unit: unit written beside the numbers (``%``, ``€``), or an empty string.
        description: text of a second header line, or an empty string.
        filled: number of cells that are not empty, among ``looked_at``.
        examples: up to three cells as the file writes them.
    """

    key: str
    label: str
    kind: ColumnKind
    reason: str = "type_all_fit"
    unit: str = ""
    description: str = ""
    filled: int = 0
    looked_at: int = 0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found in a file: shown to the person before anything is imported."""

    kind: FileKind
    encoding: Finding | None = None
    line_end: Finding | None = None
    separator: Finding | None = None
    quote: Finding | None = None
    decimal: Finding | None = None
    header: Finding | None = None
    titles: tuple[str, ...] = ()
    """Lines that stand above the header."""
    position: Finding | None = None
    """Where the geometry comes from."""
    crs: Finding | None = None
    notes: tuple[Finding, ...] = ()

    def all(self) -> tuple[Finding, ...]:
        """Return every finding, in the order a preview shows them."""
        named = (
            self.encoding,
            self.line_end,
            self.separator,
            self.quote,
            self.header,
            self.decimal,
            self.position,
            self.crs,
        )
        return tuple(one for one in named if one is not None) + self.notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in one row that a person may want to correct.

    Attributes:
        row: number of the row as the person sees it.
        column: label of the column, or an empty string for the whole row.
        value: what the file says, cut to 200 characters.
        code: stable name; which sentence of :data:`wording.PROBLEMS`.
        params: fields of the sentences.
        fatal: the geometry or the row could not be read; otherwise it was read with a doubt.
    """

    row: int
    column: str
    value: str
    code: str
    params: Mapping[str, object] = field(default_factory=dict)
    fatal: bool = False

    @property
    def message_en(self) -> str:
        """Return the English sentence with ``{name}`` fields: the msgid."""
        return PROBLEMS[self.code].message

    @property
    def way_out(self) -> str:
        """Return the English sentence that says what to do: the msgid."""
        return PROBLEMS[self.code].way_out

    def say(self, translate: Callable[[str], str] = str) -> str:
        """Return what is wrong and what to do, as sentences."""
        fields = {"row": self.row, "column": self.column, "value": self.value}
        fields |= in_words(self.params, translate)
        both = (translate(text) for text in (self.message_en, self.way_out) if text)
        return " ".join(text.format_map(fields) for text in both)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes:
        number: as the person sees it: line of the sheet, rank of the record.
        values: by ``Column.key``.
        geometry: in WGS 84, two dimensions, seven decimals (about a centimetre); or ``None``.
        problems: what is wrong with this row, worst first.
    """

    number: int
    values: dict[str, Value]
    geometry: BaseGeometry | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a file: a CSV file, a sheet, a layer, a member of an archive.

    Attributes:
        name: name of the file, with the sheet, layer or member after it where there are several.
        columns: without the geometry.
        row_count: rows that :meth:`rows` gives.
        has_geometry: at least one row carries a geometry.
        bounds: west, south, east, north of all geometries looked at, degrees; ``None`` without.
    """

    name: str
    findings: Findings
    columns: tuple[Column, ...]
    row_count: int
    has_geometry: bool
    bounds: tuple[float, float, float, float] | None
    reader: Callable[[], Iterator[Row]]

    def rows(self) -> Iterator[Row]:
        """Give the rows, from the first, each time it is called. Nothing raises on a bad row."""
        return self.reader()

    def preview(self, count: int = 20) -> list[Row]:
        """Return the first rows."""
        return [row for row, _ in zip(self.rows(), range(count), strict=False)]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A member of an archive that was left out, and why."""

    name: str
    refusal: FileRefused


@dataclass(frozen=True, slots=True)
class Opened:
    """All tables of a file, the most useful first, and what was left out."""

    tables: tuple[Table, ...]
    skipped: tuple[Skipped, ...] = ()


class FileRefused(BeffroiError):
    """A file cannot be read at all; the sentences say what it is and what to do."""

    status = 422

    def __init__(self, code: str, *, name: str, **params: object) -> None:
        wording = REFUSALS[code]
        super().__init__(
            wording.message,
            code=code,
            way_out=wording.way_out,
            params={"name": name, **params},
        )

    def say(self, translate: Callable[[str], str] = str) -> str:
        """Return what the file is and what to do, as sentences."""
        both = (translate(text) for text in (self.message, self.way_out) if text)
        fields = in_words(self.params, translate)
        return " ".join(text.format_map(fields) for text in both)


def in_words(params: Mapping[str, object], translate: Callable[[str], str]) -> dict[str, object]:
    """Translate the fields that are words of ours; names and figures stay as they are."""
    return {
        name: translate(value) if isinstance(value, str) and value in WORDS else value
        for name, value in params.items()
    }


def shown(value: object) -> str:
    """Return a value of the file short enough for a message."""
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"


SHOWN_CHARS = 200

RawCells: TypeAlias = Sequence[object]
