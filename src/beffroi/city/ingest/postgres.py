"""The ingest path's own connections: asynchronous, pooled, as the application role."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from django.db import connection
from psycopg import AsyncConnection, DataError, Error, OperationalError
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from beffroi.foundation.database.api import CONTEXT_SQL, context_parameters

log = logging.getLogger("beffroi.ingest")

Connection = AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]

AWAY = (OperationalError, PoolTimeout)
"""What says that the database cannot be asked now, and may be a moment later."""

_UNSTORABLE_CLASSES = frozenset({"22", "23", "54"})
"""Data exceptions, broken constraints, limits of the program: asking again changes nothing."""

SESSION_SETTINGS = {
    "synchronous_commit": "on",
    "statement_timeout": "20s",
    "idle_in_transaction_session_timeout": "30s",
    "TimeZone": "UTC",
}
FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 10.0


_DJANGO_ONLY = frozenset({"context", "cursor_factory", "pool", "prepare_threshold"})


def application_conninfo() -> str:
    """Return how Django reaches its database, for connections that are not Django's."""
    parameters = connection.get_connection_params()
    return make_conninfo(
        **{name: value for name, value in parameters.items() if name not in _DJANGO_ONLY}
    )


def make_pool(url: str, *, size: int, name: str) -> Pool:
    """Return a pool that is not open yet; a lost connection is replaced in the background."""
    return AsyncConnectionPool(
        url,
        connection_class=AsyncConnection[TupleRow],
        kwargs={"autocommit": True, "application_name": f"beffroi {name}"},
        configure=_configure,
        min_size=min(2, size),
        max_size=size,
        timeout=5.0,
        max_waiting=0,
        reconnect_timeout=10.0,
        name=f"beffroi-{name}",
        open=False,
    )


def is_unstorable(problem: BaseException) -> bool:
    """Tell whether the rows themselves are refused, by the database or on the way to it."""
    if not isinstance(problem, Error):
        return isinstance(problem, ValueError | TypeError | OverflowError | struct.error)
    if problem.sqlstate is None:
        return isinstance(problem, DataError)
    return problem.sqlstate[:2] in _UNSTORABLE_CLASSES


@contextlib.asynccontextmanager
async def within_territory(
    opened: Connection, territory_id: int | None, *, source_key: str | None = None
) -> AsyncIterator[None]:
    """Open a transaction in which only the rows of one territory are visible."""
    async with opened.transaction():
        await opened.execute(CONTEXT_SQL, context_parameters(territory_id, source_key=source_key))
        yield


async def listen(
    url: str,
    channels: Sequence[str],
    *,
    heard: Callable[[str, str], Awaitable[None] | None],
    connected: Callable[[], Awaitable[None] | None],
    lost: Callable[[], Awaitable[None] | None],
) -> None:
    """Pass on what is notified on the channels, for ever, connecting again when it must.

    ``connected`` is called once each LISTEN is in force: what happened before it is unknown.
    """
    wait = FIRST_WAIT_S
    while True:
        try:
            opened = await AsyncConnection.connect(
                make_conninfo(url, application_name="beffroi listen", **_KEEPALIVE),
                autocommit=True,
            )
            async with opened:
                for channel in channels:
                    await opened.execute(f"LISTEN {channel}".encode())
                await _called(connected())
                wait = FIRST_WAIT_S
                async for notice in opened.notifies():
                    await _called(heard(notice.channel, notice.payload))
        except OperationalError as problem:
            log.warning("not listening to the database: %s", str(problem).strip() or "closed")
        await _called(lost())
        await asyncio.sleep(wait * random.uniform(0.5, 1))  # noqa: S311 - spreads reconnections
        wait = min(LONGEST_WAIT_S, wait * 2)


_KEEPALIVE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


async def _configure(opened: Connection) -> None:
    for name, value in SESSION_SETTINGS.items():
        await opened.execute("SELECT set_config(%s, %s, false)", (name, value))


async def _called(result: Awaitable[None] | None) -> None:
    if result is not None:
        await result
