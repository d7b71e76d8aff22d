"""How much a key may ask: a bucket of requests and one of rows, shared by every web process.

A bucket fills steadily, up to what a minute allows. What is left is a row of the database; a
process takes some requests from it at once, for a few seconds, and spends them without asking
again, so that counting costs one write for many requests and all processes together never grant
more than the budget. Rows are counted after they were given: who has taken more than the bucket
held waits until it is filled again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor

from django.db import connection
from django.utils.translation import gettext_noop as _

from beffroi.foundation.database.api import acting_for
from beffroi.interfaces.api.contracts import Allowance, TooManyRequests
from beffroi.interfaces.api.models import ApiKey
from beffroi.kernel.clock import now

HELD_FOR = timedelta(seconds=10)
"""How long a process may keep what it took without spending it."""
SHARE = 20
"""A process takes one twentieth of a minute's requests at once."""
MOST_PURSES = 10_000
USED_EVERY = timedelta(minutes=1)


@dataclass(slots=True)
class _Purse:
    requests: int
    behind: float
    """Requests left in the database when these were taken."""
    rows: float
    until: datetime


class Budgets:
    """What this process holds of each key's budget."""

    def __init__(self) -> None:
        self._purses: OrderedDict[int, _Purse] = OrderedDict()
        self._owed: dict[int, int] = {}
        """Rows given since the database was last told."""
        self._lock = threading.Lock()

    def take(self, allowance: Allowance) -> Mapping[str, str]:
        """Count one request; return what the answer says of the budget.

        Best outside a transaction of the caller: an empty purse locks the key's row.

        Raises:
            TooManyRequests: there is nothing left.
        """
        at, key_id = now(), allowance.key_id
        with self._lock:
            purse = self._purses.get(key_id)
            if purse is not None and self._good(key_id, purse, at):
                purse.requests -= 1
                return standing(allowance, left=purse.requests + purse.behind)
            former = self._purses.pop(key_id, None)
            owed = self._owed.pop(key_id, 0)
        # Without the lock: the database may keep this thread waiting.
        unspent = 0 if former is None else max(0, former.requests)
        purse = self._renewed(allowance, unspent=unspent, owed=owed, at=at)
        with self._lock:
            meanwhile = self._purses.get(key_id)
            purse.requests += -1 if meanwhile is None else meanwhile.requests - 1
            self._purses[key_id] = purse
            self._purses.move_to_end(key_id)
            while len(self._purses) > MOST_PURSES:
                self._purses.popitem(last=False)
            return standing(allowance, left=purse.requests + purse.behind)

    def holds(self, key_id: int) -> bool:
        """Tell whether the next request can be counted without the database."""
        with self._lock:
            purse = self._purses.get(key_id)
            return purse is not None and self._good(key_id, purse, now())

    def charge(self, allowance: Allowance, rows: int) -> None:
        """Count rows that were given."""
        with self._lock:
            self._owed[allowance.key_id] = self._owed.get(allowance.key_id, 0) + rows

    def forget(self) -> None:
        """Lose what is held, as a process that ends does."""
        with self._lock:
            self._purses.clear()
            self._owed.clear()

    def _good(self, key_id: int, purse: _Purse, at: datetime) -> bool:
        return (
            purse.requests > 0
            and purse.rows > self._owed.get(key_id, 0)
            and purse.until - HELD_FOR <= at < purse.until
        )

    def _renewed(self, allowance: Allowance, *, unspent: int, owed: int, at: datetime) -> _Purse:
        with acting_for(allowance.territory_id):
            with connection.cursor() as cursor:
                # A budget may be lost with the machine: nobody waits for the disk to count.
                cursor.execute("SET LOCAL synchronous_commit = off")
            row = ApiKey.objects.select_for_update().get(pk=allowance.key_id)
            requests, rows = _filled(row, at)
            rows -= owed
            requests = min(float(row.requests_per_minute), requests + unspent)
            granted = min(floor(requests), max(1, row.requests_per_minute // SHARE))
            refused = granted < 1 or rows <= 0
            row.requests_left = requests - (0 if refused else granted)
            row.rows_left = rows
            row.counted_at = at
            if row.last_used_at is None or at - row.last_used_at >= USED_EVERY:
                row.last_used_at = at
            row.save(update_fields=["requests_left", "rows_left", "counted_at", "last_used_at"])
        if refused:
            raise _refusal(allowance, requests=requests, rows=rows)
        return _Purse(requests=granted, behind=requests - granted, rows=rows, until=at + HELD_FOR)


BUDGETS = Budgets()


def standing(allowance: Allowance, *, left: float) -> dict[str, str]:
    """Return the headers that tell a budget: per minute, left, seconds until it is full."""
    most = allowance.requests_per_minute
    remaining = max(0, floor(left))
    return {
        "RateLimit-Limit": str(most),
        "RateLimit-Remaining": str(remaining),
        "RateLimit-Reset": str(ceil((most - remaining) * 60 / most)),
        "RateLimit-Policy": f"{most};w=60",
    }


def _filled(row: ApiKey, at: datetime) -> tuple[float, float]:
    if row.counted_at is None or row.requests_left is None or row.rows_left is None:
        return float(row.requests_per_minute), float(row.rows_per_minute)
    minutes = max(0.0, (at - row.counted_at).total_seconds() / 60)
    return (
        min(row.requests_per_minute, row.requests_left + minutes * row.requests_per_minute),
        min(row.rows_per_minute, row.rows_left + minutes * row.rows_per_minute),
    )


def _refusal(allowance: Allowance, *, requests: float, rows: float) -> TooManyRequests:
    waits = [0.0]
    if requests < 1:
        waits.append((1 - requests) * 60 / allowance.requests_per_minute)
    if rows <= 0:
        waits.append((1 - rows) * 60 / allowance.rows_per_minute)
    return TooManyRequests(
        _("This key has used what it may ask: {requests} requests and {rows} rows a minute."),
        retry_after_s=max(1, ceil(max(waits))),
        standing=standing(allowance, left=requests if rows > 0 else 0),
        params={
            "requests": allowance.requests_per_minute,
            "rows": allowance.rows_per_minute,
        },
    )
