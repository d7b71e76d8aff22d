from __future__ import annotations

import argparse
import errno
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.db.utils import ProgrammingError
from psycopg import sql

from beffroi.foundation.database.api import application_role
from beffroi.foundation.database.testing import TestDatabase
from beffroi.kernel.errors import ConfigurationError
from beffroi.site import configuration
from beffroi.site.cli import bench, words
from beffroi.site.cli.holding import held, refuse_full_disk, refuse_taken_port, served_address
from beffroi.site.cli.program import main, told_by_the_system
from beffroi.site.migration import pending_migrations


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BEFFROI_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("BEFFROI_PUBLIC_URL", raising=False)
    return tmp_path


@pytest.fixture
def port() -> Iterator[int]:
    """Give a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = int(server.getsockname()[1])
    yield number
    # `held` names the address of what it serves in the environment of its children.
    os.environ.pop("BEFFROI_PUBLIC_URL", None)


@pytest.mark.parametrize(
    ("language", "title"), [("fr", "usage : beffroi"), ("en_GB.UTF-8", "usage: beffroi")]
)
def test_help_speaks_the_language_of_who_asks(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    language: str,
    title: str,
) -> None:
    monkeypatch.setenv("LANGUAGE", language)
    assert main([]) == 0
    out = capsys.readouterr().out
    assert title in out.replace("\u202f", " ")
    assert ("démarre et surveille" in out) is (language == "fr")
    assert ("affiche cette aide" in out) is (language == "fr")


def test_numbers_are_written_as_the_language_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "fr")
    assert (words.counted(29_969), words.decimal(1.5)) == ("29\u202f969", "1,5")
    monkeypatch.setenv("LANGUAGE", "en")
    assert (words.counted(29_969), words.decimal(1.5)) == ("29,969", "1.5")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BEFFROI_PUBLIC_URL", "ville.example.fr"),
        ("BEFFROI_RASTER_TILES", "http://tuiles.example.fr/{z}/{x}/{y}"),
        ("BEFFROI_WEB_WORKERS", "deux"),
        ("BEFFROI_WEB_WORKERS", "0"),
        ("BEFFROI_RAW_MESSAGE_DAYS", "-1"),
        ("BEFFROI_HOT_DAYS", "0"),
        ("BEFFROI_DEBUG", "peut-être"),
    ],
)
def test_a_bad_setting_is_refused_by_its_name(tmp_path: Path, variable: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        configuration.read({"BEFFROI_DATA_DIR": str(tmp_path), variable: value})
    assert variable in str(refusal.value)
    assert value in str(refusal.value)
    assert refusal.value.way_out


def test_negative_control_good_settings_are_read(tmp_path: Path) -> None:
    read = configuration.read(
        {"BEFFROI_DATA_DIR": str(tmp_path), "BEFFROI_WEB_WORKERS": "4", "BEFFROI_DEBUG": "no"}
    )
    assert (read.web_workers, read.debug) == (4, False)


def test_a_directory_is_served_once_and_remembers_its_address(data_dir: Path, port: int) -> None:
    with held(host="127.0.0.1", port=port, needed_octets=0):
        assert served_address(data_dir) == f"http://localhost:{port}"
        with (
            pytest.raises(ConfigurationError, match=str(os.getpid())),
            held(host="127.0.0.1", port=port, needed_octets=0),
        ):
            raise AssertionError("the directory was held twice")
    with held(host="127.0.0.1", port=port, needed_octets=0):
        assert served_address(data_dir) == f"http://localhost:{port}"


def test_a_taken_port_is_said_with_the_way_out(port: int) -> None:
    refuse_taken_port("127.0.0.1", port, patience_s=0)
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}") as refusal,
    ):
        refuse_taken_port("127.0.0.1", port, patience_s=0)
    assert "--listen" in refusal.value.way_out


def test_a_full_disk_is_said_in_gigabytes(tmp_path: Path) -> None:
    refuse_full_disk(tmp_path, needed_octets=0)
    with pytest.raises(ConfigurationError, match="GB are free"):
        refuse_full_disk(tmp_path, needed_octets=1 << 60)


@pytest.mark.parametrize(
    ("number", "part"),
    [(errno.ENOSPC, "disk is full"), (errno.EACCES, "/place"), (errno.ENOENT, "/place")],
)
def test_what_the_system_refuses_is_told(number: int, part: str) -> None:
    told = told_by_the_system(OSError(number, os.strerror(number), "/place"))
    assert told is not None
    assert part in str(told)


def test_a_fault_of_ours_is_not_made_a_refusal() -> None:
    assert told_by_the_system(OSError(errno.EPROTO, "protocol")) is None


@pytest.mark.django_db
def test_a_database_that_was_never_prepared_says_how_to() -> None:
    with pytest.raises(ProgrammingError) as missing, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM of_a_later_version")
    told = told_by_the_system(missing.value)
    assert told is not None
    assert "beffroi migrate" in str(told)
    assert told_by_the_system(KeyError("x")) is None


def test_a_database_that_is_away_is_told_in_one_line() -> None:
    told = told_by_the_system(psycopg.OperationalError("refused\n\tIs the server running?"))
    assert told is not None
    assert "\n" not in str(told)


@pytest.mark.django_db(transaction=True)
def test_a_first_migration_that_was_cut_short_is_pending(test_database: TestDatabase) -> None:
    assert pending_migrations() == []
    role = sql.Identifier(application_role())
    with psycopg.connect(test_database.administrator, autocommit=True) as administrator:
        administrator.execute(sql.SQL("REVOKE ALL ON django_migrations FROM {}").format(role))
        try:
            assert "territories.0001_initial" in pending_migrations()
        finally:
            administrator.execute(sql.SQL("GRANT SELECT ON django_migrations TO {}").format(role))
    assert pending_migrations() == []


@pytest.mark.parametrize(
    ("asked", "opened"), [([], "https://town.example"), (["--url", "http://a:1"], "http://a:1")]
)
def test_the_map_is_measured_at_the_public_address_unless_another_is_named(
    asked: list[str], opened: str, settings: Any
) -> None:
    settings.BEFFROI = replace(settings.BEFFROI, public_url="https://town.example")
    parser = argparse.ArgumentParser()
    bench.add_commands(parser.add_subparsers())
    assert bench.map_address(parser.parse_args(["bench", "map", *asked])) == opened
