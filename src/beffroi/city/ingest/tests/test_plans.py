"""What the pages ask of the database is found by an index, whatever the other sources sent."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.db.models import QuerySet

from beffroi.city.ingest.models import IngestError, Message
from beffroi.city.ingest.selectors import last_of_source, source_messages
from beffroi.city.ingest.testing import MadeSource, make_source
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.database.testing import TestDatabase
from beffroi.foundation.territories.models import Territory

FILL = """
INSERT INTO ingest_message (territory_id, source_id, key, device_identifier, status, observed_at,
    received_at, raw, content_type, f_port, late, simulated, error_code, attempts)
SELECT %s, CASE WHEN n <= 6000 AND n %% 2 = 0 THEN %s ELSE %s END, n::text, 'd', 'decoded', now(),
    now(), convert_to(repeat('x', 1000), 'UTF8'), '', 1, false, false, '', 1
FROM generate_series(1, 15000) AS n
"""
FILL_ERRORS = """
INSERT INTO ingest_error (territory_id, source_id, at, code, error, content_type, body, body_size)
SELECT %s, CASE WHEN n <= 6000 AND n %% 2 = 0 THEN %s ELSE %s END, now(), '', '{}', '', '', 0
FROM generate_series(1, 15000) AS n
"""


@pytest.fixture
def silent(town: Territory, source: MadeSource, test_database: TestDatabase) -> MadeSource:
    """A source that sent a fifth of what is kept, and nothing for long, beside a busy one."""
    busy = make_source(town)
    with psycopg.connect(test_database.administrator, autocommit=True) as admin:
        for fill in (FILL, FILL_ERRORS):
            admin.execute(fill, (town.id, source.row.id, busy.row.id))
        admin.execute("ANALYZE ingest_message, ingest_error")
    return source


def read_in_vain(rows: QuerySet[Any]) -> bool:
    """Tell whether PostgreSQL reads rows that it then leaves out, or sorts them all."""
    plan = rows[:50].explain(analyze=True)
    return "Rows Removed by Filter" in plan or "Sort" in plan


def test_the_last_messages_of_a_silent_source_are_read_alone(
    town: Territory, silent: MadeSource
) -> None:
    number = silent.row.id
    with acting_for(town.id):
        assert not read_in_vain(last_of_source(Message.objects.all(), number))
        assert not read_in_vain(last_of_source(IngestError.objects.all(), number))
        found = [message.id for message in source_messages(silent.row.uuid)]
        assert found == sorted(found, reverse=True)
        assert len(found) == 50
        # Negative control: the plain question walks through what the busy source sent.
        plain = Message.objects.filter(source_id=number).order_by("-id")
        assert read_in_vain(plain)
        assert found == [message.id for message in plain[:50]]
