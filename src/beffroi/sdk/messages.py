"""Reading hostile network messages: JSON items, typed fields, octets, times."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from beffroi.kernel import clock, identifiers
from beffroi.kernel.errors import ParseError
from beffroi.sdk.connectors import Delivery, Parsed, Reception, Refusal

MAX_ITEMS = 10_000
MAX_TEXT = 1_000

Item = Mapping[str, Any]


def parse_items(
    delivery: Delivery, *, read: Callable[[Item, Delivery, bytes], Parsed]
) -> list[Parsed]:
    """Read each item of a JSON body with ``read``; one bad item does not spoil the others.

    Raises:
        ParseError: the body is not JSON, is neither an object nor a list, or holds too many items.
    """
    parsed: list[Parsed] = []
    for index, (item, raw) in enumerate(json_items(delivery.body)):
        try:
            parsed.append(read(object_of(item, index=index), delivery, raw))
        except ParseError as problem:
            parsed.append(refused(problem, index=index, raw=raw))
    return parsed


def refused(problem: ParseError, *, index: int, raw: bytes) -> Refusal:
    """Return the refusal of one item of a delivery, with its octets."""
    return Refusal(
        index=index,
        code=problem.code,
        message=problem.message,
        way_out=problem.way_out,
        params=problem.params,
        raw=raw,
    )


def json_items(body: bytes) -> Iterator[tuple[object, bytes]]:
    """Give the items of a body (one, an array, or one a line) with the octets of each.

    Each should be an object: see :func:`object_of`.

    Raises:
        ParseError: as :func:`parse_items`.
    """
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        raise ParseError("The body is empty.", way_out="Send one JSON object, a list, or lines.")
    decoded = _decode(text)
    items = decoded if isinstance(decoded, list) else [object_of(decoded, index=0)]
    if len(items) > MAX_ITEMS:
        raise ParseError(
            "The body holds {count} messages; at most {most} are taken at once.",
            way_out="Cut it into several.",
            params={"count": len(items), "most": MAX_ITEMS},
        )
    alone = len(items) == 1 and not isinstance(decoded, list)
    for item in items:
        yield item, text if alone else msgspec.json.encode(item)


def object_of(item: object, *, index: int) -> Item:
    """Return an item of a body as the object that it should be.

    Raises:
        ParseError: it is another thing.
    """
    if isinstance(item, dict):
        return item
    raise ParseError(
        "Item {index} of the body is {value}, which is not a JSON object.",
        way_out="Send one JSON object, a list, or lines.",
        params={"index": index, "value": repr(item)[:60]},
    )


def object_in(text: str) -> Item:
    """Return the object that a field writes as a JSON text, or an empty one for anything else."""
    if not text:
        return {}
    try:
        decoded = _loads(text.encode())
    except (ParseError, UnicodeEncodeError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _decode(text: bytes) -> object:
    try:
        return _loads(text)
    except ParseError:
        if b"\n" not in text:
            raise
    return [_loads(line) for line in text.splitlines() if line.strip()]


def _loads(text: bytes) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise ParseError(
            "The body is not valid JSON: {reason}.",
            way_out="Send one JSON object, a list, or lines.",
            params={"reason": str(problem)[:200]},
        ) from None


def inner(item: Item, *path: str) -> Item:
    """Return the object at a path, or an empty one when any part is absent or another thing."""
    current: Any = item
    for key in path:
        current = current.get(key) if isinstance(current, dict) else None
    return current if isinstance(current, dict) else {}


def listed(item: Item, key: str) -> Sequence[Item]:
    """Return the objects of a list, leaving out what is no object."""
    found = item.get(key)
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def text_of(item: Item, key: str) -> str:
    """Return a text, cut at a thousand characters, or "" when absent or another thing."""
    found = item.get(key)
    return found.replace("\x00", "")[:MAX_TEXT] if isinstance(found, str) else ""


def number_of(item: Item, key: str) -> float | None:
    """Return a finite number, written as a number or as a text; None when absent.

    Raises:
        ParseError: something else is written.
    """
    found = item.get(key)
    if found is None or found == "":
        return None
    if isinstance(found, int | float | str) and not isinstance(found, bool):
        try:
            value = float(found)
        except (ValueError, OverflowError):
            value = math.nan
        if math.isfinite(value):
            return value
    raise ParseError(
        "{field} is {value}, which is not a number.",
        way_out="Write it as 12 or 12.5, or leave it out.",
        params={"field": key, "value": repr(found)[:60]},
    )


def integer_of(item: Item, key: str, *, default: int | None = None) -> int | None:
    """Return a whole number from 0 to 2**32-1, as a port or a counter is.

    Raises:
        ParseError: something else is written.
    """
    value = number_of(item, key)
    if value is None:
        return default
    if value != int(value) or not 0 <= value < 2**32:
        raise ParseError(
            "{field} is {value}, which is not a counter.",
            way_out="It is a whole number from 0 to 4294967295.",
            params={"field": key, "value": value},
        )
    return int(value)


def instant_of(item: Item, key: str) -> datetime | None:
    """Return an ISO 8601 instant in UTC; None when absent.

    Raises:
        ParseError: something else is written.
    """
    found = item.get(key)
    if found is None or found == "":
        return None
    try:
        return clock.parse_instant(str(found))
    except (ValueError, OverflowError):
        raise ParseError(
            "{field} is {value}, which is not an instant with its offset.",
            way_out="Write it as 2026-03-02T07:31:22Z.",
            params={"field": key, "value": repr(found)[:60]},
        ) from None


def first_instant(*candidates: tuple[Item, str]) -> datetime | None:
    """Return the first readable instant of several that a message writes; None when it has none.

    Raises:
        ParseError: none can be read; the first that is written is told.
    """
    problem: ParseError | None = None
    for item, key in candidates:
        try:
            found = instant_of(item, key)
        except ParseError as unreadable:
            problem = problem or unreadable
            continue
        if found is not None:
            return found
    if problem is not None:
        raise problem
    return None


def instant_of_epoch(milliseconds: float) -> datetime:
    """Return the instant of milliseconds since 1970.

    Raises:
        ParseError: the year is out of what a calendar has.
    """
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise ParseError(
            "{value} is not a number of milliseconds since 1970.",
            way_out="A message of 2 March 2026 has about 1772436682000.",
            params={"value": milliseconds},
        ) from None


def device_of(text: str, *, field: str) -> str:
    """Return a DevEUI in its normal form, given in hexadecimal or in base64.

    Raises:
        ParseError: it is neither.
    """
    try:
        return identifiers.dev_eui(text)
    except ValueError:
        pass
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if len(octets) == 8:
        return octets.hex()
    raise ParseError(
        "{field} is {value}, which is not a DevEUI.",
        way_out="It has sixteen hexadecimal digits.",
        params={"field": field, "value": text[:60]},
    )


def octets_of_base64(text: str, *, field: str) -> bytes:
    """Return octets from base64, with or without padding.

    Raises:
        ParseError: it is not base64.
    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ParseError(
            "{field} is {value}, which is not base64.",
            way_out="Send the octets of the frame as the network server gives them.",
            params={"field": field, "value": repr(text[:60])},
        ) from None


def octets_of_hex(text: str, *, field: str) -> bytes:
    """Return octets from hexadecimal.

    Raises:
        ParseError: it is not hexadecimal.
    """
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ParseError(
            "{field} is {value}, which is not hexadecimal.",
            way_out="Send the octets of the frame as the network server gives them.",
            params={"field": field, "value": repr(text[:60])},
        ) from None


def gateway_of(text: str) -> str:
    """Return the identifier of a gateway, in lower-case hexadecimal where it is an EUI."""
    try:
        return device_of(text, field="gateway")
    except ParseError:
        return text.strip().lower()


def heard_best_first(receptions: Iterable[Reception]) -> tuple[Reception, ...]:
    """Return one reception a gateway, its strongest, in order of strength; nameless ones left out.

    A gateway with several antennas is listed once for each.
    """
    best: dict[str, Reception] = {}
    for reception in receptions:
        known = best.get(reception.gateway)
        if reception.gateway and (known is None or _strength(reception) > _strength(known)):
            best[reception.gateway] = reception
    return tuple(sorted(best.values(), key=_strength, reverse=True))


def _strength(reception: Reception) -> float:
    return -999.0 if reception.rssi_dbm is None else reception.rssi_dbm


def hertz_of(megahertz: float | None) -> int | None:
    """Return whole hertz of a frequency written in megahertz; None when it is no radio band."""
    return round(megahertz * 1e6) if megahertz and 0 < megahertz < 1e5 else None


def spreading_factor_of(text: str) -> int | None:
    """Return the 7 of a data rate written ``SF7BW125``; None when it is another text."""
    head = text.removeprefix("SF").partition("BW")[0]
    return int(head) if head.isascii() and head.isdigit() and len(head) <= 2 else None


def plain_values(item: Item, *, prefix: str = "", depth: int = 4) -> dict[str, Any]:
    """Flatten decoded fields to ``a.b`` names, keeping numbers, booleans and short texts."""
    flat: dict[str, Any] = {}
    for key, value in item.items():
        name = f"{prefix}{key}"[:200]
        if isinstance(value, Mapping) and depth:
            flat.update(plain_values(value, prefix=f"{name}.", depth=depth - 1))
        elif isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
            flat[name] = value
        elif isinstance(value, str):
            flat[name] = value.replace("\x00", "")[:MAX_TEXT]
    return flat


def digest_of(*parts: object) -> str:
    """Return a short digest that is the same for the same parts."""
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.blake2b(text.encode(), digest_size=9).hexdigest()
