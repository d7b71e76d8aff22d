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

    Network servers write nanoseconds; Python keeps microseconds and the rest is cut.

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
    whole = f"{day}T{time}.{(fraction or '')[:6].ljust(6, '0')}{offset}"
    return as_utc(datetime.fromisoformat(whole))


def epoch_ms(instant: datetime) -> int:
    """Return whole milliseconds since 1970-01-01 UTC, without passing by a float."""
    return (as_utc(instant) - _EPOCH) // timedelta(milliseconds=1)
