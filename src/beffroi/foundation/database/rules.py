"""What every table declares, and whether the database agrees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from beffroi.foundation.database.application_role import application_role
from beffroi.foundation.database.contracts import Finding, RuleKind, TableRule
from beffroi.foundation.database.migrations_ops import (
    AccessDeclaration,
    AppendOnly,
    SharedTable,
    TerritoryTable,
    declarations,
    grant_table,
)
from beffroi.foundation.database.third_party import THIRD_PARTY_TABLES
from beffroi.sdk.declarations import translatable as _

# Partitions are reached through their parent only; extensions bring tables of their own.
_TABLES_SQL = """
SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,
       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
               AND a.attname = 'territory_id' AND NOT a.attisdropped),
       ARRAY(SELECT v FROM unnest(ARRAY['SELECT','INSERT','UPDATE','DELETE']) v
             WHERE has_table_privilege(%s, c.oid, v))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'f') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%%'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                  AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1
"""


def declared_rules() -> dict[str, TableRule]:
    """Return the rule of every table that a migration, or the third-party list, declares."""
    rules = {
        table: TableRule(
            table=table,
            kind=RuleKind.SHARED,
            verbs=verbs,
            reason=reason.strip(),
            declared_by="third_party",
        )
        for table, (verbs, reason) in THIRD_PARTY_TABLES.items()
    }
    for migration, operation in _declared():
        if isinstance(operation, TerritoryTable | SharedTable):
            rules[operation.table] = replace(operation.rule(), declared_by=migration)
        elif isinstance(operation, AppendOnly) and operation.table in rules:
            rules[operation.table] = replace(
                rules[operation.table], append_only=True, verbs=("SELECT", "INSERT")
            )
    return rules


def check_rules() -> list[Finding]:
    """Compare every table of the default database with what is declared for it."""
    rules = declared_rules()
    with connection.cursor() as cursor:
        cursor.execute(_TABLES_SQL, [application_role()])
        tables: list[tuple[str, bool, bool, list[str]]] = cursor.fetchall()
    return [finding for table in tables for finding in _compare(rules.get(table[0]), table)]


def undeclared_tables() -> list[str]:
    """Return the tables of the default database that no rule speaks of."""
    return [found.subject for found in check_rules() if found.code == "table.undeclared"]


def grant_third_party() -> None:
    """Grant the application role its rights on the tables of libraries; as the owner."""
    role = application_role()
    with connection.cursor() as cursor:
        for table, (verbs, _reason) in THIRD_PARTY_TABLES.items():
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f'"{table}"'])
            if cursor.fetchone() == (True,):
                _execute(cursor, grant_table(table, role=role, verbs=verbs))


def grant_declared() -> None:
    """Grant again what migrations declare, for the application role of today; as the owner."""
    role = application_role()
    with connection.cursor() as cursor:
        for _migration, operation in _declared():
            _execute(cursor, [operation.existence_sql()])
            if cursor.fetchone() == (True,):
                _execute(cursor, operation.grant_sql(role))


def _declared() -> Iterator[tuple[str, AccessDeclaration]]:
    loader = MigrationLoader(None)
    for (app_label, name), migration in sorted(loader.disk_migrations.items()):
        for operation in declarations(migration.operations):
            yield f"{app_label}.{name}", operation


def _compare(rule: TableRule | None, found: tuple[str, bool, bool, list[str]]) -> Iterator[Finding]:
    table, forced, has_territory, verbs = found
    if rule is None:
        yield _finding("table.undeclared", _("Table {table} declares no rule."), table)
        return
    if rule.kind is RuleKind.TERRITORY and not forced:
        yield _finding(
            "table.not_forced", _("Row-level security is not forced on table {table}."), table
        )
    if rule.kind is RuleKind.SHARED and has_territory:
        yield _finding(
            "table.shared_territory", _("Table {table} has a territory and is shared."), table
        )
    excess = sorted(set(verbs) - set(rule.verbs))
    if excess:
        yield _finding(
            "table.excess_rights",
            _("The application may {verbs} on {table}, which is not declared."),
            table,
            verbs=", ".join(excess),
        )


def _finding(code: str, message: str, table: str, **params: object) -> Finding:
    return Finding(code, table, message, {"table": table, **params})


def _execute(cursor: Any, statements: list[sql.Composable] | Any) -> None:
    for statement in statements:
        cursor.execute(statement.as_string(None))
