"""Helium: HTTP integration of the Console, JSON."""

from __future__ import annotations

from beffroi.connectors.helium.message import parse
from beffroi.sdk.connectors import Connector
from beffroi.sdk.declarations import translatable as _

CONNECTOR = Connector(
    key="helium",
    label="Helium",
    parse=parse,
    help=_(
        "In the Console, add an HTTP integration with the method POST, the address of the "
        "source and a header Authorization with the value Bearer followed by the secret. "
        "A Helium console on ChirpStack wants a source of the connector ChirpStack instead."
    ),
)

__all__ = ["CONNECTOR"]
