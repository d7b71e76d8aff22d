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
    if event in _NOTICES or (event != "up" and not _is_uplink(item)):
        return _notice(item, device, delivery, raw, kind=_NOTICES.get(event, NoticeKind.OTHER))
    return _uplink(item, info, device, delivery, raw)


def _is_uplink(item: Item) -> bool:
    return "rxInfo" in item or "data" in item or "object" in item


def _notice(item: Item, device: str, delivery: Delivery, raw: bytes, *, kind: NoticeKind) -> Notice:
    observed_at = _time(item) or delivery.received_at
    mark = messages.text_of(item, "deduplicationId") or messages.digest_of(raw)
    detail = messages.text_of(item, "code") or messages.text_of(item, "description")
    return Notice(
        device=device,
        key=f"{device}:{kind}:{mark}",
        kind=kind,
        observed_at=observed_at,
        detail=detail,
        raw=raw,
    )


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
        name=messages.text_of(info, "deviceName") or messages.text_of(item, "deviceName"),
        model=messages.text_of(info, "deviceProfileName")
        or messages.text_of(item, "deviceProfileName"),
        raw=raw,
    )


def _object_text(item: Item) -> Item:
    """Return the decoded object where v3 writes it as a JSON text."""
    text = messages.text_of(item, "objectJSON")
    if not text:
        return {}
    try:
        return next(messages.json_items(text.encode()))[0]
    except ParseError:
        return {}


def _time(item: Item) -> datetime | None:
    for key in ("time", "publishedAt", "_date"):
        if found := messages.instant_of(item, key):
            return found
    for reception in messages.listed(item, "rxInfo"):
        for key in ("gwTime", "nsTime", "time"):
            if found := messages.instant_of(reception, key):
                return found
    return None


def _payload(text: str, *, published: bool) -> bytes:
    """Read ``data``: base64 on a server, lower-case hexadecimal in files that some publish of v3.

    A base64 text of eight characters has lower-case hexadecimal digits alone once in 65 000; the
    letters of a run of zeros (``AAAA``) are capitals.
    """
    if published and len(text) >= 8 and len(text) % 2 == 0 and _LOWER_HEXADECIMAL.issuperset(text):
        return messages.octets_of_hex(text, field="data")
    return messages.octets_of_base64(text, field="data")


def _radio(item: Item) -> Radio:
    best: dict[str, Reception] = {}
    for heard in messages.listed(item, "rxInfo"):
        gateway = messages.text_of(heard, "gatewayId") or messages.text_of(heard, "gatewayID")
        if not gateway:
            continue
        signal = messages.number_of(heard, "rssi")
        noise = messages.number_of(heard, "snr")
        if noise is None:
            noise = messages.number_of(heard, "loRaSNR")
        reception = Reception(
            gateway=gateway.lower(), rssi_dbm=signal, snr_db=0.0 if noise is None else noise
        )
        known = best.get(reception.gateway)
        if known is None or (signal or -999.0) > (known.rssi_dbm or -999.0):
            best[reception.gateway] = reception
    transmission = messages.inner(item, "txInfo")
    lora = messages.inner(transmission, "modulation", "lora")
    lora_v3 = messages.inner(transmission, "loRaModulationInfo")
    return Radio(
        receptions=tuple(
            sorted(best.values(), key=lambda heard: heard.rssi_dbm or -999.0, reverse=True)
        ),
        spreading_factor=messages.integer_of(lora, "spreadingFactor")
        or messages.integer_of(lora_v3, "spreadingFactor"),
        frequency_hz=messages.integer_of(transmission, "frequency"),
    )
