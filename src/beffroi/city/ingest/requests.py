"""HTTP as the ingest path reads and answers it: bounded bodies, problems of RFC 9457."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from beffroi.city.ingest.contracts import DeliveryRefused
from beffroi.city.ingest.directory import SourceEntry
from beffroi.kernel.clock import now
from beffroi.sdk.connectors import Authentication, Connector, Delivery

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY = 8 * 1024 * 1024
"""Octets of a body, as sent and as unpacked: what a small body unpacks to is bounded too."""

BODY_TIME_S = 30.0

_SECRET_HEADERS = frozenset({"authorization", "x-beffroi-secret", "cookie", "proxy-authorization"})
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def octets_announced(headers: Mapping[str, str]) -> int:
    """Return how much room a body may take: its length, or the most where that is unknown."""
    declared = headers.get("content-length", "")
    if declared.isdigit() and "content-encoding" not in headers:
        return min(int(declared), MAX_BODY)
    return MAX_BODY


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the headers by lower-case name; repeated ones are joined as HTTP says."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def presented_secrets(headers: Mapping[str, str]) -> list[str]:
    """Return what the request offers as the source's secret."""
    found: list[str] = []
    if "x-beffroi-secret" in headers:
        found.append(headers["x-beffroi-secret"].strip())
    scheme, _, value = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer":
        found.append(value.strip())
    elif scheme.lower() == "basic":
        try:
            pair = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            pair = ""
        found.append(pair.partition(":")[2])
    return [secret for secret in found if secret]


def secret_is_right(source: SourceEntry, headers: Mapping[str, str]) -> bool:
    """Tell whether the request shows a secret of the source; in constant time per secret.

    SHA-256 without salt is enough: the secret is 256 random bits that no list can hold.
    """
    if source.authentication != Authentication.SECRET.value:
        return False
    instant = now()
    right = False
    for secret in presented_secrets(headers):
        offered = hashlib.sha256(secret.encode()).digest()
        for stored, until in source.secret_hashes:
            right |= hmac.compare_digest(offered, stored) and instant < until
    return right


async def read_body(
    scope_headers: Mapping[str, str], receive: Receive, *, time_s: float = BODY_TIME_S
) -> bytes:
    """Return the body, unpacked.

    Raises:
        DeliveryRefused: it is too long, too slow, or packed in a way we do not unpack.
        ConnectionError: the client left.
    """
    declared = scope_headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BODY:
        raise _too_long()
    try:
        async with asyncio.timeout(time_s):
            octets = await _received(receive)
    except TimeoutError:
        raise DeliveryRefused(
            "The body did not come in time.", status=408, code="body.slow"
        ) from None
    coding = scope_headers.get("content-encoding", "identity").strip().lower()
    if coding in {"", "identity"}:
        return octets
    if coding not in {"gzip", "x-gzip"}:
        raise DeliveryRefused(
            "The body is packed as {coding}.",
            status=415,
            code="body.coding",
            params={"coding": coding[:40]},
            way_out="Send it as it is, or packed with gzip.",
        )
    return await asyncio.to_thread(unpacked, octets)


def unpacked(octets: bytes, *, limit: int = MAX_BODY) -> bytes:
    """Unpack gzip, stopping at the limit whatever the octets promise.

    Raises:
        DeliveryRefused: it is not gzip, is cut, or unpacks to more than the limit.
    """
    parts: list[bytes] = []
    left = limit
    while octets:
        unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            part = unpacker.decompress(octets, left + 1)
        except zlib.error:
            raise _not_gzip() from None
        left -= len(part)
        if left < 0 or unpacker.unconsumed_tail:
            raise _too_long()
        if not unpacker.eof:
            raise _not_gzip()
        parts.append(part)
        octets = unpacker.unused_data
    return b"".join(parts)


def check_content_type(connector: Connector, content_type: str) -> str:
    """Return the media type with its parameters; a missing one is the connector's first.

    Raises:
        DeliveryRefused: the connector does not read this type.
    """
    media = content_type.split(";", 1)[0].strip().lower()
    if not media:
        return connector.content_types[0]
    if media not in connector.content_types:
        raise DeliveryRefused(
            "The connector {connector} does not read {content_type}.",
            status=415,
            code="body.type",
            params={"connector": connector.key, "content_type": media[:80]},
            way_out=f"Send Content-Type: {' or '.join(connector.content_types)}.",
        )
    return content_type.strip()


def delivery_of(
    scope: Scope,
    headers: Mapping[str, str],
    body: bytes,
    *,
    content_type: str,
    settings: Mapping[str, Any],
) -> Delivery:
    """Return what the connector receives: no secret is in it."""
    query_string = scope["query_string"].decode("latin-1")
    return Delivery(
        body=body,
        content_type=content_type,
        received_at=now(),
        headers={name: text for name, text in headers.items() if name not in _SECRET_HEADERS},
        query=dict(parse_qsl(query_string, keep_blank_values=True)),
        query_string=query_string,
        settings=settings,
    )


async def answer(send: Send, *, status: int, content: Mapping[str, Any]) -> None:
    """Send a JSON answer."""
    await _send(send, status, msgspec.json.encode(content), content_type=b"application/json")


async def answer_problem(send: Send, problem: DeliveryRefused, *, allow: str = "") -> None:
    """Send a problem of RFC 9457."""
    content: dict[str, Any] = {
        "type": f"urn:beffroi:problem:{problem.code}",
        "title": _TITLES.get(problem.status, "Error"),
        "status": problem.status,
        "code": problem.code,
        "detail": str(problem),
    }
    extra: list[tuple[bytes, bytes]] = []
    if problem.retry_after_s is not None:
        extra.append((b"retry-after", str(problem.retry_after_s).encode()))
    if problem.status == 401:
        extra.append((b"www-authenticate", b'Bearer realm="beffroi", Basic realm="beffroi"'))
    if allow:
        extra.append((b"allow", allow.encode()))
    await _send(
        send,
        problem.status,
        msgspec.json.encode(content),
        content_type=b"application/problem+json",
        extra=extra,
    )


async def _send(
    send: Send,
    status: int,
    body: bytes,
    *,
    content_type: bytes,
    extra: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *extra,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _received(receive: Receive) -> bytes:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body = bytes(message.get("body", b""))
        if len(body) > MAX_BODY:
            raise _too_long()
        return body
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] != "http.request":
            raise ConnectionError("the sender left before the end of the body")
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            raise _too_long()
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def _too_long() -> DeliveryRefused:
    return DeliveryRefused(
        "The body is longer than {limit} octets.",
        status=413,
        code="body.too_long",
        params={"limit": MAX_BODY},
        way_out="Send it in several parts.",
    )


def _not_gzip() -> DeliveryRefused:
    return DeliveryRefused(
        "The body is not whole gzip data.", status=400, code="body.gzip", way_out="Send it again."
    )
