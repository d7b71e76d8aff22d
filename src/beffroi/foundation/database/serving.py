"""The embedded server in the foreground, for a supervisor or a unit of the system."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from pathlib import Path

from beffroi.foundation.database.contracts import DatabaseUrls, ServerError
from beffroi.foundation.database.embedded import EmbeddedServer
from beffroi.foundation.database.operating_system import die_with_parent

logger = logging.getLogger(__name__)

RESTARTS = 5
RESTARTS_WITHIN_S = 60.0
_AWAITED = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}


def serve_child(
    data_dir: Path,
    *,
    with_parent: bool = True,
    ready: Callable[[DatabaseUrls], None] | None = None,
) -> None:
    """Run the embedded server until SIGTERM or SIGINT, and start it again when it crashes.

    Args:
        data_dir: directory of the installation's data.
        with_parent: stop also when the process that started this one ends, however it ends.
        ready: called once, when the server first accepts connections.

    Raises:
        ServerError: it does not start, or crashes again and again.
    """
    if with_parent:
        die_with_parent(signal.SIGTERM)
    server = EmbeddedServer(data_dir)
    former = signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    try:
        urls = server.start()
        if ready is not None:
            ready(urls)
        _watch(server)
    finally:
        server.stop()
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _watch(server: EmbeddedServer) -> None:
    crashes: list[float] = []
    while signal.sigwait(_AWAITED) == signal.SIGCHLD:
        code = server.wait(timeout_s=0)
        if code is None:  # another child
            continue
        instant = time.monotonic()
        crashes = [at for at in crashes if at > instant - RESTARTS_WITHIN_S] + [instant]
        if len(crashes) > RESTARTS:
            raise ServerError(
                "The database server crashed {count} times in a minute.\n{log}\n",
                code="database.crashes",
                way_out="Look at the log for the cause before starting again.",
                params={"count": len(crashes), "log": server.log_tail()},
            )
        logger.error("database server ended with code %s; starting it again", code)
        server.start()
