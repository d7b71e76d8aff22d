from __future__ import annotations

import os
import shutil
import socket
import stat
from pathlib import Path

import psycopg
import pytest

from beffroi.foundation.database.cluster import known_place
from beffroi.foundation.database.connection import url_with
from beffroi.foundation.database.contracts import ServerError, ServerState
from beffroi.foundation.database.embedded import EmbeddedServer
from beffroi.foundation.database.operating_system import service_account


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def listening_sockets(pid: int) -> list[str]:
    """Return the TCP sockets a process listens on, as the kernel lists them."""
    inodes = set()
    for opened in list(Path(f"/proc/{pid}/fd").iterdir()):
        try:
            target = str(opened.readlink())
        except FileNotFoundError:  # the one that listed the folder
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    listed = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes:
                listed.append(fields[1])
    return listed


def test_the_listener_check_can_see_a_listener() -> None:
    with socket.create_server(("127.0.0.1", 0)):
        assert listening_sockets(os.getpid())


def test_first_start_makes_a_database_for_two_roles(
    running_server: EmbeddedServer,
) -> None:
    urls = running_server.urls()
    assert urls.owner is not None
    with psycopg.connect(urls.application) as conn:
        assert conn.info.user == "beffroi_app"
        assert conn.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        assert conn.execute("SHOW timezone").fetchone() == ("UTC",)
        assert conn.execute("SELECT lower('ÉCOLE'), 'b' > 'É'").fetchone() == ("école", False)
        assert conn.execute("SELECT unaccent('mètre'), 'a' % 'a'").fetchone() == ("metre", True)
    with psycopg.connect(urls.owner) as conn:
        found = conn.execute(
            "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname LIKE 'beffroi%'"
        )
        assert sorted(found) == [("beffroi_app", False, False), ("beffroi_owner", False, False)]
        conn.execute("CREATE TABLE made (id int)")


def test_a_wrong_password_is_refused_and_so_is_none(running_server: EmbeddedServer) -> None:
    urls = running_server.urls()
    for url in (urls.application, urls.owner, running_server.administrator_url()):
        assert url is not None
        for password in ("wrong", None):
            with pytest.raises(psycopg.OperationalError, match=r"password"):
                psycopg.connect(url_with(url, password=password))


def test_nothing_listens_on_the_network(running_server: EmbeddedServer) -> None:
    pid = running_server.status().pid
    assert pid is not None
    assert listening_sockets(pid) == []
    with psycopg.connect(running_server.urls().application) as conn:
        assert conn.execute("SHOW listen_addresses").fetchone() == ("",)


def test_what_is_secret_is_private(running_server: EmbeddedServer) -> None:
    folder = running_server.data_dir / "secrets"
    assert mode(folder) == 0o700
    assert {path.name: mode(path) for path in folder.iterdir()} == {
        "administrator": 0o600,
        "application": 0o600,
        "owner": 0o600,
    }
    place = known_place(running_server.data_dir)
    assert (mode(place.cluster), mode(place.sockets)) == (0o700, 0o700)
    log = (running_server.data_dir / "postgres.log").read_text()
    for path in folder.iterdir():
        assert path.read_text().strip() not in log


def test_data_outlives_a_stop(server: EmbeddedServer) -> None:
    urls = server.start()
    assert urls.owner is not None
    with psycopg.connect(urls.owner) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 1 AS n")
    server.stop()
    assert server.status().state is ServerState.STOPPED
    assert server.start() == urls
    with psycopg.connect(urls.owner) as conn:
        assert conn.execute("SELECT n FROM kept").fetchone() == (1,)


def test_a_stop_ends_sessions_that_are_open(server: EmbeddedServer) -> None:
    with psycopg.connect(server.start().application) as conn:
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT 1")


def test_status_follows_the_server(server: EmbeddedServer) -> None:
    assert server.status().state is ServerState.ABSENT
    server.start()
    status = server.status()
    assert (status.state, status.version) == (ServerState.RUNNING_HERE, 18)
    other = EmbeddedServer(server.data_dir)
    assert other.status().state is ServerState.RUNNING_ELSEWHERE
    assert other.status().pid == status.pid


def test_a_long_path_gets_its_socket_elsewhere(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir / ("long" * 12) / ("path" * 12), unsafe_fast=True)
    try:
        urls = server.start()
        place = known_place(server.data_dir)
        assert server.data_dir not in place.sockets.parents
        assert mode(place.sockets) == 0o700
        with psycopg.connect(urls.application) as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()
        shutil.rmtree(known_place(server.data_dir).sockets)


def test_a_failure_shows_what_the_server_said(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    configuration = known_place(server.data_dir).cluster / "postgresql.conf"
    configuration.write_text(configuration.read_text() + "\nno_such_setting = 1\n")
    with pytest.raises(ServerError, match="no_such_setting") as refused:
        server.start()
    assert refused.value.code == "database.start"
    assert server.status().state is ServerState.STOPPED


def test_another_major_version_is_refused(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    (known_place(server.data_dir).cluster / "PG_VERSION").write_text("17\n")
    with pytest.raises(ServerError, match="written by PostgreSQL 17"):
        server.start()


def test_lost_passwords_are_told_and_nothing_is_thrown_away(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    shutil.rmtree(server.data_dir / "secrets")
    with pytest.raises(ServerError, match="password of the database") as refused:
        server.start()
    assert refused.value.code == "database.no_secret"


def test_a_lost_password_of_the_application_is_made_again(server: EmbeddedServer) -> None:
    former = server.start()
    server.stop()
    (server.data_dir / "secrets" / "application").unlink()
    assert server.start() != former
    psycopg.connect(server.urls().application).close()


def test_attaching_to_nothing_is_told(server: EmbeddedServer) -> None:
    with pytest.raises(ServerError, match="No database server answers"):
        server.attach()


@pytest.mark.usefixtures("as_root")
def test_root_lends_the_server_an_account_without_secrets(
    running_server: EmbeddedServer,
) -> None:
    pid = running_server.status().pid
    assert Path(f"/proc/{pid}").stat().st_uid == service_account().uid != 0
    assert (running_server.data_dir / "secrets").stat().st_uid == 0


@pytest.mark.usefixtures("as_root")
def test_a_directory_closed_to_the_server_keeps_its_mode_and_tells_where_the_data_is(
    tmp_path: Path,
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedServer(closed / "data", unsafe_fast=True)
    try:
        urls = server.start()
        place = known_place(server.data_dir)
        assert place.cluster.is_relative_to("/var/lib/beffroi")
        assert str(place.cluster) in (server.data_dir / "postgres.json").read_text()
        assert mode(closed) == 0o700
        psycopg.connect(urls.application).close()
        server.stop()
        # A directory of the same name that knows nothing of it must not take it for its own.
        shutil.rmtree(server.data_dir)
        with pytest.raises(ServerError, match="holds the database of a former one"):
            server.start()
    finally:
        server.stop()
        shutil.rmtree(place.cluster.parent)
