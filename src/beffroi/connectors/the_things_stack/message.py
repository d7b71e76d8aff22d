"""From a The Things Stack v3 message to an uplink or a notice.

Source of the fields: The Things Stack documentation, "Data Formats". Fields that are empty, zero
or false are left out of the message.
"""

from __future__ import annotations

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
    "join_accept": NoticeKind.JOIN,
    "downlink_ack": NoticeKind.ACKNOWLEDGED,
    "downlink_nack": NoticeKind.DOWNLINK_FAILED,
    "downlink_sent": NoticeKind.DOWNLINK_SENT,
    "downlink_queued": NoticeKind.OTHER,
    "downlink_queue_invalidated": NoticeKind.OTHER,
    "downlink_failed": NoticeKind.DOWNLINK_FAILED,
    "location_solved": NoticeKind.LOCATION,
    "service_data": NoticeKind.OTHER,
}


def parse(delivery: Delivery) -> Sequence[Parsed]:
    """Read one or many webhook bodies; the key that is present says the kind of each."""
    return messages.parse_items(delivery, read=_read)


def _read(item: Item, delivery: Delivery, raw: bytes) -> Parsed:
    identity = messages.inner(item, "end_device_ids")
    eui = messages.text_of(identity, "dev_eui")
    own_name = messages.text_of(identity, "device_id")
    if not eui and not own_name:
        raise ParseError("The message names no device.", way_out="It is in end_device_ids.dev_eui.")
    device = messages.device_of(eui, field="dev_eui") if eui else own_name
    if "uplink_message" in item:
        return _uplink(item, device, own_name, delivery, raw)
    for key, kind in _NOTICES.items():
        if key in item:
            return _notice(item, device, delivery, raw, key=key, kind=kind)
    raise ParseError(
        "The message is of no known kind.",
        way_out="It holds uplink_message, join_accept or a downlink event.",
    )


def _notice(
    item: Item, device: str, delivery: Delivery, raw: bytes, *, key: str, kind: NoticeKind
) -> Notice:
    observed_at = messages.instant_of(item, "received_at") or delivery.received_at
    error = messages.inner(item, key, "error")
    return Notice(
        device=device,
        key=f"{device}:{key}:{messages.digest_of(raw)}",
        kind=kind,
        observed_at=observed_at,
        detail=messages.text_of(error, "message_format") or key,
        raw=raw,
    )


def _uplink(item: Item, device: str, name: str, delivery: Delivery, raw: bytes) -> Uplink:
    uplink = messages.inner(item, "uplink_message")
    counter = messages.integer_of(uplink, "f_cnt", default=0)
    text = messages.text_of(uplink, "frm_payload")
    payload = messages.octets_of_base64(text, field="frm_payload")
    time = _time(item, uplink)
    mark = epoch_ms(time) if time else messages.digest_of(payload.hex(), counter)
    version = messages.inner(uplink, "version_ids")
    place = messages.inner(uplink, "locations", "user")
    model = " ".join(
        part
        for part in (messages.text_of(version, "brand_id"), messages.text_of(version, "model_id"))
        if part
    )
    return Uplink(
        device=device,
        key=f"{device}:{counter}:{mark}",
        observed_at=time or delivery.received_at,
        payload=payload,
        f_port=messages.integer_of(uplink, "f_port", default=0) or 0,
        f_cnt=counter,
        values=messages.plain_values(messages.inner(uplink, "decoded_payload")),
        radio=_radio(uplink),
        name=name,
        model=model,
        lon=messages.number_of(place, "longitude"),
        lat=messages.number_of(place, "latitude"),
        simulated=item.get("simulated") is True or uplink.get("simulated") is True,
        raw=raw,
    )


def _time(item: Item, uplink: Item) -> datetime | None:
    """Return when the network server received the frame, the steadiest of the three times."""
    return messages.instant_of(uplink, "received_at") or messages.instant_of(item, "received_at")


def _radio(uplink: Item) -> Radio:
    best: dict[str, Reception] = {}
    for heard in messages.listed(uplink, "rx_metadata"):
        names = messages.inner(heard, "gateway_ids")
        gateway = messages.text_of(names, "eui") or messages.text_of(names, "gateway_id")
        if not gateway:
            continue
        signal = messages.number_of(heard, "rssi")
        reception = Reception(
            gateway=gateway.lower(),
            rssi_dbm=signal,
            snr_db=messages.number_of(heard, "snr") or 0.0,
        )
        known = best.get(reception.gateway)
        if known is None or (signal or -999.0) > (known.rssi_dbm or -999.0):
            best[reception.gateway] = reception
    settings = messages.inner(uplink, "settings")
    lora = messages.inner(settings, "data_rate", "lora")
    return Radio(
        receptions=tuple(
            sorted(best.values(), key=lambda heard: heard.rssi_dbm or -999.0, reverse=True)
        ),
        spreading_factor=messages.integer_of(lora, "spreading_factor"),
        frequency_hz=messages.integer_of(settings, "frequency"),
    )
