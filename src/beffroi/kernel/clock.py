"""Time: UTC inside, and movable by tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(?:[.,](\d+))?(Z|[+-]\d{2}:?\d{2})", re.ASCII
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

PARIS = ZoneInfo("Europe/Paris")


def _system_now() -> datetime:
    return datetime.now(UTC)


_source: ContextVar[Callable[[], datetime]] = ContextVar("beffroi_clock", default=_system_now)


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return _source.get()()


@contextmanager
def frozen_at(instant: datetime) -> Iterator[None]:
    """Make :func:`now` return ``instant`` within the block.

    Raises:
        ValueError: the instant has no time zone.
    """
    aware = as_utc(instant)
    token = _source.set(lambda: aware)
    try:
        yield
    finally:
        _source.reset(token)


def as_utc(instant: datetime) -> datetime:
    """Convert an aware instant to UTC.

    Raises:
        ValueError: the instant has no time zone.
    """
    if instant.tzinfo is None:
        raise ValueError(f"{instant!r} has no time zone")
    return instant.astimezone(UTC)


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant with any number of fractional digits, in UTC.

    Network servers write nanoseconds; Python keeps microseconds and the rest is cut. A leap
    second, ``23:59:60``, is the second that follows it, as on every computer.

    Raises:
        ValueError: the text is not an instant, or has no offset.
    """
    match = _INSTANT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not an instant with its offset")
    day, time, fraction, offset = match.groups()
    if time.count(":") == 1:
        if fraction is not None:
            raise ValueError(f"{text!r} has a fraction but no seconds")
        time += ":00"
    leaps = time.endswith(":59:60")
    if leaps:
        time = f"{time[:-2]}59"
    whole = f"{day}T{time}.{(fraction or '')[:6].ljust(6, '0')}{offset}"
    instant = datetime.fromisoformat(whole)
    return as_utc(leap_second_instant(instant) if leaps else instant)


def leap_second_instant(before: datetime) -> datetime:
    """Return what a leap second is called: the instant that follows 23:59:59.

    A second is inserted at the end of a month, in UTC (ITU-R TF.460-6). An instant without time
    zone is only held to its minute: its zone is not known yet.

    Raises:
        ValueError: no second can be inserted after this one.
    """
    if (before.minute, before.second) != (59, 59):
        raise ValueError(f"no leap second follows {before!r}")
    after = before.replace(microsecond=0) + timedelta(seconds=1)
    if before.tzinfo is not None:
        utc = after.astimezone(UTC)
        if (utc.day, utc.hour, utc.minute) != (1, 0, 0):
            raise ValueError(f"no leap second follows {before!r}")
    return after


def epoch_ms(instant: datetime) -> int:
    """Return whole milliseconds since 1970-01-01 UTC, without passing by a float."""
    return (as_utc(instant) - _EPOCH) // timedelta(milliseconds=1)
