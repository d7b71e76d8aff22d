"""Chance that never changes: what simulated fleets draw from instead of a random generator."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from functools import lru_cache

_DENOMINATOR = float(1 << 64)


@lru_cache(maxsize=200_000)
def share_of(*parts: str | int) -> float:
    """Return a number in [0, 1) that depends on the parts alone, evenly spread."""
    text = "\x1f".join(str(part) for part in parts)
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _DENOMINATOR


def chosen(*parts: str | int, share: float) -> bool:
    """Tell whether the parts fall among the given share (0 to 1) of all."""
    return share_of(*parts) < share


def smooth_noise(key: str, *, at: datetime, every: timedelta) -> float:
    """Return a value in [-1, 1] that moves smoothly with time.

    Formula: value noise. A value is drawn for each multiple of ``every`` since 1970 and joined
    to the next by 3u² - 2u³, so the slope is zero at both.
    """
    position = at.timestamp() / every.total_seconds()
    knot = int(position // 1)
    part = position - knot
    blend = part * part * (3 - 2 * part)
    before = share_of(key, knot)
    after = share_of(key, knot + 1)
    return 2 * (before + (after - before) * blend) - 1
