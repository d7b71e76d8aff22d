"""A mosquitto of one's own, its certificates, and a wire that can be cut, for tests."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from beffroi.city.ingest.intake import Intake, unseal_with_settings
from beffroi.city.ingest.mqtt.subscriber import Subscriber
from beffroi.city.ingest.postgres import application_conninfo

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
LIMIT_S = 60.0


def has_mosquitto() -> bool:
    """Tell whether the broker is installed here."""
    return Path(MOSQUITTO).exists()


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """A broker on loopback over a folder of its own; it may be killed and started again.

    Args:
        folder: where it keeps what it has not given yet.
        lines: of its configuration, besides the listener.
        anonymous: anybody may do anything.
    """

    def __init__(self, folder: Path, *, lines: Sequence[str] = (), anonymous: bool = True) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        everything = [
            f"listener {self.port} 127.0.0.1",
            f"allow_anonymous {'true' if anonymous else 'false'}",
            "user root",
            f"pid_file {self.pid_file}",
            f"persistence_location {folder}/",
            *lines,
        ]
        self.configuration = folder / "mosquitto.conf"
        self.configuration.write_text("\n".join(everything) + "\n", encoding="utf-8")

    @property
    def pid_file(self) -> Path:
        """Return where it says its process."""
        return self.folder / "mosquitto.pid"

    @property
    def runs(self) -> bool:
        """Tell whether it was started and not stopped."""
        return self._process is not None

    def log(self) -> str:
        """Return what it said so far."""
        path = self.folder / "mosquitto.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def start(self) -> None:
        """Start, and wait until it listens.

        Raises:
            AssertionError: it does not.
        """
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - Debian's own broker
                [MOSQUITTO, "-c", str(self.configuration)], stdout=log, stderr=log
            )
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(self.log())

    @property
    def pid(self) -> int:
        """Return its process."""
        if self._process is None:
            raise AssertionError("the broker does not run")
        return self._process.pid

    def stop(self) -> None:
        """Stop in order: it saves what it holds."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill -9."""
        self._end(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal: SIGHUP has it read its password and access files again."""
        if self._process is not None:
            self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(LIMIT_S)
            self._process = None


@contextlib.contextmanager
def broker(
    *, lines: Sequence[str] = (), anonymous: bool = True, folder: Path | None = None
) -> Iterator[Mosquitto]:
    """Run a broker for the block."""
    with contextlib.ExitStack() as stack:
        if folder is None:
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix="beffroi-mqtt-"))
            folder = Path(name)
        made = Mosquitto(folder, lines=lines, anonymous=anonymous)
        made.start()
        try:
            yield made
        finally:
            made.stop()


class Wire:
    """A wire between a client and a server that can be cut: bytes are then lost, not delayed.

    It lives in a loop of its own; :func:`wired` runs one.
    """

    def __init__(self, to: int, loop: asyncio.AbstractEventLoop) -> None:
        self.port = free_port()
        self._to = to
        self._loop = loop
        self._ends: set[asyncio.StreamWriter] = set()
        self._whole = True

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until an end leaves, or the wire is cut."""
        if not self._whole:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        self._ends |= {writer, back}
        ways = [asyncio.create_task(_copy(reader, back)), asyncio.create_task(_copy(there, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, back):
            self._ends.discard(end)
            end.transport.abort()
        await asyncio.gather(*ways, return_exceptions=True)

    def cut(self) -> None:
        """Drop every connection, and all that is on its way; refuse new ones."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(LIMIT_S)

    def mend(self) -> None:
        """Carry again."""
        self._whole = True

    async def _cut(self) -> None:
        self._whole = False
        for end in self._ends:
            end.transport.abort()


@contextlib.contextmanager
def wired(to: int) -> Iterator[Wire]:
    """Carry connections to a port of this machine, over a wire that can be cut."""
    loop = asyncio.new_event_loop()
    wire = Wire(to, loop)
    server = loop.run_until_complete(asyncio.start_server(wire.carry, "127.0.0.1", wire.port))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        wire.cut()
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(LIMIT_S)
        for task in asyncio.all_tasks(loop):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                loop.run_until_complete(task)
        loop.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while octets := await reader.read(65_536):
            writer.write(octets)
            await writer.drain()


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, as PEM."""

    certificate: str
    key: str


class Authority:
    """A certificate authority of a test."""

    def __init__(self, name: str = "Autorité d’essai") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        built = (
            self._builder(self._name, self._key.public_key(), days=30)
            .add_extension(constraints, critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True, key_cert_sign=True, crl_sign=True,
                    content_commitment=False, key_encipherment=False, data_encipherment=False,
                    key_agreement=False, encipher_only=False, decipher_only=False,
                ),
                critical=True,
            )
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )  # fmt: skip
        self.certificate = _pem(built)

    def issue(self, name: str, *, days: int = 30, server: bool = False) -> Identity:
        """Return a certificate of this authority; a negative number of days has passed already."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(subject, key.public_key(), days=days).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
            critical=False,
        )
        if server:
            names = x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            )
            builder = builder.add_extension(names, critical=False)
        return Identity(_pem(builder.sign(self._key, hashes.SHA256())), _key_pem(key))

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, days: int
    ) -> x509.CertificateBuilder:
        end = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(end - dt.timedelta(days=60))
            .not_valid_after(end)
        )


def tls_lines(folder: Path, authority: Authority, *, clients: bool = False) -> list[str]:
    """Write the broker's certificate and return the lines that have it speak TLS."""
    identity = authority.issue("localhost", server=True)
    for name, text in (("ca.crt", authority.certificate), ("server.crt", identity.certificate),
                       ("server.key", identity.key)):  # fmt: skip
        (folder / name).write_text(text, encoding="ascii")
    return [
        f"cafile {folder / 'ca.crt'}",
        f"certfile {folder / 'server.crt'}",
        f"keyfile {folder / 'server.key'}",
        *(["require_certificate true", "use_identity_as_username true"] if clients else []),
    ]


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode("ascii")


@contextlib.contextmanager
def subscribing(*, number: int = 1, acknowledge_first: bool = False) -> Iterator[Subscriber]:
    """Run a subscriber process's work in a thread, on the test's database."""
    conninfo = application_conninfo()
    ready = threading.Event()
    made: list[tuple[Subscriber, asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        intake = Intake(url=lambda: conninfo, unseal=unseal_with_settings, name="mqtt", pool_size=4)
        stop = asyncio.Event()
        subscriber = Subscriber(
            intake, url=lambda: conninfo, number=number, acknowledge_first=acknowledge_first
        )
        made.append((subscriber, asyncio.get_running_loop(), stop))
        ready.set()
        await subscriber.run(stop)

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    if not ready.wait(LIMIT_S):
        raise AssertionError("the subscriber does not start")
    subscriber, loop, stop = made[0]
    try:
        yield subscriber
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(LIMIT_S)
        if thread.is_alive():
            raise AssertionError("the subscriber does not stop")


def patiently(condition: Callable[[], bool], *, complaint: str, within_s: float = LIMIT_S) -> None:
    """Wait until something is so; what is watched is real, so waiting is by the clock."""
    until = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(complaint)
        time.sleep(0.02)
