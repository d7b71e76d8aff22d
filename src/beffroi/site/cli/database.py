"""``beffroi migrate`` and ``beffroi database``: the database, its roles, its version."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from beffroi.site.cli.output import line
from beffroi.site.cli.program import Command

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``migrate`` and the commands of ``database``."""
    migrate = subparsers.add_parser("migrate", help="met la base de données à jour")
    migrate.set_defaults(command=Command(run_migrate))
    database = subparsers.add_parser("database", help="la base de données et ses rôles")
    inner = database.add_subparsers(metavar="ACTION", required=True)
    prepare = inner.add_parser("prepare", help="crée ou répare les deux rôles sur un serveur")
    prepare.add_argument("--admin-url", required=True, metavar="URL")
    prepare.add_argument("--name", default="beffroi", help="nom de la base")
    prepare.set_defaults(command=Command(run_prepare, needs_database=False, needs_django=False))
    check = inner.add_parser("check", help="vérifie rôles, droits et cloisonnement")
    check.set_defaults(command=Command(run_check))
    server = inner.add_parser("server", help="sert la base intégrée au premier plan")
    server.set_defaults(command=Command(run_server, needs_database=False, needs_django=False))


def run_migrate(_options: argparse.Namespace) -> None:
    """Apply migrations as the owner, then grants and reference tables."""
    from beffroi.site.migration import migrate, pending_migrations

    pending = pending_migrations()
    migrate()
    line("database", "à jour", f"{len(pending)} migrations appliquées")


def run_prepare(options: argparse.Namespace) -> None:
    """Make the two roles and print the two addresses, once."""
    from beffroi.foundation.database.roles import prepare

    urls = prepare(options.admin_url, database=options.name)
    sys.stdout.write(
        "# À garder au secret ; un mot de passe absent est celui que le rôle avait déjà.\n"
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
        line(finding.subject, "à corriger", finding.message)
    if not findings:
        line("database", "sûre", "rôles et cloisonnement sont en ordre")
    return 1 if findings else 0


def run_server(_options: argparse.Namespace) -> None:
    """Serve the embedded database until a signal."""
    from beffroi.foundation.database.connection import data_directory
    from beffroi.foundation.database.serving import serve_child

    serve_child(
        data_directory(),
        with_parent=False,
        ready=lambda _urls: line("database", "prêt", str(data_directory())),
    )
