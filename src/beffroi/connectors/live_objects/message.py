"""From a Live Objects data message to an uplink.

Source of the fields: Orange's published message bodies of 2017 to 2021. ``streamId`` has had
several forms and is not read; a LoRa device is named in ``metadata.network.lora.devEUI``, another
in ``metadata.source``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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

_FRAMES = frozenset({"", "CONFIRMED_DATA_UP", "UNCONFIRMED_DATA_UP"})


def parse(delivery: Delivery) -> Sequence[Parsed]:
    """Read one or many data messages."""
    return messages.parse_items(delivery, read=_read)


def _read(item: Item, delivery: Delivery, raw: bytes) -> Parsed:
    lora = messages.inner(item, "metadata", "network", "lora")
    device = _device(item, lora)
    time = messages.first_instant((item, "timestamp"), (item, "created"))
    own_mark = messages.text_of(item, "id")
    moment = epoch_ms(time) if time else (own_mark or messages.digest_of(raw))
    kind = messages.text_of(lora, "messageType")
    if kind not in _FRAMES:
        return Notice(
            device=device,
            key=f"{device}:{kind}:{moment}",
            kind=NoticeKind.JOIN if kind.startswith("JOIN") else NoticeKind.OTHER,
            observed_at=time or delivery.received_at,
            detail=kind,
            raw=raw,
        )
    value = messages.inner(item, "value")
    text = messages.text_of(value, "payload") if lora else ""
    counter = messages.integer_of(lora, "fcnt")
    metadata = messages.inner(item, "metadata")
    place = messages.inner(metadata, "device", "location")
    own_place = messages.text_of(place, "provider") != "lora"  # else an estimate, kilometres wide
    return Uplink(
        device=device,
        key=f"{device}:{'' if counter is None else counter}:{moment}",
        observed_at=time or delivery.received_at,
        payload=messages.octets_of_hex(text, field="value.payload") if text else None,
        f_port=messages.integer_of(lora, "port", default=0) or 0,
        f_cnt=counter,
        values=_decoded(value),
        radio=_radio(lora),
        model=messages.text_of(metadata, "encoding"),
        lon=messages.number_of(place, "lon") if own_place else None,
        lat=messages.number_of(place, "lat") if own_place else None,
        raw=raw,
    )


def _device(item: Item, lora: Item) -> str:
    if eui := messages.text_of(lora, "devEUI"):
        return messages.device_of(eui, field="devEUI")
    source = messages.text_of(messages.inner(item, "metadata"), "source")
    name = source.rpartition(":")[2].strip()
    if lora or not name or not name.isprintable():
        raise ParseError(
            "The message names no device.",
            way_out="It is in metadata.network.lora.devEUI, or in metadata.source.",
        )
    return name[:120]


def _radio(lora: Item) -> Radio | None:
    """Read the signal of the best gateway: the network does not tell which gateways heard."""
    if not lora:
        return None
    signal = messages.number_of(lora, "rssi")
    best = Reception(
        gateway="live-objects", rssi_dbm=signal, snr_db=messages.number_of(lora, "snr")
    )
    return Radio(
        receptions=() if signal is None else (best,),
        spreading_factor=messages.integer_of(lora, "sf"),
        frequency_hz=messages.hertz_of(messages.number_of(lora, "frequency")),
    )


def _decoded(value: Mapping[str, object]) -> dict[str, object]:
    flat = messages.plain_values(value)
    flat.pop("payload", None)
    return flat
