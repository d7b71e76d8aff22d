"""Orange Live Objects: HTTP push of LoRa messages, JSON."""

from __future__ import annotations

from beffroi.connectors.live_objects.message import parse
from beffroi.sdk.connectors import Connector
from beffroi.sdk.declarations import translatable as _

CONNECTOR = Connector(
    key="live_objects",
    label="Orange Live Objects",
    parse=parse,
    mqtt_topics=("fifo/beffroi",),
    help=_(
        "Create a routing rule of the HTTP push kind with the address of the source and a "
        "header X-Beffroi-Secret with the secret as its value."
    ),
)

__all__ = ["CONNECTOR"]
