"""Operations by which a migration says who may reach the rows of the tables it creates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from psycopg import sql

from beffroi.foundation.database.application_role import application_role
from beffroi.foundation.database.contracts import RuleKind, TableRule

ALL_VERBS = "SELECT, INSERT, UPDATE, DELETE"
TERRITORY_POLICY = "beffroi_territory"
EXTRA_POLICY = "beffroi_also_visible"
# Not in a sub-select, although a scan would take half the time: Citus distributes no table whose
# policy has one.
TERRITORY_SQL = "NULLIF(current_setting('beffroi.territory', true), '')::int"
_KNOWN_VERBS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
_APPEND_ONLY_FUNCTION = """
CREATE OR REPLACE FUNCTION beffroi_append_only() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed nor deleted', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$function$
"""


class AccessDeclaration(Operation):
    """Base of the operations of this module: no model changes, only rights in the database."""

    reduces_to_sql = True
    reversible = True
    elidable = False

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing: rights are no part of Django's models."""

    def database_forwards(
        self,
        app_label: str,  # noqa: ARG002 - Django's signature
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,  # noqa: ARG002 - Django's signature
        to_state: ProjectState,  # noqa: ARG002 - Django's signature
    ) -> None:
        """Apply the declaration."""
        role = application_role()
        _run(schema_editor, [*self.structure_sql(), *self.grant_sql(role)])

    def database_backwards(
        self,
        app_label: str,  # noqa: ARG002 - Django's signature
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,  # noqa: ARG002 - Django's signature
        to_state: ProjectState,  # noqa: ARG002 - Django's signature
    ) -> None:
        """Undo the declaration."""
        _run(schema_editor, self.reverse_sql(application_role()))

    def structure_sql(self) -> Sequence[sql.Composable]:
        """Return the statements that do not depend on the role."""
        return ()

    def grant_sql(self, role: str) -> Sequence[sql.Composable]:
        """Return statements, safe to repeat, that give the role its rights and no other."""
        raise NotImplementedError

    def reverse_sql(self, role: str) -> Sequence[sql.Composable]:
        """Return the statements that undo both."""
        raise NotImplementedError

    def existence_sql(self) -> sql.Composable:
        """Return a query of one boolean: whether the object is there."""
        raise NotImplementedError


class _OfRelation(AccessDeclaration):
    def __init__(self, table: str) -> None:
        self.table = table

    @property
    def _name(self) -> sql.Identifier:
        return sql.Identifier(self.table)

    def existence_sql(self) -> sql.Composable:
        """Return a query that tells whether the object is there."""
        return sql.SQL("SELECT to_regclass({}) IS NOT NULL").format(sql.Literal(f'"{self.table}"'))

    def _granted(self, role: str, verbs: Sequence[str]) -> list[sql.Composable]:
        return grant_table(self.table, role=role, verbs=verbs)

    def _revoked(self, role: str) -> sql.Composable:
        return sql.SQL("REVOKE ALL ON {} FROM {}").format(self._name, sql.Identifier(role))


class TerritoryTable(_OfRelation):
    """Keep the rows of each territory apart: forced row-level security, and rights on rows.

    Args:
        table: its name in the database; it may be a partitioned table, whose partitions then
            must not be granted to anybody.
        extra_using: SQL condition of one more case in which a row may be *read* (never changed),
            for example its own user's.
        verbs: rights of the application role.
        column: integer column that holds the territory.
    """

    def __init__(
        self,
        table: str,
        *,
        extra_using: str = "",
        verbs: str = ALL_VERBS,
        column: str = "territory_id",
    ) -> None:
        super().__init__(table)
        self.extra_using = extra_using
        self.verbs = parse_verbs(verbs)
        self.column = column

    def structure_sql(self) -> Sequence[sql.Composable]:
        """Return what enforces the declaration."""
        condition = sql.SQL("{} = {}").format(sql.Identifier(self.column), sql.SQL(TERRITORY_SQL))
        statements: list[sql.Composable] = [
            sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(self._name),
            sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(self._name),
            sql.SQL("CREATE POLICY {} ON {} USING ({}) WITH CHECK ({})").format(
                sql.Identifier(TERRITORY_POLICY), self._name, condition, condition
            ),
        ]
        if self.extra_using:
            statements.append(
                sql.SQL("CREATE POLICY {} ON {} FOR SELECT USING ({})").format(
                    sql.Identifier(EXTRA_POLICY),
                    self._name,
                    _verbatim(self.extra_using),
                )
            )
        return statements

    def grant_sql(self, role: str) -> Sequence[sql.Composable]:
        """Return the grants, safe to repeat."""
        return self._granted(role, self.verbs)

    def reverse_sql(self, role: str) -> Sequence[sql.Composable]:
        """Return what undoes the declaration."""
        return [
            self._revoked(role),
            *(
                sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(sql.Identifier(name), self._name)
                for name in (EXTRA_POLICY, TERRITORY_POLICY)
            ),
            sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(self._name),
            sql.SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY").format(self._name),
        ]

    def rule(self) -> TableRule:
        """Return what this declares, for the registry."""
        return TableRule(table=self.table, kind=RuleKind.TERRITORY, verbs=self.verbs)

    def describe(self) -> str:
        """Say what the operation does."""
        return f"Keep rows of {self.table} apart by territory"


class SharedTable(_OfRelation):
    """Let every territory reach a table that belongs to none, and say why.

    Raises:
        ValueError: no reason is given.
    """

    def __init__(self, table: str, *, reason: str, verbs: str = ALL_VERBS) -> None:
        if not reason.strip():
            raise ValueError(f"{table}: a shared table needs a reason")
        super().__init__(table)
        self.reason = reason
        self.verbs = parse_verbs(verbs)

    def grant_sql(self, role: str) -> Sequence[sql.Composable]:
        """Return the grants, safe to repeat."""
        return self._granted(role, self.verbs)

    def reverse_sql(self, role: str) -> Sequence[sql.Composable]:
        """Return what undoes the declaration."""
        return [self._revoked(role)]

    def rule(self) -> TableRule:
        """Return what this declares, for the registry."""
        return TableRule(
            table=self.table, kind=RuleKind.SHARED, verbs=self.verbs, reason=self.reason
        )

    def describe(self) -> str:
        """Say what the operation does."""
        return f"Share {self.table} between territories"


class AppendOnly(_OfRelation):
    """Refuse that rows change or disappear, whoever asks; comes after the table's own rule.

    The application role keeps SELECT and INSERT; a trigger refuses the owner too.
    """

    def structure_sql(self) -> Sequence[sql.Composable]:
        """Return what enforces the declaration."""
        return [
            sql.SQL(_APPEND_ONLY_FUNCTION),
            sql.SQL(
                "CREATE TRIGGER beffroi_append_only BEFORE UPDATE OR DELETE ON {}"
                " FOR EACH ROW EXECUTE FUNCTION beffroi_append_only()"
            ).format(self._name),
            sql.SQL(
                "CREATE TRIGGER beffroi_append_only_truncate BEFORE TRUNCATE ON {}"
                " FOR EACH STATEMENT EXECUTE FUNCTION beffroi_append_only()"
            ).format(self._name),
        ]

    def grant_sql(self, role: str) -> Sequence[sql.Composable]:
        """Return the grants, safe to repeat."""
        return self._granted(role, ("SELECT", "INSERT"))

    def reverse_sql(self, role: str) -> Sequence[sql.Composable]:
        """Return what undoes the declaration."""
        # What the table's own rule had granted is granted again by after_migrate().
        return [
            *(
                sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(sql.Identifier(name), self._name)
                for name in ("beffroi_append_only", "beffroi_append_only_truncate")
            ),
            *self._granted(role, ("SELECT", "INSERT")),
        ]

    def describe(self) -> str:
        """Say what the operation does."""
        return f"Make {self.table} append-only"


class TerritoryView(_OfRelation):
    """Let the application read a view with its own rights, so that row-level security applies."""

    def structure_sql(self) -> Sequence[sql.Composable]:
        """Return what enforces the declaration."""
        return [sql.SQL("ALTER VIEW {} SET (security_invoker = true)").format(self._name)]

    def grant_sql(self, role: str) -> Sequence[sql.Composable]:
        """Return the grants, safe to repeat."""
        return self._granted(role, ("SELECT",))

    def reverse_sql(self, role: str) -> Sequence[sql.Composable]:
        """Return what undoes the declaration."""
        return [
            self._revoked(role),
            sql.SQL("ALTER VIEW {} RESET (security_invoker)").format(self._name),
        ]

    def describe(self) -> str:
        """Say what the operation does."""
        return f"Read view {self.table} with the reader's rights"


class OwnerFunction(AccessDeclaration):
    """Let the application call a function that runs as the owner, with a pinned search path.

    Args:
        signature: as PostgreSQL writes it, ``make_partition(date)``.
    """

    def __init__(self, signature: str) -> None:
        self.signature = signature

    @property
    def _name(self) -> sql.Composable:
        return _verbatim(self.signature)

    def existence_sql(self) -> sql.Composable:
        """Return a query that tells whether the object is there."""
        return sql.SQL("SELECT to_regprocedure({}) IS NOT NULL").format(sql.Literal(self.signature))

    def structure_sql(self) -> Sequence[sql.Composable]:
        """Return what enforces the declaration."""
        return [
            sql.SQL("ALTER FUNCTION {} SECURITY DEFINER").format(self._name),
            sql.SQL("ALTER FUNCTION {} SET search_path = pg_catalog, public, pg_temp").format(
                self._name
            ),
        ]

    def grant_sql(self, role: str) -> Sequence[sql.Composable]:
        """Return the grants, safe to repeat."""
        return [
            sql.SQL("REVOKE ALL ON FUNCTION {} FROM PUBLIC").format(self._name),
            sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(self._name, sql.Identifier(role)),
        ]

    def reverse_sql(self, role: str) -> Sequence[sql.Composable]:
        """Return what undoes the declaration."""
        return [
            sql.SQL("REVOKE ALL ON FUNCTION {} FROM {}").format(self._name, sql.Identifier(role)),
            sql.SQL("ALTER FUNCTION {} SECURITY INVOKER").format(self._name),
        ]

    def describe(self) -> str:
        """Say what the operation does."""
        return f"Run {self.signature} as the owner"


def grant_table(table: str, *, role: str, verbs: Sequence[str]) -> list[sql.Composable]:
    """Return statements that give a role exactly these rights on a table and its sequences."""
    names = {"table": sql.Identifier(table), "role": sql.Identifier(role)}
    statements: list[sql.Composable] = [
        sql.SQL("REVOKE ALL ON {table} FROM {role}").format(**names)
    ]
    if verbs:
        listed = sql.SQL(", ").join(sql.SQL(verb) for verb in parse_verbs(", ".join(verbs)))
        statements.append(
            sql.SQL("GRANT {verbs} ON {table} TO {role}").format(verbs=listed, **names)
        )
    if "INSERT" in verbs:
        statements.append(
            sql.SQL(
                "DO $do$ DECLARE sequence_name regclass; BEGIN"
                " FOR sequence_name IN SELECT d.objid::regclass FROM pg_depend d"
                " JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'"
                " WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass"
                " AND d.refobjid = {quoted}::regclass AND d.deptype IN ('a', 'i')"
                " LOOP EXECUTE format('GRANT USAGE, SELECT ON SEQUENCE %s TO %I',"
                " sequence_name, {role_name}); END LOOP; END $do$"
            ).format(quoted=sql.Literal(f'"{table}"'), role_name=sql.Literal(role))
        )
    return statements


def parse_verbs(verbs: str) -> tuple[str, ...]:
    """Read ``"SELECT, INSERT"``.

    Raises:
        ValueError: a word is not a right on rows (TRUNCATE escapes row-level security).
    """
    words = tuple(word.strip().upper() for word in verbs.split(",") if word.strip())
    unknown = [word for word in words if word not in _KNOWN_VERBS]
    if unknown:
        raise ValueError(f"not a right on rows: {', '.join(unknown)}")
    return words


def declarations(operations: Sequence[Operation]) -> Iterator[AccessDeclaration]:
    """Yield the declarations among a migration's operations, nested ones included."""
    for operation in operations:
        if isinstance(operation, AccessDeclaration):
            yield operation
        yield from declarations(getattr(operation, "database_operations", ()))


def _verbatim(text: str) -> sql.Composable:
    # The text comes from a migration file, which may write any SQL anyway.
    return sql.SQL(text)


def _run(schema_editor: BaseDatabaseSchemaEditor, statements: Sequence[sql.Composable]) -> None:
    for statement in statements:
        # No parameters (not even none of them): a per cent sign must reach the server untouched.
        schema_editor.execute(statement.as_string(None), params=None)
