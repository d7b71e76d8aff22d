"""``beffroi serve``: everything on one machine, supervised."""

from __future__ import annotations

import argparse
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from beffroi.kernel.errors import ConfigurationError
from beffroi.site.cli.output import line
from beffroi.site.cli.program import Command, database_at_hand, set_up_django
from beffroi.site.supervisor import ProcessPlan, Supervisor

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from beffroi.foundation.database.embedded import EmbeddedServer

CRASHES_WITHIN_S = 60.0
MOST_CRASHES = 5


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``serve``."""
    parser = subparsers.add_parser("serve", help="démarre et surveille tous les processus")
    parser.add_argument("--listen", default="127.0.0.1:8000", metavar="HÔTE:PORT")
    parser.set_defaults(command=Command(serve, needs_database=False, needs_django=False))


def serve(options: argparse.Namespace) -> int:
    """Start everything, say so line by line, watch until a signal, stop in order."""
    host, port = listen_address(options.listen)
    supervisor = Supervisor(report=line)
    signal.signal(signal.SIGTERM, supervisor.ask_to_stop)
    signal.signal(signal.SIGINT, supervisor.ask_to_stop)
    with database_at_hand() as server, tempfile.TemporaryDirectory(prefix="beffroi-") as folder:
        signal.signal(signal.SIGTERM, supervisor.ask_to_stop)
        set_up_django()
        line("database", "prêt", ready_to_serve())
        try:
            supervisor.start(plans(Path(folder), host=host, port=port))
            line("", "", f"Beffroi est ouvert : http://{_shown(host)}:{port}/   (Ctrl-C arrête)")
            supervisor.watch(also=keeper_of(server))
        finally:
            supervisor.stop()
            line("serve", "arrêté", "")
    return 0


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
        line("database", "arrêté", f"code {status} ; relancé")
        server.start()
        line("database", "prêt", "")

    return keep


def plans(folder: Path, *, host: str, port: int) -> list[ProcessPlan]:
    """Return the processes of one installation, joined on one port by the front."""
    sockets = {name: folder / f"{name}.sock" for name in ("web", "ingest", "live")}
    upstreams = [f"--{name}=unix:{path}" for name, path in sockets.items()]
    details = {
        "web": "pages (Django, WSGI)",
        "ingest": "réception des mesures (/ingest/)",
        "live": "événements en direct (/live/)",
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
        ProcessPlan(name="worker", arguments=("worker",), detail="travaux en arrière-plan"),
        ProcessPlan(name="pulse", arguments=("pulse",), detail="minuteries et agrégats"),
        ProcessPlan(
            name="front",
            arguments=("front", "--listen", f"{host}:{port}", *upstreams),
            socket=("127.0.0.1" if host in {"0.0.0.0", "::"} else host, port),  # noqa: S104 - compared, not bound
            detail=f"http://{_shown(host)}:{port}/",
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


def _shown(host: str) -> str:
    return "localhost" if host in {"127.0.0.1", "0.0.0.0", "::1", "::"} else host  # noqa: S104 - shown, not bound


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
    return f"PostgreSQL {version[0]}" + (" (intégré)" if is_embedded() else "")
