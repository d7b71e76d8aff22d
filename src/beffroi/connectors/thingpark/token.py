"""The signature of ThingPark's tunnel interface.

Token = SHA-256, in hexadecimal, of: body elements, then the decoded query string up to but not
including ``&Token=``, then the key in lower case. Body elements are CustomerID, DevEUI, FPort,
FCntUp and payload_hex as they stand in the message, each when present (FCntDn in place of the last
two in a report of what was sent; the DevEUI in lower case in a location). Source: Actility's
published examples.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import unquote

from beffroi.connectors.thingpark.fields import only_document
from beffroi.kernel.errors import ParseError
from beffroi.sdk.connectors import Delivery
from beffroi.sdk.messages import Item

_ELEMENTS = ("CustomerID", "DevEUI", "FPort", "FCntUp", "payload_hex")
_ELEMENTS_SENT = ("CustomerID", "DevEUI", "FPort", "FCntDn")
_LOWER_CASE_DEVICE = frozenset({"DevEUI_location"})


def verify(delivery: Delivery, secret: str) -> bool:
    """Tell whether the delivery was signed with the key, in constant time."""
    query = unquote(delivery.query_string)
    signed, mark, token = query.partition("&Token=")
    if not mark:
        return False
    try:
        document = only_document(delivery)
    except ParseError:
        return False
    if document is None:
        return False
    kind, body, _ = document
    expected = hashlib.sha256(
        (body_elements(kind, body) + signed + secret.lower()).encode()
    ).hexdigest()
    return hmac.compare_digest(expected, token.partition("&")[0].lower())


def body_elements(kind: str, body: Item) -> str:
    """Return the part of the body that is signed."""
    parts: list[str] = []
    for key in _ELEMENTS_SENT if kind == "DevEUI_downlink_Sent" else _ELEMENTS:
        found = body.get(key)
        if found is None:
            continue
        text = str(found)
        parts.append(text.lower() if key == "DevEUI" and kind in _LOWER_CASE_DEVICE else text)
    return "".join(parts)
