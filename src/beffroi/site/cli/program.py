"""Reads the command line, makes the database reachable, runs one command."""

from __future__ import annotations

import argparse
import contextlib
import errno
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from beffroi.kernel.errors import BeffroiError, ConfigurationError
from beffroi.site.cli.holding import served_address
from beffroi.site.cli.words import gettext as _
from beffroi.site.cli.words import language, settle_language

if TYPE_CHECKING:
    from beffroi.foundation.database.embedded import EmbeddedServer

COMMAND_MODULES = (
    "serve",
    "processes",
    "database",
    "territory",
    "people",
    "assets",
    "sources",
    "clients",
    "mqtt",
    "series",
    "scale",
    "doctor",
    "codecs",
    "bench",
    "demo",
)
"""Modules of this package that add commands, in the order of the help page."""

EXIT_REFUSED = 2
_UNPREPARED = frozenset({"42P01", "42703", "42883"})
"""A table, a column or a function that is not there."""


class Command:
    """One command: its parser, what it needs, and the function that runs it."""

    def __init__(
        self,
        run: Callable[[argparse.Namespace], int | None],
        *,
        needs_database: bool = True,
        needs_django: bool = True,
    ) -> None:
        self.run = run
        self.needs_database = needs_database
        self.needs_django = needs_django


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 0 done, 1 not healthy, 2 refused."""
    settle_language()
    parser = build_parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "command"):
        parser.print_help()
        return 0
    settle_environment(options.data_dir)
    command: Command = options.command
    try:
        with contextlib.ExitStack() as stack:
            if command.needs_database:
                stack.enter_context(database_at_hand())
            if command.needs_django:
                set_up_django()
            return command.run(options) or 0
    except BeffroiError as problem:
        return refused(problem)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as problem:
        told = told_by_the_system(problem)
        if told is None:
            raise
        return refused(told)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def refused(problem: BeffroiError) -> int:
    """Say why a command is refused; return its exit status."""
    sys.stderr.write(f"beffroi: {problem.told(_)}\n")
    return EXIT_REFUSED


def told_by_the_system(problem: Exception) -> BeffroiError | None:
    """Return what disk or database refuse, with the way out; None where the fault is ours."""
    if not isinstance(problem, OSError):
        return _told_by_the_database(problem)
    params = {"path": problem.filename}
    if problem.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ConfigurationError(
            "The disk is full.",
            way_out="Make room, or name another place with --data-dir; then start again.",
        )
    if problem.errno in {errno.EACCES, errno.EPERM, errno.EROFS} and problem.filename:
        return ConfigurationError(
            "This account may not read or write {path}.",
            way_out="Give it to the account that runs Beffroi, or name another place.",
            params=params,
        )
    if problem.errno == errno.ENOENT and problem.filename:
        return ConfigurationError("{path} does not exist.", params=params)
    return None


def _told_by_the_database(problem: Exception) -> BeffroiError | None:
    import psycopg
    from django.db.utils import OperationalError, ProgrammingError

    sqlstate = getattr(problem.__cause__ or problem, "sqlstate", None)
    if isinstance(problem, ProgrammingError | psycopg.ProgrammingError) and sqlstate in _UNPREPARED:
        return ConfigurationError(
            "The database is not prepared for this version of Beffroi.",
            way_out="Run `beffroi migrate`, then this again.",
        )
    if isinstance(problem, OperationalError | psycopg.OperationalError):
        return ConfigurationError(
            "The database does not answer: {reason}.",
            way_out="Check DATABASE_URL and that the server runs; `beffroi doctor` says more.",
            params={"reason": " ".join(str(problem).split()).rstrip(".?")},
        )
    return None


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every command; the documentation test reads it."""
    parser = argparse.ArgumentParser(
        prog="beffroi", description=_("The open city platform."), allow_abbrev=False
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"beffroi {version('beffroi')}",
        help=_("shows the version and exits"),
    )
    parser.add_argument(
        "--data-dir", metavar=_("FOLDER"), help=_("data directory (variable BEFFROI_DATA_DIR)")
    )
    subparsers = parser.add_subparsers(metavar=_("COMMAND"))
    for name in COMMAND_MODULES:
        import_module(f"beffroi.site.cli.{name}").add_commands(subparsers)
    return parser


def settle_environment(data_dir: str | None) -> None:
    """Give every part of the program, and every child process, the same environment."""
    from beffroi.site.configuration import default_data_dir

    named = data_dir or os.environ.get("BEFFROI_DATA_DIR")
    folder = Path(named).expanduser().absolute() if named else default_data_dir(os.environ)
    os.environ["BEFFROI_DATA_DIR"] = str(folder)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "beffroi.site.settings")


@contextlib.contextmanager
def database_at_hand() -> Iterator[EmbeddedServer | None]:
    """Make the database reachable: the embedded one is started for the time of the command.

    The server is given when this process is its parent, so that a long command can look after it.
    """
    from beffroi.foundation.database.connection import data_directory, is_embedded
    from beffroi.foundation.database.contracts import ServerState

    if not is_embedded():
        yield None
        return
    from beffroi.foundation.database.embedded import EmbeddedServer

    server = EmbeddedServer(data_directory())
    if server.status().state is ServerState.RUNNING_ELSEWHERE:
        yield None
        return
    server.start()
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield server
    finally:
        signal.signal(signal.SIGTERM, previous)
        server.stop()


def _interrupt(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def set_up_django() -> None:
    """Load Django and speak the administrator's language."""
    import django
    from django.utils import translation

    if not os.environ.get("BEFFROI_PUBLIC_URL"):
        # Links printed beside a running server lead to it, whatever port it was given.
        address = served_address(Path(os.environ["BEFFROI_DATA_DIR"]))
        os.environ.update({"BEFFROI_PUBLIC_URL": address} if address else {})
    django.setup()
    translation.activate(language())
    logging.captureWarnings(capture=True)
