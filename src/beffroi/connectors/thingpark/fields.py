"""The body of a ThingPark message, JSON or XML, as one object of fields."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element
from xml.etree.ElementTree import ParseError as XmlError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from beffroi.kernel.errors import ParseError
from beffroi.sdk import messages
from beffroi.sdk.connectors import Delivery
from beffroi.sdk.messages import Item

PREFIX = "DevEUI_"
MAX_DEPTH = 8

Document = tuple[str, Item, bytes]
"""Kind (``DevEUI_uplink``…), fields, octets."""


def body_of(delivery: Delivery) -> tuple[bytes, bool]:
    """Return the octets of a body, and whether they are XML."""
    body = delivery.body.removeprefix(b"\xef\xbb\xbf").lstrip()
    return body, body.startswith(b"<")


def only_document(delivery: Delivery) -> Document | None:
    """Return the document of a delivery that has one, as a signed one has.

    Raises:
        ParseError: the body is neither JSON nor XML of this family.
    """
    body, is_xml = body_of(delivery)
    if is_xml:
        return from_xml(body)
    items = list(messages.json_items(body))
    if len(items) != 1:
        return None
    item, raw = items[0]
    return from_json(messages.object_of(item, index=0), raw)


def from_json(item: Item, raw: bytes) -> Document:
    """Return the document that a JSON object holds.

    Raises:
        ParseError: it is not of this family.
    """
    for key, value in item.items():
        if key.startswith(PREFIX) and isinstance(value, dict):
            return key, value, raw
    raise ParseError(
        "The message is of no ThingPark kind.",
        way_out="Its only field is DevEUI_uplink, DevEUI_location or another DevEUI_ name.",
    )


def from_xml(body: bytes) -> Document:
    """Return the document that an XML body is.

    Raises:
        ParseError: the body is not XML, or not of this family.
    """
    try:
        root = fromstring(body, forbid_dtd=True)
    except (XmlError, DefusedXmlException, ValueError, LookupError) as problem:
        raise ParseError(
            "The body is not valid XML: {reason}.",
            way_out="Its root is DevEUI_uplink.",
            params={"reason": str(problem)[:200]},
        ) from None
    kind = _name(root)
    if not kind.startswith(PREFIX):
        raise ParseError(
            "The XML document is of no ThingPark kind.", way_out="Its root is DevEUI_uplink."
        )
    fields = _fields(root, depth=0)
    return kind, fields if isinstance(fields, dict) else {}, body


def _fields(element: Element, *, depth: int) -> Any:
    if len(element) == 0 or depth >= MAX_DEPTH:
        return (element.text or "").strip()
    found: dict[str, Any] = {}
    for child in element:
        name, value = _name(child), _fields(child, depth=depth + 1)
        if name == "Lrr":
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
