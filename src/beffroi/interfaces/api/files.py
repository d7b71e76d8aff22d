"""CSV (RFC 4180) and Parquet, written from columns as they come."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from beffroi.foundation.files.writing import Pipe, unarmed
from beffroi.interfaces.api.resources import Resource

Columns = Mapping[str, Any]


def csv_head(names: Sequence[str]) -> bytes:
    """Return the first line of a file."""
    return (",".join(names) + "\r\n").encode()


def csv_rows(columns: Columns, names: Sequence[str]) -> bytes:
    """Return lines: numbers as they read back, nothing where there is no value.

    A text that a spreadsheet would run as a formula is made harmless, as in every file here.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows(zip(*(_cells(columns[name]) for name in names), strict=True))
    return text.getvalue().encode()


def parquet_parts(
    resource: Resource, names: Sequence[str], batches: Iterator[Columns]
) -> Iterator[bytes]:
    """Give a Parquet file (zstd) in parts, a row group for each batch."""
    schema = resource.arrow_schema(names)
    pipe = Pipe()
    writer = pq.ParquetWriter(pipe, schema, compression="zstd")
    try:
        for batch in batches:
            arrays = [_array(batch[name], schema.field(name).type) for name in names]
            writer.write_table(pa.table(arrays, schema=schema))
            yield pipe.taken()
    finally:
        writer.close()
    yield pipe.taken()


def _array(column: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(column, np.ndarray):
        if column.dtype.kind == "M":
            return pa.array(column.astype("datetime64[us]")).cast(kind)
        return pa.array(column, from_pandas=True).cast(kind)
    if pa.types.is_string(kind):
        return pa.array([_text(value) for value in column], kind)
    return pa.array(column, kind)


def _cells(column: Any) -> list[str]:
    if isinstance(column, np.ndarray):
        if column.dtype.kind == "M":
            found: list[str] = np.datetime_as_string(column, unit="ms", timezone="UTC").tolist()
            return found
        if column.dtype.kind == "f":
            return ["" if value != value else repr(value) for value in column.tolist()]  # noqa: PLR0124 - NaN
        return [str(value) for value in column.tolist()]
    return [_cell(value) for value in column]


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else repr(value)  # noqa: PLR0124 - NaN
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return unarmed(_text(value) or "")


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict | list | tuple):
        return msgspec.json.encode(value).decode()
    return str(value)
