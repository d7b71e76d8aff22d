"""Quality of a value, as a flag beside it; the value itself is never overwritten."""

from __future__ import annotations

from enum import IntEnum


class Quality(IntEnum):
    """Flags of QARTOD (IOC 54:V3), the ones oceanographers and hydrologists share."""

    GOOD = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    BAD = 4
    MISSING = 9


def range_flag(value: float, *, valid: tuple[float, float] | None) -> Quality:
    """Flag a value against the range that its measure declares (gross range test)."""
    if valid is None:
        return Quality.NOT_EVALUATED
    low, high = valid
    return Quality.GOOD if low <= value <= high else Quality.BAD
