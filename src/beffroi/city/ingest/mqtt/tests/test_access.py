"""Who may connect and publish: files that a real mosquitto reads, certificates that it checks."""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection

from beffroi.city.ingest.mqtt.acl import (
    broker_access,
    configuration,
    configuration_without_tls,
    write_files,
)
from beffroi.city.ingest.mqtt.contracts import Address, BrokerDescription, BrokerRefused, Protocol
from beffroi.city.ingest.mqtt.load import (
    NOT_AUTHORIZED,
    Published,
    Publisher,
    PublisherRefused,
)
from beffroi.city.ingest.mqtt.models import Broker, BrokerAccount
from beffroi.city.ingest.mqtt.passwords import is_password_of, mosquitto_hash
from beffroi.city.ingest.mqtt.probe import broker_try
from beffroi.city.ingest.mqtt.services import (
    account_issue,
    account_revoke,
    address_of,
    broker_create,
    subscription_add,
)
from beffroi.city.ingest.mqtt.testing import (
    LIMIT_S,
    Authority,
    Identity,
    Mosquitto,
    broker,
    has_mosquitto,
    patiently,
    subscribing,
    tls_lines,
)
from beffroi.city.ingest.mqtt.tests.test_subscriber import DEVICE, connected, stored
from beffroi.city.ingest.testing import MadeSource, tiny_message
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.kernel.clock import now

RELOADED = "Reloading config"
BAD_USER_OR_PASSWORD = {0x86, NOT_AUTHORIZED}


@pytest.fixture(autouse=True)
def installed(needs_mosquitto: None) -> None:
    """Every test of this file needs the broker."""


def test_our_hashes_are_mosquittos_own(tmp_path: Path) -> None:
    path = tmp_path / "passwords"
    for user, iterations in (("a", 101), ("b", 20_000)):
        done = subprocess.run(  # noqa: S603 - Debian's own program
            ["/usr/bin/mosquitto_passwd", *(["-c"] if user == "a" else []), "-b",
             "-I", str(iterations), str(path), user, "motdepasse-é"],
            check=True, capture_output=True,
        )  # fmt: skip
        assert done.returncode == 0
    kept = dict(line.split(":", 1) for line in path.read_text(encoding="utf-8").splitlines())
    for stored_hash in kept.values():
        assert is_password_of("motdepasse-é", stored_hash)
        assert not is_password_of("motdepasse", stored_hash)
    ours = mosquitto_hash("motdepasse-é")
    assert len(ours) == len(kept["a"])
    assert not is_password_of("x", "$6$101$AAAA$AAAA")
    assert not is_password_of("x", "nothing")


@dataclass
class Guarded:
    """A broker that reads our files."""

    mosquitto: Mosquitto
    folder: Path
    uuid: UUID
    town: Territory
    passwords: dict[str, str] = field(default_factory=dict)

    def write(self) -> None:
        """Write the files and have the broker read them."""
        with acting_for(self.town.id):
            found = broker_access(self.uuid)
        before = self.mosquitto.log().count(RELOADED)
        if write_files(found, self.folder) and self.mosquitto.runs:
            self.mosquitto.send(signal.SIGHUP)
            patiently(
                lambda: self.mosquitto.log().count(RELOADED) > before,
                complaint="the files are not read again",
            )

    def publisher(self, user: str, *, password: str | None = None) -> Publisher:
        """Return who publishes as a user."""
        return Publisher(
            host="127.0.0.1", port=self.mosquitto.port, client_id=f"client-{user}", username=user,
            password=self.passwords[user] if password is None else password,
        )  # fmt: skip


@pytest.fixture
def guarded(town: Territory, source: MadeSource, tmp_path: Path) -> Iterator[Guarded]:
    lines = [line for line in configuration_without_tls(folder=tmp_path) if "anonymous" not in line]
    made = Mosquitto(tmp_path, lines=lines, anonymous=False)
    with acting_for(town.id):
        row = broker_create(
            BrokerDescription(
                name="Le nôtre", host="127.0.0.1", port=made.port, tls=False, username="beffroi",
                password="le nôtre",
            )
        )  # fmt: skip
        subscription_add(source.row.uuid, row.uuid, topic="t/{device}/up")
        subscription_add(source.row.uuid, row.uuid, topic="net/#")
        passwords = {
            user: account_issue(row.uuid, user).password for user in ("lampe-1", "lampe-2")
        }
        passwords["reseau"] = account_issue(
            row.uuid, "reseau", source_uuid=source.row.uuid
        ).password
    found = Guarded(made, tmp_path, row.uuid, town, passwords)
    found.write()
    made.start()
    try:
        yield found
    finally:
        made.stop()


def tried(publisher: Publisher, *topics: str) -> Published:
    messages = [(topic, b"{}") for topic in topics]
    return asyncio.run(publisher.publish(messages))


def test_each_user_publishes_where_it_may_and_nowhere_else(guarded: Guarded) -> None:
    device = tried(
        guarded.publisher("lampe-1"),
        "t/lampe-1/up", "t/lampe-2/up", "net/a", "t/lampe-1/x",
    )  # fmt: skip
    assert {rank for rank, code in device.refused.items() if code == NOT_AUTHORIZED} >= {1, 2}
    assert not {0, 3} & {rank for rank, code in device.refused.items() if code == NOT_AUTHORIZED}
    network = tried(guarded.publisher("reseau"), "net/a", "t/lampe-1/up", "elsewhere")
    assert network.refused.get(2) == NOT_AUTHORIZED
    for publisher in (
        guarded.publisher("lampe-1", password="autre"),
        guarded.publisher("personne", password="x"),
        Publisher(host="127.0.0.1", port=guarded.mosquitto.port, client_id="sans"),
    ):
        with pytest.raises(PublisherRefused) as caught:
            tried(publisher, "t/lampe-1/up")
        assert caught.value.reason in BAD_USER_OR_PASSWORD


def test_a_revoked_user_is_refused_within_a_second_even_when_connected(guarded: Guarded) -> None:
    with acting_for(guarded.town.id):
        account = BrokerAccount.objects.get(username="lampe-1")
    took = asyncio.run(_until_refused(guarded, account.uuid))
    assert took < 2
    with pytest.raises(PublisherRefused):
        tried(guarded.publisher("lampe-1"), "t/lampe-1/up")
    tried(guarded.publisher("lampe-2"), "t/lampe-2/up")


async def _until_refused(guarded: Guarded, account: UUID) -> float:
    """Publish without end; return the seconds from the revocation to the first refusal."""
    ended = asyncio.Event()
    messages = [("t/lampe-1/up", b"{}")] * 1_000_000
    publisher = guarded.publisher("lampe-1")
    result = Published()

    async def publish() -> None:
        try:
            await publisher.publish(messages, result=result, stop=ended.is_set)
        except (PublisherRefused, OSError, EOFError):
            ended.set()

    task = asyncio.create_task(publish())
    await asyncio.to_thread(
        patiently, lambda: bool(result.latencies_s), complaint="nothing is acknowledged"
    )

    def revoke() -> None:
        with acting_for(guarded.town.id):
            account_revoke(guarded.uuid, account)
        guarded.write()
        connection.close()  # this thread's own

    start = time.monotonic()
    await asyncio.to_thread(revoke)
    async with asyncio.timeout(LIMIT_S):
        await ended.wait()
    took = time.monotonic() - start
    await task
    return took


def test_a_new_password_ends_the_former(guarded: Guarded) -> None:
    with acting_for(guarded.town.id):
        issued = account_issue(guarded.uuid, "lampe-1")
    guarded.write()
    tried(guarded.publisher("lampe-1", password=issued.password), "t/lampe-1/up")
    with pytest.raises(PublisherRefused):
        tried(guarded.publisher("lampe-1"), "t/lampe-1/up")


def test_our_own_user_reads_what_is_subscribed(guarded: Guarded) -> None:
    with subscribing():
        connected(guarded.town, guarded.uuid)
        body = tiny_message(DEVICE, now(), hex="00d7")
        sent = [("net/a", json.dumps(body).encode())]
        done = asyncio.run(guarded.publisher("reseau").publish(sent))
        assert done.acknowledged == [0]
        stored(guarded.town, 1)


def test_the_trial_uses_our_user(guarded: Guarded) -> None:
    with acting_for(guarded.town.id):
        address = address_of(Broker.objects.get(uuid=guarded.uuid))
    assert broker_try(address, [("net/#", 1)]) is None
    refused = broker_try(replace(address, password="autre"))
    assert refused is not None
    assert refused.code == "broker.refusal"


def test_a_broker_without_our_user_has_no_files(town: Territory) -> None:
    with acting_for(town.id):
        row = broker_create(BrokerDescription(name="Ouvert", host="localhost", port=1, tls=False))
        with pytest.raises(BrokerRefused, match="no user and password"):
            broker_access(row.uuid)


def test_the_fragment_names_the_files_and_loses_nothing_in_silence() -> None:
    text = configuration(folder=Path("/etc/mosquitto/beffroi"), port=8883, hostname="mqtt")
    for part in (
        "listener 8883", "certfile /etc/mosquitto/certs/mqtt.crt", "allow_anonymous false",
        "password_file /etc/mosquitto/beffroi/passwords", "max_queued_messages 100000000",
        "persistence true",
    ):  # fmt: skip
        assert part in text


AUTHORITY, ROGUE = Authority(), Authority("Autre autorité")


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    folder = tmp_path_factory.mktemp("tls")
    if not has_mosquitto():
        pytest.skip("mosquitto is not installed")
    with broker(lines=tls_lines(folder, AUTHORITY, clients=True), folder=folder) as running:
        yield running


def address(running: Mosquitto, identity: Identity | None, **fields: object) -> Address:
    known: dict[str, object] = {
        "host": "localhost", "port": running.port, "tls": True, "client_id": "essai",
        "ca_certificate": AUTHORITY.certificate,
    }  # fmt: skip
    if identity is not None:
        known |= {"client_certificate": identity.certificate, "client_key": identity.key}
    return Address(**{**known, **fields})  # type: ignore[arg-type]  # the fields of an address


@pytest.mark.parametrize("protocol", list(Protocol))
def test_our_certificate_lets_us_in(certified: Mosquitto, protocol: Protocol) -> None:
    identity = AUTHORITY.issue("beffroi")
    problem = broker_try(address(certified, identity, protocol=protocol), [("t/#", 1)])
    assert problem is None


@pytest.mark.parametrize(
    ("identity", "codes"),
    [
        (None, {"broker.tls", "broker.cut", "broker.refusal", "broker.unreachable"}),
        (ROGUE.issue("beffroi"), {"broker.tls", "broker.cut", "broker.unreachable"}),
        (AUTHORITY.issue("beffroi", days=-1), {"broker.tls", "broker.cut", "broker.unreachable"}),
    ],
    ids=["absent", "rogue", "expired"],
)
def test_any_other_certificate_is_refused(
    certified: Mosquitto, identity: Identity | None, codes: set[str]
) -> None:
    problem = broker_try(address(certified, identity))
    assert problem is not None
    assert problem.code in codes, problem


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"ca_certificate": ROGUE.certificate}, "broker.untrusted"),
        ({"ca_certificate": ""}, "broker.untrusted"),
        ({"tls": False}, "broker.cut"),
        ({"port": 1}, "broker.closed"),
        ({"host": "nulle-part.invalid"}, "broker.name"),
        ({"ca_certificate": "no certificate"}, "broker.authority"),
        ({"client_certificate": "no certificate"}, "broker.certificate"),
    ],
)
def test_what_is_wrong_is_said(certified: Mosquitto, fields: dict[str, object], code: str) -> None:
    problem = broker_try(address(certified, AUTHORITY.issue("beffroi"), **fields))
    assert problem is not None
    assert problem.code == code, problem


def test_a_subscriber_reads_over_tls(
    certified: Mosquitto, town: Territory, source: MadeSource
) -> None:
    identity = AUTHORITY.issue("beffroi")
    with acting_for(town.id):
        row = broker_create(
            BrokerDescription(
                name="Chiffré", host="localhost", port=certified.port,
                ca_certificate=AUTHORITY.certificate, client_certificate=identity.certificate,
                client_key=identity.key,
            )
        )  # fmt: skip
        subscription_add(source.row.uuid, row.uuid, topic="net/#")
    context = ssl.create_default_context(cadata=AUTHORITY.certificate)
    folder = certified.folder
    device = AUTHORITY.issue("lampe-1")
    (folder / "device.pem").write_text(device.certificate + device.key, encoding="ascii")
    context.load_cert_chain(folder / "device.pem")
    bodies = [tiny_message(DEVICE, now(), hex="00d7", name="x" * 20_000) for _ in range(300)]
    sent = [("net/a", json.dumps(body).encode()) for body in bodies]
    publisher = Publisher(host="localhost", port=certified.port, client_id="net", tls=context)
    with subscribing():
        connected(town, row.uuid)
        assert len(asyncio.run(publisher.publish(sent)).acknowledged) == 300
        stored(town, 300)
