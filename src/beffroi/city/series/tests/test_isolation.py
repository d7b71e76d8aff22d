from __future__ import annotations

from datetime import UTC, date, datetime

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from beffroi.city.assets.testing import make_asset
from beffroi.city.series.models import Stream
from beffroi.city.series.testing import make_partitions, make_stream, record
from beffroi.city.series.tests import naive
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.database.testing import TestDatabase
from beffroi.foundation.territories.testing import make_territory

AT = datetime(2025, 6, 3, 10, tzinfo=UTC)
TABLES = ("series_observation", "series_segment", "series_latest", "series_reading", "series_day")


def seen(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - names of this file
        return int(cursor.fetchone()[0])


@pytest.fixture
def filled(stream: Stream) -> Stream:
    make_partitions(AT, AT.replace(day=4))
    record(stream, [(AT, 1.0), (AT.replace(day=4), 2.0)])
    with acting_for(stream.territory_id):
        naive.pack(date(2025, 6, 3))
    return stream


@pytest.mark.parametrize("table", TABLES)
def test_another_territory_and_nobody_see_no_row(filled: Stream, table: str) -> None:
    with acting_for(make_territory().pk):
        assert seen(table) == 0
    with acting_for(None):
        assert seen(table) == 0
    with acting_for(filled.territory_id):
        assert seen(table) > 0, "negative control: the rows are there"


@pytest.mark.parametrize("partition", ["series_observation_20250604", "series_observation_default"])
@pytest.mark.parametrize(
    "statement", ["SELECT * FROM {}", "DELETE FROM {}", "DROP TABLE {}", "TRUNCATE {}"]
)
def test_a_partition_cannot_be_reached_beside_its_parent(
    filled: Stream, partition: str, statement: str
) -> None:
    with (
        acting_for(filled.territory_id),
        pytest.raises(DatabaseError, match=r"permission denied|must be owner"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(partition))


def test_a_row_cannot_be_written_for_another_territory(filled: Stream) -> None:
    other = make_stream(make_asset(make_territory()))
    with (
        acting_for(filled.territory_id),
        pytest.raises(DatabaseError, match="row-level security"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO series_observation VALUES (%s, %s, %s, 1, 1)",
            [other.territory_id, other.pk, AT],
        )


@pytest.mark.usefixtures("filled")
def test_every_partition_forces_row_level_security() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,"
            " EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid), c.relacl::text"
            " FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'series_observation'::regclass"
        )
        rows = cursor.fetchall()
    assert len(rows) >= 2
    for name, forced, policy, rights in rows:
        assert forced, name
        assert policy, name
        assert "beffroi_app" not in (rights or ""), name


@pytest.mark.parametrize(
    "call",
    [
        "series_partition_of('2025-06-03')",
    ],
)
@pytest.mark.django_db
def test_inner_functions_are_the_owners_alone(call: str) -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SELECT {call}")


@pytest.mark.usefixtures("filled")
def test_functions_of_the_owner_pin_their_search_path(test_database: TestDatabase) -> None:
    with psycopg.connect(test_database.administrator) as admin:
        rows = admin.execute(
            "SELECT proname, proconfig::text, has_function_privilege('public', oid, 'EXECUTE')"
            " FROM pg_proc WHERE prosecdef AND proname LIKE 'series_%'"
        ).fetchall()
    assert {row[0] for row in rows} == {
        "series_partitions_ensure",
        "series_maintenance_lock",
        "series_packing_begin",
        "series_partition_drop",
        "series_observations_correct",
    }
    for name, settings, everybody in rows:
        assert "search_path=pg_catalog, public, pg_temp" in settings, name
        assert not everybody, name


def test_a_function_leaves_the_callers_territory_as_it_was(filled: Stream) -> None:
    with acting_for(filled.territory_id), connection.cursor() as cursor:
        for call in (
            "series_partitions_ensure('2025-06-01', '2025-06-02')",
            "series_packing_begin('2025-06-02')",
            "series_observations_correct('{}', '{}', '{}', '{}')",
        ):
            cursor.execute(f"SELECT {call}")
            cursor.execute("SELECT current_setting('beffroi.territory')")
            assert cursor.fetchone() == (str(filled.territory_id),)
