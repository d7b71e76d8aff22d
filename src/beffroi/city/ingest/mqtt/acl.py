"""The files that make a mosquitto of one's own know who may publish what.

A device may write to ``t/<its name>/…``, a network server to the topics that its source
subscribes to, and we may read what is subscribed. Passwords are hashed as mosquitto hashes them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from beffroi.city.ingest.mqtt.contracts import AccountKind, BrokerRefused
from beffroi.city.ingest.mqtt.models import Broker, BrokerAccount, Subscription
from beffroi.city.ingest.mqtt.passwords import SALT_OCTETS, mosquitto_hash
from beffroi.city.ingest.mqtt.secrets import Secret, unseal
from beffroi.city.ingest.mqtt.topics import topic_of

PASSWORDS, ACCESS, CONFIGURATION = "passwords", "access", "conf.d/beffroi.conf"
PERSON_ITERATIONS = 20_000
"""Of our own password, which a person may have chosen."""

SAVED_EVERY_S = 10
QUEUED_MESSAGES = 100_000_000
QUEUED_OCTETS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Access:
    """What the files say: users with their hashes, and who may do what."""

    passwords: str
    access: str
    users: int


def broker_access(uuid: UUID) -> Access:
    """Gather who may do what on a broker of the current territory.

    Raises:
        BrokerRefused: the broker has no user of ours: everybody would have to be let in.
    """
    broker = Broker.objects.get(uuid=uuid)
    if not broker.username or broker.sealed_password is None:
        raise BrokerRefused(
            "This broker has no user and password of ours.",
            field="username",
            way_out="Choose them on the broker’s page; the files are made for them.",
        )
    accounts = list(
        BrokerAccount.objects.filter(broker=broker, revoked_at=None).order_by("username")
    )
    topics = list(Subscription.objects.filter(broker=broker).order_by("id"))
    password = unseal(broker.sealed_password, what=Secret.PASSWORD, broker=broker.uuid)
    # The same salt until the password is sealed again: what has not changed is not written.
    salt = hashlib.sha256(bytes(broker.sealed_password)).digest()[:SALT_OCTETS]
    own = mosquitto_hash(password, iterations=PERSON_ITERATIONS, salt=salt)
    lines = [f"{broker.username}:{own}"]
    lines += [f"{account.username}:{account.password_hash}" for account in accounts]
    return Access(
        passwords="".join(f"{line}\n" for line in lines),
        access="\n".join(_access(broker, accounts, topics)) + "\n",
        users=len(lines),
    )


def configuration(*, folder: Path, port: int, hostname: str) -> str:
    """Return the part of mosquitto.conf that goes with the files of a folder."""
    return f"""\
# Beffroi wrote this file; `beffroi mqtt acl` writes it again.
per_listener_settings false
listener {port}
# Certificate of this machine; for clients that show one, uncomment the last two lines.
cafile /etc/mosquitto/certs/ca.crt
certfile /etc/mosquitto/certs/{hostname}.crt
keyfile /etc/mosquitto/certs/{hostname}.key
tls_version tlsv1.2
#require_certificate true
#use_identity_as_username true
{_shared_lines(folder)}"""


def configuration_without_tls(*, folder: Path) -> list[str]:
    """Return the lines of :func:`configuration` that a listener of one's own goes with."""
    return _shared_lines(folder).splitlines()


def write_files(found: Access, folder: Path) -> bool:
    """Write what changed of both files, for the broker alone to read; tell whether any did.

    Each is put in its place whole: a broker that reads meanwhile reads the one or the other.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {folder / PASSWORDS: found.passwords, folder / ACCESS: found.access}
    changed = {path: text for path, text in wanted.items() if _read(path) != text}
    for path, text in changed.items():
        _replace(path, text)
    return bool(changed)


def _shared_lines(folder: Path) -> str:
    return f"""\
allow_anonymous false
password_file {folder / PASSWORDS}
acl_file {folder / ACCESS}
# What waits for Beffroi is kept: by default, all beyond 1000 messages is dropped in silence.
# Not 0 (without limit): mosquitto 2.0.11 then cuts off whoever publishes where it may not.
max_queued_messages {QUEUED_MESSAGES}
max_queued_bytes {QUEUED_OCTETS}
max_inflight_messages 1000
persistence true
# Written so often, and at a stop: what a broker that is killed loses is of this time at most.
autosave_interval {SAVED_EVERY_S}
persistent_client_expiration 7d
max_packet_size 1048576
"""


def _access(
    broker: Broker, accounts: Iterable[BrokerAccount], topics: Iterable[Subscription]
) -> Iterable[str]:
    yield f"# Beffroi wrote this file for its broker {broker.uuid}; change rights on its pages."
    filters = {topic.id: topic_of(topic.topic).filter for topic in topics}
    yield ""
    yield f"user {broker.username}"
    yield from (f"topic read {filter_}" for filter_ in sorted(set(filters.values())))
    for account in accounts:
        yield ""
        yield f"user {account.username}"
        if account.kind == AccountKind.SOURCE.value:
            of_source = {filters[one.id] for one in topics if one.source_id == account.source_id}
            yield from (f"topic write {filter_}" for filter_ in sorted(of_source))
        else:
            yield f"topic write t/{account.username}/#"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.new")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    if path.exists():
        # The broker's group reads it, where an administrator gave it to that group.
        owner = path.stat()
        os.chown(part, owner.st_uid, owner.st_gid)
    part.replace(path)
