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

import msgspec
from psycopg import AsyncCursor, Error
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg.sql import SQL

from beffroi.city.ingest.batches import Batch, Item, columns_of, error_json, radio_json
from beffroi.city.ingest.contracts import BODY_KEPT, Status
from beffroi.city.ingest.decoding import AttachedAsset, Decoded
from beffroi.city.ingest.plain_values import clean_text
from beffroi.city.ingest.postgres import Connection
from beffroi.city.series.api import LATEST_UPSERT, OBSERVATIONS_INSERT, LatestRow, LatestValue
from beffroi.kernel.clock import epoch_ms, now
from beffroi.sdk.connectors import Uplink

LIVE_CHANNEL = "beffroi_live"
NOTIFY_OCTETS = 7_500
"""PostgreSQL refuses payloads of 8,000 octets and more."""

CLAIM_LOCK = 0x434C4149
"""First half of the advisory lock that keeps claims and unclaimed messages of one territory
apart ("CLAI"); the second half is the territory."""

REFUSALS_KEPT = 20
"""Refused items of one delivery that are kept with their octets."""


Heard = tuple[int, datetime, Decoded, Mapping[str, Any] | None]
"""One message of a device: its id, when it was heard, what was read, its radio."""


class DirectoryStale(Exception):
    """A device was claimed since it was looked up: look it up again and flush again."""


_MESSAGE_COLUMNS = {
    "source_id": "bigint",
    "key": "text",
    "device_identifier": "text",
    "device_id": "bigint",
    "status": "text",
    "observed_at": "timestamptz",
    "received_at": "timestamptz",
    "raw": "bytea",
    "content_type": "text",
    "payload": "bytea",
    "f_port": "smallint",
    "f_cnt": "bigint",
    "values": "jsonb",
    "readings": "jsonb",
    "decoded": "jsonb",
    "radio": "jsonb",
    "late": "boolean",
    "simulated": "boolean",
    "error_code": "text",
    "error": "jsonb",
}
_JSON = frozenset(name for name, kind in _MESSAGE_COLUMNS.items() if kind == "jsonb")
_NAMES = ", ".join(f'"{name}"' for name in _MESSAGE_COLUMNS)
_ARRAYS = ", ".join(
    f"%({name})s::{'text' if kind == 'jsonb' else kind}[]"
    for name, kind in _MESSAGE_COLUMNS.items()
)
_PICKED = ", ".join(
    f'r."{name}"::jsonb' if name in _JSON else f'r."{name}"' for name in _MESSAGE_COLUMNS
)

MESSAGES_INSERT = f"""
INSERT INTO ingest_message (territory_id, {_NAMES}, attempts)
SELECT %(territory_id)s, {_PICKED}, 1
FROM unnest({_ARRAYS}) AS r ({_NAMES})
ORDER BY r.source_id, r.key
ON CONFLICT (territory_id, source_id, key) DO NOTHING
RETURNING source_id, key
"""  # noqa: S608 - built from the constants above

# By itself and first: an update that found all its rows changed since it began would look each
# of them up again in the whole of its arrays.
DEVICES_LOCK = """
SELECT FROM assets_device WHERE id = ANY(%(device_ids)s) ORDER BY id FOR NO KEY UPDATE
"""

DEVICES_UPDATE = """
UPDATE assets_device AS d SET
    last_seen_at = greatest(d.last_seen_at, r.seen_at),
    battery_v = CASE WHEN r.seen_at >= coalesce(d.last_seen_at, '-infinity')
                THEN coalesce(r.battery_v, d.battery_v) ELSE d.battery_v END,
    battery_pct = CASE WHEN r.seen_at >= coalesce(d.last_seen_at, '-infinity')
                  THEN coalesce(r.battery_pct, d.battery_pct) ELSE d.battery_pct END,
    radio = CASE WHEN r.seen_at >= coalesce(d.last_seen_at, '-infinity')
            THEN coalesce(r.radio::jsonb, d.radio) ELSE d.radio END
FROM unnest(%(device_ids)s::bigint[], %(seen_at)s::timestamptz[], %(battery_v)s::float8[],
            %(battery_pct)s::float8[], %(radio)s::text[])
     AS r (id, seen_at, battery_v, battery_pct, radio)
WHERE d.id = r.id
"""

# One statement instead of three: each costs the process a tenth of a millisecond to send and wait.
VALUES_WRITE = f"""
WITH stored AS ({OBSERVATIONS_INSERT}), heard AS ({DEVICES_UPDATE}), changed AS ({LATEST_UPSERT})
SELECT stream_id, asset_id, measure_key, value, quality, observed_at, received_at FROM changed
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


async def flush(connection: Connection, batches: Sequence[Batch]) -> None:
    """Store what is new in the batches, in one transaction, and count it in each batch.

    When this returns, everything is committed; when it raises, nothing is (or, if the connection
    was lost during the commit, nobody knows, and the sender must send again).

    Raises:
        DirectoryStale: a device was claimed meanwhile.
        psycopg.Error: the database refused, or is away.
    """
    ordered = sorted(batches, key=lambda batch: batch.source.territory_id)
    written_at = now()
    payloads: list[str] = []
    begin = "BEGIN; "
    try:
        for territory_id, group in groupby(ordered, key=lambda batch: batch.source.territory_id):
            await connection.execute(f"{begin}{_ACT_FOR % territory_id}".encode(), prepare=False)
            begin = ""
            payloads += await _flush_territory(
                connection, territory_id, list(group), written_at=written_at
            )
        notify = [_NOTIFY.format(LIVE_CHANNEL, payload) for payload in payloads]
        end = SQL("; ").join([*notify, SQL("COMMIT")])
        await connection.execute(end.as_bytes(connection), prepare=False)
    except BaseException:
        if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
            with contextlib.suppress(Error):
                await connection.rollback()
        raise


async def _flush_territory(
    connection: Connection, territory_id: int, batches: list[Batch], *, written_at: datetime
) -> list[str]:
    """Write one territory's part and return what is to be notified."""
    for batch in batches:
        batch.reset()
    inserted = await _insert_messages(connection, territory_id, batches)
    fresh = set() if inserted is None else set(await inserted.fetchall())
    new = list(_count(batches, fresh))
    await _insert_refusals(connection, territory_id, batches)
    payloads: list[str] = []
    devices = _devices_heard(new)
    columns = _value_columns(item for _, item in new)
    if columns["stream_ids"] or devices["device_ids"]:
        if len(devices["device_ids"]) > 1:
            await connection.execute(DEVICES_LOCK, {"device_ids": devices["device_ids"]})
        written = await connection.execute(
            VALUES_WRITE,
            {"territory_id": territory_id, "received_at": written_at, **columns, **devices},
        )
        assets = {
            value.asset.asset_id: value.asset for _, item in new for value in item.decoded.values
        }
        changed = [LatestRow(*row) for row in await written.fetchall()]
        payloads = live_payloads(territory_id, changed, assets)
    await _note_unclaimed(connection, territory_id, new)
    return payloads


async def _insert_messages(
    connection: Connection, territory_id: int, batches: list[Batch]
) -> AsyncCursor[TupleRow] | None:
    columns: dict[str, list[Any]] = {name: [] for name in _MESSAGE_COLUMNS}
    for batch in batches:
        for item in batch.items:
            row = columns_of(item, batch)
            row["source_id"] = batch.source.id
            for name, column in columns.items():
                value = row[name]
                column.append(encoded(value) if name in _JSON and value is not None else value)
    if not columns["key"]:
        return None
    return await connection.execute(MESSAGES_INSERT, {"territory_id": territory_id, **columns})


def _count(batches: list[Batch], fresh: set[Any]) -> Iterator[tuple[Batch, Item]]:
    """Count each batch's part and yield what is new; the first batch of a key has it."""
    for batch in batches:
        for item in batch.items:
            key = (batch.source.id, item.key)
            if key not in fresh:
                batch.duplicates += 1
                continue
            fresh.discard(key)
            batch.accepted += 1
            status = item.decoded.status
            batch.counts[status] = batch.counts.get(status, 0) + 1
            yield batch, item


def _value_columns(items: Iterable[Item]) -> dict[str, list[Any]]:
    """Return the values of items as the series take them."""
    columns: dict[str, list[Any]] = {
        "stream_ids": [],
        "asset_ids": [],
        "measure_keys": [],
        "at_ms": [],
        "values": [],
        "qualities": [],
    }
    for item in items:
        if item.device is None:
            continue
        streams = item.device.streams
        for asset, measure, observed_at, value, quality in item.decoded.values:
            stream_id = streams.get((asset.asset_id, measure.key))
            if stream_id is None:
                # The asset went away between the look-up and now.
                raise DirectoryStale
            columns["stream_ids"].append(stream_id)
            columns["asset_ids"].append(asset.asset_id)
            columns["measure_keys"].append(measure.key)
            columns["at_ms"].append(epoch_ms(observed_at))
            columns["values"].append(value)
            columns["qualities"].append(quality)
    return columns


def _devices_heard(new: list[tuple[Batch, Item]]) -> dict[str, list[Any]]:
    return heard_columns(
        (
            item.device.device_id,
            min(item.message.observed_at, batch.received_at),
            item.decoded,
            radio_json(item.message.radio),
        )
        for batch, item in new
        if item.device is not None and isinstance(item.message, Uplink)
    )


def heard_columns(heard: Iterable[Heard]) -> dict[str, list[Any]]:
    """Return when each device was last heard, and its battery and radio at that time.

    What cannot be of its time, and what a network made up to test itself, is not counted.
    """
    latest: dict[int, list[Any]] = {}
    for device_id, seen_at, decoded, radio in heard:
        if decoded.status in {Status.QUARANTINED, Status.SIMULATED}:
            continue
        row = latest.setdefault(device_id, [seen_at, None, None, None])
        if seen_at >= row[0]:
            row[0] = seen_at
            row[1] = decoded.battery_v if decoded.battery_v is not None else row[1]
            row[2] = decoded.battery_pct if decoded.battery_pct is not None else row[2]
            row[3] = encoded(radio) if radio else row[3]
    names = ("seen_at", "battery_v", "battery_pct", "radio")
    columns: dict[str, list[Any]] = {"device_ids": sorted(latest)}
    for rank, name in enumerate(names):
        columns[name] = [latest[device][rank] for device in columns["device_ids"]]
    return columns


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


def live_payloads(
    territory_id: int, rows: Iterable[LatestRow | LatestValue], assets: Mapping[int, AttachedAsset]
) -> list[str]:
    """Write what changed as notifications of bounded length, one list item per asset.

    An asset with so many measures that they do not fit in one notification has several items.
    """
    changes: dict[int, dict[str, list[Any]]] = {}
    for row in rows:
        reading = [row.value, epoch_ms(row.observed_at), int(row.quality)]
        changes.setdefault(row.asset_id, {})[row.measure_key] = reading
    head = f'{{"t":{territory_id},"c":['
    room = NOTIFY_OCTETS - len(head) - 2
    payloads: list[str] = []
    part: list[str] = []
    size = 0
    for text in _items_of(changes, assets, room=room):
        octets = len(text.encode()) + 1
        if part and size + octets > room:
            payloads.append(f"{head}{','.join(part)}]}}")
            part, size = [], 0
        part.append(text)
        size += octets
    if part:
        payloads.append(f"{head}{','.join(part)}]}}")
    return payloads


def _items_of(
    changes: Mapping[int, dict[str, list[Any]]], assets: Mapping[int, AttachedAsset], *, room: int
) -> Iterator[str]:
    for asset_id, measures in changes.items():
        asset = assets[asset_id]
        waiting = [measures]
        while waiting:
            some = waiting.pop()
            text = encoded([asset.uuid, asset.domain_key, asset.area_id, some])
            if len(text.encode()) < room or len(some) == 1:
                yield text
                continue
            names = sorted(some)
            half = len(names) // 2
            waiting.append({name: some[name] for name in names[:half]})
            waiting.append({name: some[name] for name in names[half:]})


def encoded(value: Any) -> str:
    """Return a value as JSON text."""
    return msgspec.json.encode(value).decode()
