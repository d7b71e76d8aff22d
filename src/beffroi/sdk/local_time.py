"""Instants as people, spreadsheets and small servers write them: often without their offset."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from beffroi.kernel.clock import leap_second_instant
from beffroi.kernel.errors import ParseError
from beffroi.sdk.messages import instant_of_epoch

_DAY_FIRST = re.compile(
    r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})"
    r"(?:[ T]+(?:à )?(\d{1,2})(?:[:h](\d{2})|h)?(?::(\d{2})(?:[.,](\d+))?)?)?",
    re.ASCII,
)
_YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})(.*)", re.ASCII)
_FRACTION = re.compile(r"([.,]\d{6})\d+", re.ASCII)
_LEAP = re.compile(r"(.*\d:59):60(.*)", re.ASCII | re.DOTALL)
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2}))?", re.ASCII)

AT_ONCE = timedelta(hours=2)
"""A message that comes within this of its time is taken to be sent as it was measured."""

_AHEAD = timedelta(minutes=5)


class RepeatedHour(StrEnum):
    """Which of the two is meant by an hour that exists twice, when summer time ends."""

    AUTO = "auto"
    """The one nearest to the reception when the message comes at once; else the first time that
    a device writes it is the first, and the second time the second."""
    FIRST = "first"
    SECOND = "second"
    REFUSE = "refuse"


class SkippedHour(StrEnum):
    """What is done with an hour that does not exist, when summer time begins."""

    REFUSE = "refuse"
    FORWARD = "forward"
    """The clock had not been moved: 02:30 is what others called 03:30."""


class Doubt(StrEnum):
    """What is particular about a local time."""

    REPEATED = "repeated"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Placed:
    """An instant in UTC, and what was doubtful about the text that gave it."""

    instant: datetime
    doubt: Doubt | None = None


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name.

    Raises:
        ParseError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ParseError(
            "{value} is not a time zone.",
            way_out="Write a name such as Europe/Paris or Etc/UTC.",
            params={"value": repr(name)[:60]},
        ) from None


def written_instant(text: str, zone: ZoneInfo, *, second_time: bool = False) -> datetime:
    """Return in UTC an instant written in any of the forms of :func:`placed_instant`.

    ``zone`` is that of a text without offset. A local time that exists twice, when summer time
    ends, is taken the first time unless ``second_time``.

    Raises:
        ParseError: the text is not an instant, or its local time does not exist.
    """
    return placed_instant(text, zone, second_time=second_time).instant


def placed_instant(
    text: str,
    zone: ZoneInfo | None,
    *,
    repeated: RepeatedHour = RepeatedHour.AUTO,
    skipped: SkippedHour = SkippedHour.REFUSE,
    second_time: bool = False,
    received_at: datetime | None = None,
) -> Placed:
    """Read an instant and say what was doubtful about it.

    The forms are ISO 8601, dd/mm/yyyy hh:mm:ss, and digits alone: seconds, milliseconds,
    microseconds or nanoseconds since 1970 by their number, or yyyymmdd and yyyymmddhhmmss. A leap
    second is the second that follows it, as on every computer.

    Args:
        text: what is written.
        zone: of a text without offset; None refuses such a text.
        repeated: which of two is meant by an hour that exists twice.
        skipped: what is done with an hour that does not exist.
        second_time: the same device has written this very text before.
        received_at: when the message came.

    Raises:
        ParseError: the text is no instant, has no offset where one is needed, or its local time
            is one that the rules above refuse.
    """
    try:
        if text.isascii() and text.isdigit() and (epoch := _epoch_ms(text)) is not None:
            return Placed(instant_of_epoch(epoch))
        written = _written(text)
        if written.tzinfo is not None:
            return Placed(written.astimezone(UTC))
        if zone is None:
            raise ParseError(
                "{value} has no offset from UTC.",
                way_out="Write it as 2026-03-02T07:31:22+01:00, or declare the time zone of the "
                "source.",
                params={"value": text[:60]},
            )
        return _placed(
            written,
            zone,
            text=text,
            repeated=repeated,
            skipped=skipped,
            second_time=second_time,
            received_at=received_at,
        )
    except (ValueError, OverflowError):
        raise ParseError(
            "{value} is not a time.",
            way_out="Write it as 2026-03-02T07:31:22+01:00 or 02/03/2026 07:31.",
            params={"value": text[:60]},
        ) from None


def _placed(
    written: datetime,
    zone: ZoneInfo,
    *,
    text: str,
    repeated: RepeatedHour,
    skipped: SkippedHour,
    second_time: bool,
    received_at: datetime | None,
) -> Placed:
    first, second = (written.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return Placed(first)
    if first > second:  # the clocks went forward over it
        if skipped is SkippedHour.REFUSE:
            raise ParseError(
                "{value} does not exist in {zone}: clocks went forward over it.",
                way_out="A clock that stays on winter time has a zone such as Etc/GMT-1.",
                params={"value": text[:60], "zone": zone.key},
            )
        return Placed(first, Doubt.SKIPPED)
    if repeated is RepeatedHour.REFUSE:
        raise ParseError(
            "{value} exists twice in {zone}: clocks went back over it.",
            way_out="Write times with their offset, or declare which of the two is meant.",
            params={"value": text[:60], "zone": zone.key},
        )
    if repeated is RepeatedHour.AUTO:
        came_at_once = received_at is not None and first - _AHEAD <= received_at < second + AT_ONCE
        if came_at_once and received_at is not None:
            second_time = second_time or received_at >= second - _AHEAD
    else:
        second_time = repeated is RepeatedHour.SECOND
    return Placed(second if second_time else first, Doubt.REPEATED)


def _epoch_ms(text: str) -> float | None:
    """Return milliseconds since 1970 from digits alone; None when they are a calendar date.

    Ten digits are seconds until the year 2286, thirteen milliseconds, sixteen microseconds.

    Raises:
        ValueError: there are too few or too many of them.
    """
    if len(text) in {8, 14} and _COMPACT.fullmatch(text):
        return None
    if not 9 <= len(text) <= 40:
        raise ValueError(text[:40])
    number = int(text)
    for digits, divisor in ((11, 0.001), (14, 1), (17, 1_000), (20, 1_000_000)):
        if number < 10**digits:
            return number / divisor
    raise ValueError(text[:40])


def _written(text: str) -> datetime:
    if match := _LEAP.fullmatch(text):
        return leap_second_instant(_written(f"{match[1]}:59{match[2]}"))
    if match := _DAY_FIRST.fullmatch(text):
        *whole, fraction = match.groups()
        day, month, year, hour, minute, second = (int(part or 0) for part in whole)
        microsecond = int((fraction or "")[:6].ljust(6, "0"))
        return datetime(year, month, day, hour, minute, second, microsecond)  # noqa: DTZ001 - its zone is the caller's
    if match := _COMPACT.fullmatch(text):
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - as above
    if match := _YEAR_FIRST.fullmatch(text):
        year_text, month_text, day_text, rest = match.groups()
        text = f"{year_text}-{month_text:0>2}-{day_text:0>2}{rest}"
    return datetime.fromisoformat(_FRACTION.sub(r"\1", text).replace(" ", "T", 1))
