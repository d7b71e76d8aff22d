"""Reads the command line, makes the database reachable, runs one command."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

from beffroi.kernel.errors import BeffroiError

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
    "doctor",
    "bench",
    "demo",
)
"""Modules of this package that add commands, in the order of the help page."""

EXIT_REFUSED = 2


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
    options = build_parser().parse_args(arguments)
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
        sys.stderr.write(f"beffroi: {sentence_of(problem)}\n")
        return EXIT_REFUSED
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every command; the documentation test reads it."""
    parser = argparse.ArgumentParser(
        prog="beffroi", description="La plateforme ouverte de la ville.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"beffroi {version('beffroi')}")
    parser.add_argument(
        "--data-dir", metavar="DIR", help="dossier des données (variable BEFFROI_DATA_DIR)"
    )
    subparsers = parser.add_subparsers(metavar="COMMANDE", required=True)
    for name in COMMAND_MODULES:
        import_module(f"beffroi.site.cli.{name}").add_commands(subparsers)
    return parser


def settle_environment(data_dir: str | None) -> None:
    """Give every part of the program, and every child process, the same environment."""
    from beffroi.site.configuration import default_data_dir

    if data_dir:
        os.environ["BEFFROI_DATA_DIR"] = os.path.abspath(os.path.expanduser(data_dir))  # noqa: PTH100, PTH111 - an environment value is text
    else:
        os.environ.setdefault("BEFFROI_DATA_DIR", str(default_data_dir(os.environ)))
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

    django.setup()
    language = os.environ.get("LANG", "fr")
    translation.activate("en" if language.startswith("en") else "fr")
    logging.captureWarnings(capture=True)


def sentence_of(problem: BeffroiError) -> str:
    """Return an error as one sentence in the administrator's language, with the way out."""
    from django.apps import apps

    if not apps.ready:
        return str(problem)
    from django.utils.translation import gettext

    return problem.told(gettext)
