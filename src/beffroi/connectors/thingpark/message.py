"""From a ThingPark document to an uplink or a notice.

Source of the fields: Actility's published message bodies. Numbers arrive as numbers or as texts;
a join arrives as ``DevEUI_uplink`` without payload; ``Time`` is the time of the frame even when it
was delivered late.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from beffroi.connectors.thingpark.fields import Document, body_of, from_json, from_xml
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
    "DevEUI_downlink_Sent": NoticeKind.DOWNLINK_SENT,
    "DevEUI_downlink_Rejected": NoticeKind.DOWNLINK_FAILED,
    "DevEUI_location": NoticeKind.LOCATION,
    "DevEUI_notification": NoticeKind.STATUS,
    "DevEUI_downlink": NoticeKind.OTHER,
    "DevEUI_multicast_summary": NoticeKind.OTHER,
}
_LEADING_EUI = re.compile(r"[0-9A-Fa-f]{16}")


def parse(delivery: Delivery) -> Sequence[Parsed]:
    """Read a delivery in JSON or XML, chosen by its first character.

    Raises:
        ParseError: the whole body is unreadable.
    """
    body, is_xml = body_of(delivery)
    if not is_xml:
        return messages.parse_items(delivery, read=_read_json)
    document = from_xml(body)
    try:
        return [_read(document, delivery)]
    except ParseError as problem:
        return [messages.refused(problem, index=0, raw=body)]


def _read_json(item: Item, delivery: Delivery, raw: bytes) -> Parsed:
    return _read(from_json(item, raw), delivery)


def _read(document: Document, delivery: Delivery) -> Parsed:
    kind, body, raw = document
    # One published report has markup stuck behind the identifier: the digits in front are read.
    text = messages.text_of(body, "DevEUI").strip()
    leading = _LEADING_EUI.match(text)
    device = messages.device_of(leading.group() if leading else text, field="DevEUI")
    if kind == "DevEUI_uplink":
        if messages.text_of(body, "rawJoinRequest"):
            return _notice(body, device, raw, delivery, kind=NoticeKind.JOIN, detail="join")
        return _uplink(body, device, raw, delivery)
    if kind not in _NOTICES:
        raise ParseError(
            "{kind} is of no known kind.",
            way_out="Send DevEUI_uplink, DevEUI_location or another report of the tunnel.",
            params={"kind": kind[:60]},
        )
    detail = messages.text_of(body, "Type") or kind
    return _notice(body, device, raw, delivery, kind=_NOTICES[kind], detail=detail)


def _notice(
    body: Item, device: str, raw: bytes, delivery: Delivery, *, kind: NoticeKind, detail: str
) -> Notice:
    try:
        observed_at = messages.instant_of(body, "Time")
    except ParseError:
        observed_at = None  # published location reports carry times such as 10:00.123:46
    return Notice(
        device=device,
        key=f"{device}:{kind}:{messages.digest_of(raw)}",
        kind=kind,
        observed_at=observed_at or delivery.received_at,
        detail=detail,
        raw=raw,
    )


def _uplink(body: Item, device: str, raw: bytes, delivery: Delivery) -> Uplink:
    counter = messages.integer_of(body, "FCntUp", default=0)
    text = messages.text_of(body, "payload_hex")
    time = messages.instant_of(body, "Time")
    payload = messages.octets_of_hex(text, field="payload_hex")
    mark = epoch_ms(time) if time else messages.digest_of(text, counter)
    driver = messages.inner(body, "DriverCfg", "mod")
    note = _customer_data(body)
    model = " ".join(
        part for part in (messages.text_of(driver, "pId"), messages.text_of(driver, "mId")) if part
    )
    return Uplink(
        device=device,
        key=f"{device}:{counter}:{mark}",
        observed_at=time or delivery.received_at,
        payload=payload,
        f_port=messages.integer_of(body, "FPort", default=0) or 0,
        f_cnt=counter,
        values=_values(body),
        radio=_radio(body),
        name=messages.text_of(note, "name"),
        model=model,
        lon=_coordinate(messages.inner(note, "loc"), "lon"),
        lat=_coordinate(messages.inner(note, "loc"), "lat"),
        late=str(body.get("Late", "0")) == "1",
        raw=raw,
    )


def _values(body: Item) -> dict[str, Any]:
    """Return what a driver decoded, and the points that ThingPark made of it."""
    values = messages.plain_values(messages.inner(body, "payload"))
    points = messages.inner(body, "points")
    records = {
        name: point["record"]
        for name, point in points.items()
        if isinstance(point, Mapping) and "record" in point
    }
    values.update(messages.plain_values(records, prefix="points."))
    return values


def _radio(body: Item) -> Radio:
    heard = messages.listed(messages.inner(body, "Lrrs"), "Lrr") or [body]
    return Radio(
        receptions=messages.heard_best_first(map(_reception, heard)),
        spreading_factor=messages.integer_of(body, "SpFact") or messages.integer_of(body, "Spfact"),
        frequency_hz=messages.hertz_of(messages.number_of(body, "Frequency")),
    )


def _reception(heard: Item) -> Reception:
    return Reception(
        gateway=messages.text_of(heard, "Lrrid").lower(),
        rssi_dbm=messages.number_of(heard, "LrrRSSI"),
        snr_db=messages.number_of(heard, "LrrSNR"),
    )


def _customer_data(body: Item) -> Item:
    """Return what the customer wrote of the device; it is a JSON text in XML and an object else."""
    text = messages.text_of(body, "CustomerData")
    if not text:
        return messages.inner(body, "CustomerData")
    return messages.object_in(text)


def _coordinate(place: Item, key: str) -> float | None:
    """Return a coordinate of the customer's note; an unreadable one is no reason to refuse."""
    try:
        return messages.number_of(place, key)
    except ParseError:
        return None
