"""From a Live Objects data message to an uplink.

Source of the fields: Orange's published message bodies of 2017 to 2020. ``streamId`` has had
several forms and is not read; the device is named in ``metadata.network.lora.devEUI``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from beffroi.kernel.clock import epoch_ms
from beffroi.kernel.errors import ParseError
from beffroi.sdk import messages
from beffroi.sdk.connectors import Delivery, Parsed, Radio, Reception, Uplink
from beffroi.sdk.messages import Item


def parse(delivery: Delivery) -> Sequence[Parsed]:
    """Read one or many data messages."""
    return messages.parse_items(delivery, read=_read)


def _read(item: Item, delivery: Delivery, raw: bytes) -> Parsed:
    metadata = messages.inner(item, "metadata")
    lora = messages.inner(metadata, "network", "lora")
    eui = messages.text_of(lora, "devEUI")
    if not eui:
        raise ParseError(
            "The message names no LoRa device.",
            way_out="Live Objects writes it in metadata.network.lora.devEUI.",
        )
    device = messages.device_of(eui, field="devEUI")
    value = messages.inner(item, "value")
    text = messages.text_of(value, "payload")
    time = messages.instant_of(item, "timestamp")
    counter = messages.integer_of(lora, "fcnt")
    own_mark = messages.text_of(item, "id")
    moment = epoch_ms(time) if time else (own_mark or messages.digest_of(raw))
    signal = messages.number_of(lora, "rssi")
    return Uplink(
        device=device,
        key=f"{device}:{'' if counter is None else counter}:{moment}",
        observed_at=time or delivery.received_at,
        payload=messages.octets_of_hex(text, field="value.payload") if text else None,
        f_port=messages.integer_of(lora, "port", default=0) or 0,
        f_cnt=counter,
        values=_decoded(value),
        radio=Radio(
            # The network says how many gateways heard the frame, and the signal of the best.
            receptions=(
                ()
                if signal is None
                else (
                    Reception(
                        gateway="live-objects",
                        rssi_dbm=signal,
                        snr_db=messages.number_of(lora, "snr"),
                    ),
                )
            ),
            spreading_factor=messages.integer_of(lora, "sf"),
        ),
        model=messages.text_of(metadata, "encoding"),
        raw=raw,
    )


def _decoded(value: Mapping[str, object]) -> dict[str, object]:
    flat = messages.plain_values(value)
    flat.pop("payload", None)
    return flat
