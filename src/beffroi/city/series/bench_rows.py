"""Years of synthetic observations for the benchmark, as the octets that binary COPY takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beffroi.city.series.civil_time import wall_ms
from beffroi.city.series.contracts import Floats, Integers
from beffroi.city.series.points import Points
from beffroi.kernel.quality import Quality

EVERY_MS = 15 * 60_000
COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TAIL = b"\xff\xff"
SEED = 20_261_122

_POSTGRES_EPOCH_MS = 946_684_800_000
_POSTGRES_EPOCH_DAY = date(2000, 1, 1)
_INT4_OID, _FLOAT8_OID = 23, 701


@dataclass(frozen=True, slots=True)
class SyntheticDay:
    """One civil day of every stream: a value each quarter of an hour, the same at each run.

    Attributes:
        at_ms: instants from the start of the day.
        value: watts, one row per stream.
    """

    day: date
    at_ms: Integers
    value: Floats


def synthetic_day(day: date, *, stream_ids: Sequence[int], until_ms: int) -> SyntheticDay:
    """Return the values of a day, up to an instant: lamps that burn at night, with some noise."""
    start, end = wall_ms(day), min(wall_ms(day + timedelta(days=1)), until_ms)
    at_ms = np.arange(0, end - start, EVERY_MS, dtype=np.int64)
    draw = np.random.default_rng([SEED, day.toordinal(), stream_ids[0]])
    night = np.cos(at_ms / 86_400_000 * 2 * np.pi) > 0
    noise = draw.normal(0, 2, size=(len(stream_ids), len(at_ms)))
    rated = 30 + np.array(stream_ids, dtype=np.float64)[:, None] % 90
    return SyntheticDay(day, at_ms, np.round(rated * night + noise, 1))


def observations_of(made: SyntheticDay, *, stream_ids: Sequence[int]) -> Points:
    """Return a day of every stream as columns."""
    return Points(
        np.repeat(np.array(stream_ids, dtype=np.int64), len(made.at_ms)),
        np.tile(made.at_ms + wall_ms(made.day), len(stream_ids)),
        made.value.ravel(),
        np.full(made.value.size, int(Quality.GOOD), dtype=np.int16),
    )


def observation_octets(
    made: SyntheticDay, *, territory_id: int, stream_ids: Sequence[int]
) -> bytes:
    """Return a day of every stream as rows of ``series_observation``, in order of arrival."""
    at = np.repeat(made.at_ms + wall_ms(made.day) - _POSTGRES_EPOCH_MS, len(stream_ids))
    row = np.zeros(
        made.value.size,
        dtype=_fields(
            ("territory_id", ">i4"),
            ("stream_id", ">i8"),
            ("observed_at", ">i8"),
            ("value", ">f8"),
            ("quality", ">i2"),
        ),
    )
    _count_fields(row)
    row["territory_id"], row["quality"] = territory_id, Quality.GOOD
    row["stream_id"] = np.tile(stream_ids, len(made.at_ms))
    row["observed_at"] = at * 1000
    row["value"] = made.value.T.ravel()
    return row.tobytes()


def _fields(*columns: tuple[str, Any]) -> np.dtype[np.void]:
    """Return the layout of a row of binary COPY: a count, then a length before each field."""
    layout: list[tuple[str, Any]] = [("fields", ">i2")]
    for name, kind in columns:
        layout.append((f"{name}_octets", ">i4"))
        if kind is not None:
            layout.append((name, kind))
    return np.dtype(layout)


def _count_fields(row: NDArray[np.void]) -> None:
    names = [name for name in row.dtype.names or () if name.endswith("_octets")]
    row["fields"] = len(names)
    for name in names:
        column = name.removesuffix("_octets")
        there = column in (row.dtype.names or ())
        row[name] = row.dtype[column].itemsize if there else -1  # -1 is null
