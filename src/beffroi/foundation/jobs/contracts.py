"""What other rooms declare to be done in time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """Something the pulse does again and again.

    An app declares a tuple ``BEATS`` in a module ``pulse.py`` beside its ``apps.py``.

    Attributes:
        key: unique name, ``room.verb``.
        every: time from the end of one run to the start of the next.
        run: called with the present instant; opens its own transactions and may be called
            again after a crash at any point. Returns a short sentence for the log, or "".
    """

    key: str
    every: timedelta
    run: Callable[[datetime], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatState:
    """When a beat last ran and how it went."""

    key: str
    started_at: datetime | None
    finished_at: datetime | None
    failures: int
    last_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """Something that every worker does all the time, beside its jobs.

    An app declares a tuple ``LOOPS`` in a module ``loops.py`` beside its ``apps.py``.

    Attributes:
        key: unique name, ``room.subject``.
        run: called in a thread of its own; returns once the event is set. Several workers run
            it at once.
    """

    key: str
    run: Callable[[threading.Event], None]
