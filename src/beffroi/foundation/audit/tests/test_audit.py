from __future__ import annotations

import threading
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import connection, connections, transaction
from django.db.utils import InternalError, ProgrammingError

from beffroi.foundation.audit.api import (
    SYSTEM,
    Actor,
    AuditFilter,
    Break,
    ChainHead,
    Subject,
    audit_export,
    audit_head,
    audit_page,
    audit_record,
    audit_verify,
    network_of,
)
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.database.testing import TestDatabase
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.clock import frozen_at

ANNE = Actor(user_id=7, name="Anne Bordes")


def _write(territory_id: int | None, *, lines: int, verb: str = "people.invited") -> None:
    for number in range(lines):
        audit_record(
            verb,
            actor=ANNE,
            territory_id=territory_id,
            subject=Subject(kind="person", label=f"Personne {number}"),
            detail={"n": number, "é": ["ü", None]},
            ip="203.0.113.77",
        )


@pytest.mark.django_db
def test_lines_are_chained_and_the_chain_holds() -> None:
    town = make_territory()
    with acting_for(town.pk):
        _write(town.pk, lines=3)
        page = audit_page()
        state = audit_verify(town.pk)
    assert [entry.sequence for entry in page.entries] == [3, 2, 1]
    assert page.entries[0].previous_hash == page.entries[1].hash
    assert page.entries[2].previous_hash == ""
    assert page.entries[0].ip == "203.0.113.0/24"
    assert state.is_intact
    assert state.length == 3
    assert state.head == ChainHead(3, page.entries[0].hash)


@pytest.mark.django_db
def test_an_empty_chain_holds() -> None:
    town = make_territory()
    with acting_for(town.pk):
        assert audit_verify(town.pk).is_intact
        assert audit_head(town.pk) is None


@pytest.mark.django_db
def test_each_territory_has_its_own_chain_and_sees_no_other() -> None:
    one, other = make_territory(), make_territory()
    with acting_for(one.pk):
        _write(one.pk, lines=2)
    with acting_for(other.pk):
        _write(other.pk, lines=1)
        assert [entry.sequence for entry in audit_page().entries] == [1]
        assert len(list(audit_export())) == 1
        # Asking for the neighbour's chain reads nothing of it.
        assert audit_verify(one.pk).length == 0


@pytest.mark.django_db
def test_a_line_of_no_territory_is_added_and_visible_to_nobody(
    test_database: TestDatabase,
) -> None:
    del test_database
    town = make_territory()
    audit_record("account.sign_in_failed", actor=SYSTEM, territory_id=None, ip="2001:db8:1:2::3")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_auditrecord")
        assert cursor.fetchone() == (0,)
    with acting_for(town.pk):
        assert audit_page().entries == ()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditrecord SET actor_name = 'personne'",
        "DELETE FROM audit_auditrecord",
        "TRUNCATE audit_auditrecord",
    ],
)
def test_the_application_cannot_change_a_line(statement: str) -> None:
    town = make_territory()
    with acting_for(town.pk):
        _write(town.pk, lines=1)
        with (
            pytest.raises((ProgrammingError, InternalError)),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


@pytest.mark.django_db
def test_a_line_cannot_be_written_for_another_territory_directly() -> None:
    one, other = make_territory(), make_territory()
    with (
        acting_for(one.pk),
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO audit_auditrecord (uuid, territory_id, sequence, at, actor_name, verb,"
            " subject_kind, subject_label, detail, ip, previous_hash, hash) VALUES"
            " (gen_random_uuid(), %s, 9, now(), 'x', 'x', '', '', '{}', '', 'forged', 'forged')",
            [other.pk],
        )


@pytest.mark.django_db
def test_sequence_and_hash_written_by_the_caller_are_ignored() -> None:
    town = make_territory()
    with acting_for(town.pk):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO audit_auditrecord (uuid, territory_id, sequence, at, actor_name, verb,"
                " subject_kind, subject_label, detail, ip, previous_hash, hash) VALUES"
                " (gen_random_uuid(), %s, 9, now(), 'x', 'x', '', '', '{}', '', 'false', 'false')",
                [town.pk],
            )
        assert audit_verify(town.pk).is_intact
        assert audit_page().entries[0].sequence == 1


# What follows looks behind the application's back: the chain must be committed, and a superuser
# with the triggers off does the damage.


def _behind_our_back(database: TestDatabase, statement: str, *parameters: object) -> None:
    with psycopg.connect(database.administrator) as admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute(statement, parameters)


def _damaged(database: TestDatabase, statement: str) -> tuple[int | None, Break | None, ChainHead]:
    town = make_territory()
    with acting_for(town.pk):
        _write(town.pk, lines=5)
        head = audit_head(town.pk)
        assert head is not None
        assert audit_verify(town.pk, expected=head).is_intact
    _behind_our_back(database, statement, town.pk)
    with acting_for(town.pk):
        state = audit_verify(town.pk, expected=head)
    return state.broken_at, state.reason, head


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("statement", "broken_at", "reason"),
    [
        (
            (
                "UPDATE audit_auditrecord SET actor_name = 'Personne' "
                "WHERE territory_id = %s AND sequence = 3"
            ),
            3,
            Break.CHANGED,
        ),
        (
            "UPDATE audit_auditrecord SET detail = '{}' WHERE territory_id = %s AND sequence = 2",
            2,
            Break.CHANGED,
        ),
        (
            (
                "UPDATE audit_auditrecord SET at = at + interval '1 microsecond' "
                "WHERE territory_id = %s AND sequence = 1"
            ),
            1,
            Break.CHANGED,
        ),
        (
            "DELETE FROM audit_auditrecord WHERE territory_id = %s AND sequence = 3",
            4,
            Break.MISSING,
        ),
        (
            "DELETE FROM audit_auditrecord WHERE territory_id = %s AND sequence = 1",
            2,
            Break.MISSING,
        ),
        (
            # A forger who computes the hash anew breaks the link of the line after.
            (
                "UPDATE audit_auditrecord r SET actor_name = 'X', hash = audit_hash((r.id, r.uuid,"
                " r.sequence, r.at, r.actor_id, 'X', r.verb, r.subject_kind, r.subject_uuid,"
                " r.subject_label, r.detail, r.ip, r.previous_hash, r.hash,"
                " r.territory_id)::audit_auditrecord) WHERE territory_id = %s AND sequence = 3"
            ),
            4,
            Break.UNLINKED,
        ),
    ],
)
def test_damage_done_by_a_superuser_is_found(
    test_database: TestDatabase, statement: str, broken_at: int, reason: Break
) -> None:
    assert _damaged(test_database, statement)[:2] == (broken_at, reason)


@pytest.mark.django_db(transaction=True)
def test_lines_cut_off_the_end_are_found_with_a_head_kept_elsewhere_only(
    test_database: TestDatabase,
) -> None:
    town = make_territory()
    with acting_for(town.pk):
        _write(town.pk, lines=5)
        head = audit_head(town.pk)
    _behind_our_back(
        test_database,
        "DELETE FROM audit_auditrecord WHERE territory_id = %s AND sequence > 3",
        town.pk,
    )
    with acting_for(town.pk):
        assert audit_verify(town.pk).is_intact  # this is what the head is for
        state = audit_verify(town.pk, expected=head)
    assert (state.broken_at, state.reason) == (5, Break.CUT)


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_instant_make_one_chain() -> None:
    town = make_territory()
    start = threading.Barrier(4)

    def write() -> None:
        try:
            start.wait(timeout=20)
            for _number in range(5):
                with acting_for(town.pk):
                    _write(town.pk, lines=1)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    with acting_for(town.pk):
        state = audit_verify(town.pk)
    assert state.is_intact
    assert state.length == 20


@pytest.mark.django_db
def test_pages_go_by_key_and_filters_cut() -> None:
    town = make_territory()
    with acting_for(town.pk):
        with frozen_at(datetime(2026, 3, 1, 12, tzinfo=UTC)):
            _write(town.pk, lines=3, verb="people.invited")
        with frozen_at(datetime(2026, 4, 1, 12, tzinfo=UTC)):
            _write(town.pk, lines=2, verb="roles.created")
        first = audit_page(size=2)
        second = audit_page(before=first.before, size=2)
        last = audit_page(before=second.before, size=2)
        assert [entry.sequence for entry in first.entries] == [5, 4]
        assert [entry.sequence for entry in second.entries] == [3, 2]
        assert ([entry.sequence for entry in last.entries], last.before) == ([1], None)
        assert len(audit_page(AuditFilter(verb="roles.created")).entries) == 2
        assert len(audit_page(AuditFilter(person="bordes")).entries) == 5
        assert len(audit_page(AuditFilter(person="' OR 1=1 --")).entries) == 0
        march = AuditFilter(until=datetime(2026, 4, 1, tzinfo=UTC))
        assert len(audit_page(march).entries) == 3


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_addresses_are_cut_to_their_network(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.django_db
def test_the_line_goes_with_its_effect() -> None:
    town = make_territory()

    def fail_after_writing() -> None:
        with acting_for(town.pk):
            _write(town.pk, lines=1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_writing()
    with acting_for(town.pk):
        assert audit_page().entries == ()
