from __future__ import annotations

import re
from uuid import UUID

from django.db import IntegrityError, transaction

from beffroi.city.ingest.models import Source
from beffroi.city.ingest.mqtt import journal
from beffroi.city.ingest.mqtt.client import tls_context
from beffroi.city.ingest.mqtt.contracts import (
    MOST_QOS,
    AccountKind,
    Address,
    BrokerDescription,
    BrokerNotFound,
    BrokerProblem,
    BrokerRefused,
    IssuedPassword,
    Protocol,
)
from beffroi.city.ingest.mqtt.models import Broker, BrokerAccount, Subscription
from beffroi.city.ingest.mqtt.passwords import mosquitto_hash
from beffroi.city.ingest.mqtt.secrets import Secret, seal, unseal
from beffroi.city.ingest.mqtt.topics import topic_of
from beffroi.foundation.audit.api import SYSTEM, Actor, Subject, audit_record
from beffroi.foundation.database.api import required_territory_id
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import new_secret

MAX_NAME = 120
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[?[0-9a-fA-F:]{2,39}\]?")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,50}")
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,119}")


@transaction.atomic
def broker_create(described: BrokerDescription, *, actor: Actor = SYSTEM, ip: str = "") -> Broker:
    """Add a broker; a subscriber process connects to it once a source subscribes there.

    Raises:
        BrokerRefused: something in it does not fit.
    """
    broker = Broker(territory_id=required_territory_id())
    _describe(broker, described)
    _save(broker)
    _record(journal.BROKER_CREATED, broker, actor=actor, ip=ip, host=broker.host)
    return broker


@transaction.atomic
def broker_update(
    uuid: UUID, described: BrokerDescription, *, actor: Actor = SYSTEM, ip: str = ""
) -> Broker:
    """Change a broker; a password or key that is not given stays.

    Raises:
        BrokerNotFound: there is no such broker.
        BrokerRefused: something in it does not fit.
    """
    broker = locked_broker(uuid)
    _describe(broker, described)
    _save(broker)
    _record(journal.BROKER_CHANGED, broker, actor=actor, ip=ip, host=broker.host)
    return broker


@transaction.atomic
def broker_enable(uuid: UUID, *, enabled: bool, actor: Actor = SYSTEM, ip: str = "") -> None:
    """Connect to a broker again, or leave it; its session there stays for seven days.

    Raises:
        BrokerNotFound: there is no such broker.
    """
    broker = locked_broker(uuid)
    if broker.enabled != enabled:
        broker.enabled = enabled
        broker.save(update_fields=["enabled"])
        verb = journal.BROKER_ENABLED if enabled else journal.BROKER_DISABLED
        _record(verb, broker, actor=actor, ip=ip)


@transaction.atomic
def subscription_add(
    source_uuid: UUID,
    broker_uuid: UUID,
    *,
    topic: str,
    qos: int = MOST_QOS,
    actor: Actor = SYSTEM,
    ip: str = "",
) -> Subscription:
    """Receive a source by a topic of a broker, besides the ways by which it is received already.

    Raises:
        BrokerNotFound: there is no such broker or source.
        BrokerRefused: the topic is none, or the source has it already.
    """
    declared = topic_of(topic.strip())
    if qos not in {0, MOST_QOS}:
        raise BrokerRefused("The quality of service is 0 or 1.", field="qos", value=qos)
    broker, source = locked_broker(broker_uuid), _source(source_uuid)
    subscription = Subscription(
        territory_id=broker.territory_id,
        broker=broker,
        source=source,
        topic=declared.text,
        qos=qos,
    )
    try:
        with transaction.atomic():
            subscription.save()
    except IntegrityError as problem:
        raise BrokerRefused(
            "This source is received by {value} already.", field="topic", value=declared.text
        ) from problem
    _record(journal.SUBSCRIBED, broker, actor=actor, ip=ip, topic=topic, source=source.name)
    return subscription


@transaction.atomic
def subscription_remove(
    source_uuid: UUID, uuid: UUID, *, actor: Actor = SYSTEM, ip: str = ""
) -> None:
    """Receive a source by this topic no more.

    Raises:
        BrokerNotFound: there is no such subscription.
    """
    found = Subscription.objects.select_related("broker", "source").filter(
        uuid=uuid, source__uuid=source_uuid
    )
    subscription = found.first()
    if subscription is None:
        raise BrokerNotFound("There is no such subscription here.")
    subscription.delete()
    _record(
        journal.UNSUBSCRIBED,
        subscription.broker,
        actor=actor,
        ip=ip,
        topic=subscription.topic,
        source=subscription.source.name,
    )


@transaction.atomic
def account_issue(
    broker_uuid: UUID,
    username: str,
    *,
    source_uuid: UUID | None = None,
    actor: Actor = SYSTEM,
    ip: str = "",
) -> IssuedPassword:
    """Give a device (or a source's network) a password for a broker of ours; a former one ends.

    The broker knows it once its files are written again (``beffroi mqtt acl``).

    Raises:
        BrokerNotFound: there is no such broker or source.
        BrokerRefused: the name cannot be a user's.
    """
    broker = locked_broker(broker_uuid)
    if not _USERNAME.fullmatch(username):
        raise BrokerRefused(
            "{value} cannot be a user’s name: letters, figures, and . _ : - inside.",
            field="username",
            value=username,
            params={"value": username[:60]},
        )
    if username == broker.username:
        raise BrokerRefused("This name is our own user’s.", field="username", value=username)
    source = None if source_uuid is None else _source(source_uuid)
    password = new_secret()
    account = BrokerAccount.objects.filter(broker=broker, username=username).first()
    account = account or BrokerAccount(
        territory_id=broker.territory_id, broker=broker, username=username
    )
    account.source = source
    account.kind = (AccountKind.DEVICE if source is None else AccountKind.SOURCE).value
    account.password_hash = mosquitto_hash(password)
    account.issued_at, account.revoked_at = now(), None
    account.save()
    _record(journal.ACCOUNT_ISSUED, broker, actor=actor, ip=ip, username=username)
    return IssuedPassword(username=username, password=password)


@transaction.atomic
def account_revoke(broker_uuid: UUID, uuid: UUID, *, actor: Actor = SYSTEM, ip: str = "") -> None:
    """Refuse an account from now on; refused it is once the broker's files are written again.

    Raises:
        BrokerNotFound: there is no such account.
    """
    broker = locked_broker(broker_uuid)
    account = BrokerAccount.objects.filter(broker=broker, uuid=uuid).first()
    if account is None:
        raise BrokerNotFound("There is no such account here.")
    if account.revoked_at is None:
        account.revoked_at = now()
        account.save(update_fields=["revoked_at"])
        _record(journal.ACCOUNT_REVOKED, broker, actor=actor, ip=ip, username=account.username)


def locked_broker(uuid: UUID) -> Broker:
    """Return a broker of the territory, locked until the transaction ends.

    Raises:
        BrokerNotFound: there is none.
    """
    broker = Broker.objects.select_for_update().filter(uuid=uuid).first()
    if broker is None:
        raise BrokerNotFound("There is no such MQTT broker here.")
    return broker


def address_of(broker: Broker) -> Address:
    """Return how to reach a broker, with what we show to it.

    Raises:
        BrokerProblem: the installation's key has changed.
    """
    return Address(
        host=broker.host,
        port=broker.port,
        tls=broker.tls,
        ca_certificate=broker.ca_certificate,
        client_certificate=broker.client_certificate,
        client_key=unseal(broker.sealed_client_key, what=Secret.CLIENT_KEY, broker=broker.uuid),
        username=broker.username,
        password=unseal(broker.sealed_password, what=Secret.PASSWORD, broker=broker.uuid),
        client_id=broker.client_id,
        protocol=Protocol(broker.protocol),
        keep_alive_s=broker.keep_alive_s,
    )


def _describe(broker: Broker, described: BrokerDescription) -> None:
    name = " ".join(described.name.replace("\x00", "").split())
    if not name or len(name) > MAX_NAME:
        raise BrokerRefused(
            "A broker has a name of at most {limit} characters.",
            field="name",
            value=name,
            params={"limit": MAX_NAME},
        )
    if not _HOST.fullmatch(described.host):
        raise BrokerRefused(
            "{value} is no name of a machine.",
            field="host",
            value=described.host,
            way_out="Write it without scheme nor port, as mqtt.ville.example.fr.",
        )
    if not 0 < described.port < 65_536:
        raise BrokerRefused("{value} is no port.", field="port", value=described.port)
    if not 5 <= described.keep_alive_s <= 3_600:
        raise BrokerRefused(
            "The sign of life is given every 5 to 3600 seconds.",
            field="keep_alive_s",
            value=described.keep_alive_s,
        )
    for field, text in (("shared_group", described.shared_group),
                        ("client_id", described.client_id)):  # fmt: skip
        if text and not _WORD.fullmatch(text):
            raise BrokerRefused(
                "{value} has other marks than letters, figures, - and _.", field=field, value=text
            )
    broker.name, broker.host, broker.port = name, described.host.strip("[]"), described.port
    broker.tls, broker.username = described.tls, described.username
    broker.ca_certificate = described.ca_certificate.strip()
    broker.client_certificate = described.client_certificate.strip()
    broker.client_id = described.client_id or f"beffroi-{broker.uuid.hex[-8:]}"
    broker.protocol, broker.keep_alive_s = described.protocol.value, described.keep_alive_s
    broker.shared_group = described.shared_group
    if described.password is not None:
        broker.sealed_password = seal(
            described.password, what=Secret.PASSWORD, broker=broker.uuid
        ) if described.password else None  # fmt: skip
    if not broker.client_certificate:
        broker.sealed_client_key = None
    elif described.client_key is not None:
        broker.sealed_client_key = seal(
            described.client_key, what=Secret.CLIENT_KEY, broker=broker.uuid
        )
    _check_certificates(broker)


def _check_certificates(broker: Broker) -> None:
    if not broker.tls:
        return
    try:
        tls_context(address_of(broker))
    except BrokerProblem as problem:
        field = "ca_certificate" if problem.code == "broker.authority" else "client_certificate"
        raise BrokerRefused(
            problem.message, field=field, params={"reason": problem.params.get("reason", "")}
        ) from problem


def _save(broker: Broker) -> None:
    try:
        with transaction.atomic():
            broker.save()
    except IntegrityError as problem:
        raise BrokerRefused(
            "There is already a broker called {value}.", field="name", value=broker.name
        ) from problem


def _source(uuid: UUID) -> Source:
    source = Source.objects.filter(uuid=uuid).first()
    if source is None:
        raise BrokerNotFound("There is no such source here.")
    return source


def _record(verb: str, broker: Broker, *, actor: Actor, ip: str, **detail: object) -> None:
    audit_record(
        verb,
        actor=actor,
        territory_id=broker.territory_id,
        subject=Subject("broker", broker.uuid, broker.name),
        detail=detail,
        ip=ip,
    )
