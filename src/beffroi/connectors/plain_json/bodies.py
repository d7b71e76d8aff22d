"""The items of a body, whatever form it has: an object, a list, lines, CSV, features of GeoJSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from beffroi.connectors.plain_json.mapping import PlainMapping, value_at
from beffroi.connectors.plain_json.table import open_csv
from beffroi.kernel.errors import ParseError
from beffroi.sdk.connectors import Delivery
from beffroi.sdk.messages import MAX_ITEMS, object_of

LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl",
                   "application/x-jsonlines"})  # fmt: skip
TABLES = frozenset({"text/csv", "text/tab-separated-values"})
CONTENT_TYPES = ("application/json", "application/x-ndjson", "application/ndjson",
                 "application/jsonl", "application/x-jsonlines", "text/csv",
                 "text/tab-separated-values", "application/geo+json")  # fmt: skip

MAX_COMMAS = 50 * MAX_ITEMS

_SPACE = re.compile(r"[ \t\r\n]*")
_WAY_OUT = "Send one JSON object, a list, or lines."


@dataclass(frozen=True, slots=True)
class BodyItem:
    """One item of a body with its own octets; ``problem`` when it cannot be read."""

    content: Mapping[str, Any]
    raw: bytes
    problem: ParseError | None = None


def is_table(delivery: Delivery) -> bool:
    """Tell whether a body is said to be rows of cells."""
    return _media(delivery) in TABLES


def _media(delivery: Delivery) -> str:
    return delivery.content_type.partition(";")[0].strip().lower()


def items_of(delivery: Delivery, mapping: PlainMapping) -> Iterator[BodyItem]:
    """Give the items of a body, in the form that its content type says.

    Raises:
        ParseError: the body as a whole cannot be read, or holds too many items.
    """
    if is_table(delivery):
        return _of_table(delivery, mapping)
    return _of_json(delivery.body, mapping, by_line=_media(delivery) in LINES)


def _of_table(delivery: Delivery, mapping: PlainMapping) -> Iterator[BodyItem]:
    table = open_csv(delivery.body, content_type=delivery.content_type, delimiter=mapping.delimiter)
    for row in table.rows():
        # With its header each row can be read again alone.
        yield BodyItem(row.cells, f"{table.header}\n{row.text}".encode(), row.problem)


def _of_json(body: bytes, mapping: PlainMapping, *, by_line: bool) -> Iterator[BodyItem]:
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        raise ParseError("The body is empty.", way_out=_WAY_OUT)
    parts = _parts(text, by_line=by_line)
    if len(parts) > MAX_ITEMS:
        raise _too_many(len(parts))
    count = 0
    for part in parts:
        for item in _inside(part, mapping, index=count):
            count += 1
            if count > MAX_ITEMS:
                raise _too_many(count)
            yield item


def _parts(text: bytes, *, by_line: bool) -> list[bytes]:
    """Return the octets of each object: of the body, of its list, of its lines."""
    if not by_line:
        try:
            if text.startswith(b"["):
                return [bytes(item) for item in _decode_list(text)]
            _checked(text, kind=msgspec.Raw)
        except ParseError:
            lines = _lines(text)
            if len(lines) < 2 or not _is_json(lines[0]):
                raise
            return lines
        return [text]
    lines = _lines(text)
    # A list of one line is one line too; a sender may well name its list so.
    return _parts(text, by_line=False) if len(lines) == 1 and text.startswith(b"[") else lines


def _lines(text: bytes) -> list[bytes]:
    if text.count(b"\n") > MAX_COMMAS:
        raise _too_many(text.count(b"\n"))
    return [line for line in text.replace(b"\x1e", b"").splitlines() if line.strip()]


def _inside(part: bytes, mapping: PlainMapping, *, index: int) -> Iterator[BodyItem]:
    """Give the messages of one object: those of its list, or itself."""
    path = mapping.items or ("features" if b"FeatureCollection" in part else "")
    inner = _listed(part, path) if path else None
    if inner is not None:
        for rank, one in enumerate(inner):
            yield _item(one, index=index + rank)
        return
    item = _item(part, index=index)
    # A message that was kept stands alone when it is read again, without what held its list.
    if mapping.items and item.problem is None and value_at(item.content, mapping.device) is None:
        problem = ParseError(
            "The body has no list at {path}.",
            way_out="Correct items in the source's mapping.",
            params={"path": path[:60]},
        )
        item = BodyItem({}, part, problem)
    yield item


def _item(raw: bytes, *, index: int) -> BodyItem:
    try:
        return BodyItem(object_of(_checked(raw), index=index), raw)
    except ParseError as problem:
        return BodyItem({}, raw, problem)


def _listed(part: bytes, path: str) -> list[bytes] | None:
    """Return the octets of each item of the list at a path; None when no list is there.

    What stands beside the path is never made into objects: a body may be large.
    """
    current = part
    try:
        for word in path.split("."):
            around = msgspec.json.decode(current, type=dict[str, msgspec.Raw])
            if path in around:
                current = bytes(around[path])
                break
            current = bytes(around[word])
        current = current.strip()
        if not current.startswith(b"["):
            return None
        return [bytes(item) for item in _decode_list(current)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
        return None


def _counted(text: bytes) -> int:
    """Return how many items a list has, counting to one beyond what is taken; 0 when unknown."""
    read = json.JSONDecoder().raw_decode
    try:
        plain, place = text.decode(), 1
        for count in range(1, MAX_ITEMS + 2):
            place = read(plain, _past_space(plain, place))[1]
            place = _past_space(plain, place)
            if plain[place : place + 1] != ",":
                return count
            place += 1
    except (ValueError, RecursionError):
        return 0  # the reader itself says what is wrong
    return MAX_ITEMS + 1


def _past_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return place if found is None else found.end()


def _decode_list(text: bytes) -> list[msgspec.Raw]:
    """Return the octets of the items of a list.

    Raises:
        ParseError: it is not JSON, or holds too many of them.
    """
    # An item costs a hundred octets of memory however small it is: of a list that may hold
    # millions, no more are made than it may hold.
    if text.count(b",") > MAX_COMMAS and (count := _counted(text)) > MAX_ITEMS:
        raise _too_many(count)
    try:
        return msgspec.json.decode(text, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise _no_json(problem) from None


def _checked(text: bytes, *, kind: Any = Any) -> object:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise _no_json(problem) from None


def _is_json(text: bytes) -> bool:
    try:
        return isinstance(_checked(text), dict)
    except ParseError:
        return False


def _no_json(problem: Exception) -> ParseError:
    return ParseError(
        "The body is not valid JSON: {reason}.",
        way_out=_WAY_OUT,
        params={"reason": str(problem)[:200]},
    )


def _too_many(count: int) -> ParseError:
    return ParseError(
        "The body holds {count} messages; at most {most} are taken at once.",
        way_out="Cut it into several.",
        params={"count": count, "most": MAX_ITEMS},
    )
