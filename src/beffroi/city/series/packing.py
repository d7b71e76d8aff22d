"""Closed days leave their partition for packed rows, and late values follow them.

Each is one transaction that may be interrupted anywhere. The rows of a partition are read in
pieces, packed, read back and compared to the last bit; the partition is dropped by the database
itself, if it then still holds exactly the rows that were packed: so many, with the same checksum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from django.db import transaction

from beffroi.city.series.civil_time import instant_of, wall_ms
from beffroi.city.series.contracts import Integers, NotProven, Packed
from beffroi.city.series.merging import Merged, merge
from beffroi.city.series.points import Points, checksum
from beffroi.city.series.wire import decoded_many, done, epoch_ms, lengths, rows
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.api import territories_all

ROWS_AT_ONCE = 400_000
"""Observations of one territory that are in memory at once, unless one stream has more in a day."""

_PIECE = """
SELECT stream_id, array_send(array_agg(observed_at)), array_send(array_agg(value)),
       array_send(array_agg(quality))
FROM (SELECT stream_id, observed_at, value, quality FROM series_observation
      WHERE stream_id > %(after)s AND observed_at >= %(start)s AND observed_at < %(end)s
        AND (NOT %(late)s OR tableoid = 'series_observation_default'::regclass)
      ORDER BY stream_id, observed_at LIMIT %(limit)s) piece
GROUP BY stream_id ORDER BY stream_id
"""

_DELETE = """
DELETE FROM series_observation o
USING unnest(%(stream_ids)b::bigint[], %(at_ms)b::bigint[]) AS packed (stream_id, at_ms)
WHERE o.stream_id = packed.stream_id
  AND o.observed_at = 'epoch'::timestamptz + packed.at_ms * interval '1 millisecond'
  AND o.observed_at >= %(start)s AND o.observed_at < %(end)s
"""


@dataclass(frozen=True, slots=True)
class _Period:
    """What is read of the hot rows: closed at its start, open at its end."""

    start_ms: int
    end_ms: int
    late: bool


def day_pack(day: date) -> Packed:
    """Pack a closed day and drop its partition, or do nothing at all.

    A stream that cannot be packed is the exception: its rows stay in the partition, alone, and
    ``problem`` says why.

    Raises:
        django.db.DatabaseError: the day is not closed, another process packs or corrects, or a
            row arrived meanwhile; nothing was done.
    """
    period = _Period(wall_ms(day), wall_ms(date.fromordinal(day.toordinal() + 1)), late=False)
    count = sums = 0
    stays = False
    with transaction.atomic():
        if not rows("SELECT series_packing_begin(%(day)s)", {"day": day})[0][0]:
            return Packed()
        for territory in territories_all():
            with acting_for(territory.id):
                for piece in _pieces(period):
                    merged = merge(territory.id, piece)
                    if merged.problems or merged.expired.any():
                        stays = True
                        continue
                    count += len(piece)
                    sums ^= checksum(piece)
        if stays:
            return _packed_leave(period)
        done(
            "SELECT series_partition_drop(%(day)s, %(rows)s, %(checksum)s)",
            {"day": day, "rows": count, "checksum": sums},
        )
    return Packed(rows=count)


def late_absorb(before: date, *, most: int = 2_000_000) -> Packed:
    """Pack what the default partition holds of closed days; about ``most`` rows per territory.

    A row is deleted once its instant is read back. One that cannot be packed stays, and
    ``problem`` says why. One whose day has lost its values to retention is not kept.

    Raises:
        django.db.DatabaseError: another process packs or corrects; nothing was done.
    """
    period = _Period(0, wall_ms(before), late=True)
    moved, problem = 0, ""
    with transaction.atomic():
        done("SELECT series_maintenance_lock()", {})
        for territory in territories_all():
            with acting_for(territory.id):
                here = 0
                for piece in _pieces(period):
                    merged = merge(territory.id, piece)
                    here += _leave(piece, merged, period)
                    problem = _problem(territory.id, merged) or problem
                    if here >= most:
                        break
                moved += here
    return Packed(rows=moved, problem=problem)


def _pieces(period: _Period) -> Iterator[Points]:
    """Read hot rows of the territory, by stream then instant, whole streams at a time."""
    after, limit = -1, ROWS_AT_ONCE
    while True:
        found = rows(
            _PIECE,
            {
                "after": after,
                "limit": limit,
                "late": period.late,
                "start": instant_of(period.start_ms),
                "end": instant_of(period.end_ms),
            },
        )
        count = lengths([row[1] for row in found], "int8")
        whole = int(count.sum()) < limit
        if not whole:
            # The last stream may go on: it is read again, from its start, with the next piece.
            found.pop()
            count = count[:-1]
            if not found:
                limit *= 4
                continue
        if found:
            yield _points(found, count)
        if whole:
            return
        after, limit = found[-1][0], ROWS_AT_ONCE


def _packed_leave(period: _Period) -> Packed:
    """Delete, of a day that cannot be dropped, what is packed."""
    moved, problem = 0, ""
    for territory in territories_all():
        with acting_for(territory.id):
            for piece in _pieces(period):
                merged = merge(territory.id, piece)  # again: what is packed stays as it is
                moved += _leave(piece, merged, period)
                problem = _problem(territory.id, merged) or problem
    return Packed(rows=moved, problem=problem)


def _leave(piece: Points, merged: Merged, period: _Period) -> int:
    """Delete the hot rows that are packed, or that nothing keeps; return how many."""
    gone = piece.at(merged.packed | merged.expired)
    if len(gone) == 0:
        return 0
    count = done(
        _DELETE,
        {
            "stream_ids": gone.stream.tolist(),
            "at_ms": gone.t_ms.tolist(),
            "start": instant_of(period.start_ms),
            "end": instant_of(period.end_ms),
        },
    )
    if count != len(gone):
        raise NotProven("Rows that were packed are not those that were to be deleted.")
    return count


def _problem(territory_id: int, merged: Merged) -> str:
    for stream, why in merged.problems.items():
        return f"territory {territory_id}, series {stream}: {why}"
    return ""


def _points(found: list[tuple[int, bytes, bytes, bytes]], count: Integers) -> Points:
    return Points(
        np.repeat(np.array([row[0] for row in found], dtype=np.int64), count),
        epoch_ms(decoded_many([row[1] for row in found], "int8")),
        decoded_many([row[2] for row in found], "float8"),
        decoded_many([row[3] for row in found], "int2"),
    )
