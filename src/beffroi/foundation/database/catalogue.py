"""What a database says of its own tables: keys, references, policies, identities, triggers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

# Partitions follow their parent; extensions bring tables of their own.
_OURS = """
    c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                    AND d.objid = c.oid AND d.deptype = 'e')
"""

_COLUMNS = f"""
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.attidentity <> '', a.attgenerated <> '', pg_get_userbyid(c.relowner)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE a.attnum > 0 AND NOT a.attisdropped AND {_OURS} ORDER BY 1, a.attnum
"""  # noqa: S608 - constants of this module only

_CONSTRAINTS = f"""
SELECT c.relname, k.conname, k.contype::text, pg_get_constraintdef(k.oid),
       coalesce(f.relname, ''), ARRAY(SELECT a.attname::text FROM unnest(k.conkey) n
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = n)
FROM pg_class c JOIN pg_constraint k ON k.conrelid = c.oid
LEFT JOIN pg_class f ON f.oid = k.confrelid
WHERE k.contype IN ('p', 'u', 'x', 'f') AND {_OURS} ORDER BY 1, 2
"""  # noqa: S608 - constants of this module only

_INDEXES = f"""
SELECT c.relname, i.relname, 'i', pg_get_indexdef(i.oid), '',
       ARRAY(SELECT a.attname::text FROM unnest(x.indkey::int2[]) n
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = n)
FROM pg_class c JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid
WHERE x.indisunique AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid)
  AND {_OURS} ORDER BY 1, 2
"""  # noqa: S608 - constants of this module only

_POLICIES = f"""
SELECT c.relname, p.polname,
       coalesce(pg_get_expr(p.polqual, c.oid), '') ~* '\\mSELECT\\M'
       OR coalesce(pg_get_expr(p.polwithcheck, c.oid), '') ~* '\\mSELECT\\M'
FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid WHERE {_OURS} ORDER BY 1, 2
"""  # noqa: S608 - constants of this module only

# Functions of ours that a table needs wherever it is: of triggers, generated columns, defaults,
# checks and indexes.
_FUNCTIONS = f"""
SELECT DISTINCT c.relname, f.oid::regprocedure::text
FROM pg_class c
JOIN LATERAL (
    SELECT t.tgfoid AS oid FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
    UNION
    SELECT d.refobjid FROM pg_depend d
    WHERE d.refclassid = 'pg_proc'::regclass AND (
        (d.classid = 'pg_attrdef'::regclass
         AND d.objid IN (SELECT oid FROM pg_attrdef WHERE adrelid = c.oid))
        OR (d.classid = 'pg_constraint'::regclass
            AND d.objid IN (SELECT oid FROM pg_constraint WHERE conrelid = c.oid))
        OR (d.classid = 'pg_class'::regclass
            AND d.objid IN (SELECT indexrelid FROM pg_index WHERE indrelid = c.oid)))
) f ON true
JOIN pg_proc p ON p.oid = f.oid AND p.pronamespace = 'public'::regnamespace
WHERE {_OURS} ORDER BY 1, 2
"""  # noqa: S608 - constants of this module only

# Functions of ours that a statement may call on any node: they depend on their arguments alone,
# and these are of types that every node has.
_PURE = """
SELECT p.oid::regprocedure::text FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND p.provolatile = 'i' AND NOT p.prosecdef
  AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) a JOIN pg_type t ON t.oid = a
                  WHERE t.typtype = 'c')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
                  AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1
"""

_INHERITANCE = f"""
SELECT c.relname FROM pg_class c JOIN pg_inherits h ON h.inhrelid = c.oid WHERE {_OURS}
"""  # noqa: S608 - constants of this module only


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    type: str
    not_null: bool
    identity: bool
    generated: bool


@dataclass(frozen=True, slots=True)
class Constraint:
    """A primary, unique, exclusion or foreign key; or a unique index that is none (``i``).

    Attributes:
        kind: p, u, x, f as PostgreSQL says, or i.
        refers_to: table that a foreign key points to, or an empty string.
    """

    name: str
    kind: str
    definition: str
    refers_to: str
    columns: tuple[str, ...]


@dataclass(slots=True)
class Table:
    """One table; ``policies`` tells of each whether it has a subquery."""

    owner: str
    columns: dict[str, Column] = field(default_factory=dict)
    constraints: list[Constraint] = field(default_factory=list)
    unique_indexes: list[Constraint] = field(default_factory=list)
    policies: dict[str, bool] = field(default_factory=dict)
    functions: list[str] = field(default_factory=list)
    inherits: bool = False


Catalogue = Mapping[str, Table]


def pure_functions(conn: psycopg.Connection[Any]) -> list[str]:
    """Return the signatures of our immutable functions, which statements call on any node."""
    return [str(row[0]) for row in conn.execute(_PURE.encode())]


def catalogue_read(conn: psycopg.Connection[Any]) -> Catalogue:
    """Return every table of the schema ``public`` by its name, whoever is connected."""
    tables: dict[str, Table] = {}
    for table, name, *facts, owner in conn.execute(_COLUMNS.encode()):
        tables.setdefault(table, Table(owner)).columns[name] = Column(name, *facts)
    for table, name, kind, definition, target, columns in conn.execute(_CONSTRAINTS.encode()):
        found = Constraint(name, kind, definition, target, tuple(columns))
        tables[table].constraints.append(found)
    for table, name, kind, definition, target, columns in conn.execute(_INDEXES.encode()):
        found = Constraint(name, kind, definition, target, tuple(columns))
        tables[table].unique_indexes.append(found)
    for table, name, with_subquery in conn.execute(_POLICIES.encode()):
        tables[table].policies[name] = with_subquery
    for table, signature in conn.execute(_FUNCTIONS.encode()):
        tables[table].functions.append(signature)
    for (table,) in conn.execute(_INHERITANCE.encode()):
        tables[table].inherits = True
    return tables
