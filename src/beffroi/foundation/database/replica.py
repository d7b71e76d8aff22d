"""Reads that may be a moment late go to a replica, where ``DATABASE_REPLICA_URL`` names one."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from threading import Lock
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from beffroi.foundation.database.contracts import DatabaseError

logger = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")

REPLICA_ALIAS = "replica"
LATE_VARIABLE = "BEFFROI_REPLICA_LATE"
DEFAULT_MOST_LATE_S = 10.0
LOOKED_AT_EVERY_S = 5.0
"""How long a verdict on the replica stands before it is asked again, in each process."""

_POSITION = "SELECT pg_current_wal_lsn()::text"

# Zero where everything the primary had written has been replayed, however long ago that was; else
# the age of the last transaction replayed. A server that does not recover is no replica: zero.
_LATE = """
SELECT CASE
    WHEN NOT pg_is_in_recovery() THEN 0
    WHEN %s::pg_lsn <= pg_last_wal_replay_lsn() THEN 0
    ELSE coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 'inf')
END::float8
"""


@dataclass(slots=True)
class _Verdict:
    usable: bool = False
    until: float = 0.0


_verdict = _Verdict()
_verdict_lock = Lock()
_reading: ContextVar[bool] = ContextVar("beffroi_reading_replica", default=False)


@contextmanager
def reading_from_replica() -> Iterator[bool]:
    """Send every read of the block to the replica, with the same territory and the same rules.

    For reads that may be a moment late: exports, curves, indicators, answers of the API to GET.
    Within the block Django's default connection *is* the replica's, so that querysets, cursors and
    :func:`~beffroi.foundation.database.api.acting_for` need not know; a write is refused there.

    The primary is read instead where no replica is named, where it is away, where it is later
    than ``BEFFROI_REPLICA_LATE`` seconds, and within a transaction that is open already: what it
    has written must be seen. Yields whether the replica is read.
    """
    primary = connections[DEFAULT_DB_ALIAS]
    if _reading.get() or primary.in_atomic_block or not replica_usable():
        yield _reading.get()
        return
    token = _reading.set(True)
    connections[DEFAULT_DB_ALIAS] = connections[REPLICA_ALIAS]
    try:
        yield True
    finally:
        connections[DEFAULT_DB_ALIAS] = primary
        _reading.reset(token)


def reads_late(view: Callable[..., _Answer]) -> Callable[..., _Answer]:
    """Let a page that only shows figures be read from the replica; stands above its rule.

    Who asks is found on the primary first: a session that was opened a moment ago may not have
    reached the replica, and would be taken for a closed one.
    """

    @wraps(view)
    def read(request: Any, *args: Any, **kwargs: Any) -> _Answer:
        bool(request.user.is_authenticated)
        with reading_from_replica():
            return view(request, *args, **kwargs)

    return read


def replica_usable() -> bool:
    """Tell whether the replica answers and is not too late; asked every few seconds at most."""
    if not replica_named():
        return False
    with _verdict_lock:
        if time.monotonic() < _verdict.until:
            return _verdict.usable
        # Whoever comes meanwhile takes the former verdict rather than wait.
        _verdict.until = time.monotonic() + LOOKED_AT_EVERY_S
    late = replica_late_s()
    usable = late is not None and late <= most_late_s()
    if usable != _verdict.usable:
        state = "is read" if usable else "is not read"
        logger.warning(
            "the replica %s: %s", state, "away" if late is None else f"{late:.1f} s late"
        )
    _verdict.usable = usable
    return usable


def replica_named() -> bool:
    """Tell whether ``DATABASE_REPLICA_URL`` names a replica."""
    return REPLICA_ALIAS in connections.settings


def replica_forget() -> None:
    """Ask the replica again at the next read; for tests, and after its address has changed."""
    with _verdict_lock:
        _verdict.usable, _verdict.until = False, 0.0


def replica_late_s() -> float | None:
    """Return by how many seconds the replica is behind the primary; None where it is away.

    While the primary is away nobody knows what it had written; what the replica has is then the
    best there is, and it is not called late.
    """
    replica = connections[REPLICA_ALIAS]
    if replica.in_atomic_block:
        return 0.0
    position = _asked(connections[DEFAULT_DB_ALIAS], _POSITION) or "0/0"
    late = _asked(replica, _LATE, str(position))
    return None if late is None else float(str(late))


def _asked(wrapper: BaseDatabaseWrapper, statement: str, *parameters: str) -> object:
    try:
        wrapper.close_if_unusable_or_obsolete()
        with wrapper.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchone()[0]
    except Error:
        wrapper.close()
        return None


def most_late_s() -> float:
    """Return how late a replica may be and still be read, in seconds.

    Raises:
        DatabaseError: the setting is no positive number.
    """
    text = os.environ.get(LATE_VARIABLE) or str(DEFAULT_MOST_LATE_S)
    try:
        most = float(text)
    except ValueError:
        most = -1.0
    if not 0 < most <= 86_400:
        raise DatabaseError(
            "{name} is {value}, which is not a number of seconds up to a day.",
            code="database.replica",
            params={"name": LATE_VARIABLE, "value": text},
        )
    return most
