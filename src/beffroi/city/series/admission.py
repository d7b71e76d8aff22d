"""What a value must be to be stored, and the flag it is stored with."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from beffroi.city.series.contracts import LARGEST_VALUE, ObservationRefused
from beffroi.kernel.quality import Quality, range_flag

MOST_AHEAD = timedelta(days=1)
"""How far ahead of the instant of reception an observation may say it was made."""

EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)


def quality_of(
    value: float,
    *,
    observed_at: datetime,
    received_at: datetime,
    valid: tuple[float, float] | None,
) -> Quality:
    """Return the flag of a value that may be stored.

    Raises:
        ObservationRefused: it is not finite, is beyond 1e18, or its instant lies more than a day
            after its reception or before 1970.
    """
    if not math.isfinite(value) or abs(value) > LARGEST_VALUE:
        raise ObservationRefused(
            "{value} is not a number that can be stored.",
            field="value",
            value=value,
            way_out="Send a finite number, at most 1e18 either way.",
        )
    if observed_at - received_at > MOST_AHEAD:
        raise ObservationRefused(
            "The observation of {observed_at} was received at {received_at}: it lies more than "
            "a day ahead.",
            field="observed_at",
            value=observed_at.isoformat(),
            way_out="Set the clock of the device or of its gateway.",
            params={
                "observed_at": observed_at.isoformat(),
                "received_at": received_at.isoformat(),
            },
        )
    if observed_at < EARLIEST:
        raise ObservationRefused(
            "The observation of {observed_at} is older than 1970.",
            field="observed_at",
            value=observed_at.isoformat(),
            way_out="Set the clock of the device or of its gateway.",
            params={"observed_at": observed_at.isoformat()},
        )
    return range_flag(value, valid=valid)
