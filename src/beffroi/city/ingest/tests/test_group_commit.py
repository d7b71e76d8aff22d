"""Deliveries that share a transaction: together when all is well, each for itself when not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import psycopg
import pytest

from beffroi.city.ingest.batches import Batch
from beffroi.city.ingest.contracts import DeliveryRefused
from beffroi.city.ingest.directory import SourceEntry
from beffroi.city.ingest.intake import Intake
from beffroi.city.ingest.testing import LIMIT_S, MadeSource, make_application, tiny_message
from beffroi.city.ingest.tests.test_door import station
from beffroi.city.ingest.tests.test_refused_rows import refusing
from beffroi.foundation.database.testing import TestDatabase
from beffroi.foundation.territories.models import Territory
from beffroi.kernel.clock import now
from beffroi.sdk.connectors import Delivery

DEVICE = "a81758fffe000001"


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Intake]:
    """Run what takes deliveries, in this loop."""
    intake: Intake = make_application(**options).intake
    await intake.start()
    try:
        async with asyncio.timeout(LIMIT_S):
            while not intake.devices.listening:  # noqa: ASYNC110 - only a test waits for this
                await asyncio.sleep(0)
            yield intake
    finally:
        await intake.stop()


def delivery(**fields: Any) -> Delivery:
    message = tiny_message(DEVICE, now(), **({"hex": "00d7"} | fields))
    return Delivery(
        body=json.dumps(message).encode(), content_type="application/json", received_at=now()
    )


async def taken(
    intakes: list[Intake], source: MadeSource, deliveries: list[Delivery]
) -> list[Batch | BaseException]:
    """Give the deliveries all at once, in turn to each process."""
    entries: list[SourceEntry] = [await one.source("tiny", source.row.key) for one in intakes]
    return await asyncio.gather(
        *(
            intakes[rank % len(intakes)].take(entries[rank % len(intakes)], item)
            for rank, item in enumerate(deliveries)
        ),
        return_exceptions=True,
    )


def transactions(database: TestDatabase) -> tuple[int, int]:
    """Return how many messages are kept, and in how many transactions they came."""
    with psycopg.connect(database.administrator) as admin:
        row = admin.execute(
            "SELECT count(*), count(DISTINCT xmin::text) FROM ingest_message"
        ).fetchone()
    assert row is not None
    return row


def test_what_arrives_together_shares_a_transaction(
    town: Territory, source: MadeSource, test_database: TestDatabase
) -> None:
    station(town)

    async def scene() -> list[Batch | BaseException]:
        async with running() as intake:
            return await taken([intake], source, [delivery() for _ in range(200)])

    assert all(isinstance(item, Batch) and item.accepted == 1 for item in asyncio.run(scene()))
    messages, groups = transactions(test_database)
    assert messages == 200
    assert groups <= 20


def test_one_refused_delivery_refuses_none_of_its_group(
    town: Territory, source: MadeSource, test_database: TestDatabase
) -> None:
    station(town)
    deliveries = [delivery(hex=f"{rank:04x}") for rank in range(30)]

    async def scene() -> list[Batch | BaseException]:
        async with running() as intake:
            return await taken([intake], source, deliveries)

    with refusing(test_database, table="series_observation", condition="value <> 0.7"):
        outcome = asyncio.run(scene())
    refused = [rank for rank, item in enumerate(outcome) if not isinstance(item, Batch)]
    assert refused == [7]
    problem = outcome[7]
    assert isinstance(problem, DeliveryRefused)
    assert problem.status == 422
    assert transactions(test_database)[0] == 29


def test_two_processes_given_the_same_messages_store_each_once(
    town: Territory, source: MadeSource, test_database: TestDatabase
) -> None:
    station(town)
    some = [delivery() for _ in range(100)]
    twice = [item for item in some for _ in range(2)] + list(reversed(some))

    async def scene() -> list[Batch | BaseException]:
        async with AsyncExitStack() as stack:
            intakes = [await stack.enter_async_context(running()) for _ in range(2)]
            return await taken(intakes, source, twice)

    outcome = asyncio.run(scene())
    batches = [item for item in outcome if isinstance(item, Batch)]
    assert len(batches) == 300
    assert sum(item.accepted for item in batches) == 100
    assert sum(item.duplicates for item in batches) == 200
    assert transactions(test_database)[0] == 100


@pytest.mark.parametrize(
    ("options", "octets"), [({"max_deliveries": 2}, 10), ({"max_octets": 250}, 100)]
)
def test_room_is_bounded_in_deliveries_and_in_octets(
    town: Territory, options: dict[str, int], octets: int
) -> None:
    del town
    intake = make_application(**options).intake
    intake.hold(octets)
    intake.hold(octets)
    with pytest.raises(DeliveryRefused) as refused:
        intake.hold(octets)
    assert (refused.value.status, refused.value.retry_after_s) == (503, 1)
    intake.release(octets)
    intake.hold(octets)
