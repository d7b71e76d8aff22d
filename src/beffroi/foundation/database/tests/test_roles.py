from __future__ import annotations

import secrets
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from beffroi.foundation.database.connection import url_with, user_of
from beffroi.foundation.database.contracts import DatabaseError, UnsafeDatabaseError
from beffroi.foundation.database.roles import assert_safe, check, prepare
from beffroi.foundation.database.testing import TestDatabase, TestServer


@pytest.fixture
def names(database_server: TestServer) -> Iterator[dict[str, str]]:
    """Names of a database and of two roles that nobody uses, removed afterwards."""
    tag = secrets.token_hex(4)
    chosen = {
        "database": f"beffroi_test_{database_server.run}_{tag}",
        "owner": f"owner_{tag}",
        "application": f"app_{tag}",
    }
    yield chosen
    with psycopg.connect(database_server.admin_url, autocommit=True) as admin:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        admin.execute(drop.format(sql.Identifier(chosen["database"])))
        for role in (chosen["owner"], chosen["application"]):
            admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def codes(database: TestDatabase) -> set[str]:
    with psycopg.connect(database.urls.application) as conn:
        return {finding.code for finding in check(conn)}


def administer(database: TestDatabase, statement: str) -> None:
    """Run a statement in which {owner} and {app} stand for the roles."""
    assert database.urls.owner is not None
    with psycopg.connect(database.administrator, autocommit=True) as admin:
        for part in statement.split(";"):
            admin.execute(
                sql.SQL(part).format(
                    owner=sql.Identifier(user_of(database.urls.owner)),
                    app=sql.Identifier(user_of(database.urls.application)),
                )
            )


def test_prepare_makes_a_database_that_is_safe_to_serve_from(
    database_server: TestServer, names: dict[str, str]
) -> None:
    urls = prepare(database_server.admin_url, **names)
    assert urls.owner is not None
    with psycopg.connect(urls.owner) as owner:
        owner.execute("CREATE TABLE made (id int)")
        extensions = {row[0] for row in owner.execute("SELECT extname FROM pg_extension")}
        assert extensions >= {"pg_trgm", "btree_gist", "unaccent"}
    with psycopg.connect(urls.application) as application:
        assert_safe(application)
        assert application.execute("SELECT lower('ÉCOLE')").fetchone() == ("école",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("CREATE TABLE mine (id int)")


def test_prepare_can_be_repeated_and_then_leaves_passwords_alone(
    database_server: TestServer, names: dict[str, str]
) -> None:
    first = prepare(database_server.admin_url, **names)
    again = prepare(database_server.admin_url, **names)
    assert again.application == url_with(first.application, password=None)
    psycopg.connect(first.application).close()


def test_prepare_repairs_roles_that_had_become_dangerous(
    database_server: TestServer, names: dict[str, str]
) -> None:
    urls = prepare(database_server.admin_url, **names)
    with psycopg.connect(database_server.admin_url, autocommit=True) as admin:
        app, owner = sql.Identifier(names["application"]), sql.Identifier(names["owner"])
        admin.execute(sql.SQL("ALTER ROLE {} SUPERUSER BYPASSRLS CREATEDB").format(app))
        admin.execute(sql.SQL("GRANT {} TO {}").format(owner, app))
    with psycopg.connect(urls.application) as application, pytest.raises(UnsafeDatabaseError):
        assert_safe(application)
    prepare(database_server.admin_url, **names)
    with psycopg.connect(urls.application) as application:
        assert check(application) == []


def test_an_administrator_who_is_no_superuser_can_prepare(
    database_server: TestServer, names: dict[str, str]
) -> None:
    tag = sql.Identifier(f"admin_{names['owner']}")
    with psycopg.connect(database_server.admin_url, autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD 'admin'").format(tag)
        )
        try:
            url = url_with(
                database_server.admin_url, user=f"admin_{names['owner']}", password="admin"
            )
            urls = prepare(url, **names)
            prepare(url, **names)
            with psycopg.connect(urls.application) as application:
                assert check(application) == []
        finally:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            admin.execute(drop.format(sql.Identifier(names["database"])))
            for role in (names["application"], names["owner"]):
                admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
            admin.execute(sql.SQL("DROP ROLE {}").format(tag))


def test_an_administrator_who_may_nothing_is_told_so(fresh_database: TestDatabase) -> None:
    with pytest.raises(DatabaseError, match="could not be prepared") as refused:
        prepare(fresh_database.urls.application, application="nobody_at_all")
    assert refused.value.code == "database.prepare"


def test_a_fresh_database_has_no_finding(fresh_database: TestDatabase) -> None:
    assert codes(fresh_database) == set()


# Negative controls: each plants one fault, and names the finding that must tell it.
FAULTS = {
    "role.superuser": "ALTER ROLE {app} SUPERUSER",
    "role.bypasses": "ALTER ROLE {app} BYPASSRLS",
    "role.member_of_owner": "SET ROLE {owner}; CREATE TABLE t (id int); RESET ROLE;"
    "GRANT {owner} TO {app}",
    "role.owns_table": "CREATE TABLE t (id int); ALTER TABLE t OWNER TO {app}",
    "role.owns_schema": "CREATE SCHEMA mine AUTHORIZATION {app}",
    "role.owns_function": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';"
    "GRANT CREATE ON SCHEMA public TO {app}; ALTER FUNCTION f() OWNER TO {app}",
    "role.creates": "GRANT CREATE ON SCHEMA public TO {app}",
    "table.not_forced": "CREATE TABLE t (territory_id int);ALTER TABLE t ENABLE ROW LEVEL SECURITY",
    "table.no_policy_possible": "CREATE MATERIALIZED VIEW m AS SELECT 1 AS territory_id;"
    "GRANT SELECT ON m TO {app}",
    "table.truncate": "CREATE TABLE t (id int); GRANT TRUNCATE ON t TO {app}",
    "view.powerful_owner": "CREATE VIEW v AS SELECT 1 AS n; GRANT SELECT ON v TO {app}",
    "function.powerful_owner": "CREATE FUNCTION f() RETURNS int LANGUAGE sql"
    " SECURITY DEFINER SET search_path = public AS 'SELECT 1'",
    "function.search_path": "SET ROLE {owner}; CREATE FUNCTION f() RETURNS int LANGUAGE sql"
    " SECURITY DEFINER AS 'SELECT 1'",
}


@pytest.fixture
def of_its_own(database_server: TestServer, names: dict[str, str]) -> TestDatabase:
    """A database with roles of its own: a fault of a role must not reach tests beside this one."""
    urls = prepare(database_server.admin_url, **names)
    administrator = url_with(database_server.admin_url, dbname=names["database"])
    return TestDatabase(names["database"], urls=urls, administrator=administrator)


@pytest.mark.parametrize("code", FAULTS)
def test_each_fault_is_found(of_its_own: TestDatabase, code: str) -> None:
    assert codes(of_its_own) == set()
    administer(of_its_own, FAULTS[code])
    assert code in codes(of_its_own)


def test_a_partition_is_protected_by_its_parent_until_it_is_granted(
    fresh_database: TestDatabase,
) -> None:
    administer(
        fresh_database,
        "CREATE TABLE t (territory_id int) PARTITION BY LIST (territory_id);"
        "CREATE TABLE t1 PARTITION OF t DEFAULT; ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
        "ALTER TABLE t FORCE ROW LEVEL SECURITY; GRANT SELECT ON t TO {app}",
    )
    assert codes(fresh_database) == set()
    administer(fresh_database, "GRANT SELECT ON t1 TO {app}")
    assert codes(fresh_database) == {"table.not_forced"}


def test_serving_from_an_unsafe_database_is_refused_with_every_reason(
    of_its_own: TestDatabase,
) -> None:
    administer(of_its_own, "ALTER ROLE {app} BYPASSRLS; GRANT CREATE ON SCHEMA public TO {app}")
    with (
        psycopg.connect(of_its_own.urls.application) as conn,
        pytest.raises(UnsafeDatabaseError) as refused,
    ):
        assert_safe(conn)
    assert {finding.code for finding in refused.value.findings} == {"role.bypasses", "role.creates"}
    assert "bypasses row-level security" in str(refused.value)
