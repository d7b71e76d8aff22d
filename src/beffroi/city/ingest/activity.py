"""Counts by source and hour, kept in the process and written about once a second."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

from psycopg import Error

from beffroi.city.ingest.batches import Batch, error_json
from beffroi.city.ingest.contracts import BODY_KEPT, Status
from beffroi.city.ingest.directory import SourceEntry
from beffroi.city.ingest.flush import ERRORS_INSERT
from beffroi.city.ingest.plain_values import clean_text, encoded
from beffroi.city.ingest.postgres import AWAY, Pool, within_territory
from beffroi.kernel.clock import now

log = logging.getLogger("beffroi.ingest")

ERRORS_PER_MINUTE = 60
WRONG_SECRETS_PER_MINUTE = 30
"""What one process keeps, or hears out, of one source per minute; more is only counted."""

_COUNTED = ("accepted", "duplicates", "unclaimed", "undecodable", "quarantined", "refused",
            "wrong_secret")  # fmt: skip

_ACTIVITY_SQL = f"""
INSERT INTO ingest_activity AS kept (territory_id, source_id, hour, {", ".join(_COUNTED)})
SELECT %(territory_id)s, * FROM unnest(%(source_ids)s::bigint[], %(hours)s::timestamptz[],
    {", ".join(f"%({name})s::bigint[]" for name in _COUNTED)})
ORDER BY 2, 3
ON CONFLICT (territory_id, source_id, hour) DO UPDATE SET
    {", ".join(f"{name} = kept.{name} + excluded.{name}" for name in _COUNTED)}
"""  # noqa: S608 - built from the constants above

_LAST_MESSAGE_SQL = """
UPDATE ingest_source s SET last_message_at = greatest(s.last_message_at, r.at)
FROM unnest(%(ids)s::bigint[], %(at)s::timestamptz[]) AS r (id, at) WHERE s.id = r.id
"""


@dataclass(slots=True)
class _Hour:
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTED, 0))


class Activity:
    """What this process has counted and not written yet."""

    def __init__(self) -> None:
        self._hours: dict[tuple[int, int, datetime], _Hour] = {}
        self._last: dict[tuple[int, int], datetime] = {}
        self._minutes: dict[tuple[str, int], tuple[int, int]] = {}

    def note(self, batch: Batch) -> None:
        """Count what a flush stored."""
        counts = self._counts(batch.source, batch.received_at)
        counts["accepted"] += batch.accepted
        counts["duplicates"] += batch.duplicates
        counts["refused"] += len(batch.refusals)
        for status, name in (
            (Status.UNCLAIMED, "unclaimed"),
            (Status.UNDECODABLE, "undecodable"),
            (Status.QUARANTINED, "quarantined"),
        ):
            counts[name] += batch.counts.get(status, 0)
        if batch.accepted or batch.duplicates:
            self._last[batch.source.territory_id, batch.source.id] = batch.received_at

    def note_one(self, source: SourceEntry, name: str) -> None:
        """Count one thing that happened to a source."""
        self._counts(source, now())[name] += 1

    def within(self, what: str, source: SourceEntry, *, limit: int) -> bool:
        """Tell whether this happened at most so often this minute, and count it."""
        minute = int(monotonic() // 60)
        if len(self._minutes) > 10_000:
            self._minutes.clear()
        since, count = self._minutes.get((what, source.id), (minute, 0))
        count = count + 1 if since == minute else 1
        self._minutes[what, source.id] = (minute, count)
        return count <= limit

    async def write(self, pool: Pool) -> None:
        """Write the counts; while the database is away they stay for the next time.

        Counts that it refuses (their source is gone) are dropped, and keep no others waiting.
        """
        hours, self._hours = self._hours, {}
        last, self._last = self._last, {}
        try:
            for territory_id in sorted({key[0] for key in hours}):
                try:
                    await self._write_territory(pool, territory_id, hours, last)
                except AWAY:
                    raise
                except Error:
                    log.exception("counts of sources of territory %s are lost", territory_id)
                    for key in [key for key in hours if key[0] == territory_id]:
                        del hours[key]
        except BaseException:
            for key, hour in hours.items():
                kept = self._hours.setdefault(key, _Hour()).counts
                for name, count in hour.counts.items():
                    kept[name] += count
            self._last = {**last, **self._last}
            raise

    async def _write_territory(
        self,
        pool: Pool,
        territory_id: int,
        hours: dict[tuple[int, int, datetime], _Hour],
        last: dict[tuple[int, int], datetime],
    ) -> None:
        keys = sorted(key for key in hours if key[0] == territory_id)
        heard = sorted(key for key in last if key[0] == territory_id)
        async with pool.connection() as connection, within_territory(connection, territory_id):
            parameters: dict[str, Any] = {
                "territory_id": territory_id,
                "source_ids": [key[1] for key in keys],
                "hours": [key[2] for key in keys],
            }
            for name in _COUNTED:
                parameters[name] = [hours[key].counts[name] for key in keys]
            await connection.execute(_ACTIVITY_SQL, parameters)
            if heard:
                await connection.execute(
                    "SELECT id FROM ingest_source WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
                    ([key[1] for key in heard],),
                )
                await connection.execute(
                    _LAST_MESSAGE_SQL,
                    {"ids": [key[1] for key in heard], "at": [last[key] for key in heard]},
                )
        for key in keys:
            del hours[key]

    def _counts(self, source: SourceEntry, at: datetime) -> dict[str, int]:
        hour = at.replace(minute=0, second=0, microsecond=0)
        return self._hours.setdefault((source.territory_id, source.id, hour), _Hour()).counts


async def write_error(
    pool: Pool,
    source: SourceEntry,
    *,
    code: str,
    message: str,
    params: Any,
    body: bytes,
    content_type: str,
) -> None:
    """Keep a delivery that could not be read, cut to what a page can show."""
    values: dict[str, Sequence[Any] | int] = {
        "territory_id": source.territory_id,
        "source_ids": [source.id],
        "at": [now()],
        "codes": [clean_text(code, limit=64)],
        "errors": [encoded(error_json(message, params))],
        "content_types": [content_type[:100]],
        "bodies": [body[:BODY_KEPT]],
        "sizes": [len(body)],
    }
    async with (
        pool.connection() as connection,
        within_territory(connection, source.territory_id),
    ):
        await connection.execute(ERRORS_INSERT, values)
