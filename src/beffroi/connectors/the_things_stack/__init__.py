"""The Things Stack v3: webhook, JSON."""

from __future__ import annotations

from beffroi.connectors.the_things_stack.message import parse
from beffroi.sdk.connectors import Connector
from beffroi.sdk.declarations import translatable as _

CONNECTOR = Connector(
    key="the_things_stack",
    label="The Things Stack",
    parse=parse,
    mqtt_topics=(
        "v3/{application}/devices/{device}/up",
        "v3/{application}/devices/{device}/join",
        "v3/{application}/devices/{device}/down/{event}",
    ),
    help=_(
        "In the application, add a custom webhook in JSON with the address of the source and an "
        "additional header Authorization with the value Bearer followed by the secret. "
        "Enable Uplink message, and Join accept and the downlink events if you want them in "
        "the device's history."
    ),
)

__all__ = ["CONNECTOR"]
