"""Actility ThingPark and the operators that use its format: tunnel interface, JSON or XML."""

from __future__ import annotations

from beffroi.connectors.thingpark.message import parse
from beffroi.connectors.thingpark.token import verify
from beffroi.sdk.connectors import Authentication, Connector
from beffroi.sdk.declarations import translatable as _

CONNECTOR = Connector(
    key="thingpark",
    label="Actility ThingPark",
    parse=parse,
    mqtt_topics=("mqtt/things/{device}/uplink",),
    authentication=(Authentication.SIGNATURE, Authentication.SECRET),
    verify=verify,
    content_types=("application/json", "application/xml", "text/xml"),
    help=_(
        "Create an application server with the address of the source, in JSON or XML, turn "
        "uplink security on and give it the tunnel interface key shown here; "
        "every message is then signed."
    ),
)

__all__ = ["CONNECTOR"]
