"""Whether a database separates territories; asked before anything is served from it."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

from beffroi.foundation.database.contracts import (
    MINIMUM_VERSION,
    Finding,
    UnsafeDatabaseError,
)
from beffroi.sdk.declarations import translatable as _

Connection = psycopg.Connection[Any]

# What the checks below choose from: the role, who it may become, and what is not the system's.
_KNOWN: LiteralString = """
WITH me AS (SELECT * FROM pg_roles WHERE rolname = %(role)s),
may_become AS (
    SELECT r.* FROM pg_roles r, me
    WHERE r.oid = me.oid OR (NOT me.rolsuper AND pg_has_role(me.oid, r.oid, 'MEMBER'))
),
powerful AS (SELECT * FROM pg_roles WHERE rolsuper OR rolbypassrls),
ours AS (
    SELECT * FROM pg_namespace
    WHERE nspname NOT LIKE 'pg\\_%%' AND nspname <> 'information_schema'
),
relation AS (
    SELECT c.*, c.oid::regclass::text AS name,
        EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
                AND a.attname = 'territory_id' AND NOT a.attisdropped) AS has_territory,
        c.relkind IN ('r', 'p', 'v', 'm', 'f') AND has_table_privilege(
            me.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE') AS reached
    FROM pg_class c JOIN ours ON ours.oid = c.relnamespace, me
    WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                      AND d.objid = c.oid AND d.deptype = 'e')
),
function AS (
    SELECT p.*, p.oid::regprocedure::text AS name
    FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace, me
    WHERE has_function_privilege(me.oid, p.oid, 'EXECUTE')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
                      AND d.objid = p.oid AND d.deptype = 'e')
)
"""

# Code, sentence, and a query that returns one name for each fault.
_CHECKS: tuple[tuple[str, str, LiteralString], ...] = (
    (
        "role.superuser",
        _("Role {role} is or may become superuser {it}."),
        "SELECT rolname FROM may_become WHERE rolsuper",
    ),
    (
        "role.bypasses",
        _("Role {role} is or may become {it}, which bypasses row-level security."),
        "SELECT rolname FROM may_become WHERE rolbypassrls AND NOT rolsuper",
    ),
    (
        "role.member_of_owner",
        _("Role {role} is a member of {it}, which owns tables."),
        """SELECT DISTINCT o.rolname FROM may_become o JOIN relation r ON r.relowner = o.oid, me
        WHERE o.oid <> me.oid AND NOT o.rolsuper""",
    ),
    (
        "role.owns_table",
        _("Role {role} owns {it}."),
        """SELECT name FROM relation JOIN me ON me.oid = relowner
        WHERE relkind NOT IN ('i', 'I', 't')""",
    ),
    (
        "role.owns_schema",
        _("Role {role} owns schema {it}."),
        "SELECT nspname FROM ours JOIN me ON me.oid = nspowner",
    ),
    (
        "role.owns_function",
        _("Role {role} owns function {it}."),
        "SELECT name FROM function JOIN me ON me.oid = proowner",
    ),
    (
        "role.owns_database",
        _("Role {role} owns database {it}."),
        """SELECT datname FROM pg_database JOIN me ON me.oid = datdba
        WHERE datname = current_database()""",
    ),
    (
        "role.creates",
        _("Role {role} may create objects in schema {it}."),
        "SELECT nspname FROM ours, me WHERE has_schema_privilege(me.oid, ours.oid, 'CREATE')",
    ),
    (
        "table.not_forced",
        _("Row-level security is not enabled and forced on table {it}."),
        # A partition is protected by its parent, as long as nobody may read it by itself.
        """SELECT name FROM relation WHERE has_territory AND relkind IN ('r', 'p')
        AND NOT (relrowsecurity AND relforcerowsecurity) AND (NOT relispartition OR reached)""",
    ),
    (
        "table.no_policy_possible",
        _("{it} holds rows of territories, has no row-level security and may be read by {role}."),
        "SELECT name FROM relation WHERE has_territory AND relkind IN ('m', 'f') AND reached",
    ),
    (
        "table.truncate",
        _("Role {role} may TRUNCATE {it}, which row-level security does not restrain."),
        """SELECT name FROM relation, me WHERE relkind IN ('r', 'p')
        AND has_table_privilege(me.oid, relation.oid, 'TRUNCATE')""",
    ),
    (
        "view.powerful_owner",
        _("View {it} shows {role} what its owner sees, and its owner sees every territory."),
        """SELECT name FROM relation JOIN powerful ON powerful.oid = relowner
        WHERE relkind = 'v' AND reached
        AND NOT coalesce(reloptions && ARRAY['security_invoker=true', 'security_invoker=on',
                                             'security_invoker=1'], false)""",
    ),
    (
        "function.powerful_owner",
        _("Function {it} runs with the rights of an owner who sees every territory."),
        """SELECT name FROM function JOIN powerful ON powerful.oid = proowner
        WHERE prosecdef""",
    ),
    (
        "function.search_path",
        _("Function {it} runs as its owner with the caller’s search path."),
        """SELECT name FROM function WHERE prosecdef
        AND NOT EXISTS (SELECT FROM unnest(proconfig) s WHERE s LIKE 'search\\_path=%%')""",
    ),
)


def check(conn: Connection, *, role: str | None = None) -> list[Finding]:
    """Return what would let ``role`` (the connection's own by default) cross territories.

    Reads the catalogue only, whoever is connected.
    """
    if conn.info.server_version < MINIMUM_VERSION * 10_000:
        return [too_old(conn)]
    role = role or conn.info.user
    findings = []
    for code, message, query in _CHECKS:
        for (subject,) in conn.execute(_KNOWN + query, {"role": role}).fetchall():
            params = {"role": role, "it": subject}
            findings.append(Finding(code, subject, message, params))
    return findings


def assert_safe(conn: Connection, *, role: str | None = None) -> None:
    """Refuse to serve from a database that does not separate territories.

    Raises:
        UnsafeDatabaseError: with every finding of :func:`check`.
    """
    findings = check(conn, role=role)
    if findings:
        raise UnsafeDatabaseError(findings)


def too_old(conn: Connection) -> Finding:
    """Return the finding about a server that is too old."""
    version = conn.info.server_version // 10_000
    return Finding(
        code="server.version",
        subject=str(version),
        message=_("PostgreSQL {version} is too old: {needed} or later is needed."),
        params={"version": version, "needed": MINIMUM_VERSION},
    )
