"""``beffroi scale``: beyond one machine."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from beffroi.kernel.errors import ConfigurationError
from beffroi.site.cli.output import line
from beffroi.site.cli.program import Command
from beffroi.site.cli.words import decimal, ngettext
from beffroi.site.cli.words import gettext as _

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of ``scale``."""
    scale = subparsers.add_parser("scale", help=_("beyond one machine"))
    inner = scale.add_subparsers(metavar="ACTION", required=True)
    citus = inner.add_parser("citus", help=_("spreads the tables by territory with Citus"))
    citus.add_argument(
        "--dry-run", action="store_true", help=_("prints the statements and runs none")
    )
    citus.add_argument(
        "--admin-url", default="", metavar="URL", help=_("superuser of the coordinator")
    )
    citus.set_defaults(command=Command(run_citus))
    replica = inner.add_parser("replica", help=_("says how late the replica is"))
    replica.set_defaults(command=Command(run_replica))


def run_citus(options: argparse.Namespace) -> int:
    """Print the statements that distribute the schema, or run them; 1 when it cannot be done."""
    import psycopg
    from django.db import connection

    from beffroi.foundation.database.api import application_role, declared_rules
    from beffroi.foundation.database.citus import citus_plan, citus_run

    connection.ensure_connection()
    own: psycopg.Connection[Any] = connection.connection
    plan = citus_plan(own, rules=declared_rules(), application=application_role())
    if options.dry_run:
        sys.stdout.write(plan.script())
        return 1 if plan.problems else 0
    if not options.admin_url:
        raise ConfigurationError(
            "The plan is run by a superuser of the coordinator.",
            way_out="Give its address with --admin-url, or look at the plan with --dry-run.",
        )
    with psycopg.connect(options.admin_url, autocommit=True) as admin:
        if admin.info.dbname != own.info.dbname:
            raise ConfigurationError(
                "{given} is not the database of this installation, {own}.",
                params={"given": admin.info.dbname, "own": own.info.dbname},
            )
        count = citus_run(admin, plan, say=lambda text: sys.stdout.write(f"{text};\n"))
    told = ngettext("{count} statement run", "{count} statements run", count).format(count=count)
    line("citus", _("distributed"), told)
    return 0


def run_replica(_options: argparse.Namespace) -> int:
    """Say whether the replica may be read; 1 when there is one and it may not."""
    from beffroi.foundation.database.replica import most_late_s, replica_late_s, replica_named

    if not replica_named():
        line("replica", _("none"), _("DATABASE_REPLICA_URL names none: the primary is read"))
        return 0
    late = replica_late_s()
    if late is None:
        line("replica", _("away"), _("it does not answer: the primary is read"))
        return 1
    told = _("{late} s late, {most} s allowed").format(late=decimal(late), most=most_late_s())
    usable = late <= most_late_s()
    line("replica", _("read") if usable else _("too late"), told)
    return 0 if usable else 1
