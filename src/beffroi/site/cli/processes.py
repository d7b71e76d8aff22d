"""Each process as its own command, for production units and for ``serve``."""

from __future__ import annotations

import argparse
import os
import signal
import threading
from typing import TYPE_CHECKING, TypedDict

from beffroi.site.cli.program import Command
from beffroi.site.cli.serve import add_listen, listen_address
from beffroi.site.cli.words import gettext as _

if TYPE_CHECKING:
    from argparse import _SubParsersAction


class Listening(TypedDict, total=False):
    """Where a server listens: a Unix socket, or a host and a port."""

    uds: str
    host: str
    port: int


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``web``, ``ingest``, ``live``, ``worker``, ``pulse`` and ``front``."""
    listening = (
        ("web", _("serves the pages (Django under WSGI)"), run_web, "127.0.0.1:8001"),
        ("ingest", _("takes measurements in"), run_ingest, "127.0.0.1:8002"),
        ("live", _("sends live events"), run_live, "127.0.0.1:8003"),
    )
    for name, text, run, default in listening:
        parser = subparsers.add_parser(name, help=text)
        add_listen(parser, default=default, form=_("HOST:PORT|unix:PATH"))
        parser.set_defaults(command=Command(run))
    worker = subparsers.add_parser("worker", help=_("does the background jobs"))
    worker.add_argument("--concurrency", type=int, default=2)
    worker.set_defaults(command=Command(run_worker))
    pulse = subparsers.add_parser("pulse", help=_("timers, roll-ups, silent devices"))
    pulse.set_defaults(command=Command(run_pulse))
    front = subparsers.add_parser("front", help=_("joins web, ingest and live on one port"))
    add_listen(front)
    for name in ("web", "ingest", "live"):
        front.add_argument(f"--{name}", required=True, metavar=_("HOST:PORT|unix:PATH"))
    front.set_defaults(command=Command(run_front, needs_database=False, needs_django=False))


def run_web(options: argparse.Namespace) -> None:
    """Serve Django with gunicorn: threads, because a page waits for the database."""
    from gunicorn.app.base import BaseApplication

    from beffroi.site.settings import CONFIGURATION
    from beffroi.site.wsgi import application

    class Pages(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
        def load_config(self) -> None:
            settings = {
                "bind": options.listen,
                "workers": CONFIGURATION.web_workers,
                "worker_class": "gthread",
                "threads": 4,
                "proc_name": "beffroi-web",
                "timeout": 120,
                "graceful_timeout": 10,
                "accesslog": None,
                "loglevel": "warning",
                "forwarded_allow_ips": "*" if options.listen.startswith("unix:") else "127.0.0.1",
                "max_requests": 20_000,
                "max_requests_jitter": 2_000,
            }
            for key, value in settings.items():
                self.cfg.set(key, value)

        def load(self) -> object:
            return application

    Pages().run()


def run_ingest(options: argparse.Namespace) -> None:
    """Serve the ingest path."""
    from beffroi.city.ingest.servers import run_ingest as run

    run(**_listening(options.listen))


def run_live(options: argparse.Namespace) -> None:
    """Serve live events."""
    from beffroi.city.live.servers import run_live as run

    run(**_listening(options.listen))


def run_worker(options: argparse.Namespace) -> None:
    """Work until a signal."""
    from beffroi.foundation.jobs.api import run_worker as run

    run(concurrency=options.concurrency)


def run_pulse(_options: argparse.Namespace) -> None:
    """Beat until a signal."""
    from beffroi.foundation.jobs.api import run_pulse as run

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(stop)


def run_front(options: argparse.Namespace) -> None:
    """Join the servers on one port."""
    from beffroi.site.front import serve_front

    serve_front(
        listen_address(options.listen),
        {"web": options.web, "ingest": options.ingest, "live": options.live},
        # An https address means that a reverse proxy ends TLS before us.
        scheme=os.environ.get("BEFFROI_PUBLIC_URL", "http").partition(":")[0],
    )


def _listening(text: str) -> Listening:
    if text.startswith("unix:"):
        os.umask(0o077)
        return {"uds": text.removeprefix("unix:")}
    host, port = listen_address(text)
    return {"host": host, "port": port}
