"""The messages of a group as columns, and the statement that keeps each of them once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from beffroi.city.ingest.batches import Batch, Item, error_json, json_of, radio_json
from beffroi.city.ingest.plain_values import clean_text
from beffroi.foundation.database.api import (
    bytea_array,
    int2_array,
    int8_array,
    jsonb_array,
    text_array,
    timestamptz_array,
)
from beffroi.kernel.clock import epoch_ms
from beffroi.sdk.connectors import Notice

_FIRST = datetime(1, 1, 3, tzinfo=UTC)
_LAST = datetime(9999, 12, 29, tzinfo=UTC)
"""Bounds of the instant kept of a message: shown in any time zone they remain in the calendar."""

_COLUMNS = {
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
    "error_code": "text",
    "error": "jsonb",
    "flags": "smallint",
}
_PACK: dict[str, Callable[[list[Any]], bytes]] = {
    "bigint": int8_array,
    "text": text_array,
    "timestamptz": timestamptz_array,
    "bytea": bytea_array,
    "smallint": int2_array,
    "jsonb": jsonb_array,
}
_RARE = ("readings", "values", "error", "payload", "radio", "decoded", "f_cnt", "device_id")
"""Columns that are often null in every row: null for an array is null for each of its items."""

_LATE, _SIMULATED = 1, 2

_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)
_KEPT = ", ".join(f'"{name}"' for name in _COLUMNS if name != "flags")
_PICKED = ", ".join(f'r."{name}"' for name in _COLUMNS if name != "flags")
_ARRAYS = ", ".join(f"%({name})s::{kind}[]" for name, kind in _COLUMNS.items())

MESSAGES_INSERT = f"""
WITH stored AS (
    INSERT INTO ingest_message (territory_id, {_KEPT}, late, simulated, attempts)
    SELECT %(territory_id)s, {_PICKED}, (r.flags & {_LATE}) <> 0, (r.flags & {_SIMULATED}) <> 0, 1
    FROM unnest({_ARRAYS}) AS r ({_NAMES})
    ORDER BY r.source_id, r.key
    ON CONFLICT (territory_id, source_id, key) DO NOTHING
    RETURNING source_id, key
)
SELECT count(*), CASE WHEN count(*) < %(offered)s THEN array_agg(source_id) END,
       CASE WHEN count(*) < %(offered)s THEN array_agg(key) END
FROM stored
"""  # noqa: S608 - built from the constants above
"""Keeps what is new. How many that is; and which (source, key), unless it is everything."""


def message_parameters(batches: Iterable[Batch]) -> dict[str, Any] | None:
    """Return the columns of the messages of some deliveries; None when there is no message."""
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    append = [column.append for column in columns.values()]
    offered = 0
    for batch in batches:
        for item in batch.items:
            for add, value in zip(append, _row(item, batch), strict=True):
                add(value)
            offered += 1
    if not offered:
        return None
    packed: dict[str, Any] = {"offered": offered}
    for name, column in columns.items():
        empty = name in _RARE and not any(value is not None for value in column)
        packed[name] = None if empty else _PACK[_COLUMNS[name]](column)
    return packed


def _row(item: Item, batch: Batch) -> tuple[Any, ...]:
    message, decoded = item.message, item.decoded
    told = decoded.told
    head = (
        batch.source.id,
        item.key,
        item.identifier,
        None if item.device is None else item.device.device_id,
        decoded.status.value,
        min(max(message.observed_at, _FIRST), _LAST),
        batch.received_at,
        message.raw,
        batch.content_type,
    )
    error = json_of(error_json(decoded.error, decoded.error_params)) if decoded.error else None
    kept = _told(told) if told else None
    if isinstance(message, Notice):
        values = {"kind": message.kind.value, "detail": clean_text(message.detail)}
        return (*head, None, 0, None, json_of(values), None, kept, None,
                decoded.error_code, error, 0)  # fmt: skip
    item.radio = radio_json(message.radio)
    f_cnt = message.f_cnt
    return (
        *head,
        message.payload,
        message.f_port if 0 <= message.f_port < 32_768 else 0,
        f_cnt if f_cnt is None or 0 <= f_cnt < 2**62 else None,
        json_of(message.values) if message.values else None,
        _readings(message.readings) if message.readings else None,
        kept,
        item.radio,
        decoded.error_code,
        error,
        _LATE * message.late | _SIMULATED * message.simulated,
    )


def _told(told: Iterable[tuple[str, float, int | None, bool]]) -> bytes:
    return msgspec.json.encode([(clean_text(one[0], limit=200), *one[1:]) for one in told])


def _readings(readings: Iterable[tuple[str, Any, datetime | None]]) -> bytes:
    return json_of(
        [
            [clean_text(name, limit=200), value, None if at is None else epoch_ms(at)]
            for name, value, at in readings
        ]
    )
