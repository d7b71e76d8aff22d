"""How far the clock of a sender may be wrong: declared by source, else by the installation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings as installation

from beffroi.city.ingest.contracts import EARLIEST_YEAR, LATEST_AHEAD, SourceRefused

AHEAD, BEHIND = "clock_ahead_minutes", "clock_behind_days"
CLOCK_SETTINGS = (AHEAD, BEHIND)
"""Settings that a source of any connector takes; each is a whole number, or absent."""

MOST_AHEAD_MINUTES = 7 * 24 * 60
MOST_BEHIND_DAYS = 36_500
_EARLIEST = datetime(EARLIEST_YEAR, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ClockLimits:
    """What is believed of a time: at most so far ahead of its reception, and so far behind.

    Without ``behind`` everything since the year 2000 is believed: a source of history sends it.
    """

    ahead: timedelta = LATEST_AHEAD
    behind: timedelta | None = None

    def believes(self, instant: datetime, *, received_at: datetime) -> bool:
        """Tell whether a message or a value can be of this instant."""
        if instant > received_at + self.ahead or instant < _EARLIEST:
            return False
        return self.behind is None or instant >= received_at - self.behind


DEFAULT_LIMITS = ClockLimits()
WIDEST_LIMITS = ClockLimits(ahead=timedelta(minutes=MOST_AHEAD_MINUTES))
"""No source can declare more: what is beyond is believed of none."""


@cache
def installation_limits() -> ClockLimits:
    """Return what is believed of the sources that declare nothing."""
    configured = getattr(installation, "BEFFROI", None)
    behind = getattr(configured, "clock_behind_days", 0)
    ahead = getattr(configured, "clock_ahead_minutes", None)
    return ClockLimits(
        ahead=LATEST_AHEAD if ahead is None else timedelta(minutes=ahead),
        behind=timedelta(days=behind) if behind else None,
    )


def clock_limits(settings: Mapping[str, Any]) -> ClockLimits:
    """Return what is believed of the times of a source, from its settings."""
    default = installation_limits()
    ahead, behind = settings.get(AHEAD), settings.get(BEHIND)
    if ahead is None and behind is None:
        return default
    return ClockLimits(
        ahead=default.ahead if not isinstance(ahead, int) else timedelta(minutes=ahead),
        behind=default.behind if not isinstance(behind, int) else timedelta(days=behind) or None,
    )


def checked_clock_settings(given: Mapping[str, Any]) -> dict[str, int]:
    """Return the declared limits of a source; those left empty are the installation's.

    Raises:
        SourceRefused: one is no whole number within its bounds.
    """
    found: dict[str, int] = {}
    for key, most in ((AHEAD, MOST_AHEAD_MINUTES), (BEHIND, MOST_BEHIND_DAYS)):
        value = given.get(key)
        if value in (None, ""):
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise SourceRefused(
                "{value} is not a whole number from 0 to {most}.",
                field=key,
                value=value,
                params={"most": most},
            )
        found[key] = value
    return found
