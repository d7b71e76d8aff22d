"""What a set of values comes to: the same figures from single values and from packed days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beffroi.city.series.contracts import IGNORED, Flags, Floats, Integers
from beffroi.sdk.declarations import Statistic

LARGEST_LEVEL_DB = 300.0
"""Beyond it a value is no sound or radio level, and its energy would leave what floats hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summaries:
    """Figures of consecutive periods, one item each; only periods with a value are present.

    Attributes:
        t_ms: start of each period.
        n_ok: values that count; the figures below are NaN where it is 0.
        worst: worst flag, ignored values included.
        rise: growth within the period, falls not counted.
        energy: sum of 10^(v/10).
    """

    t_ms: Integers
    n_ok: Integers
    worst: Flags
    vmin: Floats
    vmax: Floats
    vsum: Floats
    vfirst: Floats
    vlast: Floats
    rise: Floats
    energy: Floats

    def __len__(self) -> int:
        return len(self.t_ms)


def energy_of(values: Floats) -> Floats:
    """Return 10^(v/10), NaN where the value cannot be a level in decibels."""
    cut = np.where(np.abs(values) <= LARGEST_LEVEL_DB, values, np.nan)
    return np.asarray(10.0 ** (cut / 10.0), dtype=np.float64)


def summarise(*, t_ms: Integers, value: Floats, quality: Flags, edges: Integers) -> Summaries:
    """Sum up values sorted by instant into the buckets between ``edges``.

    Values outside the edges are left out; buckets without any value are absent.
    """
    low, high = np.searchsorted(t_ms, edges[[0, -1]])
    t_ms, value, quality = t_ms[low:high], value[low:high], quality[low:high]
    bounds = np.searchsorted(t_ms, edges)
    full = np.flatnonzero(np.diff(bounds))
    starts = bounds[full]
    if len(starts) == 0:
        return nothing()
    ok = ~np.isin(quality, IGNORED)
    worst = np.maximum.reduceat(quality, starts)
    bucket = np.repeat(np.arange(len(full)), np.diff(np.append(starts, len(t_ms))))
    return figures_of(
        t_ms=edges[full], worst=worst, bucket=bucket[ok], value=value[ok], count=len(full)
    )


def figures_of(
    *, t_ms: Integers, worst: Flags, bucket: NDArray[np.int64], value: Floats, count: int
) -> Summaries:
    """Sum up values that count, given the period (0 to ``count`` - 1, rising) of each."""
    n_ok = np.bincount(bucket, minlength=count).astype(np.int64)
    some = np.flatnonzero(n_ok)
    starts = np.searchsorted(bucket, some)
    ends = np.append(starts[1:], len(bucket))[: len(some)] - 1
    steps = np.diff(value, prepend=value[:1])
    steps[starts] = 0.0  # from one bucket to the next is not within one
    # Sums are taken bucket by bucket: differences of one running sum would carry its rounding on.
    return Summaries(
        t_ms=t_ms,
        n_ok=n_ok,
        worst=worst.astype(np.int16),
        vmin=_spread(some, count, _reduced(np.minimum, value, starts)),
        vmax=_spread(some, count, _reduced(np.maximum, value, starts)),
        vsum=_spread(some, count, _reduced(np.add, value, starts)),
        vfirst=_spread(some, count, value[starts]),
        vlast=_spread(some, count, value[ends]),
        rise=_spread(some, count, _reduced(np.add, np.maximum(steps, 0.0), starts)),
        energy=_spread(some, count, _reduced(np.add, energy_of(value), starts)),
    )


def regroup(days: Summaries, *, edges: Integers) -> Summaries:
    """Bring summaries of days together into longer periods, in time order."""
    inside = (days.t_ms >= edges[0]) & (days.t_ms < edges[-1])
    if not inside.any():
        return nothing()
    place = np.searchsorted(edges, days.t_ms[inside], side="right") - 1
    full, starts_all = np.unique(place, return_index=True)
    worst = np.maximum.reduceat(days.worst[inside], starts_all)
    rank = np.searchsorted(full, place)
    use = days.n_ok[inside] > 0
    bucket = rank[use]
    part = {name: getattr(days, name)[inside][use] for name in FIGURES}
    count = len(full)
    n_ok = np.bincount(bucket, weights=part["n_ok"], minlength=count).astype(np.int64)
    some = np.flatnonzero(n_ok)
    starts = np.searchsorted(bucket, some)
    ends = np.append(starts[1:], len(bucket))[: len(some)] - 1
    between = part["vfirst"] - np.append(part["vlast"][:1], part["vlast"][:-1])
    between[starts] = 0.0
    rise = part["rise"] + np.maximum(between, 0.0)
    return Summaries(
        t_ms=edges[full],
        n_ok=n_ok,
        worst=worst.astype(np.int16),
        vmin=_spread(some, count, _reduced(np.minimum, part["vmin"], starts)),
        vmax=_spread(some, count, _reduced(np.maximum, part["vmax"], starts)),
        vsum=_spread(some, count, _reduced(np.add, part["vsum"], starts)),
        vfirst=_spread(some, count, part["vfirst"][starts]),
        vlast=_spread(some, count, part["vlast"][ends]),
        rise=_spread(some, count, _reduced(np.add, rise, starts)),
        energy=_spread(some, count, _reduced(np.add, part["energy"], starts)),
    )


def in_order(one: Summaries, other: Summaries) -> Summaries:
    """Bring two sets of different periods together, in time order."""
    order = np.argsort(np.concatenate([one.t_ms, other.t_ms]), kind="stable")
    return Summaries(
        **{
            name: np.concatenate([getattr(one, name), getattr(other, name)])[order]
            for name in Summaries.__slots__
        }
    )


def chosen_of(found: Summaries, some: NDArray[np.bool_]) -> Summaries:
    """Return some of the periods."""
    return Summaries(**{name: getattr(found, name)[some] for name in Summaries.__slots__})


def brought_together(
    found: Summaries, *, statistic: Statistic, before: float = float("nan")
) -> Floats:
    """Return the figure of each period that a statistic asks for; NaN where no value counts.

    Args:
        found: consecutive periods.
        statistic: ``INCREASE`` counts the growth since the last value of an earlier period too.
        before: last value before the first period, for ``INCREASE``; NaN when there is none.
    """
    if statistic is Statistic.INCREASE:
        return _increase(found, before=before)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            Statistic.MEAN: found.vsum / found.n_ok,
            Statistic.SUM: found.vsum,
            Statistic.MIN: found.vmin,
            Statistic.MAX: found.vmax,
            Statistic.LAST: found.vlast,
            Statistic.MEAN_ENERGY_DB: np.asarray(10.0 * np.log10(found.energy / found.n_ok)),
        }[statistic]


def _increase(found: Summaries, *, before: float) -> Floats:
    result = np.full(len(found), np.nan)
    some = found.n_ok > 0
    last = np.append(before, found.vlast[some])[:-1]
    between = np.nan_to_num(found.vfirst[some] - last, nan=0.0)
    result[some] = found.rise[some] + np.maximum(between, 0.0)
    return result


def nothing() -> Summaries:
    """Return summaries of no period at all."""
    floats = np.empty(0)
    integers = np.empty(0, dtype=np.int64)
    return Summaries(
        t_ms=integers,
        n_ok=integers,
        worst=np.empty(0, dtype=np.int16),
        **dict.fromkeys(FIGURES[1:], floats),
    )


FIGURES = ("n_ok", "vmin", "vmax", "vsum", "vfirst", "vlast", "rise", "energy")


def _reduced(ufunc: np.ufunc, values: Floats, starts: NDArray[np.int64]) -> Floats:
    if len(starts) == 0:
        return np.empty(0)
    return np.asarray(ufunc.reduceat(values, starts), dtype=np.float64)


def _spread(some: NDArray[np.int64], count: int, values: Floats) -> Floats:
    result = np.full(count, np.nan)
    result[some] = values
    return result
