from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import DEFAULT_DB_ALIAS, Error, connection, connections, transaction

from beffroi.foundation.database import replica
from beffroi.foundation.database.api import (
    acting_for,
    connected_to,
    reading_from_replica,
    reads_late,
)
from beffroi.foundation.database.binaries import binaries_for
from beffroi.foundation.database.cluster import known_place
from beffroi.foundation.database.connection import (
    django_database,
    django_databases,
    from_environment,
    make_url,
    replica_database,
    url_with,
)
from beffroi.foundation.database.contracts import DatabaseError
from beffroi.foundation.database.embedded import UNSAFE_FAST_SETTINGS, EmbeddedServer
from beffroi.foundation.database.operating_system import account_of, private_directory
from beffroi.foundation.database.testing import Blocker

TABLE = """
CREATE TABLE place (territory_id int NOT NULL, name text);
INSERT INTO place VALUES (1, 'here'), (2, 'elsewhere');
ALTER TABLE place ENABLE ROW LEVEL SECURITY;
ALTER TABLE place FORCE ROW LEVEL SECURITY;
CREATE POLICY beffroi_territory ON place
    USING (territory_id = NULLIF(current_setting('beffroi.territory', true), '')::int);
GRANT SELECT, INSERT ON place TO beffroi_app;
"""
CAUGHT_UP = """
DO $do$ BEGIN
    WHILE pg_last_wal_replay_lsn() < '{position}' LOOP PERFORM pg_sleep(0.01); END LOOP;
END $do$
"""
PAUSED = """
DO $do$ BEGIN
    WHILE pg_get_wal_replay_pause_state() <> 'paused' LOOP PERFORM pg_sleep(0.01); END LOOP;
END $do$
"""


class Follower:
    """A streaming replica of an embedded server, made by pg_basebackup."""

    def __init__(self, primary: EmbeddedServer) -> None:
        place = known_place(primary.data_dir)
        self._account = account_of(place.cluster)
        self._bin = binaries_for(self._account)
        self._primary = primary.administrator_url()
        self._sockets = place.cluster.parent / "follower"
        private_directory(self._sockets, account=self._account)
        self._files = self._sockets / "files"
        self._run("pg_basebackup", "--checkpoint=fast", "-R", "-D", str(self._files),
                  "-d", self._primary)  # fmt: skip
        self.start()

    def start(self) -> None:
        settings = (
            f"-c listen_addresses= -c port=5432 -c unix_socket_directories={self._sockets}"
            # A replica must have room for as many connections as its primary.
            f" -c max_connections={UNSAFE_FAST_SETTINGS['max_connections']} -c fsync=off"
        )
        self._run("pg_ctl", "start", "-w", "-D", str(self._files), "-o", settings,
                  "-l", str(self._files / "log"))  # fmt: skip

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self._files))

    def url_of(self, url: str) -> str:
        return url_with(url, host=str(self._sockets))

    def tell(self, statement: str) -> None:
        with psycopg.connect(self.url_of(self._primary), autocommit=True) as conn:
            conn.execute(statement.encode())

    def catch_up(self) -> None:
        with psycopg.connect(self._primary, autocommit=True) as conn:
            [position] = conn.execute("SELECT pg_current_wal_lsn()::text").fetchone() or [""]
        self.tell(CAUGHT_UP.format(position=position))

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(  # noqa: S603 - programs of our own wheel
            [str(self._bin.program(program)), *arguments],
            user=self._account.uid,
            group=self._account.gid,
            extra_groups=[],
            cwd="/",
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )


@contextmanager
def replica_at(url: str) -> Iterator[None]:
    """Add the alias that ``DATABASE_REPLICA_URL`` adds."""
    defaults = connections.settings[DEFAULT_DB_ALIAS]
    connections.settings["replica"] = {**defaults, **replica_database(url)}
    replica.replica_forget()
    try:
        yield
    finally:
        connections["replica"].close()
        del connections["replica"]
        del connections.settings["replica"]
        replica.replica_forget()


@pytest.fixture
def primary(server: EmbeddedServer, django_db_blocker: Blocker) -> Iterator[EmbeddedServer]:
    urls = server.start()
    assert urls.owner is not None
    with psycopg.connect(urls.owner, autocommit=True) as owner:
        owner.execute(TABLE.encode())
    with django_db_blocker.unblock(), connected_to(django_database(urls.application)):
        yield server


@pytest.fixture
def follower(primary: EmbeddedServer) -> Iterator[Follower]:
    found = Follower(primary)
    yield found
    found.stop()


def names() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM place ORDER BY name")
        return [row[0] for row in cursor.fetchall()]


def add(name: str) -> None:
    with acting_for(1), connection.cursor() as cursor:
        # As in service, where the server of a test would commit before it has written.
        cursor.execute("SET LOCAL synchronous_commit TO on")
        cursor.execute("INSERT INTO place VALUES (1, %s)", [name])


def in_recovery() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        return bool(cursor.fetchone()[0])


def test_declared_reads_go_to_a_streaming_replica(
    primary: EmbeddedServer, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    with replica_at(follower.url_of(primary.urls().application)):
        add("new")
        assert not in_recovery()
        follower.catch_up()
        with reading_from_replica() as read, acting_for(1):
            assert read
            assert in_recovery()
            assert names() == ["here", "new"]  # and not what another territory has
        with reading_from_replica():
            assert names() == []  # no territory, no rows, there as here
        assert not in_recovery()

        # What is later than the bound is not read; the primary has what was just written.
        follower.tell("SELECT pg_wal_replay_pause()")
        follower.tell(PAUSED)
        add("newer")
        monkeypatch.setenv("BEFFROI_REPLICA_LATE", "0.000001")
        replica.replica_forget()
        assert (replica.replica_late_s() or 0) > 0
        with reading_from_replica() as read, acting_for(1):
            assert not read
            assert names() == ["here", "new", "newer"]
        monkeypatch.delenv("BEFFROI_REPLICA_LATE")
        replica.replica_forget()
        with reading_from_replica() as read, acting_for(1):
            assert read
            assert names() == ["here", "new"]
        follower.tell("SELECT pg_wal_replay_resume()")
        follower.catch_up()
        assert replica.replica_late_s() == 0

        # One that is away is not waited for.
        follower.stop()
        replica.replica_forget()
        with reading_from_replica() as read, acting_for(1):
            assert not read
            assert names() == ["here", "new", "newer"]
        follower.start()
        follower.catch_up()
        replica.replica_forget()
        with reading_from_replica() as read:
            assert read


def test_a_primary_that_is_away_leaves_the_replica_to_be_read(
    primary: EmbeddedServer, follower: Follower
) -> None:
    with replica_at(follower.url_of(primary.urls().application)):
        follower.catch_up()
        primary.stop()
        with reading_from_replica() as read, acting_for(1):
            assert read
            assert names() == ["here"]
        primary.start()


def test_nothing_is_written_through_it(primary: EmbeddedServer) -> None:
    # The same server under the other alias: whoever answers there, it is read only.
    with replica_at(primary.urls().application):
        with reading_from_replica() as read:
            assert read
            with pytest.raises(Error, match="read-only transaction"):
                add("refused")
        add("taken")
        with acting_for(1):
            assert names() == ["here", "taken"]


def test_a_transaction_reads_what_it_has_written(primary: EmbeddedServer) -> None:
    with replica_at(primary.urls().application), acting_for(1):
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO place VALUES (1, 'mine')")
        with reading_from_replica() as read:
            assert not read
            assert "mine" in names()
        transaction.set_rollback(True)


class Somebody:
    """A request whose session is read when one asks who it is."""

    def __init__(self) -> None:
        self.asked_of: list[str] = []

    @property
    def user(self) -> Somebody:
        self.asked_of.append(connections[DEFAULT_DB_ALIAS].alias)
        return self

    is_authenticated = True


def test_who_asks_is_found_on_the_primary(primary: EmbeddedServer) -> None:
    @reads_late
    def view(_request: Somebody, *, territory: str) -> str:
        return f"{territory} from {connections[DEFAULT_DB_ALIAS].alias}"

    with replica_at(primary.urls().application):
        somebody = Somebody()
        assert view(somebody, territory="ville") == "ville from replica"
        assert somebody.asked_of == ["default"]


def test_blocks_may_be_nested_and_errors_lead_back(primary: EmbeddedServer) -> None:
    with replica_at(primary.urls().application):
        own = connections[DEFAULT_DB_ALIAS]

        def nested() -> None:
            with reading_from_replica(), reading_from_replica() as read:
                assert read
                assert connections[DEFAULT_DB_ALIAS] is not own
                raise LookupError

        with pytest.raises(LookupError):
            nested()
        assert connections[DEFAULT_DB_ALIAS] is own


def test_without_a_replica_the_primary_is_read(primary: EmbeddedServer) -> None:
    assert primary.status()
    with reading_from_replica() as read, acting_for(2):
        assert not read
        assert names() == ["elsewhere"]


def test_the_environment_names_it() -> None:
    url = make_url(user="app", password="x", database="ville", host="replica.example")
    urls = from_environment({"DATABASE_URL": url, "DATABASE_REPLICA_URL": url})
    databases = django_databases(urls)
    assert databases["replica"]["HOST"] == "replica.example"
    assert "default_transaction_read_only=on" in databases["replica"]["OPTIONS"]["options"]
    assert list(django_databases(from_environment({"DATABASE_URL": url}))) == ["default"]


@pytest.mark.parametrize("text", ["soon", "-1", "0", "1e9"])
def test_a_bound_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEFFROI_REPLICA_LATE", text)
    with pytest.raises(DatabaseError, match="BEFFROI_REPLICA_LATE"):
        replica.most_late_s()
