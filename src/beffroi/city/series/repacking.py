"""Packed days of old calendar months come together, one row per stream and month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from beffroi.city.series.contracts import NotProven, Packed
from beffroi.city.series.merging import each_apart, month_of
from beffroi.city.series.packed_months import (
    Days,
    days_together,
    months_of_streams,
    months_write,
)
from beffroi.city.series.points import checksum, united, unpacked
from beffroi.city.series.summaries import Summaries
from beffroi.city.series.wire import done, rows
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.api import territories_all

SINGLE_DAYS = 35
"""Days stay single for so long after the end of their month: windows of a month open no month."""

STREAMS_AT_ONCE = 400
_FIGURES = ("vmin", "vmax", "vsum", "vfirst", "vlast", "rise", "energy")

_NEXT = """
SELECT min(day) FROM series_segment WHERE day > %(after)s AND day < %(before)s
"""
_STREAMS = """
SELECT DISTINCT stream_id FROM series_segment WHERE day BETWEEN %(first)s AND %(last)s ORDER BY 1
"""
_DAYS = f"""
SELECT stream_id, day - '0001-01-01'::date + 1, n, points, n_ok, worst,
       {", ".join(f"coalesce({name}, 'NaN')" for name in _FIGURES)}
FROM series_segment
WHERE stream_id = ANY (%(stream_ids)b::bigint[]) AND day BETWEEN %(first)s AND %(last)s
ORDER BY 1, 2
"""  # noqa: S608 - constants of this module only
_DELETE = """
DELETE FROM series_segment
WHERE stream_id = ANY (%(stream_ids)b::bigint[]) AND day BETWEEN %(first)s AND %(last)s
"""


@dataclass(frozen=True, slots=True)
class _Work:
    territory_id: int
    first: date
    last: date


def months_pack(before: date) -> Packed:
    """Bring together the packed days of every calendar month that ends before a day.

    Each piece is a transaction of its own: what is read back, to the last bit, takes the place of
    the days. What came late for a month that is packed already is brought in.

    Raises:
        django.db.DatabaseError: another process packs or corrects; what is done stays done.
    """
    limit = before.replace(day=1)
    moved, problem = 0, ""
    for territory in territories_all():
        after = date.min
        while True:
            with acting_for(territory.id):
                oldest = rows(_NEXT, {"after": after, "before": limit})[0][0]
                if oldest is None:
                    break
                work = _Work(territory.id, *month_of(oldest.toordinal()))
                found = rows(_STREAMS, {"first": work.first, "last": work.last})
            stream_ids = [int(row[0]) for row in found]
            for start in range(0, len(stream_ids), STREAMS_AT_ONCE):
                with transaction.atomic():
                    done("SELECT series_maintenance_lock()", {})
                    with acting_for(territory.id):
                        piece = _piece(work, stream_ids[start : start + STREAMS_AT_ONCE])
                moved += piece.rows
                problem = piece.problem or problem
            after = work.last
    return Packed(rows=moved, problem=problem)


def _piece(work: _Work, stream_ids: list[int]) -> Packed:
    streams = np.array(stream_ids, dtype=np.int64)
    moved: list[int] = []

    def act(places: NDArray[np.int64]) -> None:
        moved.append(_together(work, streams[places].tolist()))

    problems = each_apart(streams, act)
    for stream, why in problems.items():
        return Packed(
            rows=sum(moved), problem=f"territory {work.territory_id}, series {stream}: {why}"
        )
    return Packed(rows=sum(moved))


def _together(work: _Work, stream_ids: list[int]) -> int:
    asked: dict[str, Any] = {"stream_ids": stream_ids, "first": work.first, "last": work.last}
    found = rows(_DAYS, asked)
    if not found:
        return 0
    columns = list(zip(*found, strict=True))
    stream, day, n = (np.array(columns[place], dtype=np.int64) for place in range(3))
    there = np.array([octets is not None for octets in columns[3]], dtype=np.bool_)
    figures = {
        name: np.array(columns[6 + rank], dtype=np.float64) for rank, name in enumerate(_FIGURES)
    }
    days = Days(
        stream,
        day,
        n,
        there,
        Summaries(
            t_ms=day,
            n_ok=np.array(columns[4], dtype=np.int64),
            worst=np.array(columns[5], dtype=np.int16),
            **figures,
        ),
    )
    points = unpacked(
        [octets for octets in columns[3] if octets is not None],
        stream=stream[there],
        first=day[there],
        counts=n[there],
    )
    known = months_of_streams(stream_ids, first=work.first, last=work.last)
    every = united([known.points, points]) if len(known.points) else points
    months_write(work.territory_id, days_together([known.days, days]), every, instead_of=known.rows)
    back = months_of_streams(stream_ids, first=work.first, last=work.last).points
    if checksum(back) != checksum(known.points) ^ checksum(points):
        raise NotProven("Packed months do not have the checksum of their days.")
    if done(_DELETE, asked) != len(found):
        raise NotProven("The days that were brought together are not those that were deleted.")
    return len(points)


def repacked_before(today: date) -> date:
    """Return the day before which months are packed together."""
    return today - timedelta(days=SINGLE_DAYS)
