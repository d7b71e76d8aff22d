"""Who a stream is for: asked of Django in threads, again every minute."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import monotonic

from django.db import close_old_connections, connections
from django.db.utils import DatabaseError

from beffroi.foundation.accounts.api import access_from_session_key
from beffroi.foundation.accounts.contracts import Access

VERB = "assets.see"
SHARED_S = 5.0
"""How long an answer serves the other tabs of the same session."""

ANSWER_S = 10.0
"""How long the database may take to answer: streams must not wait for it for ever."""

THREADS = 4


class SessionsUnknown(Exception):
    """The database cannot say who this is now."""


Ask = Callable[[str, str], Access | None]


def ask_django(session_key: str, slug: str) -> Access | None:
    """Return what a session may see of a territory, or None."""
    close_old_connections()
    try:
        return access_from_session_key(session_key, slug, verb=VERB)
    except DatabaseError as problem:
        raise SessionsUnknown from problem
    finally:
        close_old_connections()


class Sessions:
    """Checks sessions, once for all the tabs that share one."""

    def __init__(self, ask: Ask = ask_django) -> None:
        self._ask = ask
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sessions")
        self._asked: dict[tuple[str, str], tuple[float, asyncio.Future[Access | None]]] = {}

    async def access(self, session_key: str, slug: str) -> Access | None:
        """Return what the session may see, or None when it may see nothing.

        Raises:
            SessionsUnknown: the database is away, or does not answer.
        """
        if not session_key or len(session_key) > 100:
            return None
        key = (session_key, slug)
        at = monotonic()
        known = self._asked.get(key)
        if known is None or at - known[0] > SHARED_S:
            self._forget(at)
            loop = asyncio.get_running_loop()
            known = (at, loop.run_in_executor(self._threads, self._ask, session_key, slug))
            self._asked[key] = known
        try:
            async with asyncio.timeout(ANSWER_S):
                return await asyncio.shield(known[1])
        except TimeoutError:
            raise SessionsUnknown from None

    def close(self) -> None:
        """End the threads and their connections."""
        together = Barrier(THREADS)

        def end() -> None:
            # Each thread has its own connection: none may take this task twice.
            connections.close_all()
            together.wait(timeout=5)

        for _thread in range(THREADS):
            self._threads.submit(end)
        self._threads.shutdown(wait=True)

    def _forget(self, at: float) -> None:
        for key, (asked_at, _answer) in list(self._asked.items()):
            if at - asked_at > SHARED_S:
                del self._asked[key]
