"""One LISTEN per process, fanned out to any number of clients.

Changes are gathered per asset for half a second, filtered and written once per distinct view,
and kept for two minutes, so that a browser that comes back is served from memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from beffroi.city.ingest.api import (
    AWAY,
    LIVE_CHANNEL,
    Pool,
    listen,
    make_pool,
    within_territory,
)
from beffroi.city.live.clients import Client, change_event
from beffroi.city.live.contracts import Changes, View, merge
from beffroi.kernel.clock import epoch_ms, now

log = logging.getLogger("beffroi.live")

GATHER_S = 0.5
RING_S = 120
MOST_IN_RING = 100_000
"""Changes kept in memory, over all territories."""

OVERLAP = timedelta(seconds=5)
"""A change is stamped before it is committed: what is asked for begins this much earlier."""

LONGEST_ABSENCE = timedelta(minutes=15)
SNAPSHOT_S = 5.0
"""How long one reading of the database serves every browser that comes back."""

MOST_MISSED = 50_000

_MISSED_SQL = """
SELECT a.uuid::text, a.domain_key, a.area_id, l.measure_key, l.value, l.observed_at, l.quality
FROM series_latest l JOIN assets_asset a ON a.id = l.asset_id AND a.removed_at IS NULL
WHERE l.territory_id = %s AND l.received_at > %s LIMIT %s
"""


_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Snapshot:
    since: datetime
    read_at: datetime
    reading: asyncio.Future[Changes | None]


@dataclass(slots=True)
class _Territory:
    pending: Changes = field(default_factory=dict)
    clients: set[Client] = field(default_factory=set)
    ring: deque[tuple[datetime, Changes]] = field(default_factory=deque)
    complete_since: datetime = _NEVER
    snapshot: _Snapshot | None = None


class Hub:
    """What a live process hears and who it tells."""

    def __init__(self, *, url: Callable[[], str], gather_s: float = GATHER_S) -> None:
        self._url = url
        self._gather_s = gather_s
        self._territories: dict[int, _Territory] = {}
        self._pool: Pool | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._in_ring = 0
        self._listening_since: datetime | None = None
        self._lost_at: datetime | None = None
        self.listening = asyncio.Event()

    async def start(self) -> None:
        """Listen, without waiting for a database that may be away."""
        url = self._url()
        self._pool = make_pool(url, size=2, name="live")
        await self._pool.open(wait=False)
        self._tasks = [
            asyncio.create_task(
                listen(
                    url,
                    (LIVE_CHANNEL,),
                    heard=lambda _channel, payload: self.heard(payload),
                    connected=self._connected,
                    lost=self._lost,
                )
            ),
            asyncio.create_task(self._tell_for_ever()),
        ]

    async def stop(self) -> None:
        """End every stream and stop listening."""
        self.close_all("stopping")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._pool is not None:
            await self._pool.close()

    def close_all(self, reason: str) -> None:
        """End every stream; browsers come back by themselves."""
        for territory in self._territories.values():
            for client in territory.clients:
                client.close(reason)

    def subscribe(self, territory_id: int, client: Client) -> None:
        """Send a territory's changes to a client from now on."""
        self._territory(territory_id).clients.add(client)
        if not self.listening.is_set():
            client.tell_delayed(delayed=True)

    def unsubscribe(self, territory_id: int, client: Client) -> None:
        """Forget a client."""
        self._territory(territory_id).clients.discard(client)

    @property
    def client_count(self) -> int:
        """Return how many streams are open."""
        return sum(len(territory.clients) for territory in self._territories.values())

    def heard(self, payload: str) -> None:
        """Take in one notification of a flush."""
        try:
            content = msgspec.json.decode(payload)
            told: list[Changes] = [
                {uuid: (domain, area_id, {key: tuple(item) for key, item in readings.items()})}
                for uuid, domain, area_id, readings in content["c"]
            ]
            territory = self._territory(int(content["t"]))
        except (msgspec.DecodeError, AttributeError, KeyError, TypeError, ValueError):
            log.exception("a notification cannot be read")
            return
        for changes in told:  # an asset with very many measures stands in several items
            merge(territory.pending, changes)

    async def missed(self, territory_id: int, view: View, *, since: datetime) -> Changes | None:
        """Return the present readings of what changed since, or None when that is too long ago.

        From memory when the process has listened all along, else from one reading of the
        database that is shared by everybody who asks within a few seconds.
        """
        at = now()
        if not at - LONGEST_ABSENCE <= since <= at + timedelta(minutes=1):
            return None
        wanted = since - OVERLAP
        territory = self._territory(territory_id)
        found: Changes = {}
        begin = wanted
        if wanted < territory.complete_since or self._listening_since is None:
            snapshot = self._snapshot(territory_id, territory, since=wanted)
            read = await asyncio.shield(snapshot.reading)
            if read is None:
                return None
            merge(found, view.of_changes(read))
            begin = snapshot.read_at - OVERLAP
        for told_at, changes in territory.ring:
            if told_at >= begin:
                merge(found, view.of_changes(changes))
        return found

    async def read_changes(self, territory_id: int, *, since: datetime) -> Changes | None:
        """Read from the database what changed since; None when it is too much to send."""
        if self._pool is None:
            return None
        async with self._pool.connection() as opened, within_territory(opened, territory_id):
            cursor = await opened.execute(_MISSED_SQL, (territory_id, since, MOST_MISSED + 1))
            rows = await cursor.fetchall()
        return None if len(rows) > MOST_MISSED else _changes_of(rows)

    def tell(self) -> None:
        """Send what was gathered to the clients that may see it."""
        at = now()
        mark = mark_of(at)
        for territory in self._territories.values():
            if territory.pending:
                changes, territory.pending = territory.pending, {}
                self._remember(territory, at, changes)
                _fan_out(territory.clients, mark, changes)
        self._forget_old(at)

    async def _tell_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._gather_s)
            try:
                self.tell()
            except Exception:
                log.exception("changes were not told")

    def _territory(self, territory_id: int) -> _Territory:
        found = self._territories.get(territory_id)
        if found is None:
            found = self._territories[territory_id] = _Territory()
            if self._listening_since is not None:
                # Nothing was notified for it since the process began to listen.
                found.complete_since = self._listening_since
        return found

    async def _connected(self) -> None:
        self._listening_since = at = now()
        lost_at, self._lost_at = self._lost_at, None
        for territory in self._territories.values():
            territory.complete_since = at
        self.listening.set()
        for territory_id, territory in self._territories.items():
            if lost_at is not None and territory.clients:
                await self._catch_up(territory_id, territory, since=lost_at - OVERLAP)
            for client in territory.clients:
                client.tell_delayed(delayed=False)

    async def _catch_up(self, territory_id: int, territory: _Territory, *, since: datetime) -> None:
        try:
            missed = await self.read_changes(territory_id, since=since)
        except AWAY:
            missed = None
        if missed is None:
            for client in territory.clients:
                client.start_again()
        else:
            merge(territory.pending, missed)

    def _lost(self) -> None:
        if not self.listening.is_set():
            return
        self.listening.clear()
        self._listening_since = None
        self._lost_at = now()
        for territory in self._territories.values():
            for client in territory.clients:
                client.tell_delayed(delayed=True)

    def _snapshot(self, territory_id: int, territory: _Territory, *, since: datetime) -> _Snapshot:
        at = now()
        known = territory.snapshot
        if (
            known is not None
            and known.since <= since
            and at - known.read_at < timedelta(seconds=SNAPSHOT_S)
            and not (known.reading.done() and known.reading.exception())
        ):
            return known
        # A little further back than asked, so that the next to ask is served as well.
        begin = since - timedelta(seconds=30)
        reading = asyncio.ensure_future(self.read_changes(territory_id, since=begin))
        territory.snapshot = _Snapshot(begin, at, reading)
        return territory.snapshot

    def _remember(self, territory: _Territory, at: datetime, changes: Changes) -> None:
        territory.ring.append((at, changes))
        self._in_ring += len(changes)

    def _forget_old(self, at: datetime) -> None:
        oldest = at - timedelta(seconds=RING_S)
        for territory in self._territories.values():
            snapshot = territory.snapshot
            if snapshot is not None and at - snapshot.read_at > timedelta(seconds=SNAPSHOT_S):
                territory.snapshot = None
            ring = territory.ring
            while ring and (ring[0][0] < oldest or self._in_ring > MOST_IN_RING):
                told_at, changes = ring.popleft()
                self._in_ring -= len(changes)
                territory.complete_since = max(territory.complete_since, told_at)


def mark_of(at: datetime) -> int:
    """Return an instant in microseconds since 1970: the ``id`` of an event."""
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def instant_of(mark: str) -> datetime | None:
    """Return the instant of a mark, or None when it is not one."""
    if not mark.isascii() or not mark.isdigit() or len(mark) > 17:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(mark))


def _fan_out(clients: set[Client], mark: int, changes: Changes) -> None:
    written: dict[View, tuple[bytes, Changes] | None] = {}
    for client in clients:
        view = client.view
        if view not in written:
            part = view.of_changes(changes)
            written[view] = (change_event(mark, part), part) if part else None
        event = written[view]
        if event is not None:
            client.offer(mark, *event)


def _changes_of(rows: list[Any]) -> Changes:
    found: Changes = {}
    for uuid, domain, area_id, measure, value, observed_at, quality in rows:
        kept = found.setdefault(uuid, (domain, area_id, {}))
        kept[2][measure] = (value, epoch_ms(observed_at), quality)
    return found
