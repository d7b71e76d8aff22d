"""From a Helium Console message to an uplink.

With "multi-buy" the Console sends the same frame once for every hotspot that heard it, each with
its own time; some come half an hour later, or again weeks later. Helium devices join over the air
(OTAA), so that a session is named by its address and a frame by address and counter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from beffroi.kernel.errors import ParseError
from beffroi.sdk import messages
from beffroi.sdk.connectors import Delivery, Parsed, Radio, Reception, Uplink
from beffroi.sdk.messages import Item


def parse(delivery: Delivery) -> Sequence[Parsed]:
    """Read one or many Console messages."""
    return messages.parse_items(delivery, read=_read)


def _read(item: Item, delivery: Delivery, raw: bytes) -> Parsed:
    if not messages.text_of(item, "dev_eui"):
        raise ParseError(
            "The message names no device.", way_out="The Console writes it in dev_eui."
        )
    device = messages.device_of(messages.text_of(item, "dev_eui"), field="dev_eui")
    counter = messages.integer_of(item, "fcnt", default=0)
    address = messages.text_of(item, "devaddr") or messages.text_of(item, "dev_addr")
    reported = messages.number_of(item, "reported_at")
    text = messages.text_of(item, "payload")
    hotspots = messages.listed(item, "hotspots")
    first: Item = hotspots[0] if hotspots else {}
    return Uplink(
        device=device,
        key=f"{device}:{address.lower()}:{counter}",
        observed_at=(
            delivery.received_at if reported is None else messages.instant_of_epoch(reported)
        ),
        payload=messages.octets_of_base64(text, field="payload") if text else None,
        f_port=messages.integer_of(item, "port")
        or messages.integer_of(item, "fport", default=0)
        or 0,
        f_cnt=counter,
        values=_values(item),
        radio=Radio(
            receptions=messages.heard_best_first(map(_reception, hotspots)),
            spreading_factor=messages.spreading_factor_of(messages.text_of(first, "spreading")),
            frequency_hz=messages.hertz_of(messages.number_of(first, "frequency")),
        ),
        name=messages.text_of(item, "name"),
        raw=raw,
    )


def _values(item: Item) -> dict[str, Any]:
    """Return decoded fields: an object, or a list of channels as the Cayenne decoder makes it."""
    decoded = messages.inner(item, "decoded")
    values = messages.plain_values(messages.inner(decoded, "payload"))
    for part in messages.listed(decoded, "payload"):
        name = f"{messages.text_of(part, 'name')}.{part.get('channel', 0)}"
        values.update(messages.plain_values({name: part.get("value")}))
    return values


def _reception(spot: Item) -> Reception:
    return Reception(
        gateway=messages.text_of(spot, "id") or messages.text_of(spot, "name"),
        rssi_dbm=messages.number_of(spot, "rssi"),
        snr_db=messages.number_of(spot, "snr"),
    )
