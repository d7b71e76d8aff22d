"""A real PostgreSQL for the tests of every room, as a pytest plug-in.

The root ``conftest.py`` says ``pytest_plugins = ["beffroi.foundation.database.testing"]``. Tests
then run as the application role, so that row-level security is really in force; migrations, and
the cleaning after transactional tests, run as the owner and as the administrator.

``BEFFROI_TEST_DATABASE_ADMIN_URL`` runs them on another server, given its superuser's URL.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from psycopg import sql

from beffroi.foundation.database.connection import django_database, url_with
from beffroi.foundation.database.contracts import (
    DEFAULT_APPLICATION_ROLE,
    DEFAULT_OWNER_ROLE,
    DatabaseUrls,
)
from beffroi.foundation.database.embedded import EmbeddedServer
from beffroi.foundation.database.operating_system import is_root
from beffroi.foundation.database.roles import prepare

ADMIN_VARIABLE = "BEFFROI_TEST_DATABASE_ADMIN_URL"
RUN_VARIABLE = "BEFFROI_TEST_RUN"
_TEMPLATE_LOCK = 0x0BEFF201
_TABLES_SQL = """
SELECT c.relname, ARRAY(SELECT attname FROM pg_attribute a WHERE a.attrelid = c.oid
       AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum)
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition AND c.relname <> 'django_migrations'
"""


class Blocker(Protocol):
    """What pytest-django guards the database with."""

    def unblock(self) -> AbstractContextManager[None]:
        """Let the block use the database."""
        ...


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """One throw-away database.

    Attributes:
        name: its name.
        urls: of the application's role and of the owner.
        administrator: URL of the superuser in this database.
    """

    __test__ = False

    name: str
    urls: DatabaseUrls
    administrator: str


class TestServer:
    """The server of one test session, ours or the one ``BEFFROI_TEST_DATABASE_ADMIN_URL`` names.

    Names of databases, and of roles on a foreign server, are of this run alone.
    """

    __test__ = False

    def __init__(self, admin_url: str, *, run: str, roles: tuple[str, str]) -> None:
        self.admin_url = admin_url
        self.run = run
        self.owner, self.application = roles
        # Derived from the run, so that every worker knows them without being told.
        self._passwords = (f"owner-{run}", f"application-{run}")

    def create_database(self, name: str | None = None) -> TestDatabase:
        """Make an empty database with the two roles and their grants."""
        name = name or f"beffroi_test_{self.run}_{secrets.token_hex(4)}"
        urls = prepare(
            self.admin_url,
            database=name,
            owner=self.owner,
            application=self.application,
            owner_password=self._passwords[0],
            application_password=self._passwords[1],
        )
        return TestDatabase(name, urls, url_with(self.admin_url, dbname=name))

    def copy_database(self, template: str) -> TestDatabase:
        """Make a database equal to another, which nobody is connected to."""
        name = f"beffroi_test_{self.run}_{secrets.token_hex(4)}"
        with psycopg.connect(self.admin_url, autocommit=True) as admin:
            admin.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY file_copy").format(
                    *map(sql.Identifier, (name, template, self.owner))
                )
            )
        return self.create_database(name)

    def drop_database(self, database: TestDatabase) -> None:
        """Remove a database, and whoever is still connected to it."""
        with psycopg.connect(self.admin_url, autocommit=True) as admin:
            admin.execute(_drop(database.name))

    def drop_everything(self) -> None:
        """Remove what this run left on a server that outlives it."""
        with psycopg.connect(self.admin_url, autocommit=True) as admin:
            for (name,) in admin.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE %s",
                [f"beffroi\\_test\\_{self.run}\\_%"],
            ).fetchall():
                admin.execute(_drop(name))
            if self.run in self.owner:
                for role in (self.owner, self.application):
                    admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold back the other workers of this run."""
        with psycopg.connect(self.admin_url, autocommit=True) as admin:
            admin.execute("SELECT pg_advisory_lock(%s)", [_TEMPLATE_LOCK])
            yield

    def has_database(self, name: str) -> bool:
        """Tell whether a database exists."""
        with psycopg.connect(self.admin_url, autocommit=True) as admin:
            found = admin.execute("SELECT FROM pg_database WHERE datname = %s", [name])
            return found.fetchone() is not None

    def rename_database(self, old: str, new: str) -> None:
        """Give a database another name."""
        with psycopg.connect(self.admin_url, autocommit=True) as admin:
            admin.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*map(sql.Identifier, (old, new)))
            )


def start_test_server() -> tuple[TestServer, Callable[[], None]]:
    """Start a throw-away cluster, or use the server the environment names.

    Returns:
        The server, and what ends it.
    """
    run = os.environ.get(RUN_VARIABLE) or secrets.token_hex(8)
    admin_url = os.environ.get(ADMIN_VARIABLE)
    if admin_url:
        roles = (f"beffroi_test_owner_{run}", f"beffroi_test_app_{run}")
        foreign = TestServer(admin_url, run=run, roles=roles)
        return foreign, foreign.drop_everything
    folder = Path(tempfile.mkdtemp(prefix="beffroi-"))
    if is_root():
        folder.chmod(0o711)  # the server's own account has to pass through
    embedded = EmbeddedServer(folder / "data", unsafe_fast=True)

    def end() -> None:
        embedded.stop()
        shutil.rmtree(folder, ignore_errors=True)

    try:
        embedded.start()
    except BaseException:
        end()
        raise
    roles = (DEFAULT_OWNER_ROLE, DEFAULT_APPLICATION_ROLE)
    return TestServer(embedded.administrator_url(), run=run, roles=roles), end


_SERVER: pytest.StashKey[TestServer] = pytest.StashKey()


class Seeds:
    """The rows that migrations leave, to be put back after a transactional test.

    The application role may not TRUNCATE, and an append-only table refuses everybody: the
    administrator does it, with triggers off.
    """

    def __init__(self, administrator: str) -> None:
        self._administrator = administrator
        self._tables: list[str] = []
        # Table, its columns that are not generated, its rows as COPY writes them.
        self._rows: list[tuple[str, sql.Composed, bytes]] = []
        with psycopg.connect(administrator, autocommit=True) as admin:
            found = admin.execute(_TABLES_SQL).fetchall()
            for table, names in found:
                self._tables.append(table)
                columns = sql.SQL(", ").join(map(sql.Identifier, names))
                rows = _copied_out(admin, table, columns)
                if rows:
                    self._rows.append((table, columns, rows))

    def restore(self, *, restart_sequences: bool = False) -> None:
        """Empty every table, and put the rows of the migrations back."""
        if not self._tables:
            return
        names = sql.SQL(", ").join(map(sql.Identifier, self._tables))
        with psycopg.connect(self._administrator) as admin:
            admin.execute("SET LOCAL session_replication_role = replica")
            admin.execute("SET LOCAL lock_timeout = '20s'")
            restart = sql.SQL(" RESTART IDENTITY" if restart_sequences else "")
            admin.execute(sql.SQL("TRUNCATE {}{}").format(names, restart))
            for table, columns, rows in self._rows:
                into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), columns)
                with admin.cursor().copy(into) as copy:
                    copy.write(rows)
                if restart_sequences:
                    _continue_sequences(admin, table)


@pytest.fixture(scope="session")
def database_server(request: pytest.FixtureRequest) -> TestServer:
    """Return the PostgreSQL server of this session, started when the first test needs it."""
    return _server_of(request.config)


@pytest.fixture
def fresh_database(database_server: TestServer) -> Iterator[TestDatabase]:
    """Give one test an empty database with the two roles."""
    database = database_server.create_database()
    yield database
    database_server.drop_database(database)


@pytest.fixture(scope="session")
def django_db_setup(
    database_server: TestServer,
    django_test_environment: None,  # noqa: ARG001 - it must come first
    django_db_blocker: Blocker,
) -> Iterator[TestDatabase]:
    """Migrate as the owner, then point Django's default connection at the application role.

    Takes the place of pytest-django's fixture of that name.
    """
    with django_db_blocker.unblock(), _migrated(database_server) as database:
        yield database


@pytest.fixture(scope="session")
def test_database(django_db_setup: TestDatabase) -> TestDatabase:
    """Return the session's migrated database, for tests that connect without Django."""
    return django_db_setup


def pytest_configure(config: pytest.Config) -> None:
    """Start the server before xdist starts its workers, which inherit where it is."""
    if getattr(config.option, "numprocesses", None) and not _is_worker(config):
        server = _server_of(config)
        os.environ[RUN_VARIABLE] = server.run
        os.environ[ADMIN_VARIABLE] = server.admin_url


def _server_of(config: pytest.Config) -> TestServer:
    known = config.stash.get(_SERVER, None)
    if known is not None:
        return known
    server, end = start_test_server()
    config.stash[_SERVER] = server
    if not _is_worker(config):  # what workers share is ended by whom they work for
        config.add_cleanup(end)
    return server


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


@contextmanager
def _migrated(server: TestServer) -> Iterator[TestDatabase]:
    # Imported here: pytest loads this module before the settings.
    from django.conf import settings  # noqa: PLC0415 - after the settings
    from django.db import connections  # noqa: PLC0415 - after the settings
    from django.db.backends.postgresql.operations import DatabaseOperations  # noqa: PLC0415 - after the settings

    from beffroi.foundation.database.ownership import connected_to  # noqa: PLC0415 - after the settings

    template = f"beffroi_test_{server.run}_template"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "BEFFROI_APP_ROLE", server.application, raising=False)
        with server.locked():
            if not server.has_database(template):
                _build(server, template)
        database = server.copy_database(template)
        seeds = Seeds(database.administrator)

        def flush(_operations: DatabaseOperations, statements: list[str]) -> None:
            restart = any("RESTART IDENTITY" in statement for statement in statements)
            seeds.restore(restart_sequences=restart)

        def restart_sequences(*_arguments: object) -> list[str]:
            seeds.restore(restart_sequences=True)
            return []

        patch.setattr(DatabaseOperations, "execute_sql_flush", flush)
        patch.setattr(DatabaseOperations, "sequence_reset_by_name_sql", restart_sequences)
        patch.setattr(settings, "BEFFROI_DATABASE_OWNER_URL", database.urls.owner, raising=False)
        with connected_to(django_database(database.urls.application)):
            yield database
        connections.close_all()
        server.drop_database(database)


def _build(server: TestServer, template: str) -> None:
    from beffroi.foundation.database.ownership import (  # noqa: PLC0415 - after the settings
        bring_up_to_date,
        connected_to,
    )

    building = server.create_database()
    if building.urls.owner is None:
        raise AssertionError("a prepared database has an owner")
    with connected_to(django_database(building.urls.owner)):
        bring_up_to_date(verbosity=0)
    server.rename_database(building.name, template)


def _continue_sequences(admin: psycopg.Connection[Any], table: str) -> None:
    found = admin.execute(
        "SELECT attname, pg_get_serial_sequence(attrelid::regclass::text, attname)"
        " FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND pg_get_serial_sequence(attrelid::regclass::text, attname) IS NOT NULL",
        [f'"{table}"'],
    ).fetchall()
    for column, sequence in found:
        admin.execute(
            sql.SQL("SELECT setval({}, (SELECT max({}) FROM {}))").format(
                sql.Literal(sequence), sql.Identifier(column), sql.Identifier(table)
            )
        )


def _copied_out(admin: psycopg.Connection[Any], table: str, columns: sql.Composed) -> bytes:
    # Of the table itself: a partitioned one can only be read through a query.
    select = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(columns, sql.Identifier(table))
    with admin.cursor().copy(select) as copy:
        return b"".join(bytes(block) for block in copy)


def _drop(name: str) -> sql.Composed:
    return sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
