"""Heads kept beside the database find what a shorter chain hides."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from beffroi.foundation.audit.api import (
    SYSTEM,
    Break,
    audit_record,
    audit_verify,
    audit_verify_installation,
    head_kept,
    heads_keep,
)
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.database.testing import TestDatabase
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.clock import now


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Path) -> None:
    settings.BEFFROI = SimpleNamespace(data_dir=tmp_path)


def _remove(database: TestDatabase, *, territory_id: int | None, sequence: int) -> None:
    """Remove a line as nobody but a superuser can, the triggers being off."""
    with psycopg.connect(database.administrator) as admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute(
            "DELETE FROM audit_auditrecord"
            " WHERE territory_id IS NOT DISTINCT FROM %s AND sequence = %s",
            (territory_id, sequence),
        )


@pytest.mark.django_db(transaction=True)
def test_lines_cut_off_both_chains_are_found(test_database: TestDatabase) -> None:
    town = make_territory()
    for _number in range(4):
        with acting_for(town.pk):
            audit_record("test.done", actor=SYSTEM, territory_id=town.pk)
        audit_record("test.done", actor=SYSTEM, territory_id=None)
    assert "installation:" in heads_keep(now())
    assert heads_keep(now()) == ""  # nothing has moved
    with acting_for(town.pk):
        assert audit_verify(town.pk, expected=head_kept(town.pk)).is_intact
    length = audit_verify_installation(expected=head_kept(None)).length
    assert audit_verify_installation(expected=head_kept(None)).is_intact
    _remove(test_database, territory_id=town.pk, sequence=4)
    _remove(test_database, territory_id=None, sequence=length)
    with acting_for(town.pk):
        assert audit_verify(town.pk).is_intact
        found = audit_verify(town.pk, expected=head_kept(town.pk))
    assert (found.broken_at, found.reason) == (4, Break.CUT)
    installation = audit_verify_installation(expected=head_kept(None))
    assert (installation.broken_at, installation.reason) == (length, Break.CUT)


@pytest.mark.django_db(transaction=True)
def test_a_line_taken_out_of_the_installation_s_chain_is_found(
    test_database: TestDatabase,
) -> None:
    for _number in range(3):
        audit_record("test.done", actor=SYSTEM, territory_id=None)
    length = audit_verify_installation().length
    _remove(test_database, territory_id=None, sequence=length - 1)
    found = audit_verify_installation()
    assert (found.broken_at, found.reason) == (length, Break.MISSING)


@pytest.mark.django_db
def test_a_torn_line_of_the_file_is_passed_over(tmp_path: Path) -> None:
    audit_record("test.done", actor=SYSTEM, territory_id=None)
    heads_keep(now())
    kept = head_kept(None)
    with (tmp_path / "audit_heads.jsonl").open("a") as stream:
        stream.write('{"at": "2026-')
    assert head_kept(None) == kept
    assert (tmp_path / "audit_heads.jsonl").stat().st_mode & 0o077 == 0
