"""Rows of ``series_month``: days of one stream and calendar month, together once they are old."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beffroi.city.series.contracts import Integers, NotProven
from beffroi.city.series.packed_form import Rows
from beffroi.city.series.points import (
    Cells,
    Points,
    cells_by_day,
    figures,
    no_points,
    packed,
    unpacked,
)
from beffroi.city.series.summaries import Summaries, nothing
from beffroi.city.series.wire import decoded_many, done, done_many, lengths, ordinals, rows

MOST_IN_ROW = 20_000
"""Most observations that one row brings together, unless a single day has more."""

_FIGURES = ("vmin", "vmax", "vsum", "vfirst", "vlast", "rise", "energy")
_NUMBERS = {"counts": "int4", "n_ok": "int4", "worst": "int2"} | dict.fromkeys(_FIGURES, "float8")

_READ = f"""
SELECT m.stream_id, m.first - '0001-01-01'::date + 1, m.last - '0001-01-01'::date + 1,
       m.raw_from - '0001-01-01'::date + 1, m.n, m.points, array_send(m.days),
       {", ".join(f"array_send(m.{name})" for name in _NUMBERS)}
FROM series_month m
"""  # noqa: S608 - constants of this module only

_OF_DAYS = f"""
WITH wanted AS (
    SELECT stream_id, '0001-01-01'::date + (day - 1) AS day
    FROM unnest(%(stream_ids)b::bigint[], %(days)b::integer[]) AS w (stream_id, day))
{_READ} WHERE (m.stream_id, m.first) IN (
    SELECT o.stream_id, o.first FROM wanted w JOIN series_month o
        ON o.stream_id = w.stream_id AND o.first <= w.day AND o.last >= w.day
       AND o.first >= date_trunc('month', w.day::timestamp)::date)
ORDER BY 1, 2
"""  # noqa: S608 - constants of this module only

_OF_MONTH = f"""
{_READ} WHERE m.stream_id = ANY (%(stream_ids)b::bigint[])
  AND m.first BETWEEN %(first)s AND %(last)s ORDER BY 1, 2
"""

_WRITE = f"""
INSERT INTO series_month (territory_id, stream_id, first, last, raw_from, n, points, days,
                          {", ".join(_NUMBERS)})
VALUES (%(territory_id)s, %(stream_id)s, %(first)s, %(last)s, %(raw_from)s, %(n)s, %(points)b,
        %(days)s::date[], {", ".join(f"%({name})b::{kind}[]" for name, kind in _NUMBERS.items())})
"""  # noqa: S608 - constants of this module only

_DELETE = """
DELETE FROM series_month m
USING unnest(%(stream_ids)b::bigint[], %(firsts)b::integer[]) AS w (stream_id, first)
WHERE m.stream_id = w.stream_id AND m.first = '0001-01-01'::date + (w.first - 1)
"""


@dataclass(frozen=True, slots=True)
class Days:
    """The figures of days, by stream then day.

    Attributes:
        stream, day: of each; the day as an ordinal.
        n: observations that the day had, whether they are still there or not.
        raw: whether they are.
        figures: ``t_ms`` holds the ordinal of the day.
    """

    stream: Integers
    day: Integers
    n: Integers
    raw: NDArray[np.bool_]
    figures: Summaries

    def __len__(self) -> int:
        return len(self.stream)

    def at(self, places: NDArray[np.generic]) -> Days:
        """Return some of them, in the order asked for."""
        taken = {name: getattr(self.figures, name)[places] for name in Summaries.__slots__}
        return Days(
            self.stream[places],
            self.day[places],
            self.n[places],
            self.raw[places],
            Summaries(**taken),
        )


@dataclass(frozen=True, slots=True)
class Month:
    """What a row says of where it lies."""

    stream: int
    first: int
    last: int
    raw_from: int


@dataclass(frozen=True, slots=True)
class Months:
    """Rows of months, opened: their days, and the observations that are still there."""

    rows: Sequence[Month]
    days: Days
    points: Points


def days_of_points(points: Points) -> Days:
    """Sum up observations by stream and day."""
    return days_of_cells(points, cells_by_day(points)[0])


def days_of_cells(points: Points, cells: Cells) -> Days:
    """Sum up observations as they are cut; ``day`` holds what the cells begin with."""
    if len(cells.rows) == 0:
        return no_days()
    return Days(
        cells.stream,
        cells.first,
        cells.rows.counts,
        np.ones(len(cells.rows), dtype=np.bool_),
        figures(points, cells),
    )


def no_days() -> Days:
    """Return no day at all."""
    none = np.empty(0, np.int64)
    return Days(none, none, none, np.empty(0, np.bool_), nothing())


def days_together(parts: Sequence[Days]) -> Days:
    """Bring days together in order; of two that are the same the earlier part's stands."""
    stream = np.concatenate([part.stream for part in parts])
    day = np.concatenate([part.day for part in parts])
    every = Days(
        stream,
        day,
        np.concatenate([part.n for part in parts]),
        np.concatenate([part.raw for part in parts]),
        Summaries(
            **{
                name: np.concatenate([getattr(part.figures, name) for part in parts])
                for name in Summaries.__slots__
            }
        ),
    )
    order = np.lexsort((day, stream))
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (np.diff(stream[order]) != 0) | (np.diff(day[order]) != 0)
    return every.at(order[first])


def months_of_days(stream: Integers, day: Integers) -> Months:
    """Return the rows that hold some days of some streams."""
    if len(stream) == 0:
        return opened([])
    return opened(rows(_OF_DAYS, {"stream_ids": stream.tolist(), "days": day.tolist()}))


def months_of_streams(stream_ids: Sequence[int], *, first: date, last: date) -> Months:
    """Return every row of some streams that begins between two days."""
    return opened(rows(_OF_MONTH, {"stream_ids": list(stream_ids), "first": first, "last": last}))


def opened(found: Sequence[tuple[Any, ...]]) -> Months:
    """Read rows as they travel.

    Raises:
        PackedDamaged: their octets are not what their own head says they are.
    """
    months = [Month(*row[:4]) for row in found]
    if not found:
        return Months((), no_days(), no_points())
    columns = list(zip(*found, strict=True))
    count = lengths(columns[6], "int4")
    day = ordinals(decoded_many(columns[6], "int4"))
    numbers = {
        name: decoded_many(columns[7 + rank], kind)
        for rank, (name, kind) in enumerate(_NUMBERS.items())
    }
    n = numbers.pop("counts").astype(np.int64)
    days = Days(
        np.repeat(np.array(columns[0], dtype=np.int64), count),
        day,
        n,
        day >= np.repeat(np.array(columns[3], dtype=np.int64), count),
        Summaries(
            t_ms=day,
            n_ok=numbers.pop("n_ok").astype(np.int64),
            worst=numbers.pop("worst"),
            **numbers,
        ),
    )
    full = [row for row in found if row[5] is not None]
    return Months(
        months,
        days,
        unpacked(
            [row[5] for row in full],
            stream=np.array([row[0] for row in full], dtype=np.int64),
            first=np.array([row[1] for row in full], dtype=np.int64),
            counts=np.array([row[4] for row in full], dtype=np.int64),
        ),
    )


def months_write(
    territory_id: int, days: Days, points: Points, *, instead_of: Sequence[Month]
) -> None:
    """Write days and their observations as rows of months in the place of others, and read them.

    Raises:
        NotProven: the observations are not those of the days, or what the table holds is not what
            was given.
    """
    if instead_of:
        done(
            _DELETE,
            {
                "stream_ids": [month.stream for month in instead_of],
                "firsts": [month.first for month in instead_of],
            },
        )
    if len(days) == 0:
        return
    made = list(_cut(days))
    held = np.array([int(days.n[low:high][days.raw[low:high]].sum()) for low, high in made])
    if int(held.sum()) != len(points):
        raise NotProven("The figures of some days do not count what these days hold.")
    full = held > 0
    ends = np.cumsum(held)
    first = np.array([days.day[low] for low, _high in made], dtype=np.int64)
    octets: list[bytes | None] = [None] * len(made)
    if full.any():
        cells = Cells(
            days.stream[[low for low, _high in made]][full],
            first[full],
            Rows((ends - held)[full], held[full]),
        )
        for place, some in zip(np.flatnonzero(full), packed(points, cells), strict=True):
            octets[place] = some
    done_many(
        _WRITE,
        [
            _parameters(territory_id, days, low, high, n=int(n), points=some)
            for (low, high), n, some in zip(made, held, octets, strict=True)
        ],
    )
    back = months_of_days(days.stream, days.day)
    if not (back.points.same_as(points) and _same(back.days, days)):
        raise NotProven("Packed months do not give back what they were given.")


def _cut(days: Days) -> Iterator[tuple[int, int]]:
    """Cut days into rows: one stream, one calendar month, not too many observations."""
    known, place = np.unique(days.day, return_inverse=True)
    month = np.array([date.fromordinal(day).replace(day=1).toordinal() for day in known.tolist()])
    change = (np.diff(days.stream) != 0) | (np.diff(month[place]) != 0)
    edges = [0, *(np.flatnonzero(change) + 1).tolist(), len(days)]
    held = np.where(days.raw, days.n, 0)
    for low, high in pairwise(edges):
        if int(held[low:high].sum()) <= MOST_IN_ROW:
            yield low, high
            continue
        start, count = low, 0
        for day in range(low, high):
            if count and count + int(held[day]) > MOST_IN_ROW:
                yield start, day
                start, count = day, 0
            count += int(held[day])
        yield start, high


def _parameters(
    territory_id: int, days: Days, low: int, high: int, *, n: int, points: bytes | None
) -> dict[str, Any]:
    raw = days.raw[low:high]
    gone = int(np.flatnonzero(~raw)[-1]) + 1 if not raw.all() else 0
    if raw[:gone].any():
        raise NotProven("Values of a day are there although those of a later day are gone.")
    last = int(days.day[high - 1])
    return {
        "territory_id": territory_id,
        "stream_id": int(days.stream[low]),
        "first": date.fromordinal(int(days.day[low])),
        "last": date.fromordinal(last),
        "raw_from": date.fromordinal(int(days.day[low + gone]) if gone < len(raw) else last + 1),
        "n": n,
        "points": points,
        "days": [date.fromordinal(day) for day in days.day[low:high].tolist()],
        "counts": days.n[low:high].tolist(),
        **{
            name: getattr(days.figures, name)[low:high].tolist()
            for name in _NUMBERS
            if name != "counts"
        },
    }


def _same(one: Days, other: Days) -> bool:
    return (
        np.array_equal(one.stream, other.stream)
        and np.array_equal(one.day, other.day)
        and np.array_equal(one.n, other.n)
        and np.array_equal(one.raw, other.raw)
        and all(
            np.array_equal(getattr(one.figures, name), getattr(other.figures, name), equal_nan=True)
            for name in ("n_ok", "worst", *_FIGURES)
        )
    )
