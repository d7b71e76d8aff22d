"""Rows of ``series_hourly``: figures of hours, kept after the values themselves are gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np

from beffroi.city.series.civil_time import HOUR_MS
from beffroi.city.series.packed_months import Days, days_of_cells, days_together, no_days
from beffroi.city.series.points import Points, cells_by, civil_days
from beffroi.city.series.summaries import Summaries
from beffroi.city.series.wire import decoded_many, done, done_many, lengths, rows

_FIGURES = ("vmin", "vmax", "vsum", "vfirst", "vlast", "rise", "energy")
_NUMBERS = {"n_ok": "int4", "worst": "int2"} | dict.fromkeys(_FIGURES, "float8")

_READ = f"""
SELECT stream_id, array_send(hours), {", ".join(f"array_send({name})" for name in _NUMBERS)}
FROM series_hourly WHERE stream_id = ANY (%(stream_ids)b::bigint[])
  AND month BETWEEN %(first)s AND %(last)s ORDER BY stream_id, month
"""  # noqa: S608 - constants of this module only

_DELETE = """
DELETE FROM series_hourly WHERE stream_id = ANY (%(stream_ids)b::bigint[])
  AND month BETWEEN %(first)s AND %(last)s
"""

_WRITE = f"""
INSERT INTO series_hourly (territory_id, stream_id, month, hours, {", ".join(_NUMBERS)})
VALUES (%(territory_id)s, %(stream_id)s, %(month)s, %(hours)b::integer[],
        {", ".join(f"%({name})b::{kind}[]" for name, kind in _NUMBERS.items())})
"""  # noqa: S608 - constants of this module only


def hours_of_points(points: Points) -> Days:
    """Sum up observations by stream and hour; ``day`` holds whole hours since 1970."""
    return days_of_cells(points, cells_by(points, points.t_ms // HOUR_MS))


def hours_add(territory_id: int, hours: Days) -> None:
    """Keep figures of hours beside those that are there; of one hour the later given stand."""
    if len(hours) == 0:
        return
    month = _months(hours)
    asked: dict[str, Any] = {
        "stream_ids": np.unique(hours.stream).tolist(),
        "first": date.fromordinal(int(month.min())),
        "last": date.fromordinal(int(month.max())),
    }
    hours_replace(territory_id, days_together([hours, hours_of_streams(asked)]), asked)


def hours_of_streams(asked: dict[str, Any]) -> Days:
    """Return the hours of some streams in the months from ``first`` to ``last``."""
    found = rows(_READ, asked)
    if not found:
        return no_days()
    columns = list(zip(*found, strict=True))
    count = lengths(columns[1], "int4")
    hour = decoded_many(columns[1], "int4").astype(np.int64)
    numbers = {
        name: decoded_many(columns[2 + rank], kind)
        for rank, (name, kind) in enumerate(_NUMBERS.items())
    }
    n_ok = numbers.pop("n_ok").astype(np.int64)
    return Days(
        np.repeat(np.array(columns[0], dtype=np.int64), count),
        hour,
        n_ok,
        np.ones(len(hour), dtype=np.bool_),
        Summaries(t_ms=hour, n_ok=n_ok, worst=numbers.pop("worst"), **numbers),
    )


def hours_replace(territory_id: int, hours: Days, asked: dict[str, Any]) -> None:
    """Write hours in the place of those of the same streams and months."""
    done(_DELETE, asked)
    if len(hours) == 0:
        return
    month = _months(hours)
    change = np.flatnonzero((np.diff(hours.stream) != 0) | (np.diff(month) != 0)) + 1
    edges: Sequence[int] = [0, *change.tolist(), len(hours)]
    done_many(
        _WRITE,
        [
            {
                "territory_id": territory_id,
                "stream_id": int(hours.stream[low]),
                "month": date.fromordinal(int(month[low])),
                "hours": hours.day[low:high].tolist(),
                **{name: getattr(hours.figures, name)[low:high].tolist() for name in _NUMBERS},
            }
            for low, high in pairwise(edges)
        ],
    )


def _months(hours: Days) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    days, place = np.unique(civil_days(hours.day * HOUR_MS), return_inverse=True)
    months = [date.fromordinal(day).replace(day=1).toordinal() for day in days.tolist()]
    return np.array(months, dtype=np.int64)[place]
