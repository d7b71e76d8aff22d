"""Rows of ``series_segment``: one stream and closed day each."""

from __future__ import annotations

from typing import Any

import numpy as np

from beffroi.city.series.contracts import Integers, NotProven
from beffroi.city.series.points import (
    Cells,
    Points,
    cells_by_day,
    figures,
    packed,
    unpacked,
)
from beffroi.city.series.wire import done, rows

_FIGURES = ("vmin", "vmax", "vsum", "vfirst", "vlast", "rise", "energy")
_COLUMNS = ", ".join(_FIGURES)

# Ordinals of days travel as whole numbers; 1 January of the year 1 is number 1.
_DAY = "'0001-01-01'::date + (day - 1)"
_WANTED = f"(SELECT stream_id, {_DAY} AS day FROM unnest(%(stream_ids)b::bigint[], %(days)b::integer[]) AS w (stream_id, day))"  # noqa: E501, S608 - constants of this module only

_READ = f"""
SELECT s.stream_id, s.day - '0001-01-01'::date + 1, s.n, s.points
FROM {_WANTED} w JOIN series_segment s ON s.stream_id = w.stream_id AND s.day = w.day
ORDER BY 1, 2
"""  # noqa: S608 - constants of this module only

_WRITE = f"""
INSERT INTO series_segment (territory_id, stream_id, day, n, n_ok, worst, {_COLUMNS}, points)
SELECT %(territory_id)s, stream_id, {_DAY}, n, n_ok, worst,
       {", ".join(f"nullif({name}, 'NaN')" for name in _FIGURES)}, points
FROM unnest(%(stream_ids)b::bigint[], %(days)b::integer[], %(n)b::integer[], %(n_ok)b::integer[],
            %(worst)b::smallint[], {", ".join(f"%({name})b::float8[]" for name in _FIGURES)},
            %(points)b::bytea[])
     AS r (stream_id, day, n, n_ok, worst, {_COLUMNS}, points)
ON CONFLICT (territory_id, stream_id, day) DO UPDATE SET
    n = excluded.n, n_ok = excluded.n_ok, worst = excluded.worst, points = excluded.points,
    {", ".join(f"{name} = excluded.{name}" for name in _FIGURES)}
"""  # noqa: S608 - constants of this module only


def days_found(stream: Integers, day: Integers) -> list[tuple[int, int, int, bytes | None]]:
    """Return the packed days among some: stream, ordinal of the day, number of points, octets."""
    if len(stream) == 0:
        return []
    return rows(_READ, {"stream_ids": stream.tolist(), "days": day.tolist()})


def days_opened(found: list[tuple[int, int, int, bytes | None]]) -> Points:
    """Return the observations of packed days, by stream then day, of those that still have them."""
    kept = [row for row in found if row[3] is not None]
    return unpacked(
        [row[3] or b"" for row in kept],
        stream=np.array([row[0] for row in kept], dtype=np.int64),
        first=np.array([row[1] for row in kept], dtype=np.int64),
        counts=np.array([row[2] for row in kept], dtype=np.int64),
    )


def days_write(territory_id: int, points: Points) -> None:
    """Write every day of some observations, and read it back.

    What a day held before is replaced: the caller gives all of it.

    Raises:
        NotProven: what the table holds is not what was given.
    """
    if len(points) == 0:
        return
    cells, _days = cells_by_day(points)
    done(_WRITE, _parameters(territory_id, points, cells))
    if not days_opened(days_found(cells.stream, cells.first)).same_as(points):
        raise NotProven("Packed days do not give back what they were given.")


def _parameters(territory_id: int, points: Points, cells: Cells) -> dict[str, Any]:
    summed = figures(points, cells)
    return {
        "territory_id": territory_id,
        "stream_ids": cells.stream.tolist(),
        "days": cells.first.tolist(),
        "n": cells.rows.counts.tolist(),
        "n_ok": summed.n_ok.tolist(),
        "worst": summed.worst.tolist(),
        "points": packed(points, cells),
        **{name: getattr(summed, name).tolist() for name in _FIGURES},
    }
