"""``beffroi serve``: everything on one machine, supervised."""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from beffroi.kernel.errors import ConfigurationError
from beffroi.site.cli.holding import ELSEWHERE, held, shown
from beffroi.site.cli.output import line
from beffroi.site.cli.program import Command, database_at_hand, set_up_django
from beffroi.site.cli.words import gettext as _
from beffroi.site.supervisor import ProcessPlan, Supervisor

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from beffroi.foundation.database.embedded import EmbeddedServer

CRASHES_WITHIN_S = 60.0
MOST_CRASHES = 5
BROKERS_EVERY_S = 5.0
"""How often it is looked whether somebody has declared the first MQTT broker."""


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``serve``."""
    parser = subparsers.add_parser("serve", help=_("starts and supervises all processes"))
    add_listen(parser)
    parser.set_defaults(command=Command(serve, needs_database=False, needs_django=False))


def add_listen(
    parser: argparse.ArgumentParser, *, default: str = "127.0.0.1:8000", form: str = ""
) -> None:
    """Add the option that says where a server listens; ``form`` is host and port by default."""
    parser.add_argument(
        "--listen",
        default=default,
        metavar=form or _("HOST:PORT"),
        help=_("where it listens (default: {default})").format(default=default),
    )


def serve(options: argparse.Namespace) -> int:
    """Start everything, say so line by line, watch until a signal, stop in order."""
    host, port = listen_address(options.listen)
    supervisor = Supervisor(report=line)
    signal.signal(signal.SIGTERM, supervisor.ask_to_stop)
    signal.signal(signal.SIGINT, supervisor.ask_to_stop)
    with (
        held(host=host, port=port),
        database_at_hand() as server,
        tempfile.TemporaryDirectory(prefix="beffroi-") as folder,
    ):
        signal.signal(signal.SIGTERM, supervisor.ask_to_stop)
        set_up_django()
        line("database", _("ready"), ready_to_serve())
        try:
            supervisor.start(plans(Path(folder), host=host, port=port))
            opened = _("Beffroi is open: {address}   (Ctrl-C stops it)")
            line("", "", opened.format(address=f"{os.environ['BEFFROI_PUBLIC_URL']}/"))
            supervisor.watch(also=each(keeper_of(server), subscriber_of(supervisor)))
        finally:
            supervisor.stop()
            line("serve", _("stopped"), "")
    return 0


def each(*works: Callable[[], None]) -> Callable[[], None]:
    """Return what does several pieces of work one after the other."""

    def work() -> None:
        for one in works:
            one()

    return work


def keeper_of(server: EmbeddedServer | None) -> Callable[[], None]:
    """Return what starts the embedded server again when it has ended by itself.

    A server that crashes again and again raises, so that `serve` ends and says why.
    """
    crashes: list[float] = []

    def keep() -> None:
        status = server.wait(timeout_s=0) if server is not None else None
        if server is None or status is None:
            return
        now = time.monotonic()
        crashes[:] = [at for at in crashes if at > now - CRASHES_WITHIN_S] + [now]
        if len(crashes) > MOST_CRASHES:
            raise ConfigurationError(
                "The database server crashed {count} times in a minute.\n{log}\n",
                way_out="Look at the log for the cause before starting again.",
                params={"count": len(crashes), "log": server.log_tail()},
            )
        line(
            "database", _("stopped"), _("exit status {status}; starts again").format(status=status)
        )
        server.start()
        line("database", _("ready"), "")

    return keep


def subscriber_of(supervisor: Supervisor) -> Callable[[], None]:
    """Return what starts the MQTT subscriber once a broker is declared somewhere."""
    from django.db import connection
    from django.db.utils import Error

    from beffroi.city.ingest.mqtt.api import brokers_declared
    from beffroi.foundation.database.api import acting_for
    from beffroi.foundation.territories.api import territories_all

    ask_at: float | None = 0.0

    def declared() -> bool:
        try:
            for territory in territories_all():
                with acting_for(territory.id):
                    if brokers_declared():
                        return True
        except Error:
            return False  # the database is away: asked again later
        finally:
            connection.close()
        return False

    def subscribe() -> None:
        nonlocal ask_at
        if ask_at is None or time.monotonic() < ask_at:
            return
        ask_at = time.monotonic() + BROKERS_EVERY_S
        if declared():
            ask_at = None
            plan = ProcessPlan(name="mqtt", arguments=("mqtt", "run"), detail=_("MQTT brokers"))
            supervisor.start([plan])

    return subscribe


def plans(folder: Path, *, host: str, port: int) -> list[ProcessPlan]:
    """Return the processes of one installation, joined on one port by the front."""
    sockets = {name: folder / f"{name}.sock" for name in ("web", "ingest", "live")}
    upstreams = [f"--{name}=unix:{path}" for name, path in sockets.items()]
    details = {
        "web": _("pages (Django, WSGI)"),
        "ingest": _("measurements taken in (/ingest/)"),
        "live": _("live events (/live/)"),
    }
    return [
        *(
            ProcessPlan(
                name=name,
                arguments=(name, "--listen", f"unix:{path}"),
                socket=path,
                detail=details[name],
            )
            for name, path in sockets.items()
        ),
        ProcessPlan(name="worker", arguments=("worker",), detail=_("background jobs")),
        ProcessPlan(name="pulse", arguments=("pulse",), detail=_("timers and roll-ups")),
        ProcessPlan(
            name="front",
            arguments=("front", "--listen", f"{host}:{port}", *upstreams),
            socket=("127.0.0.1" if host in ELSEWHERE else host, port),
            detail=f"http://{shown(host)}:{port}/",
        ),
    ]


def listen_address(text: str) -> tuple[str, int]:
    """Read ``host:port``.

    Raises:
        ConfigurationError: the text has another form.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ConfigurationError(
            "{value} is not an address to listen on.",
            way_out="Write it as 127.0.0.1:8000.",
            params={"value": text},
        )
    return host.strip("[]"), int(port)


def ready_to_serve() -> str:
    """Migrate the embedded database, or check a real one, then refuse what is not safe."""
    from django.db import connection

    from beffroi.foundation.database.connection import is_embedded
    from beffroi.foundation.database.ownership import assert_safe
    from beffroi.site.migration import migrate, pending_migrations

    pending = pending_migrations()
    if pending and is_embedded():
        migrate()
    elif pending:
        raise ConfigurationError(
            "{count} migrations have not been applied to this database.",
            way_out="Run `beffroi migrate` with DATABASE_OWNER_URL set, then start again.",
            params={"count": len(pending)},
        )
    connection.ensure_connection()
    assert_safe(connection)
    version = connection.cursor().execute("SHOW server_version").fetchone()
    connection.close()
    kind = _("embedded") if is_embedded() else _("external")
    return f"PostgreSQL {version[0]} ({kind})"
