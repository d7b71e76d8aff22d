"""``beffroi migrate`` and ``beffroi database``: the database, its roles, its version."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from beffroi.site.cli.output import line
from beffroi.site.cli.program import Command
from beffroi.site.cli.words import gettext as _
from beffroi.site.cli.words import ngettext

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``migrate`` and the commands of ``database``."""
    migrate = subparsers.add_parser("migrate", help=_("brings the database up to date"))
    migrate.set_defaults(command=Command(run_migrate))
    database = subparsers.add_parser("database", help=_("the database and its roles"))
    inner = database.add_subparsers(metavar="ACTION", required=True)
    prepare = inner.add_parser("prepare", help=_("makes or repairs the two roles on a server"))
    prepare.add_argument("--admin-url", required=True, metavar="URL")
    prepare.add_argument("--name", default="beffroi", help=_("name of the database"))
    prepare.set_defaults(command=Command(run_prepare, needs_database=False, needs_django=False))
    check = inner.add_parser(
        "check", help=_("checks roles, grants and the separation of territories")
    )
    check.set_defaults(command=Command(run_check))
    server = inner.add_parser("server", help=_("serves the embedded database in the foreground"))
    server.set_defaults(command=Command(run_server, needs_database=False, needs_django=False))


def run_migrate(_options: argparse.Namespace) -> None:
    """Apply migrations as the owner, then grants and reference tables."""
    from beffroi.site.migration import migrate, pending_migrations

    pending = pending_migrations()
    migrate()
    line("database", _("up to date"), _applied(len(pending)))


def _applied(count: int) -> str:
    return ngettext("{count} migration applied", "{count} migrations applied", count).format(
        count=count
    )


def run_prepare(options: argparse.Namespace) -> None:
    """Make the two roles and print the two addresses, once."""
    from beffroi.foundation.database.roles import prepare

    urls = prepare(options.admin_url, database=options.name)
    sys.stdout.write(
        f"# {_('Keep these secret; a password that is missing is the one the role had.')}\n"
        f"DATABASE_URL={urls.application}\nDATABASE_OWNER_URL={urls.owner}\n"
    )


def run_check(_options: argparse.Namespace) -> int:
    """Print what is wrong with the separation of territories; 1 when something is."""
    from django.db import connection

    from beffroi.foundation.database.api import check_rules
    from beffroi.foundation.database.roles import check

    connection.ensure_connection()
    findings = [*check(connection.connection), *check_rules()]
    for finding in findings:
        line(finding.subject, _("to correct"), finding.told(_))
    if not findings:
        line("database", _("safe"), _("roles and separation of territories are in order"))
    return 1 if findings else 0


def run_server(_options: argparse.Namespace) -> None:
    """Serve the embedded database until a signal."""
    from beffroi.foundation.database.connection import data_directory
    from beffroi.foundation.database.serving import serve_child

    serve_child(
        data_directory(),
        with_parent=False,
        ready=lambda _urls: line("database", _("ready"), str(data_directory())),
    )
