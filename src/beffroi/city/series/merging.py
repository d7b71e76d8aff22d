"""Observations brought into what is packed already: late ones, corrected ones, a whole day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from django.db import transaction
from django.db.utils import DataError, IntegrityError
from numpy.typing import NDArray

from beffroi.city.series.contracts import NotProven, PackedDamaged
from beffroi.city.series.packed_days import days_found, days_opened, days_write
from beffroi.city.series.packed_months import (
    Days,
    Month,
    Months,
    days_of_points,
    days_together,
    months_of_days,
    months_write,
)
from beffroi.city.series.points import Points, cells_by_day, civil_days, places_in, united

PREVENTS_ONE = (DataError, IntegrityError, NotProven, PackedDamaged)
"""What one stream's own observations can do to packing; anything else stops the whole round."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of observations that were to be packed.

    Attributes:
        packed: per observation, whether the table now holds its instant, read back.
        expired: per observation, whether retention has taken the values of its day already.
        problems: streams that could not be packed, and why; theirs is neither.
    """

    packed: NDArray[np.bool_]
    expired: NDArray[np.bool_]
    problems: Mapping[int, str]


def merge(territory_id: int, new: Points, *, newest_wins: bool = False) -> Merged:
    """Pack sorted observations of one territory, with what their days hold already.

    An instant that is packed already keeps its value, unless ``newest_wins``. Should something
    keep one stream from being packed, every other one is packed all the same.
    """
    packed = np.zeros(len(new), dtype=np.bool_)
    expired = np.zeros(len(new), dtype=np.bool_)

    def merge_some(places: NDArray[np.int64]) -> None:
        gone = _merge(territory_id, new.at(places), newest_wins=newest_wins)
        expired[places] = gone
        packed[places] = ~gone

    problems = {}
    for stream, why in each_apart(new.stream, merge_some).items():
        mine = np.flatnonzero(new.stream == stream)

        def merge_days(places: NDArray[np.int64], mine: NDArray[np.int64] = mine) -> None:
            merge_some(mine[places])

        # One day of a stream may stop it; its others are packed all the same.
        if each_apart(civil_days(new.t_ms[mine]), merge_days):
            problems[stream] = why
    return Merged(packed, expired, problems)


def each_apart(keys: NDArray[np.int64], act: Callable[[NDArray[np.int64]], None]) -> dict[int, str]:
    """Act on all items at once; where that fails, key by key, and tell for which it failed."""
    if len(keys) == 0:
        return {}
    try:
        with transaction.atomic():
            act(np.arange(len(keys)))
    except PREVENTS_ONE as problem:
        failed = str(problem).splitlines()[0]
    else:
        return {}
    known = np.unique(keys).tolist()
    if len(known) == 1:
        return {known[0]: failed}
    problems: dict[int, str] = {}
    for one in known:
        try:
            with transaction.atomic():
                act(np.flatnonzero(keys == one))
        except PREVENTS_ONE as problem:
            problems[one] = str(problem).splitlines()[0]
    return problems


def packed_places(points: Points) -> tuple[NDArray[np.int64], Points]:
    """Return where each observation's instant is among what is packed of its day, and all of that.

    The place is -1 where the instant is not packed.
    """
    cells, _days = cells_by_day(points)
    months = months_of_days(cells.stream, cells.first)
    there = united([days_opened(days_found(cells.stream, cells.first)), months.points])
    return places_in(there, of=points), there


def _merge(territory_id: int, new: Points, *, newest_wins: bool) -> NDArray[np.bool_]:
    """Pack; return which observations are of days whose values retention has taken."""
    cells, days = cells_by_day(new)
    found = days_found(cells.stream, cells.first)
    months = months_of_days(cells.stream, cells.first)
    expired = np.zeros(len(new), dtype=np.bool_)
    in_month = np.zeros(len(new), dtype=np.bool_)
    for stream, day, _n, octets in found:
        if octets is None:
            expired |= (new.stream == stream) & (days == day)
    for month in months.rows:
        inside = _inside(month, new, days)
        in_month |= inside
        expired |= inside & (days < month.raw_from)
    some = ~expired & ~in_month
    if some.any():
        _days_merge(territory_id, new.at(some), days_opened(found), newest_wins=newest_wins)
    some = ~expired & in_month
    if some.any():
        _months_merge(territory_id, new.at(some), months, newest_wins=newest_wins)
    return expired


def _inside(month: Month, new: Points, days: NDArray[np.int64]) -> NDArray[np.bool_]:
    inside = (new.stream == month.stream) & (days >= month.first) & (days <= month.last)
    return np.asarray(inside, dtype=np.bool_)


def _days_merge(territory_id: int, new: Points, old: Points, *, newest_wins: bool) -> None:
    if len(old) == 0:
        days_write(territory_id, new)
        return
    days_write(territory_id, united([new, old] if newest_wins else [old, new]))


def _months_merge(territory_id: int, new: Points, months: Months, *, newest_wins: bool) -> None:
    points = united([new, months.points] if newest_wins else [months.points, new])
    months_write(
        territory_id,
        days_renewed(months.days, points),
        points,
        instead_of=months.rows,
    )


def days_renewed(known: Days, points: Points) -> Days:
    """Sum up anew the days whose observations are there; the others keep their figures."""
    return days_together([days_of_points(points), known])


def month_of(day: int) -> tuple[date, date]:
    """Return the first and the last day of the calendar month of a day."""
    first = date.fromordinal(day).replace(day=1)
    following = date.fromordinal(first.toordinal() + 31).replace(day=1)
    return first, date.fromordinal(following.toordinal() - 1)
