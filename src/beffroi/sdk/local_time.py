"""Instants as people, spreadsheets and small servers write them: often without their offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from beffroi.kernel.errors import ParseError
from beffroi.sdk.messages import instant_of_epoch

_DAY_FIRST = re.compile(
    r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?",
    re.ASCII,
)
_YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})(.*)", re.ASCII)


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
    """Return in UTC an instant written as ISO 8601, dd/mm/yyyy hh:mm:ss, or seconds since 1970.

    ``zone`` is that of a text without offset. A local time that exists twice, when summer time
    ends, is taken the first time unless ``second_time``.

    Raises:
        ParseError: the text is not an instant, or its local time does not exist.
    """
    try:
        if text.isascii() and text.isdigit() and len(text) >= 9:
            return instant_of_epoch(int(text) if len(text) >= 12 else int(text) * 1000)
        instant = _written(text)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
        found = instant.replace(tzinfo=zone, fold=int(second_time)).astimezone(UTC)
        exists = found.astimezone(zone).replace(tzinfo=None) == instant.replace(fold=0)
    except (ValueError, OverflowError):
        raise ParseError(
            "{value} is not a time.",
            way_out="Write it as 2026-03-02T07:31:22+01:00 or 02/03/2026 07:31.",
            params={"value": text[:60]},
        ) from None
    if not exists:
        raise ParseError(
            "{value} does not exist in {zone}: clocks went forward over it.",
            way_out="A clock that stays on winter time has a zone such as Etc/GMT-1.",
            params={"value": text[:60], "zone": zone.key},
        )
    return found


def _written(text: str) -> datetime:
    if match := _DAY_FIRST.fullmatch(text):
        day, month, year, hour, minute, second = (int(part or 0) for part in match.groups())
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - given by the caller
    if match := _YEAR_FIRST.fullmatch(text):
        year_text, month_text, day_text, rest = match.groups()
        text = f"{year_text}-{month_text:0>2}-{day_text:0>2}{rest}"
    return datetime.fromisoformat(text.replace(" ", "T", 1))
