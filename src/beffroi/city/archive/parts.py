"""Parquet parts: their columns, and the encoding that measures smaller for what they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from beffroi.city.archive.contracts import PartFile
from beffroi.city.archive.manifests import part_name

ROW_GROUP = 500_000
ROWS_OF_A_PART = 20_000_000
ZSTD_LEVEL = 6
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ABOUT = (
    "stream", "asset", "asset_key", "asset_name", "asset_type", "domain", "measure", "unit",
)  # fmt: skip
"""Columns that say what a value is of, each the same over the whole of a stream."""

_TEXT = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        *(pa.field(name, _TEXT, nullable=False) for name in ABOUT),
        pa.field("observed_at", pa.timestamp("ms", tz="UTC"), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("quality", pa.int8(), nullable=False),
    ]
)

# Every one of them can be read by DuckDB, Spark and Trino.
VALUE_ENCODINGS: dict[str, dict[str, Any]] = {
    "dictionary": {"use_dictionary": [*ABOUT, "quality", "value"], "column_encoding": {}},
    "split": {
        "use_dictionary": [*ABOUT, "quality"],
        "column_encoding": {"value": "BYTE_STREAM_SPLIT"},
    },
    "plain": {"use_dictionary": [*ABOUT, "quality"], "column_encoding": {"value": "PLAIN"}},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The values of one stream in a month, in order of time, and what they are of."""

    stream: UUID
    asset: UUID
    about: tuple[str, ...]
    t_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.int16]

    def told(self) -> tuple[str, ...]:
        """Return the texts of the columns :data:`ABOUT`."""
        return (str(self.stream), str(self.asset), *self.about)


class ContentDigest:
    """SHA-256 of what was observed, whatever the encoding and the names of things."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.rows = 0
        self.streams = 0

    def add(self, curve: Curve) -> None:
        """Take in one stream; streams come in the order of their identifiers."""
        self._digest.update(curve.stream.bytes + curve.asset.bytes)
        # Measure and unit are part of what a number means; names of things are not.
        self._digest.update("\0".join(curve.about[-2:]).encode() + b"\0")
        self._digest.update(len(curve.t_ms).to_bytes(8, "little"))
        self._digest.update(curve.t_ms.astype("<i8").tobytes())
        self._digest.update(curve.value.astype("<f8").tobytes())
        self._digest.update(curve.quality.astype("<i2").tobytes())
        self.rows += len(curve.t_ms)
        self.streams += 1

    def hexdigest(self) -> str:
        """Return the digest."""
        return self._digest.hexdigest()


class PartsWriter:
    """Writes curves to part after part, a row group at a time: memory does not grow.

    Args:
        folder: where finished parts are left.
        rows_of_a_part: a part is closed when it has so many rows.
        row_group: rows that are written at once.
    """

    def __init__(
        self, folder: Path, *, rows_of_a_part: int = ROWS_OF_A_PART, row_group: int = ROW_GROUP
    ) -> None:
        self.files: list[PartFile] = []
        self._folder = folder
        self._most = rows_of_a_part
        self._row_group = row_group
        self._waiting: list[Curve] = []
        self._count = 0
        self._writer: Any = None
        self._rows = 0
        self._bounds: list[int] = []

    def add(self, curve: Curve) -> None:
        """Take in one stream."""
        start = 0
        while start < len(curve.t_ms):
            end = min(len(curve.t_ms), start + self._row_group - self._count)
            self._waiting.append(_slice(curve, start, end))
            self._count += end - start
            start = end
            if self._count >= self._row_group:
                self._flush()

    def close(self) -> None:
        """Write what waits, and finish the last part."""
        self._flush()
        self._finish()

    def abandon(self) -> None:
        """Leave the part that is being written as it is: its folder goes away."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _flush(self) -> None:
        if not self._waiting:
            return
        table = _table(self._waiting)
        self._bounds += [int(min(curve.t_ms[0] for curve in self._waiting))]
        self._bounds += [int(max(curve.t_ms[-1] for curve in self._waiting))]
        self._waiting, self._count = [], 0
        if self._writer is None:
            self._writer = _opened(self._draft, smallest_encoding(table))
        self._writer.write_table(table, row_group_size=len(table))
        self._rows += len(table)
        if self._rows >= self._most:
            self._finish()

    def _finish(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        self._writer = None
        sha256 = _digest(self._draft)
        name = part_name(len(self.files), sha256=sha256)
        finished = self._draft.rename(self._folder / name)
        self.files.append(
            PartFile(
                name=name,
                size=finished.stat().st_size,
                sha256=sha256,
                rows=self._rows,
                min_time=_instant(min(self._bounds)),
                max_time=_instant(max(self._bounds)),
            )
        )
        self._rows, self._bounds = 0, []

    @property
    def _draft(self) -> Path:
        return self._folder / "part.draft"


def smallest_encoding(table: pa.Table) -> str:
    """Return the encoding of values that makes a table shortest, by writing it in each."""
    sizes: dict[str, int] = {}
    values = table.select(["value"])
    for name, chosen in VALUE_ENCODINGS.items():
        sink = pa.BufferOutputStream()
        with pq.ParquetWriter(
            sink,
            values.schema,
            compression="zstd",
            compression_level=ZSTD_LEVEL,
            use_dictionary=["value"] if name == "dictionary" else False,
            column_encoding=chosen["column_encoding"] or None,
        ) as writer:
            writer.write_table(values)
        sizes[name] = sink.getvalue().size
    return min(sizes, key=lambda name: sizes[name])


def _opened(path: Path, encoding: str) -> Any:
    chosen = VALUE_ENCODINGS[encoding]
    return pq.ParquetWriter(
        path,
        SCHEMA,
        compression="zstd",
        compression_level=ZSTD_LEVEL,
        use_dictionary=chosen["use_dictionary"],
        column_encoding={"observed_at": "DELTA_BINARY_PACKED", **chosen["column_encoding"]},
        write_statistics=True,
        write_page_index=True,
        store_schema=False,
        version="2.6",
    )


def _table(curves: Sequence[Curve]) -> pa.Table:
    lengths = [len(curve.t_ms) for curve in curves]
    columns: list[Any] = [
        _repeated(texts, lengths) for texts in zip(*(curve.told() for curve in curves), strict=True)
    ]
    t_ms = np.concatenate([curve.t_ms for curve in curves])
    columns.append(pa.array(t_ms).cast(pa.timestamp("ms", tz="UTC")))
    columns.append(pa.array(np.concatenate([curve.value for curve in curves])))
    quality = np.concatenate([curve.quality for curve in curves])
    columns.append(pa.array(quality.astype(np.int8)))
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _repeated(texts: Sequence[str], lengths: Sequence[int]) -> Any:
    words = sorted(set(texts))
    rank = {word: index for index, word in enumerate(words)}
    ranks = np.array([rank[text] for text in texts], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(
        pa.array(np.repeat(ranks, lengths)), pa.array(words, pa.string())
    )


def _slice(curve: Curve, start: int, end: int) -> Curve:
    if start == 0 and end == len(curve.t_ms):
        return curve
    return Curve(
        stream=curve.stream,
        asset=curve.asset,
        about=curve.about,
        t_ms=curve.t_ms[start:end],
        value=curve.value[start:end],
        quality=curve.quality[start:end],
    )


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _instant(t_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=t_ms)
