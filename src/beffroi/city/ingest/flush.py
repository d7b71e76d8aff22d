"""One transaction for the messages of any number of deliveries.

Locks are taken in one order by every process (territory; then messages by source and key,
devices, latest values and observations by stream, unclaimed devices), so that no two flushes
wait for each other in a circle.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from psycopg import Error
from psycopg.pq import TransactionStatus
from psycopg.sql import SQL

from beffroi.city.ingest.announcing import LIVE_CHANNEL, Changes, payloads_of
from beffroi.city.ingest.batches import Batch, Item, error_json
from beffroi.city.ingest.contracts import BODY_KEPT, Status
from beffroi.city.ingest.decoding import AttachedAsset, Value
from beffroi.city.ingest.events import ObservationInterest, observation_events
from beffroi.city.ingest.hearing import DEVICES_LOCK, DEVICES_UPDATE, NOBODY, DevicesHeard
from beffroi.city.ingest.message_rows import MESSAGES_INSERT, message_parameters
from beffroi.city.ingest.plain_values import clean_text, encoded
from beffroi.city.ingest.postgres import Connection
from beffroi.city.series.api import LATEST_UPSERT, OBSERVATIONS_INSERT
from beffroi.foundation.database.api import (
    float8_array,
    int2_array,
    int8_array,
    text_array,
)
from beffroi.foundation.messaging.api import OUTBOX_INSERT
from beffroi.kernel.clock import epoch_ms, now
from beffroi.sdk.connectors import Uplink

CLAIM_LOCK = 0x434C4149
"""First half of the advisory lock that keeps claims and unclaimed messages of one territory
apart ("CLAI"); the second half is the territory."""

REFUSALS_KEPT = 20
"""Refused items of one delivery that are kept with their octets."""


class DirectoryStale(Exception):
    """A device was claimed since it was looked up: look it up again and flush again."""


# One statement instead of three: each costs the process a tenth of a millisecond to send and wait.
VALUES_WRITE = f"""
WITH stored AS ({OBSERVATIONS_INSERT}), heard AS ({DEVICES_UPDATE}), changed AS ({LATEST_UPSERT})
SELECT array_agg(stream_id) FROM changed
"""  # noqa: S608 - built from constants

UNCLAIMED_CHECK = """
SELECT 1 FROM assets_device d
JOIN unnest(%(source_ids)s::bigint[], %(identifiers)s::text[]) AS r (source_id, identifier)
  ON d.identifier = r.identifier AND (d.source_id IS NULL OR d.source_id = r.source_id)
JOIN assets_attachment a ON a.device_id = d.id AND a.attached_until IS NULL
JOIN assets_asset s ON s.id = a.asset_id AND s.removed_at IS NULL
WHERE d.removed_at IS NULL LIMIT 1
"""

UNCLAIMED_UPSERT = """
INSERT INTO ingest_unclaimed AS kept (territory_id, source_id, identifier, name, model, lon, lat,
    first_seen_at, last_seen_at, message_count)
SELECT %(territory_id)s, source_id, identifier, name, model, lon, lat, seen_at, seen_at, n
FROM unnest(%(source_ids)s::bigint[], %(identifiers)s::text[], %(names)s::text[],
            %(models)s::text[], %(lons)s::float8[], %(lats)s::float8[],
            %(seen_at)s::timestamptz[], %(counts)s::bigint[])
     AS r (source_id, identifier, name, model, lon, lat, seen_at, n)
ORDER BY source_id, identifier
ON CONFLICT (territory_id, source_id, identifier) DO UPDATE SET
    name = CASE WHEN excluded.name = '' THEN kept.name ELSE excluded.name END,
    model = CASE WHEN excluded.model = '' THEN kept.model ELSE excluded.model END,
    lon = coalesce(excluded.lon, kept.lon), lat = coalesce(excluded.lat, kept.lat),
    last_seen_at = greatest(kept.last_seen_at, excluded.last_seen_at),
    message_count = kept.message_count + excluded.message_count, claimed_at = NULL
"""

ERRORS_INSERT = """
INSERT INTO ingest_error (territory_id, source_id, at, code, error, content_type, body, body_size)
SELECT %(territory_id)s, source_id, at, code, error::jsonb, content_type, body, body_size
FROM unnest(%(source_ids)s::bigint[], %(at)s::timestamptz[], %(codes)s::text[],
            %(errors)s::text[], %(content_types)s::text[], %(bodies)s::bytea[],
            %(sizes)s::bigint[])
     AS r (source_id, at, code, error, content_type, body, body_size)
"""


# Sent with BEGIN, and with COMMIT: two statements in one message to the server.
_ACT_FOR = (
    "SELECT set_config('beffroi.territory', '%d', true), set_config('beffroi.user', '', true),"
    " set_config('beffroi.source', '', true)"
)
_NOTIFY = SQL("SELECT pg_notify({}, {})")


async def flush(
    connection: Connection, batches: Sequence[Batch], *, interest: ObservationInterest
) -> None:
    """Store what is new in the batches, in one transaction, and count it in each batch.

    Where somebody outside wants them, the latest values that changed go to the outbox as well.

    When this returns, everything is committed; when it raises, nothing is (or, if the connection
    was lost during the commit, nobody knows, and the sender must send again).

    Raises:
        DirectoryStale: a device was claimed meanwhile.
        psycopg.Error: the database refused, or is away.
    """
    ordered = sorted(batches, key=lambda batch: batch.source.territory_id)
    written_at = now()
    payloads: list[str] = []
    heard: list[DevicesHeard] = []
    begin = "BEGIN; "
    try:
        for territory_id, group in groupby(ordered, key=lambda batch: batch.source.territory_id):
            await connection.execute(f"{begin}{_ACT_FOR % territory_id}".encode(), prepare=False)
            begin = ""
            payloads += await _flush_territory(
                connection,
                territory_id,
                list(group),
                written_at=written_at,
                interest=interest,
                heard=heard,
            )
        notify = [_NOTIFY.format(LIVE_CHANNEL, payload) for payload in payloads]
        end = SQL("; ").join([*notify, SQL("COMMIT")])
        await connection.execute(end.as_bytes(connection), prepare=False)
    except BaseException:
        if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
            with contextlib.suppress(Error):
                await connection.rollback()
        raise
    for devices in heard:
        devices.committed()


async def _flush_territory(
    connection: Connection,
    territory_id: int,
    batches: list[Batch],
    *,
    written_at: datetime,
    interest: ObservationInterest,
    heard: list[DevicesHeard],
) -> list[str]:
    """Write one territory's part and return what is to be notified."""
    for batch in batches:
        batch.reset()
    new = await _insert_messages(connection, territory_id, batches)
    await _insert_refusals(connection, territory_id, batches)
    payloads: list[str] = []
    heard.append(DevicesHeard(new))
    devices = heard[-1].parameters()
    newest = _Newest()
    columns = newest.columns_of(item for _, item in new)
    if columns or devices:
        if devices:
            await connection.execute(DEVICES_LOCK, devices)
        written = await connection.execute(
            VALUES_WRITE,
            {
                "territory_id": territory_id,
                "received_at": written_at,
                **(columns or _NO_VALUES),
                **(devices or NOBODY),
            },
        )
        row = await written.fetchone()
        if row is not None and row[0] is not None:
            changes, assets = newest.changes(row[0])
            payloads = payloads_of(territory_id, changes, assets)
            if await interest.wanted(connection, territory_id):
                events = observation_events(territory_id, changes, assets, at=written_at)
                await connection.execute(OUTBOX_INSERT, events)
    await _note_unclaimed(connection, territory_id, new)
    return payloads


async def _insert_messages(
    connection: Connection, territory_id: int, batches: list[Batch]
) -> list[tuple[Batch, Item]]:
    """Keep the messages and return those that are new, counted in their batch."""
    parameters = message_parameters(batches)
    if parameters is None:
        return []
    stored = await connection.execute(MESSAGES_INSERT, {"territory_id": territory_id, **parameters})
    row = await stored.fetchone()
    if row is None:
        raise AssertionError("an aggregate has one row")
    if row[0] == parameters["offered"]:
        return list(_count(batches, None))
    return list(_count(batches, set(zip(row[1] or (), row[2] or (), strict=True))))


def flush_parameters(batches: Sequence[Batch]) -> list[dict[str, Any] | None]:
    """Return what a group of one territory is written with, were all of it new: for a measure."""
    new = list(_count(list(batches), None))
    rows = message_parameters(batches)
    return [rows, _Newest().columns_of(item for _, item in new), DevicesHeard(new).parameters()]


def _count(
    batches: list[Batch], fresh: set[tuple[int, str]] | None
) -> Iterator[tuple[Batch, Item]]:
    """Count each batch's part and yield what is new (None: all); the first of a key has it."""
    for batch in batches:
        for item in batch.items:
            if fresh is not None:
                key = (batch.source.id, item.key)
                item.new = key in fresh
                if not item.new:
                    batch.duplicates += 1
                    continue
                fresh.discard(key)
            item.new = True
            batch.accepted += 1
            status = item.decoded.status
            batch.counts[status] = batch.counts.get(status, 0) + 1
            yield batch, item


class _Newest:
    """The values of a group, and of each stream the one that becomes its latest."""

    def __init__(self) -> None:
        self._of_stream: dict[int, tuple[int, Value]] = {}

    def columns_of(self, items: Iterable[Item]) -> dict[str, Any] | None:
        """Return the values of items as the series take them; None when there is none.

        Raises:
            DirectoryStale: an asset went away since its device was looked up.
        """
        stream_ids: list[int] = []
        asset_ids: list[int] = []
        measure_keys: list[str] = []
        at_ms: list[int] = []
        values: list[float] = []
        qualities: list[int] = []
        newest = self._of_stream
        for item in items:
            if item.device is None:
                continue
            streams = item.device.streams
            former: datetime | None = None
            ms = 0
            for value in item.decoded.values:
                asset, measure, observed_at, number, quality = value
                stream_id = streams.get((asset.asset_id, measure.key))
                if stream_id is None:
                    raise DirectoryStale
                if observed_at is not former:
                    former, ms = observed_at, epoch_ms(observed_at)
                stream_ids.append(stream_id)
                asset_ids.append(asset.asset_id)
                measure_keys.append(measure.key)
                at_ms.append(ms)
                values.append(number)
                qualities.append(quality)
                known = newest.get(stream_id)
                if known is None or ms > known[0]:
                    newest[stream_id] = (ms, value)
        if not stream_ids:
            return None
        return {
            "stream_ids": int8_array(stream_ids),
            "asset_ids": int8_array(asset_ids),
            "measure_keys": text_array(measure_keys),
            "at_ms": int8_array(at_ms),
            "values": float8_array(values),
            "qualities": int2_array(qualities),
        }

    def changes(self, changed: Iterable[int]) -> tuple[Changes, Mapping[int, AttachedAsset]]:
        """Return the latest values of streams, by asset, and those assets."""
        changes: dict[int, dict[str, list[Any]]] = {}
        assets: dict[int, AttachedAsset] = {}
        for stream_id in changed:
            ms, (asset, measure, _at, number, quality) = self._of_stream[stream_id]
            assets[asset.asset_id] = asset
            changes.setdefault(asset.asset_id, {})[measure.key] = [number, ms, quality]
        return changes, assets


_NO_VALUES: dict[str, Any] = {
    "stream_ids": int8_array(()),
    "asset_ids": int8_array(()),
    "measure_keys": text_array(()),
    "at_ms": int8_array(()),
    "values": float8_array(()),
    "qualities": int2_array(()),
}


async def _note_unclaimed(
    connection: Connection, territory_id: int, new: list[tuple[Batch, Item]]
) -> None:
    """Note devices nobody has claimed.

    Raises:
        DirectoryStale: one of them was claimed meanwhile.
    """
    rows: dict[tuple[int, str], dict[str, Any]] = {}
    for batch, item in new:
        unknown_notice = not isinstance(item.message, Uplink) and item.device is None
        if item.decoded.status is not Status.UNCLAIMED and not unknown_notice:
            continue
        row = rows.setdefault(
            (batch.source.id, item.identifier),
            {"name": "", "model": "", "lon": None, "lat": None, "n": 0, "at": batch.received_at},
        )
        row["n"] += 1
        if isinstance(item.message, Uplink):
            _note_told(row, item.message)
    if not rows:
        return
    keys = sorted(rows)
    parameters = {
        "territory_id": territory_id,
        "lock": CLAIM_LOCK,
        "source_ids": [source_id for source_id, _ in keys],
        "identifiers": [identifier for _, identifier in keys],
        "names": [rows[key]["name"] for key in keys],
        "models": [rows[key]["model"] for key in keys],
        "lons": [rows[key]["lon"] for key in keys],
        "lats": [rows[key]["lat"] for key in keys],
        "seen_at": [rows[key]["at"] for key in keys],
        "counts": [rows[key]["n"] for key in keys],
    }
    await connection.execute(
        "SELECT pg_advisory_xact_lock_shared(%(lock)s, %(territory_id)s)", parameters
    )
    found = await connection.execute(UNCLAIMED_CHECK, parameters)
    if await found.fetchone() is not None:
        raise DirectoryStale
    await connection.execute(UNCLAIMED_UPSERT, parameters)


def _note_told(row: dict[str, Any], message: Uplink) -> None:
    row["name"] = clean_text(message.name, limit=200) or row["name"]
    row["model"] = clean_text(message.model, limit=120) or row["model"]
    lon, lat = message.lon, message.lat
    if lon is not None and lat is not None and -180 <= lon <= 180 and -90 <= lat <= 90:
        row["lon"], row["lat"] = lon, lat


async def _insert_refusals(connection: Connection, territory_id: int, batches: list[Batch]) -> None:
    kept = [(batch, refusal) for batch in batches for refusal in batch.refusals[:REFUSALS_KEPT]]
    if not kept:
        return
    await connection.execute(
        ERRORS_INSERT,
        {
            "territory_id": territory_id,
            "source_ids": [batch.source.id for batch, _ in kept],
            "at": [batch.received_at for batch, _ in kept],
            "codes": [clean_text(refusal.code, limit=64) for _, refusal in kept],
            "errors": [
                encoded(
                    error_json(
                        refusal.message,
                        {"index": refusal.index, **refusal.params},
                        way_out=refusal.way_out,
                    )
                )
                for _, refusal in kept
            ],
            "content_types": [batch.content_type for batch, _ in kept],
            "bodies": [refusal.raw[:BODY_KEPT] for _, refusal in kept],
            "sizes": [len(refusal.raw) for _, refusal in kept],
        },
    )
