"""One subscriber process: a connection to every broker of every territory."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Any

import msgspec
from psycopg import Error

from beffroi.city.ingest.directory import SOURCE_CHANNEL
from beffroi.city.ingest.intake import Intake
from beffroi.city.ingest.mqtt.contracts import BrokerProblem, LinkState, Plan
from beffroi.city.ingest.mqtt.link import Link
from beffroi.city.ingest.mqtt.plans import BROKER_CHANNEL, read_plans
from beffroi.city.ingest.mqtt.storing import Storing
from beffroi.city.ingest.postgres import AWAY, listen, within_territory
from beffroi.kernel.clock import now

log = logging.getLogger("beffroi.ingest.mqtt")

STATE_EVERY_S = 2.0
PLANS_EVERY_S = 60.0
"""Plans are read again after this even if no notification came."""

_STATE_SQL = """
INSERT INTO ingest_broker_state AS kept (territory_id, broker_id, process, updated_at,
    connected_since, last_message_at, received, unguaranteed, retained, refused, unmatched,
    waiting, rate, error, error_at)
SELECT %(territory_id)s, %(broker_id)s, %(process)s, %(updated_at)s, %(connected_since)s,
    %(last_message_at)s, %(received)s, %(unguaranteed)s, %(retained)s, %(refused)s, %(unmatched)s,
    %(waiting)s, %(rate)s, %(error)s::jsonb, %(error_at)s
WHERE EXISTS (SELECT FROM ingest_broker
              WHERE territory_id = %(territory_id)s AND id = %(broker_id)s)
ON CONFLICT (territory_id, broker_id, process) DO UPDATE SET
    updated_at = excluded.updated_at, connected_since = excluded.connected_since,
    last_message_at = coalesce(excluded.last_message_at, kept.last_message_at),
    received = excluded.received, unguaranteed = excluded.unguaranteed,
    retained = excluded.retained, refused = excluded.refused, unmatched = excluded.unmatched,
    waiting = excluded.waiting, rate = excluded.rate,
    error = coalesce(excluded.error, kept.error),
    error_at = coalesce(excluded.error_at, kept.error_at)
"""


class Subscriber:
    """The connections of one process.

    Args:
        intake: takes deliveries to the database.
        url: of the database, for notifications.
        number: of this process among the subscribers of the installation, from 1.
        acknowledge_first: the fault that the tests plant; nothing else sets it.
    """

    def __init__(
        self,
        intake: Intake,
        *,
        url: Callable[[], str],
        number: int = 1,
        acknowledge_first: bool = False,
    ) -> None:
        self._intake = intake
        self._url = url
        self._number = number
        self._acknowledge_first = acknowledge_first
        self._storing = Storing(intake)
        self._links: dict[tuple[int, int], Link] = {}
        self._broken: dict[tuple[int, int], LinkState] = {}
        self._changed, self._state_changed = asyncio.Event(), asyncio.Event()
        self._counted: dict[tuple[int, int], tuple[float, int]] = {}
        self.process = f"{socket.gethostname()[:60]}-{number}"

    @property
    def connections(self) -> int:
        """Return how many brokers this process follows."""
        return len(self._links)

    @property
    def received(self) -> int:
        """Return how many messages came since it started."""
        return sum(link.state.received for link in self._links.values())

    @property
    def waiting(self) -> int:
        """Return how many messages were read and are not on disk yet."""
        return sum(link.waiting for link in self._links.values())

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the plans until told to stop; then finish what was read."""
        await self._intake.start()
        tasks = [
            asyncio.create_task(
                listen(
                    self._url(),
                    (BROKER_CHANNEL, SOURCE_CHANNEL),
                    heard=lambda _channel, _payload: self._changed.set(),
                    connected=self._changed.set,
                    lost=lambda: None,
                )
            ),
            asyncio.create_task(self._follow_plans()),
            asyncio.create_task(self._write_states()),
        ]
        try:
            waiting = asyncio.create_task(stop.wait())
            await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(link.stop() for link in self._links.values()))
            with contextlib.suppress(*AWAY):
                await self._write_once()
            await self._intake.stop()

    async def _follow_plans(self) -> None:
        wait = 0.2
        while True:
            self._changed.clear()
            try:
                plans, problems = await read_plans(self._intake.pool)
            except AWAY as problem:
                log.info("the brokers cannot be read: %s", str(problem).strip())
                await asyncio.sleep(wait)
                wait = min(5.0, wait * 2)
                continue
            wait = 0.2
            await self._follow({(one.territory_id, one.broker_id): one for one in plans})
            self._broken = {
                (territory_id, broker_id): LinkState(error=_told(problem), error_at=now())
                for territory_id, broker_id, problem in problems
            }
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PLANS_EVERY_S):
                    await self._changed.wait()

    async def _follow(self, wanted: dict[tuple[int, int], Plan]) -> None:
        leaving = [key for key in self._links if key not in wanted]
        for key, plan in wanted.items():
            link = self._links.get(key)
            if link is not None and plan != link.plan and not link.follow(plan):
                leaving.append(key)
        for key in leaving:
            self._storing.forget_topics(key[1])
            await self._links.pop(key).stop()
        for key, plan in wanted.items():
            if key not in self._links:
                link = Link(
                    plan,
                    storing=self._storing,
                    number=self._number,
                    changed=self._state_changed.set,
                    acknowledge_first=self._acknowledge_first,
                )
                self._links[key] = link
                link.start()

    async def _write_states(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STATE_EVERY_S):
                    await self._state_changed.wait()
            self._state_changed.clear()
            try:
                await self._write_once()
            except AWAY:
                continue
            except Error:
                log.exception("the state of the brokers cannot be written")

    async def _write_once(self) -> None:
        states = self._broken | {key: self._measured(key) for key in self._links}
        for (territory_id, broker_id), state in sorted(states.items(), key=lambda one: one[0]):
            parameters: dict[str, Any] = {
                **{name: getattr(state, name) for name in state.__slots__ if name != "stored"},
                "error": None if state.error is None else msgspec.json.encode(state.error).decode(),
                "territory_id": territory_id,
                "broker_id": broker_id,
                "process": self.process,
                "updated_at": now(),
            }
            async with (
                self._intake.pool.connection() as connection,
                within_territory(connection, territory_id),
            ):
                await connection.execute(_STATE_SQL, parameters)

    def _measured(self, key: tuple[int, int]) -> LinkState:
        state = self._links[key].state
        before, count = self._counted.get(key, (monotonic(), state.received))
        instant = monotonic()
        if instant > before:
            state.rate = (state.received - count) / (instant - before)
        self._counted[key] = (instant, state.received)
        return replace(state, waiting=self._links[key].waiting)


def _told(problem: BrokerProblem) -> dict[str, Any]:
    return {"code": problem.code, "message": problem.message, "params": problem.params,
            "way_out": problem.way_out}  # fmt: skip
