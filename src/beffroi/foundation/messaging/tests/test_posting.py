"""What a receiver may do to us: be slow, be endless, lie, send elsewhere."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from beffroi.foundation.messaging.contracts import Answer, Failure
from beffroi.foundation.messaging.destinations import Policy, parse_destination, parse_networks
from beffroi.foundation.messaging.posting import Way, post
from beffroi.foundation.messaging.testing import HERE, receiving

AT = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
NAME = "recepteur.exemple.fr"


def send(
    url: str, *, way: Way = HERE, body: bytes = b"{}", headers: dict[str, str] | None = None
) -> Answer:
    destination = parse_destination(url, policy=way.policy)
    return post(destination, body, headers=headers or {}, way=way, at=AT)


@contextmanager
def speaking(talk: Callable[[socket.socket], None], *, host: str = "127.0.0.1") -> Iterator[int]:
    """Run a server that says what it likes."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.create_server((host, 0), family=family)) as server:

        def serve() -> None:
            try:
                opened, _ = server.accept()
            except OSError:
                return
            with opened:
                try:
                    talk(opened)
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def read_whole(opened: socket.socket) -> None:
    """Read a request to its end: closing before it would reset the connection."""
    read = b""
    while not read.endswith(b"\r\n\r\n{}"):
        part = opened.recv(65_536)
        if not part:
            return
        read += part


def test_a_body_arrives_and_the_answer_is_cut() -> None:
    with receiving((200, {}, b"x" * 100_000)) as receiver:
        answer = send(receiver.url, body=b"bonjour", headers={"Content-Type": "text/plain"})
        assert (answer.status, answer.accepted, len(answer.excerpt)) == (200, True, 1_000)
        (got,) = receiver.received
    assert got.body == b"bonjour"
    assert got.headers["content-type"] == "text/plain"
    assert got.headers["connection"] == "close"


def test_it_reaches_ipv6() -> None:
    def talk(opened: socket.socket) -> None:
        read_whole(opened)
        opened.sendall(b"HTTP/1.1 204 None\r\n\r\n")

    with speaking(talk, host="::1") as port:
        assert send(f"http://[::1]:{port}/").status == 204


@pytest.mark.parametrize("way_of_lying", ["head", "body", "nothing"])
def test_a_receiver_that_dribbles_is_left_in_time(way_of_lying: str) -> None:
    stop = threading.Event()

    def dribble(opened: socket.socket) -> None:
        opened.recv(65_536)
        if way_of_lying == "body":
            opened.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        elif way_of_lying == "head":
            opened.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while not stop.wait(0.05):
            if way_of_lying != "nothing":
                opened.sendall(b"x")

    with speaking(dribble) as port:
        answer = send(f"http://127.0.0.1:{port}/", way=replace(HERE, timeout_s=0.4))
        stop.set()
    assert answer.failure is Failure.TIMEOUT
    assert 350 <= answer.milliseconds < 3_000


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_not_http_is_a_failure(said: bytes) -> None:
    def talk(opened: socket.socket) -> None:
        opened.recv(65_536)
        opened.sendall(said)

    with speaking(talk) as port:
        answer = send(f"http://127.0.0.1:{port}/")
    assert answer.failure in {Failure.PROTOCOL, Failure.UNREACHABLE}


def test_nobody_there_is_a_failure() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    assert send(f"http://127.0.0.1:{port}/").failure is Failure.UNREACHABLE


def test_the_name_is_resolved_once_and_the_connection_goes_to_that_address() -> None:
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        # The first answer is allowed, those after it lead inside.
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    with receiving(204) as receiver:
        way = replace(HERE, resolver=rebinding)
        assert send(f"http://localhost:{receiver.port}/", way=way).status == 204
        assert asked == ["localhost"]
        assert receiver.received[0].headers["host"] == f"localhost:{receiver.port}"
        assert send(f"http://localhost:{receiver.port}/", way=way).failure is (
            Failure.REFUSED_ADDRESS
        )
        assert len(receiver.received) == 1


def test_a_public_name_that_leads_inside_is_refused() -> None:
    with receiving() as receiver:
        way = Way(policy=Policy(), resolver=lambda _h, _p: ["127.0.0.1"])
        answer = send(f"https://{NAME}:{receiver.port}/", way=way)
        assert (answer.failure, answer.detail) == (Failure.REFUSED_ADDRESS, "127.0.0.1")
        assert receiver.received == []


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("120", dt.timedelta(minutes=2)),
        ("Sun, 22 Nov 2026 12:01:00 GMT", dt.timedelta(minutes=1)),
        ("Sun, 22 Nov 2026 11:00:00 GMT", dt.timedelta(0)),
        ("999999999", dt.timedelta(days=1)),
        ("-5", None),
        ("demain", None),
        ("9" * 400, None),
    ],
)
def test_retry_after_is_read(text: str, wait: dt.timedelta | None) -> None:
    with receiving((503, {"Retry-After": text}, b"")) as receiver:
        assert send(receiver.url).retry_after == wait


@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nX: 1"])
def test_no_header_can_be_injected(value: str) -> None:
    with receiving() as receiver:
        answer = send(receiver.url, headers={"Beffroi-Event": value})
        assert answer.failure is Failure.PROTOCOL
        assert receiver.received == []


def test_a_certificate_is_verified_for_the_name(tmp_path: Path) -> None:
    authority, server = certificates(tmp_path)
    told = ssl.create_default_context(cadata=authority)
    policy = Policy(parse_networks("127.0.0.0/8"))
    way = Way(policy=policy, resolver=lambda _h, _p: ["127.0.0.1"], tls=told)

    def talk(opened: socket.socket) -> None:
        with server.wrap_socket(opened, server_side=True) as secured:
            read_whole(secured)
            secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with speaking(talk) as port:
        answer = send(f"https://{NAME}:{port}/x", way=way)
    assert (answer.status, answer.excerpt) == (200, "ok")
    with speaking(talk) as port:
        assert send(f"https://autre.exemple.fr:{port}/x", way=way).failure is Failure.TLS
    with speaking(talk) as port:
        unknown = replace(way, tls=None)
        assert send(f"https://{NAME}:{port}/x", way=unknown).failure is Failure.TLS


def certificates(folder: Path) -> tuple[str, ssl.SSLContext]:
    """Make an authority and a server's certificate signed by it."""
    authority_key, key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Autorité d’essai")])

    def certificate(name: x509.Name, public: ec.EllipticCurvePublicKey, *, ca: bool) -> bytes:
        start = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(authority)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + dt.timedelta(days=3))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            names = x509.SubjectAlternativeName([x509.DNSName(NAME)])
            built = built.add_extension(names, critical=False)
        signed = built.sign(authority_key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    held = folder / "server.pem"
    held.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate(own, key.public_key(), ca=False)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(held)
    return certificate(authority, authority_key.public_key(), ca=True).decode(), context
