"""From a ChirpStack event to an uplink.

Source of the fields: ChirpStack's ``integration.proto`` (v4) and the v3 JSON marshaler. Both leave
out fields that are zero or false, so absent reads as zero.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from datetime import datetime

from beffroi.kernel.clock import epoch_ms
from beffroi.kernel.errors import ParseError
from beffroi.sdk import messages
from beffroi.sdk.connectors import (
    Delivery,
    Notice,
    NoticeKind,
    Parsed,
    Radio,
    Reception,
    Uplink,
)
from beffroi.sdk.device_measures import BATTERY_PCT
from beffroi.sdk.messages import Item

_NOTICES = {
    "join": NoticeKind.JOIN,
    "ack": NoticeKind.ACKNOWLEDGED,
    "txack": NoticeKind.DOWNLINK_SENT,
    "status": NoticeKind.STATUS,
    "log": NoticeKind.LOG,
    "error": NoticeKind.LOG,
    "location": NoticeKind.LOCATION,
    "integration": NoticeKind.OTHER,
}
_SIGNS = (
    ("integration", ("integrationName",)),
    ("ack", ("acknowledged",)),
    ("txack", ("downlinkId",)),
    ("status", ("margin", "batteryLevel", "batteryLevelUnavailable")),
    ("error", ("error",)),
    ("log", ("level", "description")),
    ("up", ("rxInfo", "data", "object", "objectJSON")),
    ("location", ("location",)),
)
"""Fields by which an event is known when the address does not say which it is."""
_LOWER_HEXADECIMAL = frozenset(string.digits + "abcdef")


def parse(delivery: Delivery) -> Sequence[Parsed]:
    """Read uplinks and other events; the query ``event`` says which kind, else the fields do."""
    return messages.parse_items(delivery, read=_read)


def _read(item: Item, delivery: Delivery, raw: bytes) -> Parsed:
    event = delivery.query.get("event", "")
    info = messages.inner(item, "deviceInfo")
    device_text = messages.text_of(info, "devEui") or messages.text_of(item, "devEUI")
    if not device_text:
        raise ParseError(
            "The message names no device.",
            way_out="ChirpStack writes it in deviceInfo.devEui (v4) or devEUI (v3).",
        )
    device = messages.device_of(device_text, field="devEui")
    if event != "up" and event not in _NOTICES:
        event = next((name for name, keys in _SIGNS if any(key in item for key in keys)), "join")
    if event == "up":
        return _uplink(item, info, device, delivery, raw)
    if event == "status" and (level := _battery_pct(item)) is not None:
        return _battery(item, info, device, delivery, raw, level=level)
    return _notice(item, device, delivery, raw, kind=_NOTICES[event])


def _notice(item: Item, device: str, delivery: Delivery, raw: bytes, *, kind: NoticeKind) -> Notice:
    observed_at = _time(item) or delivery.received_at
    mark = messages.text_of(item, "deduplicationId") or messages.digest_of(raw)
    detail = (
        messages.text_of(item, "code")
        or messages.text_of(item, "type")
        or messages.text_of(item, "description")
        or messages.text_of(item, "error")
        or messages.text_of(item, "eventType")
    )
    return Notice(
        device=device,
        key=f"{device}:{kind}:{mark}",
        kind=kind,
        observed_at=observed_at,
        detail=detail,
        raw=raw,
    )


def _battery_pct(item: Item) -> float | None:
    """Return the level of a device that answered the network's own question (DevStatusAns).

    A level of zero is left out as every zero is; a device on mains power has none.
    """
    if item.get("externalPowerSource") is True or item.get("batteryLevelUnavailable") is True:
        return None
    level = messages.number_of(item, "batteryLevel")
    return 0.0 if level is None else level


def _battery(
    item: Item, info: Item, device: str, delivery: Delivery, raw: bytes, *, level: float
) -> Uplink:
    time = _time(item)
    mark = messages.text_of(item, "deduplicationId") or messages.digest_of(raw)
    return Uplink(
        device=device,
        key=f"{device}:status:{epoch_ms(time) if time else mark}",
        observed_at=time or delivery.received_at,
        readings=((BATTERY_PCT.key, level, None),),
        name=_name(item, info, "deviceName"),
        model=_name(item, info, "deviceProfileName"),
        raw=raw,
    )


def _name(item: Item, info: Item, key: str) -> str:
    return messages.text_of(info, key) or messages.text_of(item, key)


def _uplink(item: Item, info: Item, device: str, delivery: Delivery, raw: bytes) -> Uplink:
    counter = messages.integer_of(item, "fCnt", default=0)
    payload = _payload(messages.text_of(item, "data"), published=not info)
    time = _time(item)
    # The network's own identifier would not survive a move to another server; counter and time do.
    mark = epoch_ms(time) if time else messages.digest_of(payload.hex(), counter)
    decoded = messages.inner(item, "object") or _object_text(item)
    return Uplink(
        device=device,
        key=f"{device}:{counter}:{mark}",
        observed_at=time or delivery.received_at,
        payload=payload,
        f_port=messages.integer_of(item, "fPort", default=0) or 0,
        f_cnt=counter,
        values=messages.plain_values(decoded),
        radio=_radio(item),
        name=_name(item, info, "deviceName"),
        model=_name(item, info, "deviceProfileName"),
        raw=raw,
    )


def _object_text(item: Item) -> Item:
    """Return the decoded object where v3 writes it as a JSON text."""
    return messages.object_in(messages.text_of(item, "objectJSON"))


def _time(item: Item) -> datetime | None:
    own = ((item, key) for key in ("time", "publishedAt", "_date"))
    heard = (
        (reception, key)
        for reception in messages.listed(item, "rxInfo")
        for key in ("gwTime", "nsTime", "time")
    )
    return messages.first_instant(*own, *heard)


def _payload(text: str, *, published: bool) -> bytes:
    """Read ``data``: base64 on a server, lower-case hexadecimal in files that some publish of v3.

    A base64 text of eight characters has lower-case hexadecimal digits alone once in 65 000; the
    letters of a run of zeros (``AAAA``) are capitals.
    """
    if published and len(text) >= 8 and len(text) % 2 == 0 and _LOWER_HEXADECIMAL.issuperset(text):
        return messages.octets_of_hex(text, field="data")
    return messages.octets_of_base64(text, field="data")


def _radio(item: Item) -> Radio:
    transmission = messages.inner(item, "txInfo")
    lora = messages.inner(transmission, "modulation", "lora")
    lora_v3 = messages.inner(transmission, "loRaModulationInfo")
    return Radio(
        receptions=messages.heard_best_first(map(_reception, messages.listed(item, "rxInfo"))),
        spreading_factor=messages.integer_of(lora, "spreadingFactor")
        or messages.integer_of(lora_v3, "spreadingFactor"),
        frequency_hz=messages.integer_of(transmission, "frequency"),
    )


def _reception(heard: Item) -> Reception:
    noise = messages.number_of(heard, "snr")
    if noise is None:
        noise = messages.number_of(heard, "loRaSNR")
    return Reception(
        gateway=messages.gateway_of(
            messages.text_of(heard, "gatewayId") or messages.text_of(heard, "gatewayID")
        ),
        rssi_dbm=messages.number_of(heard, "rssi"),
        snr_db=0.0 if noise is None else noise,
    )
