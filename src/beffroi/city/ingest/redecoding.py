"""Decoding kept messages again: after a claim, a corrected codec, a changed mapping."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.utils import DataError, IntegrityError

from beffroi.city.codecs.api import (
    HELD,
    SCRIPTS_SQL,
    TROUBLE_UPSERT,
    Job,
    Ran,
    process_desk,
    scripts_of,
    scripts_parameters,
)
from beffroi.city.ingest.announcing import LIVE_CHANNEL, live_payloads
from beffroi.city.ingest.batches import error_json
from beffroi.city.ingest.catalogue import Catalogue, catalogue
from beffroi.city.ingest.clocks import clock_limits
from beffroi.city.ingest.contracts import RedecodeCount, Status
from beffroi.city.ingest.decoding import Decoded, DeviceEntry, Value, decode_uplink
from beffroi.city.ingest.directory import (
    DEVICES_SQL,
    entries_of,
    give_scripts,
    scripts_wanted,
)
from beffroi.city.ingest.hearing import DEVICES_LOCK, DEVICES_UPDATE, heard_columns
from beffroi.city.ingest.models import Message, Source
from beffroi.city.ingest.plain_values import clean_json
from beffroi.city.ingest.scripts import job_of, trouble_columns
from beffroi.city.series.api import (
    STREAMS_INSERT,
    STREAMS_SELECT,
    NewObservation,
    ObservationRefused,
    observations_correct,
)
from beffroi.foundation.database.api import required_territory_id
from beffroi.kernel.clock import epoch_ms, now
from beffroi.kernel.identifiers import uuid7
from beffroi.kernel.quality import Quality
from beffroi.sdk.connectors import Delivery, Radio, Reception, Uplink

log = logging.getLogger("beffroi.ingest")

CHUNK = 500

_UNSTORABLE = (DataError, IntegrityError, ObservationRefused, ValueError, TypeError, OverflowError)


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


def messages_redecode_part(
    found: QuerySet[Message], *, limit: int
) -> tuple[RedecodeCount, int | None]:
    """Decode so many of some kept messages again, the oldest first.

    Returns:
        What was done, and the number of the last message, or None when there are no more.
    """
    last = found.order_by("id").values_list("id", flat=True)[limit - 1 : limit].first()
    part = found.order_by("id") if last is None else found.filter(id__lte=last).order_by("id")
    return _redecode(part, codec_key="", limit=None), last


def _redecode(found: QuerySet[Message], *, codec_key: str, limit: int | None) -> RedecodeCount:
    installed, total, last, done = catalogue(), RedecodeCount(), 0, 0
    while limit is None or done < limit:
        size = CHUNK if limit is None else min(CHUNK, limit - done)
        with transaction.atomic():
            chunk = list(found.filter(id__gt=last).select_for_update(no_key=True)[:size])
            if not chunk:
                break
            count = _redecode_apart(chunk, codec_key=codec_key, installed=installed)
        last, done = chunk[-1].id, done + len(chunk)
        total = total.plus(count)
    return total


def _redecode_apart(chunk: list[Message], *, codec_key: str, installed: Catalogue) -> RedecodeCount:
    """Decode a chunk; when something in it cannot be stored, each message by itself.

    A message that stays refused is marked undecodable: it must not stop the others for ever.
    """
    try:
        with transaction.atomic():
            return _redecode_chunk(chunk, codec_key=codec_key, installed=installed)
    except _UNSTORABLE as problem:
        if len(chunk) == 1:
            return _mark_unstorable(chunk[0], problem)
        log.warning("a chunk of kept messages is decoded one by one: %s", problem)
    total = RedecodeCount()
    for message in Message.objects.filter(id__in=[message.id for message in chunk]).order_by("id"):
        total = total.plus(_redecode_apart([message], codec_key=codec_key, installed=installed))
    return total


def _mark_unstorable(message: Message, problem: Exception) -> RedecodeCount:
    log.error("the kept message %s cannot be stored", message.id, exc_info=problem)
    Message.objects.filter(id=message.id).update(
        status=Status.UNDECODABLE.value,
        error_code="message.unstorable",
        error=error_json(
            "The message cannot be stored: {reason}.", {"reason": type(problem).__name__}
        ),
        attempts=min(message.attempts + 1, 32_000),
    )
    return RedecodeCount(messages=1, undecodable=1)


def _redecode_chunk(chunk: list[Message], *, codec_key: str, installed: Catalogue) -> RedecodeCount:
    sources = Source.objects.in_bulk({message.source_id for message in chunk})
    wanted: list[Kept] = []
    ordered = sorted(chunk, key=lambda message: (message.source_id, message.id))
    for source_id, group in groupby(ordered, key=lambda message: message.source_id):
        messages = list(group)
        devices = devices_now(source_id, {message.device_identifier for message in messages})
        for message in messages:
            device = devices.get(message.device_identifier)
            if not codec_key or (device is not None and device.codec_key == codec_key):
                wanted.append((message, device, sources[source_id]))
    # What a script that is held would read keeps what it was: it is read again later.
    read = [
        (message, device, decoded)
        for (message, device, _), decoded in zip(
            wanted, decode_messages(wanted, installed=installed), strict=True
        )
        if decoded.error_code != HELD or message.status == Status.UNCLAIMED.value
    ]
    _note_heard(read)
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
        territory_id = required_territory_id()
        cursor.execute(
            DEVICES_SQL,
            {
                "territory": territory_id,
                "source": source_id,
                "identifiers": sorted(identifiers),
            },
        )
        found = entries_of(_json_read(cursor.fetchall()))
        wanted = scripts_wanted(found.values())
        if wanted:
            parameters = scripts_parameters(territory_id, wanted)
            cursor.execute(SCRIPTS_SQL, parameters)
            give_scripts(found.values(), scripts=scripts_of(cursor.fetchall(), parameters))
    return found


_JSON_COLUMNS = frozenset({4, 12})


def _json_read(rows: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
    """Read the mappings of each row: Django's connection hands jsonb over as text."""
    for row in rows:
        yield [
            json.loads(item) if rank in _JSON_COLUMNS and item is not None else item
            for rank, item in enumerate(row)
        ]


Kept = tuple[Message, DeviceEntry | None, Source]
"""A kept message, the device that sent it, and the source that it came by."""


def decode_messages(kept: Sequence[Kept], *, installed: Catalogue) -> list[Decoded]:
    """Read kept messages as if they came now: from their own octets where these can be read alone.

    The scripts that some of them need run in one go.
    """
    uplinks = [
        _parsed_again(message, source, installed) or uplink_of(message)
        for message, _, source in kept
    ]
    in_time = [
        _in_its_time(uplink, message.time_shift_ms)
        for uplink, (message, _, _) in zip(uplinks, kept, strict=True)
    ]
    answers = _ran(kept, in_time)
    decoded: list[Decoded] = []
    for rank, ((message, device, source), uplink) in enumerate(zip(kept, uplinks, strict=True)):
        if uplink.values or uplink.readings:
            message.values = clean_json(uplink.values) or None
            message.readings = [
                [name, value, None if at is None else epoch_ms(at)]
                for name, value, at in uplink.readings
            ] or None
        decoded.append(
            decode_uplink(
                in_time[rank],
                device,
                received_at=message.received_at,
                default_codec=source.default_codec,
                installed=installed,
                ran=answers.get(rank),
                clock=clock_limits(source.settings),
            )
        )
    return decoded


def _in_its_time(uplink: Uplink, shift_ms: int | None) -> Uplink:
    """Return an uplink with the times that it would have by a clock that is right."""
    if not shift_ms:
        return uplink
    shift = timedelta(milliseconds=shift_ms)
    return replace(
        uplink,
        observed_at=uplink.observed_at + shift,
        readings=[
            (name, value, None if at is None else at + shift) for name, value, at in uplink.readings
        ],
    )


def _ran(kept: Sequence[Kept], uplinks: Sequence[Uplink]) -> dict[int, Ran]:
    """Return what scripts made of messages, by their rank."""
    jobs: dict[int, Job] = {}
    for rank, ((message, device, _), uplink) in enumerate(zip(kept, uplinks, strict=True)):
        job = job_of(
            uplink,
            device,
            received_at=message.received_at,
            territory_id=required_territory_id(),
        )
        if job is not None:
            jobs[rank] = job
    if not jobs:
        return {}
    desk = process_desk()
    answers = desk.run(list(jobs.values()))
    with connection.cursor() as cursor:
        for trouble in desk.troubles_due(territory_id=required_territory_id()):
            cursor.execute(TROUBLE_UPSERT, trouble_columns(trouble))
    return dict(zip(jobs, answers, strict=True))


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


def _note_heard(read: Sequence[tuple[Message, DeviceEntry | None, Decoded]]) -> None:
    """Tell the devices when they were heard, as the flush does of what it can decode at once."""
    columns = heard_columns(
        (
            device.device_id,
            min(message.observed_at, message.received_at),
            decoded,
            json.dumps(message.radio) if message.radio else None,
        )
        for message, device, decoded in read
        if device is not None
    )
    if columns["device_ids"]:
        with connection.cursor() as cursor:
            cursor.execute(DEVICES_LOCK, columns)
            cursor.execute(DEVICES_UPDATE, columns)


def _write(read: Sequence[tuple[Message, DeviceEntry | None, Decoded]]) -> int:
    """Write the observations, tell the screens, and return how many are new or corrected."""
    values = [value for _, _, decoded in read for value in decoded.values]
    if not values:
        return 0
    territory_id = required_territory_id()
    streams = _streams(territory_id, values)
    assets = {value.asset.asset_id: value.asset for value in values}
    # The message is what is never changed: what it gives now replaces what it gave before. Of two
    # messages about one instant, the last one received is believed.
    result = observations_correct(
        territory_id,
        [
            NewObservation(
                streams[value.asset.asset_id, value.measure.key],
                value.observed_at,
                value.value,
                Quality(value.quality),
            )
            for value in values
        ],
    )
    payloads = live_payloads(territory_id, result.changed, assets)
    if payloads:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_notify(%s, payload) FROM unnest(%s::text[]) AS payload",
                [LIVE_CHANNEL, payloads],
            )
    return result.stored


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
