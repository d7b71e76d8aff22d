"""Files of series: CSV and Parquet, written as they are read, whatever their length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from beffroi.city.series.civil_time import HOUR_MS, day_of, days_of, instant_of, wall_ms
from beffroi.city.series.contracts import Integers, RangeRefused, SeriesRange, Step
from beffroi.city.series.ranges import series_range, values_read
from beffroi.city.series.selectors import DeclaredStream
from beffroi.city.series.wire import rows
from beffroi.foundation.files.writing import Pipe, unarmed
from beffroi.kernel.clock import PARIS, as_utc
from beffroi.sdk.declarations import Statistic

MOST_STREAMS = 5_000
MOST_ROWS = 20_000_000
_WINDOW = timedelta(days=31)
_ROW_GROUP = 200_000
_ROWS_AT_ONCE = 10_000
_PART_OCTETS = 64 * 1024
_WHOLE_DAYS = frozenset({Step.DAY, Step.WEEK, Step.MONTH})

_COUNT = """
SELECT (SELECT count(*) FROM series_observation
        WHERE stream_id = ANY (%(stream_ids)s::bigint[])
          AND observed_at >= %(start)s AND observed_at < %(end)s)
     + (SELECT coalesce(sum(n), 0) FROM series_segment
        WHERE stream_id = ANY (%(stream_ids)s::bigint[]) AND day BETWEEN %(first)s AND %(last)s)
     + (SELECT coalesce(sum(d.n), 0) FROM series_month m, unnest(m.days, m.counts) AS d (day, n)
        WHERE m.stream_id = ANY (%(stream_ids)s::bigint[])
          AND m.first BETWEEN date_trunc('month', %(first)s::timestamp)::date AND %(last)s
          AND d.day BETWEEN %(first)s AND %(last)s)
"""


class ExportFormat(StrEnum):
    """The form of a file of series."""

    CSV = "csv"
    """Commas, decimal points: what programs read."""
    CSV_FRENCH = "csv_fr"
    """Semicolons, decimal commas: what spreadsheets set to French read."""
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class _Punctuation:
    separator: str
    decimal: str


_PUNCTUATION = {
    ExportFormat.CSV: _Punctuation(",", "."),
    ExportFormat.CSV_FRENCH: _Punctuation(";", ","),
}
_ABOUT = ("asset_uuid", "asset", "measure", "unit")
_RAW_COLUMNS = (*_ABOUT, "observed_at", "paris_time", "value", "quality")
_STEP_COLUMNS = (*_ABOUT, "start", "paris_time", "value", "min", "max", "n", "quality")


def series_export(
    streams: Sequence[DeclaredStream],
    *,
    start: datetime,
    end: datetime,
    step: Step = Step.RAW,
    form: ExportFormat = ExportFormat.CSV,
) -> Iterator[bytes]:
    """Return the octets of a file with the series, stream after stream.

    What cannot be given is refused now, not in the middle of the file. The octets are read from
    the database as they are asked for: within ``acting_for``.

    Raises:
        RangeRefused: the period is empty, or the file would be too long.
    """
    start, end = as_utc(start), as_utc(end)
    _check(streams, start=start, end=end, step=step)
    if form is ExportFormat.PARQUET:
        return _parquet(streams, start=start, end=end, step=step)
    return _csv(streams, start=start, end=end, step=step, punctuation=_PUNCTUATION[form])


def _check(
    streams: Sequence[DeclaredStream], *, start: datetime, end: datetime, step: Step
) -> None:
    first, last = days_of(start, end)
    if len(streams) > MOST_STREAMS:
        raise RangeRefused(
            "{value} series are more than the {most} that one file may hold.",
            field="streams",
            value=len(streams),
            way_out="Narrow the selection to a type, an area or a measure.",
            params={"most": MOST_STREAMS},
        )
    if step is not Step.RAW:
        return
    count = rows(
        _COUNT,
        {
            "stream_ids": [item.stream.id for item in streams],
            "start": start,
            "end": end,
            "first": first,
            "last": last,
        },
    )[0][0]
    if count > MOST_ROWS:
        raise RangeRefused(
            "The file would have {value} rows, more than {most}.",
            field="end",
            value=int(count),
            way_out="Shorten the period, narrow the selection, or ask for hours or days.",
            params={"most": MOST_ROWS},
        )


def _curves(
    stream: DeclaredStream, *, start: datetime, end: datetime, step: Step
) -> Iterator[SeriesRange]:
    if step in _WHOLE_DAYS:
        # From summaries: seventy years by day are few.
        yield series_range(
            stream.stream.id, start=start, end=end, step=step, statistic=stream.statistic
        )
        return
    # A month at a time: a year of a value a second must not stand in memory at once.
    for low, high in _windows(start, end):
        if step is Step.RAW:
            yield _every_value(stream.stream.id, start=low, end=high)
        else:
            yield series_range(
                stream.stream.id, start=low, end=high, step=step, statistic=stream.statistic
            )


def _windows(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Cut a period at midnights of Paris, where buckets of hours and minutes begin too."""
    while start < end:
        until = min(instant_of(wall_ms(day_of(start) + _WINDOW)), end)
        yield start, until
        start = until


def _every_value(stream_id: int, *, start: datetime, end: datetime) -> SeriesRange:
    t_ms, value, quality = values_read(stream_id, start=start, end=end)
    return SeriesRange(
        step=Step.RAW,
        statistic=Statistic.LAST,
        t_ms=t_ms,
        mean=value,
        min=value,
        max=value,
        n=np.ones(len(value), dtype=np.int64),
        quality=quality,
    )


def _slices(curve: SeriesRange) -> Iterator[SeriesRange]:
    for low in range(0, len(curve), _ROWS_AT_ONCE):
        part = slice(low, low + _ROWS_AT_ONCE)
        yield SeriesRange(
            step=curve.step,
            statistic=curve.statistic,
            t_ms=curve.t_ms[part],
            mean=curve.mean[part],
            min=curve.min[part],
            max=curve.max[part],
            n=curve.n[part],
            quality=curve.quality[part],
        )


def _csv(
    streams: Sequence[DeclaredStream],
    *,
    start: datetime,
    end: datetime,
    step: Step,
    punctuation: _Punctuation,
) -> Iterator[bytes]:
    columns = _RAW_COLUMNS if step is Step.RAW else _STEP_COLUMNS
    # The byte order mark is what makes spreadsheets read accents right.
    waiting = [("\ufeff" + punctuation.separator.join(columns) + "\r\n").encode()]
    size = 0
    for item in streams:
        about = punctuation.separator.join(
            _cell(text, punctuation)
            for text in (
                str(item.asset_uuid),
                item.asset_title,
                item.stream.measure_key,
                item.unit,
            )
        )
        for curve in _curves(item, start=start, end=end, step=step):
            for part in _slices(curve):
                waiting.append(_csv_rows(part, about=about, punctuation=punctuation).encode())
                size += len(waiting[-1])
                if size >= _PART_OCTETS:
                    yield b"".join(waiting)
                    waiting, size = [], 0
    yield b"".join(waiting)


def _csv_rows(curve: SeriesRange, *, about: str, punctuation: _Punctuation) -> str:
    figures = [_numbers(curve.mean, punctuation)]
    if curve.step is not Step.RAW:
        figures += [_numbers(curve.min, punctuation), _numbers(curve.max, punctuation)]
        figures.append([str(n) for n in curve.n.tolist()])
    columns = [
        [about] * len(curve),
        [f"{text}Z" for text in _texts(curve.t_ms)],
        _texts(paris_ms(curve.t_ms)),
        *figures,
        [str(flag) for flag in curve.quality.tolist()],
    ]
    join = punctuation.separator.join
    return "".join(f"{join(row)}\r\n" for row in zip(*columns, strict=True))


def _texts(t_ms: Integers) -> list[str]:
    written: list[str] = np.datetime_as_string(t_ms.astype("datetime64[ms]")).tolist()
    return written


def _numbers(
    values: np.ndarray[tuple[int], np.dtype[np.float64]], marks: _Punctuation
) -> list[str]:
    # repr is the shortest text that reads back as the same number; nothing is rounded away.
    written = ["" if value != value else repr(value) for value in values.tolist()]  # noqa: PLR0124 - NaN
    if marks.decimal == ".":
        return written
    return [text.replace(".", marks.decimal) for text in written]


def _cell(text: str, marks: _Punctuation) -> str:
    text = unarmed(text)
    if any(mark in text for mark in (marks.separator, '"', "\n", "\r")):
        doubled = text.replace('"', '""')
        return f'"{doubled}"'
    return text


def paris_ms(t_ms: Integers) -> Integers:
    """Return what a wall clock of Paris shows, as milliseconds since 1970 on that clock."""
    hours, place = np.unique(t_ms // HOUR_MS, return_inverse=True)
    offsets = np.array([_offset_ms(int(hour)) for hour in hours], dtype=np.int64)
    return np.asarray(t_ms + offsets[place], dtype=np.int64)


@lru_cache(maxsize=100_000)
def _offset_ms(hour: int) -> int:
    offset = instant_of(hour * HOUR_MS).astimezone(PARIS).utcoffset() or timedelta(0)
    return offset // timedelta(milliseconds=1)


def _parquet(
    streams: Sequence[DeclaredStream], *, start: datetime, end: datetime, step: Step
) -> Iterator[bytes]:
    schema = parquet_schema(step)
    pipe = Pipe()
    writer = pq.ParquetWriter(pipe, schema, compression="zstd")
    waiting: list[pa.Table] = []
    count = 0
    try:
        for item in streams:
            for curve in _curves(item, start=start, end=end, step=step):
                waiting.append(_table(item, curve, schema=schema))
                count += len(curve)
                if count >= _ROW_GROUP:
                    writer.write_table(pa.concat_tables(waiting))
                    waiting, count = [], 0
                    yield pipe.taken()
        if waiting:
            writer.write_table(pa.concat_tables(waiting))
    finally:
        writer.close()
    yield pipe.taken()


def parquet_schema(step: Step) -> pa.Schema:
    """Return the columns of a Parquet file of series, sorted by stream and time."""
    text = pa.dictionary(pa.int32(), pa.string())
    about = [(name, text) for name in _ABOUT]
    figures = [("value", pa.float64())]
    if step is not Step.RAW:
        figures += [("min", pa.float64()), ("max", pa.float64()), ("n", pa.int64())]
    at = "observed_at" if step is Step.RAW else "start"
    return pa.schema(
        [*about, (at, pa.timestamp("ms", tz="UTC")), *figures, ("quality", pa.int16())]
    )


def _table(item: DeclaredStream, curve: SeriesRange, *, schema: pa.Schema) -> pa.Table:
    place = pa.array(np.zeros(len(curve), dtype=np.int32))
    about = [
        pa.DictionaryArray.from_arrays(place, pa.array([text], pa.string()))
        for text in (str(item.asset_uuid), item.asset_title, item.stream.measure_key, item.unit)
    ]
    figures = [pa.array(curve.mean, from_pandas=True)]
    if curve.step is not Step.RAW:
        figures += [
            pa.array(curve.min, from_pandas=True),
            pa.array(curve.max, from_pandas=True),
            pa.array(curve.n),
        ]
    at = pa.array(curve.t_ms).cast(pa.timestamp("ms", tz="UTC"))
    return pa.table([*about, at, *figures, pa.array(curve.quality)], schema=schema)
