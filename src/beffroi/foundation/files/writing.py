"""Write tables for people and programs: CSV that a spreadsheet opens safely, and Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from shapely.geometry.base import BaseGeometry

Cell: TypeAlias = str | int | float | bool | date | datetime | BaseGeometry | None

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""First letters that make a spreadsheet run a text as a formula (OWASP, CSV injection)."""

_BLOCK_CHARS = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvStyle:
    """How a CSV is written.

    Attributes:
        separator: between cells.
        decimal: mark of numbers.
        mark: begin with the UTF-8 mark, without which Excel misreads accents.
        words: what true and false are called.
        zone: zone in which instants are written, without offset; ``None`` writes ISO 8601 in UTC.
    """

    separator: str = ","
    decimal: str = "."
    mark: bool = False
    words: tuple[str, str] = ("true", "false")
    zone: str | None = None


STANDARD = CsvStyle()
"""For programs: RFC 4180, points, UTC."""

FRENCH = CsvStyle(separator=";", decimal=",", mark=True, words=("oui", "non"), zone="Europe/Paris")
"""For a spreadsheet set to French: opens in columns at a double click."""


def write_csv(
    rows: Iterable[Sequence[Cell]], *, header: Sequence[str], style: CsvStyle = STANDARD
) -> Iterator[bytes]:
    """Write rows as CSV in UTF-8, block by block, for a streamed response.

    A text that a spreadsheet would run as a formula gets an apostrophe before it; numbers are
    written as numbers, so that −3.5 stays one.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=style.separator, lineterminator="\r\n")
    zone = ZoneInfo(style.zone) if style.zone is not None else None
    if style.mark:
        stream.write("\ufeff")
    writer.writerow([_safe(name) for name in header])
    for row in rows:
        writer.writerow([_cell(value, style=style, zone=zone) for value in row])
        if stream.tell() > _BLOCK_CHARS:
            yield _drained(stream)
    yield _drained(stream)


def _drained(stream: io.StringIO) -> bytes:
    block = stream.getvalue().encode()
    stream.seek(0)
    stream.truncate()
    return block


def _safe(text: str) -> str:
    text = text.replace("\x00", "")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _cell(value: Cell, *, style: CsvStyle, zone: ZoneInfo | None) -> str:
    text = str(value)
    if value is None or value != value:  # noqa: PLR0124 - what differs from itself is no number
        text = ""
    elif isinstance(value, str):
        text = _safe(value)
    elif isinstance(value, bool):
        text = style.words[0] if value else style.words[1]
    elif isinstance(value, float):
        # repr gives the shortest text that reads back as the same number.
        text = repr(value).replace(".", style.decimal)
    elif isinstance(value, datetime):
        text = _instant(value, zone=zone)
    elif isinstance(value, date):
        text = value.strftime("%d/%m/%Y") if zone is not None else value.isoformat()
    elif isinstance(value, BaseGeometry):
        text = shapely.to_wkt(value, rounding_precision=7)
    return text


def _instant(value: datetime, *, zone: ZoneInfo | None) -> str:
    if zone is None:
        text = value.astimezone(UTC).isoformat()
        return text.replace("+00:00", "Z")
    return value.astimezone(zone).strftime("%d/%m/%Y %H:%M:%S")


def write_parquet(
    batches: Iterable[Mapping[str, Sequence[Cell]]],
    *,
    schema: Mapping[str, str],
    metadata: Mapping[str, str] | None = None,
) -> Iterator[bytes]:
    """Write columns as Parquet, one row group for each batch, for a streamed response.

    Args:
        batches: columns by name; all batches have the columns of ``schema``.
        schema: ``text``, ``integer``, ``number``, ``boolean``, ``date``, ``datetime`` (UTC,
            milliseconds) or ``geometry`` (WKB) by column name.
        metadata: licence, attribution and the like, kept in the file.
    """
    kept = {key.encode(): value.encode() for key, value in (metadata or {}).items()}
    layout = pa.schema([(name, _TYPES[kind]) for name, kind in schema.items()], metadata=kept)
    sink = _Drain()
    with pq.ParquetWriter(sink, layout, compression="zstd") as writer:
        for batch in batches:
            arrays = [_array(batch[name], kind=kind) for name, kind in schema.items()]
            table = pa.Table.from_arrays(arrays, schema=layout)
            writer.write_table(table, row_group_size=max(1, table.num_rows))
            if block := sink.drained():
                yield block
    yield sink.drained()


_TYPES: Mapping[str, Any] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("ms", tz="UTC"),
    "geometry": pa.binary(),
}


def _array(values: Sequence[Cell], *, kind: str) -> Any:
    if kind == "geometry":
        return pa.array(
            [shapely.to_wkb(one) if isinstance(one, BaseGeometry) else None for one in values],
            type=_TYPES[kind],
        )
    return pa.array(values, type=_TYPES[kind], from_pandas=False)


class _Drain(io.RawIOBase):
    """A stream that keeps what is written until it is taken, and counts all that ever was."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def tell(self) -> int:
        """Return the bytes written since the beginning, which Parquet writes in its footer."""
        return self._position

    def write(self, data: Any) -> int:
        """Keep a block."""
        block = bytes(data)
        self._parts.append(block)
        self._position += len(block)
        return len(block)

    def drained(self) -> bytes:
        """Return what was written since the last time."""
        block = b"".join(self._parts)
        self._parts.clear()
        return block
