"""Messages of The Things Network v2, which closed in 2021: archives that a town still holds."""

from __future__ import annotations

from beffroi.kernel.clock import epoch_ms
from beffroi.kernel.errors import ParseError
from beffroi.sdk import messages
from beffroi.sdk.connectors import Delivery, Radio, Reception, Uplink
from beffroi.sdk.messages import Item


def read_version_2(item: Item, delivery: Delivery, raw: bytes) -> Uplink:
    """Read one uplink of the HTTP integration of v2.

    Raises:
        ParseError: a field is not of its form, or no device is named.
    """
    eui = messages.text_of(item, "hardware_serial")
    own_name = messages.text_of(item, "dev_id")
    if not eui and not own_name:
        raise ParseError("The message names no device.", way_out="It is in hardware_serial.")
    device = messages.device_of(eui, field="hardware_serial") if eui else own_name
    counter = messages.integer_of(item, "counter", default=0)
    payload = messages.octets_of_base64(messages.text_of(item, "payload_raw"), field="payload_raw")
    metadata = messages.inner(item, "metadata")
    time = messages.instant_of(metadata, "time")
    mark = epoch_ms(time) if time else messages.digest_of(payload.hex(), counter)
    return Uplink(
        device=device,
        key=f"{device}:{counter}:{mark}",
        observed_at=time or delivery.received_at,
        payload=payload,
        f_port=messages.integer_of(item, "port", default=0) or 0,
        f_cnt=counter,
        values=messages.plain_values(messages.inner(item, "payload_fields")),
        radio=Radio(
            receptions=messages.heard_best_first(
                Reception(
                    gateway=messages.text_of(heard, "gtw_id").lower(),
                    rssi_dbm=messages.number_of(heard, "rssi"),
                    snr_db=messages.number_of(heard, "snr") or 0.0,
                )
                for heard in messages.listed(metadata, "gateways")
            ),
            spreading_factor=messages.spreading_factor_of(messages.text_of(metadata, "data_rate")),
            frequency_hz=messages.hertz_of(messages.number_of(metadata, "frequency")),
        ),
        name=own_name,
        raw=raw,
    )
