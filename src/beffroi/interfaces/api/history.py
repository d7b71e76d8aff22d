"""The values of one stream, some thousands at a time, read in windows that grow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beffroi.city.series.api import values_read

FIRST_WINDOW = timedelta(days=31)
LONGEST_WINDOW = timedelta(days=366)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class History:
    """Values in the order of time; ``more`` says that others follow within the period."""

    t_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.int16]
    more: bool

    def __len__(self) -> int:
        return len(self.t_ms)

    @property
    def last(self) -> int:
        """Return the last instant, in milliseconds."""
        return int(self.t_ms[-1]) if len(self.t_ms) else 0

    @classmethod
    def empty(cls) -> History:
        """Return no value at all."""
        return cls(
            np.empty(0, dtype=np.int64),
            np.empty(0, dtype=np.float64),
            np.empty(0, dtype=np.int16),
            more=False,
        )


def values_from(
    stream_id: int, *, start: datetime, end: datetime, after: int | None, limit: int
) -> History:
    """Return up to ``limit`` values of ``[start, end)``, those later than ``after`` (ms)."""
    if after is not None:
        # A cursor may have been written by hand: outside the period it begins or ends it.
        start = max(start, min(end, _EPOCH + timedelta(milliseconds=after + 1)))
    parts: list[tuple[Any, Any, Any]] = []
    count, window = 0, FIRST_WINDOW
    while start < end and count <= limit:
        until = min(end, start + window)
        found = values_read(stream_id, start=start, end=until)
        parts.append(found)
        count += len(found[0])
        start = until
        if len(found[0]) == 0:
            window = min(LONGEST_WINDOW, window * 2)
    if not parts:
        return History.empty()
    t_ms, value, quality = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return History(t_ms[:limit], value[:limit], quality[:limit], more=len(t_ms) > limit)


def rows_after(t_ms: NDArray[np.int64], after: int) -> int:
    """Return the place of the first instant later than ``after``."""
    return int(np.searchsorted(t_ms, after, side="right"))


def instants(t_ms: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """Return milliseconds as instants of numpy, in UTC."""
    return t_ms.astype("datetime64[ms]")
