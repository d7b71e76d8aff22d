"""Request heads read in one way only, and the pages that answer those that cannot be."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address

MAX_HEADERS = 100

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TARGET = re.compile(rb"/[!-~]*")
_HOST = re.compile(rb"[0-9A-Za-z.\-_]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_VALUE = re.compile(rb"[\t \x21-\x7e\x80-\xff]*")
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"expect",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_OWN = frozenset({b"forwarded", b"x-real-ip", b"host"})

Headers = list[tuple[bytes, bytes]]


API = b"/api/"
"""Below it programs ask: what the front refuses there, it tells as a problem."""


class RefusedRequest(Exception):
    """A request that is answered here, and after which the connection is closed."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """A request line and its headers, checked; header names are in lower case."""

    method: bytes
    target: bytes
    host: bytes
    headers: Headers
    close: bool


def checked_head(head: bytes) -> RequestHead:
    """Read a request head, its final empty line included, in one way only.

    Refuses what proxies and servers are known to read differently: bare line feeds, folded
    lines, spaces before a colon, repeated or contradictory lengths, a length beside a transfer
    coding, a second Host.

    Raises:
        RefusedRequest: the head is not one that may be passed on.
    """
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    words = lines[0].split(b" ")
    if len(words) != 3 or not _TOKEN.fullmatch(words[0]):
        raise RefusedRequest(400, "the request line has not three words")
    method, target, version = words
    if version not in {b"HTTP/1.1", b"HTTP/1.0"}:
        raise RefusedRequest(505, "the version is neither 1.1 nor 1.0")
    if method == b"CONNECT" or not _TARGET.fullmatch(target):
        raise RefusedRequest(400, "the target is not a path")
    if len(lines) - 1 > MAX_HEADERS:
        raise RefusedRequest(431, "too many headers")
    headers = [_checked_header(line) for line in lines[1:]]
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        raise RefusedRequest(400, "the request names no host, or several")
    _check_framing(headers, version=version)
    connection = listed(headers, b"connection")
    return RequestHead(
        method=method,
        target=target,
        host=hosts[0],
        headers=headers,
        close=b"close" in connection or (version == b"HTTP/1.0"),
    )


def forwarded_headers(head: RequestHead, *, peer: str, scheme: str) -> Headers:
    """Return what the upstream receives: our word on who asks, never the client's own.

    ``scheme`` is ``https`` where a reverse proxy of this machine ends TLS: it says who calls it.
    """
    if scheme == "https":
        peer = called_by(head, peer=peer)
    named = listed(head.headers, b"connection")
    kept: Headers = [(b"host", head.host)]
    kept += [
        (name, value)
        for name, value in head.headers
        if name not in HOP_BY_HOP
        and name not in named
        and name not in _OWN
        and not name.startswith(b"x-forwarded-")
        # A server that speaks CGI cannot tell X_Forwarded_For from X-Forwarded-For.
        and b"_" not in name
    ]
    if any(name == b"transfer-encoding" for name, _ in head.headers):
        kept.append((b"transfer-encoding", b"chunked"))
    kept += [
        (b"x-forwarded-for", peer.encode("ascii", "replace")),
        (b"x-forwarded-proto", scheme.encode("ascii")),
        (b"x-forwarded-host", head.host),
        (b"connection", b"close"),
    ]
    return kept


def called_by(head: RequestHead, *, peer: str) -> str:
    """Return the address that a proxy of this machine was called from, else that of the peer.

    The last address is the one that the nearest proxy wrote; those before are anybody's word.
    """
    said = [value for name, value in head.headers if name == b"x-forwarded-for"]
    try:
        if not said or not ip_address(peer).is_loopback:
            return peer
        return str(ip_address(said[-1].rpartition(b",")[2].strip().decode("ascii")))
    except ValueError:
        return peer


def _checked_header(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or not _TOKEN.fullmatch(name):
        raise RefusedRequest(400, "a header has no name, or one with other signs")
    if not _VALUE.fullmatch(value):
        raise RefusedRequest(400, "a header holds a control character")
    return name.lower(), value.strip(b" \t")


def _check_framing(headers: Headers, *, version: bytes) -> None:
    lengths = [value for name, value in headers if name == b"content-length"]
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    if lengths and codings:
        raise RefusedRequest(400, "a length beside a transfer coding")
    if len(lengths) > 1 or any(not re.fullmatch(rb"\d{1,15}", value) for value in lengths):
        raise RefusedRequest(400, "the length is not one number")
    if codings and version == b"HTTP/1.0":
        raise RefusedRequest(400, "a transfer coding in HTTP/1.0")
    if codings and (len(codings) > 1 or codings[0].lower() != b"chunked"):
        raise RefusedRequest(501, "the transfer coding is not chunked alone")


def listed(headers: Headers, wanted: bytes) -> frozenset[bytes]:
    """Return the words of a header that is a list, in lower case."""
    return frozenset(
        word.strip().lower()
        for name, value in headers
        if name == wanted
        for word in value.split(b",")
        if word.strip()
    )


_SENTENCES = {
    400: ("Requête illisible", "Le serveur n’a pas compris cette requête."),
    408: ("Délai dépassé", "La requête n’est pas arrivée en entier à temps."),
    431: ("Requête trop longue", "Les en-têtes de cette requête sont trop longs."),
    501: ("Non pris en charge", "Le serveur ne connaît pas cette façon d’envoyer une requête."),
    502: (
        "Réponse manquante",
        "Le service n’a pas répondu comme prévu. Réessayez dans un instant.",
    ),
    503: (
        "Service en cours de démarrage",
        "Beffroi démarre ou redémarre. Réessayez dans quelques secondes.",
    ),
    505: ("Version refusée", "Le serveur ne parle que HTTP/1.1."),
}


# The web, which serves the style sheets, is what is away: the page carries its own few rules, and
# its policy names them by their hash, so that no other style and no script at all can run.
_STYLE = (
    ":root{color-scheme:light dark}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;"
    "background:light-dark(#f5f4f0,#12161c);color:light-dark(#1d232c,#e6e5e0);"
    "font:1.0625rem/1.55 system-ui,'Segoe UI',Roboto,'Noto Sans','Liberation Sans',sans-serif}"
    "main{max-width:34rem;padding:1.5rem}"
    "h1{margin:0 0 .5rem;font:700 1.75rem/1.2 Charter,Cambria,'Noto Serif',Georgia,serif}"
    "p{margin:0 0 1.25rem}"
    "a{display:inline-block;padding:.6rem 1.1rem;border-radius:6px;font-weight:600;"
    "text-decoration:none;background:light-dark(#2b4a73,#8fb0dd);color:light-dark(#fff,#14181f)}"
    "a:focus-visible{outline:3px solid light-dark(#0b57d0,#9cc3ff);outline-offset:2px}"
)
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode("ascii")
_PASSING = frozenset({502, 503})
"""What a second try may cure."""


def refusal_problem(status: int) -> bytes:
    """Return the same for a program: a problem (RFC 9457), whole, before the connection closes."""
    title, sentence = _SENTENCES[status]
    known = {"type": "about:blank", "title": title, "status": status, "detail": sentence}
    body = json.dumps({**known, "code": "api.unavailable", "instance": API.decode()}).encode()
    lines = [
        f"HTTP/1.1 {status} {'Service Unavailable' if status == 503 else 'Refused'}",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        *(["Retry-After: 5"] if status in _PASSING else []),
        "Connection: close",
    ]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body


def refusal_page(status: int) -> bytes:
    """Return a whole answer, in plain French, after which the connection is closed."""
    title, sentence = _SENTENCES[status]
    retry = '<p><a href="">Réessayer</a></p>' if status in _PASSING else ""
    body = (
        '<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} – Beffroi</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1><p>{sentence}</p>{retry}</main></body></html>\n"
    ).encode()
    lines = [
        f"HTTP/1.1 {status} {'Service Unavailable' if status == 503 else 'Refused'}",
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        f"Content-Security-Policy: default-src 'none'; style-src 'sha256-{_STYLE_HASH}'",
        *(["Retry-After: 5"] if status == 503 else []),
        "Connection: close",
    ]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body
