"""The statements that distribute the schema by territory with Citus, made from the real catalogue.

The schema of one server stays as the ORM likes it: a primary key is one column. What Citus asks
besides (every key contains the territory, foreign keys join within a territory, nothing points
from a shard to a table that stays) is done by the statements of this plan, once, on a migrated
database. The reasons are in docs/adr/0011-archive-and-scale.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import psycopg
from psycopg import sql

from beffroi.foundation.database.catalogue import (
    Catalogue,
    Constraint,
    Table,
    catalogue_read,
    pure_functions,
)
from beffroi.foundation.database.contracts import DatabaseError, RuleKind, TableRule
from beffroi.foundation.database.migrations_ops import TERRITORY_POLICY

COLUMN = "territory_id"
ANCHOR = "assets_asset"
"""Every other distributed table is colocated with this one."""

OLDEST_CITUS = (12, 0)

STAYS = ("accounts_", "audit_")
"""Rooms whose tables stay on the coordinator: they are small and read before, or across, a
territory. What a distributed table refers to is copied to every node instead."""

FOUND_ACROSS = "beffroi_also_visible"
"""Policy of a row that is found before its territory is known, by its key or its person."""

WIDENED = frozenset({"id", "uuid"})
"""Columns unique by the way they are made: to ask it of a territory alone loses nothing."""

ROUTE = "beffroi_route"
SECTIONS = (
    ("keys", "1. Keys and references, on the coordinator before anything is distributed"),
    ("objects", "2. Functions that tables and statements need on every node"),
    ("reference", "3. Small tables, copied to every node"),
    ("distribute", "4. Tables of the territories, spread by territory"),
    ("session", "5. How a territory reaches the nodes, and a statement its node"),
)

PREPARATION = """\
-- Before, on every node (coordinator and workers): PostgreSQL with Citus 12, 13 or 14,
--   shared_preload_libraries = 'citus' (first of the list), the packages of the contrib extensions;
--   CREATE DATABASE beffroi with the encoding and locale of the coordinator's;
--   CREATE EXTENSION citus;
-- on the coordinator, as its superuser, before `beffroi database prepare` so that roles and
-- extensions (pg_trgm, btree_gist, unaccent) are made on the workers too:
--   SELECT citus_set_coordinator_host('<address of the coordinator>', 5432);
--   SELECT citus_add_node('<address of a worker>', 5432);  -- for each worker
--   -- Nodes connect to each other as the role that asks; each one needs its password:
--   INSERT INTO pg_dist_authinfo (nodeid, rolename, authinfo)
--     VALUES (0, '<application role>', 'password=…'), (0, '<owner role>', 'password=…');
-- then `beffroi migrate`, then this plan, as a superuser: row-level security binds everybody else,
-- and rows that are there already would be left behind. Nothing else may be connected meanwhile."""


class CitusRefused(DatabaseError):
    """The schema, or the server, does not allow what is asked."""

    code = "database.citus"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of the plan.

    Attributes:
        section: key of :data:`SECTIONS`.
        text: SQL without the final semicolon.
        needs_citus: it cannot be run on a plain server.
    """

    section: str
    text: str
    needs_citus: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of every table, and how."""

    distributed: tuple[str, ...]
    reference: tuple[str, ...]
    local: tuple[str, ...]
    statements: tuple[Statement, ...]
    problems: tuple[str, ...]

    def script(self) -> str:
        """Return the plan as a file of SQL, with what must be done before."""
        lines = [PREPARATION, ""]
        for section, title in SECTIONS:
            lines.append(f"-- {title}")
            lines += [f"{item.text};" for item in self.statements if item.section == section]
            lines.append("")
        lines.append(f"-- On the coordinator, as they are: {', '.join(self.local)}")
        lines += [f"-- PROBLEM: {problem}" for problem in self.problems]
        return "\n".join(lines) + "\n"


@dataclass(slots=True)
class _Draft:
    distributed: list[str]
    reference: list[str]
    statements: list[Statement] = field(default_factory=list)

    def add(self, section: str, text: str, *, needs_citus: bool = False) -> None:
        self.statements.append(Statement(section, text, needs_citus))


def citus_plan(
    conn: psycopg.Connection[Any], *, rules: Mapping[str, TableRule], application: str
) -> Plan:
    """Return the statements that distribute a migrated database.

    Args:
        conn: a connection that may read the catalogue.
        rules: what each table declares, from ``declared_rules()``.
        application: role that serves.
    """
    tables = catalogue_read(conn)
    distributed = distributed_tables(tables, rules)
    reference = reference_tables(tables, distributed)
    draft = _Draft(distributed, reference)
    _foreign_keys_drop(draft, tables)
    _keys_widen(draft, tables)
    _foreign_keys_add(draft, tables)
    _identities_replace(draft, tables, application=application)
    _objects(draft, tables, pure=pure_functions(conn))
    draft.add("reference", "SET citus.enable_unsafe_triggers TO on", needs_citus=True)
    for name in reference:
        draft.add("reference", f"SELECT create_reference_table('{name}')", needs_citus=True)
    for name in distributed:
        colocated = "none" if name == ANCHOR else ANCHOR
        draft.add(
            "distribute",
            f"SELECT create_distributed_table('{name}', '{COLUMN}',"
            f" colocate_with => '{colocated}')",
            needs_citus=True,
        )
    _session(draft, application=_id(application), database=_id(conn.info.dbname))
    named = {*distributed, *reference}
    return Plan(
        distributed=tuple(distributed),
        reference=tuple(reference),
        local=tuple(name for name in sorted(tables) if name not in named),
        statements=tuple(draft.statements),
        problems=tuple(unsolved(tables, rules)),
    )


def distributed_tables(tables: Catalogue, rules: Mapping[str, TableRule]) -> list[str]:
    """Return the tables that are spread: the anchor, then those referred to before who refers."""
    names = [
        name
        for name, table in tables.items()
        if name in rules
        and rules[name].kind is RuleKind.TERRITORY
        and table.columns.get(COLUMN) is not None
        and table.columns[COLUMN].not_null
        and FOUND_ACROSS not in table.policies
        and not name.startswith(STAYS)
        and name not in _REFERENCE
    ]
    return _in_order(tables, sorted(names, key=lambda name: (name != ANCHOR, name)))


_SETS = re.compile(r"ON (?:DELETE|UPDATE) SET (?:NULL|DEFAULT)")
_REFERENCE = frozenset({"territories_area"})
"""Tables of territories that are copied although they could be spread: ``accounts_grant``, which
stays, joins areas, and there are hundreds of them."""


def reference_tables(tables: Catalogue, distributed: Sequence[str]) -> list[str]:
    """Return the tables that distributed ones refer to, and those that these refer to in turn."""
    wanted: set[str] = set()
    waiting = list(distributed)
    while waiting:
        for constraint in tables[waiting.pop()].constraints:
            target = constraint.refers_to
            if target and target not in wanted and target not in distributed:
                wanted.add(target)
                waiting.append(target)
    return _in_order(tables, sorted(wanted))


def _in_order(tables: Catalogue, names: Sequence[str]) -> list[str]:
    ordered: list[str] = []

    def place(name: str, above: frozenset[str]) -> None:
        for constraint in tables[name].constraints:
            target = constraint.refers_to
            if target in names and target != name and target not in above:
                place(target, above | {name})
        if name not in ordered:
            ordered.append(name)

    for name in names:
        place(name, frozenset({name}))
    return ordered


def _foreign_keys_drop(draft: _Draft, tables: Catalogue) -> None:
    placed = {*draft.distributed, *draft.reference}
    for name, constraint in _foreign_keys(tables):
        target = constraint.refers_to
        stays = name not in placed and target in placed
        rebuilt = name in draft.distributed and target in draft.distributed
        if stays or rebuilt:
            # From a table that stays, the key would draw that table into Citus, its identity
            # column and its triggers with it.
            draft.add("keys", f"ALTER TABLE {_id(name)} DROP CONSTRAINT {_id(constraint.name)}")


def _keys_widen(draft: _Draft, tables: Catalogue) -> None:
    for name in draft.distributed:
        table = tables[name]
        for key in table.constraints:
            if key.kind not in {"p", "u", "x"} or COLUMN in key.columns:
                continue
            draft.add("keys", f"ALTER TABLE {_id(name)} DROP CONSTRAINT {_id(key.name)}")
            draft.add(
                "keys",
                f"ALTER TABLE {_id(name)} ADD CONSTRAINT {_id(key.name)} {widened(key.definition)}",
            )
        for index in table.unique_indexes:
            if COLUMN not in index.columns:
                draft.add("keys", f"DROP INDEX {_id(index.name)}")
                draft.add("keys", widened(index.definition))


def widened(definition: str) -> str:
    """Return the definition of a key, or of a unique index, with the territory as first column."""
    column = f"{COLUMN} WITH =, " if definition.startswith("EXCLUDE") else f"{COLUMN}, "
    return definition.replace("(", "(" + column, 1)


def _foreign_keys_add(draft: _Draft, tables: Catalogue) -> None:
    for name, constraint in _foreign_keys(tables):
        target = constraint.refers_to
        if name not in draft.distributed or target not in draft.distributed:
            continue
        text = constraint.definition
        if COLUMN not in constraint.columns:
            text = re.sub(r"\(", f"({COLUMN}, ", text, count=2)
        draft.add("keys", f"ALTER TABLE {_id(name)} ADD CONSTRAINT {_id(constraint.name)} {text}")


def _identities_replace(draft: _Draft, tables: Catalogue, *, application: str) -> None:
    """Citus numbers bigint identities node by node, and refuses shorter ones: a sequence does."""
    for name in (*draft.distributed, *draft.reference):
        for column in tables[name].columns.values():
            if not column.identity or column.type == "bigint":
                continue
            sequence = _id(f"{name}_{column.name}_seq")
            of = f"{_id(name)}.{_id(column.name)}"
            alter = f"ALTER TABLE {_id(name)} ALTER COLUMN {_id(column.name)}"
            following = f"coalesce(max({of}), 0) + 1"
            for text in (
                f"{alter} DROP IDENTITY",
                f"CREATE SEQUENCE {sequence} AS {column.type}",
                f"ALTER SEQUENCE {sequence} OWNER TO {_id(tables[name].owner)}",
                f"ALTER SEQUENCE {sequence} OWNED BY {of}",
                f"{alter} SET DEFAULT nextval('{sequence}')",
                f"SELECT setval('{sequence}', {following}, false) FROM {_id(name)}",  # noqa: S608 - quoted names of the catalogue
                f"GRANT USAGE, SELECT ON SEQUENCE {sequence} TO {_id(application)}",
            ):
                draft.add("keys", text)


def _objects(draft: _Draft, tables: Catalogue, *, pure: Iterable[str]) -> None:
    functions = {signature for signature in pure if not signature.startswith(ROUTE)}
    functions |= {
        signature
        for name in (*draft.distributed, *draft.reference)
        for signature in tables[name].functions
    }
    for signature in sorted(functions):
        draft.add("objects", f"SELECT create_distributed_function('{signature}')", needs_citus=True)


def _session(draft: _Draft, *, application: str, database: str) -> None:
    role = f"{application} IN DATABASE {database}"
    # set_config() is a function: Citus passes on the command SET LOCAL alone. Found before the
    # one of the system, this function says it by that command.
    draft.add(
        "session",
        "CREATE OR REPLACE FUNCTION public.set_config(name text, value text, is_local boolean)"
        " RETURNS text LANGUAGE plpgsql AS $function$ BEGIN"
        " IF is_local AND name ~ '^beffroi\\.[a-z_]+$' THEN"
        " EXECUTE format('SET LOCAL %I.%I = %L',"
        " split_part(name, '.', 1), split_part(name, '.', 2), value); RETURN value; END IF;"
        " RETURN pg_catalog.set_config(name, value, is_local); END $function$",
    )
    # Immutable, which it is for the time of one statement: the planner then knows the number, the
    # router takes the statement to its node, and joins need not repeat the territory. Shards keep
    # their own policy, which asks the setting itself: a plan that outlived its territory would
    # find no row, never another's.
    draft.add(
        "session",
        f"CREATE OR REPLACE FUNCTION public.{ROUTE}() RETURNS integer"
        " LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $function$"
        " SELECT NULLIF(current_setting('beffroi.territory', true), '')::int $function$",
    )
    draft.add("session", "SET citus.enable_ddl_propagation TO off", needs_citus=True)
    for name in draft.distributed:
        draft.add(
            "session",
            f"CREATE POLICY {ROUTE} ON {_id(name)} AS RESTRICTIVE TO {application}"
            f" USING ({COLUMN} = public.{ROUTE}())",
        )
    draft.add("session", "RESET citus.enable_ddl_propagation", needs_citus=True)
    draft.add(
        "session",
        f"ALTER ROLE {role} SET citus.propagate_set_commands TO 'local'",
        needs_citus=True,
    )
    draft.add("session", f"ALTER ROLE {role} SET plan_cache_mode TO force_custom_plan")
    draft.add("session", f"ALTER ROLE {role} SET search_path TO public, pg_catalog")


def unsolved(tables: Catalogue, rules: Mapping[str, TableRule]) -> list[str]:
    """Return what no statement of the plan can put right: the schema itself must change."""
    distributed = distributed_tables(tables, rules)
    found = []
    if ANCHOR not in distributed:
        found.append(f"{ANCHOR} is not distributed: nothing to be colocated with")
    for name in distributed:
        table = tables[name]
        allowed = WIDENED | {
            column
            for constraint in table.constraints
            if constraint.refers_to in distributed
            for column in constraint.columns
        }
        keys = [key for key in table.constraints if key.kind in {"p", "u", "x"}]
        found += [
            f"{name}: {key.name} would be unique within a territory only"
            for key in (*keys, *table.unique_indexes)
            if COLUMN not in key.columns and not allowed & set(key.columns)
        ]
        found += [
            f"{name}: {key.name} does more than refuse, which Citus cannot where the territory"
            " is part of the key"
            for key in table.constraints
            if key.kind == "f"
            and re.search(r"ON (DELETE|UPDATE) SET (NULL|DEFAULT)", key.definition)
        ]
        found += _unsolved_policies(name, table)
        if table.columns[COLUMN].type != "integer":
            found.append(f"{name}: {COLUMN} is not an integer and could not be colocated")
        if table.columns[COLUMN].generated:
            found.append(f"{name}: {COLUMN} is generated")
        if table.inherits:
            found.append(f"{name}: it inherits from another table")
    for name in reference_tables(tables, distributed):
        found += _unsolved_policies(name, tables[name])
    return found


def _unsolved_policies(name: str, table: Table) -> Iterable[str]:
    for policy, with_subquery in table.policies.items():
        if with_subquery:
            yield f"{name}: policy {policy} has a subquery"
    if not table.policies and COLUMN in table.columns:
        yield f"{name}: it has a territory and no policy {TERRITORY_POLICY}"


def violations(tables: Catalogue, rules: Mapping[str, TableRule]) -> list[str]:
    """Return the rules of Citus that tables break as they are; none once the plan is run."""
    distributed = distributed_tables(tables, rules)
    reference = reference_tables(tables, distributed)
    found = unsolved(tables, rules)
    for name in distributed:
        table = tables[name]
        keys = [key for key in table.constraints if key.kind in {"p", "u", "x"}]
        found += [
            f"{name}: {key.name} does not contain {COLUMN}"
            for key in (*keys, *table.unique_indexes)
            if COLUMN not in key.columns
        ]
        found += [
            f"{name}: {key.name} joins {key.refers_to} without {COLUMN}"
            for key in table.constraints
            if key.refers_to in distributed and COLUMN not in key.columns
        ]
    for name, constraint in _foreign_keys(tables):
        target = constraint.refers_to
        if name in reference and target in distributed:
            found.append(f"{name}: {constraint.name} points from a copied table to a spread one")
        if name not in {*distributed, *reference} and target in {*distributed, *reference}:
            found.append(f"{name}: {constraint.name} points from a table that stays to {target}")
    found += [
        f"{name}: {column.name} is an identity of type {column.type}"
        for name in (*distributed, *reference)
        for column in tables[name].columns.values()
        if column.identity and column.type != "bigint"
    ]
    return found


def citus_version(conn: psycopg.Connection[Any]) -> tuple[int, int]:
    """Return the version of the extension in this database.

    Raises:
        CitusRefused: it has none, or one that is too old, or who asks is no superuser.
    """
    row = conn.execute("SELECT extversion FROM pg_extension WHERE extname = 'citus'").fetchone()
    if row is None:
        raise CitusRefused(
            "This database has no Citus.",
            way_out="Install it on every node, then CREATE EXTENSION citus; "
            "--dry-run prints what is done.",
        )
    major, _mark, minor = str(row[0]).partition(".")
    version = (int(major), int("".join(takewhile(str.isdigit, minor)) or 0))
    if version < OLDEST_CITUS:
        raise CitusRefused(
            "Citus {version} is too old: 12 or later is needed.",
            way_out="Upgrade the extension on every node.",
            params={"version": row[0]},
        )
    if conn.execute("SHOW is_superuser").fetchone() != ("on",):
        raise CitusRefused(
            "Only a superuser can distribute tables: row-level security would leave rows behind.",
            way_out="Give its address with --admin-url.",
        )
    return version


def citus_run(conn: psycopg.Connection[Any], plan: Plan, *, say: Any = None) -> int:
    """Execute the plan on a coordinator; returns how many statements were run.

    Keys change in one transaction. Each table is then distributed in its own, as Citus asks of
    tables with foreign keys; those that are distributed already are passed over, so that a run
    that stopped can be started again.

    Raises:
        CitusRefused: see :func:`citus_version`; or the plan has problems.
    """
    conn.autocommit = True
    citus_version(conn)
    if plan.problems:
        raise CitusRefused(
            "The schema cannot be distributed: {problems}.",
            params={"problems": "; ".join(plan.problems)},
        )
    done = {
        str(row[0])
        for row in conn.execute("SELECT logicalrelid::regclass::text FROM pg_dist_partition")
    }
    count = 0
    with conn.transaction():
        for item in plan.statements:
            if item.section == "keys" and not done:
                count += _run(conn, item, say)
    for item in plan.statements:
        named = re.match(r"SELECT create_(?:reference|distributed)_table\('(\w+)'", item.text)
        if item.section != "keys" and not (named and named[1] in done):
            count += _run(conn, item, say)
    return count


def _run(conn: psycopg.Connection[Any], item: Statement, say: Any) -> int:
    if say is not None:
        say(item.text)
    if item.text.startswith(f"CREATE POLICY {ROUTE} ON "):
        table = item.text.split()[4]
        conn.execute(f"DROP POLICY IF EXISTS {ROUTE} ON {table}".encode())
    conn.execute(item.text.encode())
    return 1


def _foreign_keys(tables: Catalogue) -> list[tuple[str, Constraint]]:
    return [
        (name, constraint)
        for name, table in sorted(tables.items())
        for constraint in table.constraints
        if constraint.kind == "f"
    ]


def _id(name: str) -> str:
    """Return a name quoted where PostgreSQL asks it; ours need not be, and read better so."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else sql.Identifier(name).as_string(None)
