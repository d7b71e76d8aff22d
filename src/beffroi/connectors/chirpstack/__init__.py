"""ChirpStack v3 and v4: HTTP integration, JSON marshaler."""

from __future__ import annotations

from beffroi.connectors.chirpstack.message import parse
from beffroi.sdk.connectors import Connector
from beffroi.sdk.declarations import translatable as _

CONNECTOR = Connector(
    key="chirpstack",
    label="ChirpStack",
    parse=parse,
    mqtt_topics=("application/{application}/device/{device}/event/{event}",),
    help=_(
        "In the application, add an HTTP integration with the JSON encoding. Give it the address "
        "of the source and a header Authorization with the value Bearer followed by the secret."
    ),
)

__all__ = ["CONNECTOR"]
