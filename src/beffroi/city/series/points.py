"""Observations as columns: sorted, cut by civil day, brought together, summed up, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from beffroi.city.series.civil_time import wall_ms
from beffroi.city.series.contracts import IGNORED, Flags, Floats, Integers
from beffroi.city.series.packed_form import Rows, decoded_rows, encoded
from beffroi.city.series.summaries import Summaries, figures_of


@dataclass(frozen=True, slots=True)
class Points:
    """Observations of one territory, by stream then instant, no instant twice in a stream.

    Attributes:
        stream: number of the stream.
        t_ms: milliseconds since 1970 UTC.
    """

    stream: Integers
    t_ms: Integers
    value: Floats
    quality: Flags

    def __len__(self) -> int:
        return len(self.stream)

    def at(self, places: NDArray[np.generic] | slice) -> Points:
        """Return some of them, in the order asked for."""
        return Points(
            self.stream[places], self.t_ms[places], self.value[places], self.quality[places]
        )

    def same_as(self, other: Points) -> bool:
        """Tell whether two hold the same observations to the last bit."""
        return (
            np.array_equal(self.stream, other.stream)
            and np.array_equal(self.t_ms, other.t_ms)
            and np.array_equal(self.value.view(np.int64), other.value.view(np.int64))
            and np.array_equal(self.quality, other.quality)
        )


def no_points() -> Points:
    """Return no observation at all."""
    nothing = np.empty(0, np.int64)
    return Points(nothing, nothing, np.empty(0), np.empty(0, np.int16))


def joined(parts: Sequence[Points]) -> Points:
    """Put parts one after the other, as they are."""
    if not parts:
        return no_points()
    if len(parts) == 1:
        return parts[0]
    return Points(
        np.concatenate([part.stream for part in parts]),
        np.concatenate([part.t_ms for part in parts]),
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.quality for part in parts]),
    )


def united(parts: Sequence[Points]) -> Points:
    """Bring parts together in order; of two observations of one instant the earlier part's stands.

    Within a part, which need not be sorted, the first given stands.
    """
    every = joined(parts)
    order = np.lexsort((every.t_ms, every.stream))  # stable: equal keys keep their order
    sorted_ = every.at(order)
    first = np.ones(len(every), dtype=np.bool_)
    first[1:] = (np.diff(sorted_.stream) != 0) | (np.diff(sorted_.t_ms) != 0)
    return sorted_ if first.all() else sorted_.at(first)


def places_in(points: Points, *, of: Points) -> Integers:
    """Return where the instants of ``of`` are among the points of ``points``; -1 where absent."""
    if len(points) == 0 or len(of) == 0:
        return np.full(len(of), -1, dtype=np.int64)
    every = joined([points, of])
    order = np.lexsort((every.t_ms, every.stream))
    stream, t_ms = every.stream[order], every.t_ms[order]
    found = np.full(len(of), -1, dtype=np.int64)
    # Sorted stably, a point of `of` comes right after its twin of `points`, or after another of
    # `of` that is equal to it.
    is_known = order < len(points)
    last_known = np.maximum.accumulate(np.where(is_known, np.arange(len(order)), -1))
    twin = (last_known >= 0) & ~is_known
    at = np.maximum(last_known, 0)
    twin &= (stream[at] == stream) & (t_ms[at] == t_ms)
    found[order[twin] - len(points)] = order[at[twin]]
    return found


def civil_days(t_ms: Integers) -> Integers:
    """Return the civil day (ordinal of the calendar) of each instant."""
    if len(t_ms) == 0:
        return np.empty(0, np.int64)
    # A guess that is a day off at most: Paris is one or two hours ahead of UTC.
    low = int(t_ms.min()) // 86_400_000 + _EPOCH_DAY
    high = int(t_ms.max()) // 86_400_000 + _EPOCH_DAY + 1
    if high - low < 1_000:
        edges = day_starts(np.arange(low, high + 1, dtype=np.int64))
        return np.asarray(np.searchsorted(edges, t_ms, side="right") - 1 + low, dtype=np.int64)
    guess, place = np.unique(t_ms // 86_400_000 + _EPOCH_DAY, return_inverse=True)
    next_start = day_starts(guess + 1)
    return np.asarray(guess[place] + (t_ms >= next_start[place]), dtype=np.int64)


def day_starts(days: Integers) -> Integers:
    """Return the instant (ms since 1970) at which each civil day begins."""
    known, place = np.unique(days, return_inverse=True)
    starts = [wall_ms(date.fromordinal(day)) for day in known.tolist()]
    return np.array(starts, dtype=np.int64)[place]


@dataclass(frozen=True, slots=True)
class Cells:
    """Observations cut into rows: one per stream and civil day, or per stream and run of days."""

    stream: Integers
    first: Integers
    rows: Rows


def cells_by_day(points: Points) -> tuple[Cells, Integers]:
    """Cut sorted observations by stream and civil day; also give the day of each."""
    days = civil_days(points.t_ms)
    return cells_by(points, days), days


def cells_by(points: Points, first: Integers) -> Cells:
    """Cut sorted observations where the stream, or the day their row begins with, changes."""
    if len(points) == 0:
        nothing = np.empty(0, np.int64)
        return Cells(nothing, nothing, Rows(nothing, nothing))
    edge = np.ones(len(points), dtype=np.bool_)
    edge[1:] = (np.diff(points.stream) != 0) | (np.diff(first) != 0)
    starts = np.flatnonzero(edge)
    counts = np.diff(np.append(starts, len(points)))
    return Cells(points.stream[starts], first[starts], Rows(starts, counts))


def packed(points: Points, cells: Cells) -> list[bytes]:
    """Return the octets of each row."""
    at_ms = points.t_ms - cells.rows.spread(day_starts(cells.first))
    return encoded(cells.rows, at_ms=at_ms, value=points.value, quality=points.quality)


def unpacked(
    octets: Sequence[bytes],
    *,
    stream: Integers,
    first: Integers,
    counts: Integers,
    between: tuple[int, int] | None = None,
) -> Points:
    """Return the observations of packed rows, in the order of the rows.

    ``between`` names the instants that are wanted (ms since 1970, open at the end): what lies
    outside is left out where that spares work, and given otherwise.

    Raises:
        PackedDamaged: the octets are not what their own head says they are.
    """
    if len(octets) == 0:
        return no_points()
    start = day_starts(first)
    wanted = None if between is None else (between[0] - start, between[1] - start)
    rows, at_ms, value, quality = decoded_rows(octets, counts, between=wanted)
    return Points(
        np.asarray(rows.spread(stream), dtype=np.int64),
        np.asarray(at_ms + rows.spread(start), dtype=np.int64),
        value,
        quality,
    )


def figures(points: Points, cells: Cells) -> Summaries:
    """Sum up each row; ``t_ms`` holds the ordinal of its first day."""
    counted = ~np.isin(points.quality, IGNORED)
    row = np.repeat(np.arange(len(cells.rows)), cells.rows.counts)
    return figures_of(
        t_ms=cells.first,
        worst=np.maximum.reduceat(points.quality, cells.rows.starts),
        bucket=row[counted],
        value=points.value[counted],
        count=len(cells.rows),
    )


def checksum(points: Points) -> int:
    """Return the exclusive or of PostgreSQL's 64-bit hash of each: ``series_checksum`` in SQL."""
    negative_zero = (points.value == 0) & np.signbit(points.value)
    seed = (points.stream * 131_072 + points.quality.astype(np.int64) * 2 + negative_zero).view(
        np.uint64
    )
    hashed = _hash_float8(points.value, _hash_float8(points.t_ms / 1000.0, seed))
    return int(np.bitwise_xor.reduce(hashed.view(np.int64), initial=0))


def _hash_float8(values: Floats, seed: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return ``hashfloat8extended``: Bob Jenkins' lookup3, as PostgreSQL's hashfn.c has it."""
    words = np.ascontiguousarray(values).view(np.uint32).reshape(-1, 2)
    start = np.uint32((0x9E3779B9 + 8 + 3_923_095) & 0xFFFFFFFF)
    a = start + (seed >> np.uint64(32)).astype(np.uint32)
    b = start + seed.astype(np.uint32)
    c = np.full(len(values), start)
    for left, right, plus, turn in _MIX:
        parts = [a, b, c]
        parts[left] -= parts[right]
        parts[left] ^= _turned(parts[right], turn)
        parts[right] += parts[plus]
    unseeded = seed == 0
    if unseeded.any():
        for part in (a, b, c):
            part[unseeded] = start
    a += words[:, 0]
    b += words[:, 1]
    for left, right, turn in _FINAL:
        parts = [a, b, c]
        parts[left] ^= parts[right]
        parts[left] -= _turned(parts[right], turn)
    hashed = (b.astype(np.uint64) << np.uint64(32)) | c
    return np.where(values == 0, seed, hashed)


def _turned(numbers: NDArray[np.uint32], by: int) -> NDArray[np.uint32]:
    return (numbers << np.uint32(by)) | (numbers >> np.uint32(32 - by))


_A, _B, _C = range(3)
_MIX = ((_A, _C, _B, 4), (_B, _A, _C, 6), (_C, _B, _A, 8),
        (_A, _C, _B, 16), (_B, _A, _C, 19), (_C, _B, _A, 4))  # fmt: skip
_FINAL = ((_C, _B, 14), (_A, _C, 11), (_B, _A, 25), (_C, _B, 16), (_A, _C, 4), (_B, _A, 14),
          (_C, _B, 24))  # fmt: skip
_EPOCH_DAY = date(1970, 1, 1).toordinal()
