"""Decoding kept messages again: after a claim, a corrected codec, a changed mapping."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from beffroi.city.ingest.batches import error_json
from beffroi.city.ingest.catalogue import Catalogue, catalogue
from beffroi.city.ingest.contracts import RedecodeCount, Status
from beffroi.city.ingest.decoding import Decoded, DeviceEntry, Value, decode_uplink
from beffroi.city.ingest.directory import DEVICES_SQL, entries_of
from beffroi.city.ingest.flush import LIVE_CHANNEL, live_payloads
from beffroi.city.ingest.models import Message, Source
from beffroi.city.ingest.plain_values import clean_json
from beffroi.city.series.api import STREAMS_INSERT, STREAMS_SELECT
from beffroi.foundation.database.api import required_territory_id
from beffroi.kernel.clock import epoch_ms, now
from beffroi.kernel.identifiers import uuid7
from beffroi.sdk.connectors import Delivery, Radio, Reception, Uplink

CHUNK = 500

# The same message read again replaces what it gave before: the message is what is never
# changed. A value of a packed day stands; merging corrections there is the packer's work.
_OBSERVATIONS_CORRECT = """
INSERT INTO series_observation AS kept (territory_id, stream_id, observed_at, value, quality)
SELECT DISTINCT ON (stream_id, at_ms) %(territory_id)s, stream_id,
       'epoch'::timestamptz + at_ms * interval '1 millisecond', value, quality
FROM unnest(%(stream_ids)s::bigint[], %(at_ms)s::bigint[], %(values)s::float8[],
            %(qualities)s::smallint[]) AS r (stream_id, at_ms, value, quality)
ORDER BY stream_id, at_ms
ON CONFLICT (territory_id, stream_id, observed_at) DO UPDATE
    SET value = excluded.value, quality = excluded.quality
    WHERE (kept.value, kept.quality) IS DISTINCT FROM (excluded.value, excluded.quality)
"""

_LATEST_CORRECT = """
INSERT INTO series_latest AS kept
    (territory_id, stream_id, asset_id, measure_key, observed_at, received_at, value, quality)
SELECT DISTINCT ON (stream_id) %(territory_id)s, stream_id, asset_id, measure_key,
       'epoch'::timestamptz + at_ms * interval '1 millisecond', %(received_at)s, value, quality
FROM unnest(%(stream_ids)s::bigint[], %(asset_ids)s::bigint[], %(measure_keys)s::text[],
            %(at_ms)s::bigint[], %(values)s::float8[], %(qualities)s::smallint[])
     AS r (stream_id, asset_id, measure_key, at_ms, value, quality)
ORDER BY stream_id, at_ms DESC
ON CONFLICT (territory_id, stream_id) DO UPDATE SET
    observed_at = excluded.observed_at, received_at = excluded.received_at,
    value = excluded.value, quality = excluded.quality
    WHERE excluded.observed_at >= kept.observed_at
      AND (kept.observed_at, kept.value, kept.quality)
          IS DISTINCT FROM (excluded.observed_at, excluded.value, excluded.quality)
RETURNING stream_id, asset_id, measure_key, value, quality, observed_at, received_at
"""


def messages_redecode(
    *,
    device: tuple[int, str] | None = None,
    source: Source | None = None,
    codec_key: str = "",
    only: Sequence[Status] = (),
    limit: int | None = None,
    newest_first: bool = False,
) -> RedecodeCount:
    """Decode kept messages of the current territory again, the oldest first.

    Args:
        device: source and identifier of one device.
        source: all messages of a source.
        codec_key: all messages of the devices that use a codec.
        only: messages of these states; all but notices and simulated ones when empty.
        limit: at most so many messages.
        newest_first: take the newest messages first, when a limit may leave some.

    Doing it twice gives the same observations. Each chunk is its own transaction within the
    caller's.
    """
    found: QuerySet[Message] = Message.objects.order_by("id").exclude(
        status__in=[Status.NOTICE.value, Status.SIMULATED.value]
    )
    if device is not None:
        found = found.filter(source_id=device[0], device_identifier=device[1])
    if source is not None:
        found = found.filter(source_id=source.id)
    if only:
        found = found.filter(status__in=[status.value for status in only])
    if newest_first and limit is not None:
        beyond = found.order_by("-id").values_list("id", flat=True)[limit : limit + 1].first()
        if beyond is not None:
            found = found.filter(id__gt=beyond)
    return _redecode(found, codec_key=codec_key, limit=limit)


def _redecode(found: QuerySet[Message], *, codec_key: str, limit: int | None) -> RedecodeCount:
    installed, total, last, done = catalogue(), RedecodeCount(), 0, 0
    while limit is None or done < limit:
        size = CHUNK if limit is None else min(CHUNK, limit - done)
        with transaction.atomic():
            chunk = list(found.filter(id__gt=last).select_for_update(no_key=True)[:size])
            if not chunk:
                break
            count = _redecode_chunk(chunk, codec_key=codec_key, installed=installed)
        last, done = chunk[-1].id, done + len(chunk)
        total = total.plus(count)
    return total


def _redecode_chunk(chunk: list[Message], *, codec_key: str, installed: Catalogue) -> RedecodeCount:
    sources = Source.objects.in_bulk({message.source_id for message in chunk})
    read: list[tuple[Message, DeviceEntry | None, Decoded]] = []
    ordered = sorted(chunk, key=lambda message: (message.source_id, message.id))
    for source_id, group in groupby(ordered, key=lambda message: message.source_id):
        messages = list(group)
        devices = devices_now(source_id, {message.device_identifier for message in messages})
        for message in messages:
            device = devices.get(message.device_identifier)
            if codec_key and (device is None or device.codec_key != codec_key):
                continue
            decoded = decode_message(
                message, device, source=sources[source_id], installed=installed
            )
            read.append((message, device, decoded))
    observations = _write(read)
    for message, device, decoded in read:
        _note(message, device, decoded)
    Message.objects.bulk_update(
        [message for message, _, _ in read],
        ["status", "decoded", "error_code", "error", "attempts", "device_id", "values", "readings"],
        batch_size=CHUNK,
    )
    states = [decoded.status for _, _, decoded in read]
    return RedecodeCount(
        messages=len(read),
        decoded=states.count(Status.DECODED),
        undecodable=states.count(Status.UNDECODABLE),
        observations=observations,
    )


def devices_now(source_id: int, identifiers: set[str]) -> dict[str, DeviceEntry]:
    """Return what the territory knows of devices, as the ingest path sees them."""
    with connection.cursor() as cursor:
        cursor.execute(
            DEVICES_SQL,
            {
                "territory": required_territory_id(),
                "source": source_id,
                "identifiers": sorted(identifiers),
            },
        )
        return entries_of(_json_read(cursor.fetchall()))


def _json_read(rows: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
    """Read the mapping of each row: Django's connection hands jsonb over as text."""
    for row in rows:
        yield [json.loads(item) if rank == 4 else item for rank, item in enumerate(row)]


def decode_message(
    message: Message, device: DeviceEntry | None, *, source: Source, installed: Catalogue
) -> Decoded:
    """Read a kept message as if it came now: from its own octets where they can be read alone."""
    uplink = _parsed_again(message, source, installed) or uplink_of(message)
    if uplink.values or uplink.readings:
        message.values = clean_json(uplink.values) or None
        message.readings = [
            [name, value, None if at is None else epoch_ms(at)]
            for name, value, at in uplink.readings
        ] or None
    return decode_uplink(
        uplink,
        device,
        received_at=message.received_at,
        default_codec=source.default_codec,
        installed=installed,
    )


def uplink_of(message: Message) -> Uplink:
    """Return the uplink that a kept message was."""
    radio = message.radio or {}
    receptions = (
        (Reception(gateway=radio.get("gateway") or "", rssi_dbm=radio.get("rssi_dbm"),
                   snr_db=radio.get("snr_db")),)
        if radio
        else ()
    )  # fmt: skip
    return Uplink(
        device=message.device_identifier,
        key=message.key,
        observed_at=message.observed_at,
        payload=None if message.payload is None else bytes(message.payload),
        f_port=message.f_port,
        f_cnt=message.f_cnt,
        values=message.values or {},
        readings=[
            (name, value, None if at_ms is None else _of_epoch(at_ms))
            for name, value, at_ms in message.readings or ()
        ],
        radio=Radio(receptions=receptions) if receptions else None,
        late=message.late,
        simulated=message.simulated,
    )


def _parsed_again(message: Message, source: Source, installed: Catalogue) -> Uplink | None:
    connector = installed.connectors.get(source.connector_key)
    raw = bytes(message.raw)
    if connector is None or not raw:
        return None
    delivery = Delivery(
        body=raw,
        content_type=message.content_type,
        received_at=message.received_at,
        settings=source.settings,
    )
    parse: Callable[[Delivery], Sequence[Any]] = connector.parse
    try:
        parsed = parse(delivery)
    except Exception:  # noqa: BLE001 - the columns say the same; a connector may need the whole body
        return None
    if len(parsed) != 1 or not isinstance(parsed[0], Uplink):
        return None
    same = parsed[0].device == message.device_identifier
    return parsed[0] if same and parsed[0].observed_at == message.observed_at else None


def _note(message: Message, device: DeviceEntry | None, decoded: Decoded) -> None:
    message.status = decoded.status.value
    message.decoded = [list(told) for told in decoded.told] or None
    message.error_code = decoded.error_code
    message.error = error_json(decoded.error, decoded.error_params) if decoded.error else None
    message.attempts = min(message.attempts + 1, 32_000)
    message.device_id = None if device is None else device.device_id


def _write(read: Sequence[tuple[Message, DeviceEntry | None, Decoded]]) -> int:
    """Write the observations, tell the screens, and return how many are new or corrected."""
    values = [value for _, _, decoded in read for value in decoded.values]
    if not values:
        return 0
    territory_id = required_territory_id()
    streams = _streams(territory_id, values)
    # Of two messages about one instant, the last one received is believed.
    rows: dict[tuple[int, int], tuple[int, Value]] = {}
    for value in values:
        stream_id = streams[value.asset.asset_id, value.measure.key]
        rows[stream_id, epoch_ms(value.observed_at)] = (stream_id, value)
    parameters: dict[str, Any] = {
        "territory_id": territory_id,
        "received_at": now(),
        "stream_ids": [stream_id for stream_id, _ in rows],
        "at_ms": [at_ms for _, at_ms in rows],
        "asset_ids": [value.asset.asset_id for _, value in rows.values()],
        "measure_keys": [value.measure.key for _, value in rows.values()],
        "values": [value.value for _, value in rows.values()],
        "qualities": [value.quality for _, value in rows.values()],
    }
    assets = {value.asset.asset_id: value.asset for value in values}
    with connection.cursor() as cursor:
        cursor.execute(_OBSERVATIONS_CORRECT, parameters)
        written = int(cursor.rowcount)
        cursor.execute(_LATEST_CORRECT, parameters)
        payloads = live_payloads(territory_id, cursor.fetchall(), assets)
        if payloads:
            cursor.execute(
                "SELECT pg_notify(%s, payload) FROM unnest(%s::text[]) AS payload",
                [LIVE_CHANNEL, payloads],
            )
    return written


def _streams(territory_id: int, values: Sequence[Value]) -> Mapping[tuple[int, str], int]:
    pairs = {(value.asset.asset_id, value.measure.key): value.measure for value in values}
    parameters: dict[str, Any] = {
        "territory_id": territory_id,
        "created_at": now(),
        "uuids": [uuid7() for _ in pairs],
        "asset_ids": [asset_id for asset_id, _ in pairs],
        "measure_keys": [key for _, key in pairs],
        "units": [measure.unit.symbol for measure in pairs.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(STREAMS_INSERT, parameters)
        cursor.execute(STREAMS_SELECT, parameters)
        return {(row[1], row[2]): row[0] for row in cursor.fetchall()}


def _of_epoch(at_ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
