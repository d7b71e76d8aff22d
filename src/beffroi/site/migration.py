"""Brings the database to the version of the code, as its owner."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.utils import ProgrammingError

from beffroi.foundation.database.ownership import as_owner, bring_up_to_date
from beffroi.foundation.territories.api import reference_load


def pending_migrations() -> list[str]:
    """Return the migrations that have not been applied, as ``app.name``."""
    try:
        executor = MigrationExecutor(connection)
    except ProgrammingError:
        # A first migration that was cut short has not granted its own list to us yet.
        return [".".join(node) for node in MigrationLoader(None).graph.nodes]
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def migrate(report: Callable[[str], None] = lambda _text: None) -> None:
    """Apply every migration, the grants on third parties' tables, and the reference tables."""
    with as_owner():
        bring_up_to_date(verbosity=0)
        reference_load()
    report("the database is up to date")
