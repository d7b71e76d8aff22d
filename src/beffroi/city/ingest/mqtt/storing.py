"""A message of a broker on its way to the disk: to every source that subscribes to its topic."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from beffroi.city.ingest.activity import write_error
from beffroi.city.ingest.contracts import DeliveryRefused
from beffroi.city.ingest.directory import SourceEntry
from beffroi.city.ingest.intake import Intake
from beffroi.city.ingest.mqtt.contracts import BrokerRefused, LinkState, Plan, Wish
from beffroi.city.ingest.mqtt.payloads import Arrived, Placed, placed, same_message
from beffroi.city.ingest.mqtt.topics import topic_of
from beffroi.city.ingest.postgres import AWAY, within_territory

log = logging.getLogger("beffroi.ingest.mqtt")

FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
MOST_FAILURES = 5
"""How often a fault of our own is tried again before the message is kept as an error."""

MAX_TOPICS = 20_000
LOOKED_AT = 100
"""Messages of a device, the last first, among which one that comes again is looked for."""

_UNAVAILABLE = 503

_KEPT_SQL = """
SELECT raw FROM ingest_message
WHERE territory_id = %s AND device_identifier = %s AND source_id = %s ORDER BY id DESC LIMIT %s
"""

Target = tuple[Wish, Mapping[str, str]]


class Storing:
    """Where the messages of all connections of a process go.

    Args:
        intake: takes deliveries to the database, and returns after the commit.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._targets: dict[tuple[int, str], tuple[Target, ...]] = {}

    def forget_topics(self, broker_id: int) -> None:
        """Forget which topic is whose."""
        for key in [key for key in self._targets if key[0] == broker_id]:
            del self._targets[key]

    async def keep(self, arrived: Arrived, *, plan: Plan, state: LinkState) -> None:
        """Return once the message is on disk, or kept as one that cannot be read.

        While the database is away this does not return: the message is not acknowledged.
        """
        targets = self._targets_of(plan, arrived.topic)
        if not targets:
            state.unmatched += 1
            if state.unmatched in {1, 100, 10_000}:
                log.warning("broker %s gives %s, which nobody awaits", plan.uuid, arrived.topic)
        for wish, names in targets:
            await self._keep_for(wish, names, arrived, state)

    async def _keep_for(
        self, wish: Wish, names: Mapping[str, str], arrived: Arrived, state: LinkState
    ) -> None:
        wait, failures = FIRST_WAIT_S, 0
        while True:
            try:
                await self._take(wish, names, arrived)
            except DeliveryRefused as problem:
                if problem.status != _UNAVAILABLE:
                    state.refused += 1
                    return
            except AWAY as problem:
                if wait == FIRST_WAIT_S:
                    log.info("a message waits for the database: %s", str(problem).strip())
            except Exception as problem:
                failures += 1
                log.exception("a message of %s failed", arrived.topic)
                if failures >= MOST_FAILURES and await self._give_up(wish, arrived, problem):
                    state.refused += 1
                    return
            else:
                state.stored += 1
                return
            await asyncio.sleep(wait)
            wait = min(LONGEST_WAIT_S, wait * 2)

    async def _take(self, wish: Wish, names: Mapping[str, str], arrived: Arrived) -> None:
        source = await self._intake.source(wish.connector_key, wish.source_key)
        found = placed(arrived, names, source)
        if found.device and (arrived.again or arrived.retained):
            found = await self._recognised(found, names, arrived, source)
        await self._intake.take(source, found.delivery)

    async def _recognised(
        self, found: Placed, names: Mapping[str, str], arrived: Arrived, source: SourceEntry
    ) -> Placed:
        """Give a message without a time of its own the one it is stored under, when it is."""
        pool, territory_id = self._intake.pool, source.territory_id
        async with pool.connection() as connection, within_territory(connection, territory_id):
            cursor = await connection.execute(
                _KEPT_SQL, (territory_id, found.device, source.id, LOOKED_AT)
            )
            for (raw,) in await cursor.fetchall():
                at = same_message(bytes(raw), arrived, found.delivery.body)
                if at is not None:
                    return placed(arrived, names, source, at=at)
        return found

    async def _give_up(self, wish: Wish, arrived: Arrived, problem: Exception) -> bool:
        """Keep a message that only fails; False when even that cannot be done now."""
        try:
            source = await self._intake.source(wish.connector_key, wish.source_key)
            self._intake.activity.note_one(source, "refused")
            await write_error(
                self._intake.pool,
                source,
                code="message.failed",
                message="The server failed to read the message: {problem}.",
                params={"problem": type(problem).__name__},
                body=arrived.payload,
                content_type=source.connector.content_types[0],
            )
        except DeliveryRefused as refusal:
            return refusal.status != _UNAVAILABLE
        except AWAY:
            return False
        return True

    def _targets_of(self, plan: Plan, topic: str) -> tuple[Target, ...]:
        key = (plan.broker_id, topic)
        known = self._targets.get(key)
        if known is not None:
            return known
        found: list[Target] = []
        for wish in plan.wishes:
            try:
                names = topic_of(wish.topic).read(topic)
            except BrokerRefused:
                continue
            if names is not None:
                found.append((wish, names))
        if len(self._targets) >= MAX_TOPICS:
            self._targets.clear()
        self._targets[key] = tuple(found)
        return self._targets[key]
