"""From a The Things Stack v3 message to an uplink or a notice.

Source of the fields: The Things Stack documentation, "Data Formats". Fields that are empty, zero
or false are left out of the message.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from beffroi.connectors.the_things_stack.version_2 import read_version_2
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
    "join_accept": NoticeKind.JOIN,
    "downlink_ack": NoticeKind.ACKNOWLEDGED,
    "downlink_nack": NoticeKind.DOWNLINK_FAILED,
    "downlink_sent": NoticeKind.DOWNLINK_SENT,
    "downlink_queued": NoticeKind.OTHER,
    "downlink_queue_invalidated": NoticeKind.OTHER,
    "downlink_failed": NoticeKind.DOWNLINK_FAILED,
    "location_solved": NoticeKind.LOCATION,
    "service_data": NoticeKind.OTHER,
    "uplink_normalized": NoticeKind.OTHER,
}


def parse(delivery: Delivery) -> Sequence[Parsed]:
    """Read one or many webhook bodies; the key that is present says the kind of each."""
    return messages.parse_items(delivery, read=_read)


def _unwrapped(item: Item) -> Item:
    """Return a message out of the storage integration (``result``) or of an event (``data``)."""
    for key in ("result", "data"):
        inside = messages.inner(item, key)
        if "end_device_ids" not in item and "end_device_ids" in inside:
            return inside
    return item


def _read(item: Item, delivery: Delivery, raw: bytes) -> Parsed:
    if "payload_raw" in item and "end_device_ids" not in item:
        return read_version_2(item, delivery, raw)
    item = _unwrapped(item)
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
        values=_values(uplink),
        readings=_battery(uplink),
        radio=_radio(uplink),
        name=name,
        model=model,
        lon=messages.number_of(place, "longitude"),
        lat=messages.number_of(place, "latitude"),
        simulated=item.get("simulated") is True or uplink.get("simulated") is True,
        raw=raw,
    )


def _values(uplink: Item) -> dict[str, Any]:
    """Return decoded fields, and normalized ones (an object, or a list of several) beside them."""
    values = messages.plain_values(messages.inner(uplink, "decoded_payload"))
    normalized = messages.listed(uplink, "normalized_payload") or [
        messages.inner(uplink, "normalized_payload")
    ]
    for rank, part in enumerate(normalized):
        prefix = f"normalized_payload.{rank}." if rank else "normalized_payload."
        values.update(messages.plain_values(part, prefix=prefix))
    return values


def _battery(uplink: Item) -> tuple[tuple[str, float, datetime | None], ...]:
    """Return the level that the device told the network (DevStatusAns), at its own time."""
    status = messages.inner(uplink, "last_battery_percentage")
    level = messages.number_of(status, "value")
    told_at = messages.instant_of(status, "received_at")
    return () if level is None or told_at is None else ((BATTERY_PCT.key, level, told_at),)


def _time(item: Item, uplink: Item) -> datetime | None:
    """Return when the network server received the frame, the steadiest of the three times."""
    heard = ((one, "time") for one in messages.listed(uplink, "rx_metadata"))
    return messages.first_instant((uplink, "received_at"), (item, "received_at"), *heard)


def _radio(uplink: Item) -> Radio:
    settings = messages.inner(uplink, "settings")
    lora = messages.inner(settings, "data_rate", "lora")
    return Radio(
        receptions=messages.heard_best_first(
            map(_reception, messages.listed(uplink, "rx_metadata"))
        ),
        spreading_factor=messages.integer_of(lora, "spreading_factor"),
        frequency_hz=messages.integer_of(settings, "frequency"),
    )


def _reception(heard: Item) -> Reception:
    """Read one gateway; one of another network comes through the Packet Broker without its EUI."""
    names = messages.inner(heard, "gateway_ids")
    forwarder = messages.inner(heard, "packet_broker")
    return Reception(
        gateway=messages.gateway_of(
            messages.text_of(names, "eui")
            or messages.text_of(forwarder, "forwarder_gateway_eui")
            or messages.text_of(forwarder, "forwarder_gateway_id")
            or messages.text_of(names, "gateway_id")
        ),
        rssi_dbm=messages.number_of(heard, "rssi"),
        snr_db=messages.number_of(heard, "snr") or 0.0,
    )
