"""From a Helium Console message to an uplink.

With "multi-buy" the Console sends the same frame once for every hotspot that heard it, each with
its own time; some come half an hour later, or again weeks later. Helium devices join over the air
(OTAA), so that a session is named by its address and a frame by address and counter.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    reported = messages.number_of(item, "reported_at")
    text = messages.text_of(item, "payload")
    decoded = messages.inner(item, "decoded", "payload")
    hotspots = messages.listed(item, "hotspots")
    first: Item = hotspots[0] if hotspots else {}
    megahertz = messages.number_of(first, "frequency")
    return Uplink(
        device=device,
        key=f"{device}:{messages.text_of(item, 'devaddr').lower()}:{counter}",
        observed_at=(
            delivery.received_at if reported is None else messages.instant_of_epoch(reported)
        ),
        payload=messages.octets_of_base64(text, field="payload") if text else None,
        f_port=messages.integer_of(item, "port", default=0) or 0,
        f_cnt=counter,
        values=messages.plain_values(decoded),
        radio=Radio(
            receptions=_receptions(item),
            spreading_factor=_spreading_factor(messages.text_of(first, "spreading")),
            frequency_hz=round(megahertz * 1e6) if megahertz else None,
        ),
        name=messages.text_of(item, "name"),
        raw=raw,
    )


def _receptions(item: Item) -> tuple[Reception, ...]:
    heard = [
        Reception(
            gateway=messages.text_of(spot, "id") or messages.text_of(spot, "name"),
            rssi_dbm=messages.number_of(spot, "rssi"),
            snr_db=messages.number_of(spot, "snr"),
        )
        for spot in messages.listed(item, "hotspots")
    ]
    distinct = {reception.gateway: reception for reception in heard if reception.gateway}
    return tuple(sorted(distinct.values(), key=lambda one: one.rssi_dbm or -999.0, reverse=True))


def _spreading_factor(text: str) -> int | None:
    head = text.removeprefix("SF").partition("BW")[0]
    return int(head) if head.isascii() and head.isdigit() else None
