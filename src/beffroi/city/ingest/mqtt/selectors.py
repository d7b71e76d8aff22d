from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from beffroi.city.ingest.mqtt.contracts import (
    STATE_AGE,
    AccountKind,
    AccountView,
    BrokerNotFound,
    BrokerView,
    StateView,
    SubscriptionView,
)
from beffroi.city.ingest.mqtt.models import Broker, BrokerAccount, BrokerState, Subscription
from beffroi.city.ingest.mqtt.topics import topic_of
from beffroi.city.ingest.selectors import sentence
from beffroi.kernel.clock import now

FORGOTTEN_AFTER = timedelta(days=1)
"""A process that has told nothing for so long is shown no more, unless it is the only one."""


def brokers_list() -> list[BrokerView]:
    """Return the brokers of the territory by name, with what their subscribers told last."""
    return [broker_view(row) for row in _with_states(Broker.objects.order_by("name"))]


def broker_get(uuid: UUID) -> BrokerView:
    """Return one broker.

    Raises:
        BrokerNotFound: there is none.
    """
    return broker_view(broker_row(uuid))


def broker_row(uuid: UUID) -> Broker:
    """Return the row of a broker.

    Raises:
        BrokerNotFound: there is none.
    """
    row = _with_states(Broker.objects.filter(uuid=uuid)).first()
    if row is None:
        raise BrokerNotFound("There is no such MQTT broker here.")
    return row


def brokers_declared() -> bool:
    """Tell whether the territory has a broker that a subscriber should connect to."""
    return Broker.objects.filter(enabled=True).exists()


def subscriptions_of(source_uuid: UUID) -> list[SubscriptionView]:
    """Return the topics that a source is received by."""
    rows = (
        Subscription.objects.filter(source__uuid=source_uuid)
        .prefetch_related(Prefetch("broker", queryset=_with_states(Broker.objects.all())))
        .order_by("id")
    )
    return [
        SubscriptionView(
            uuid=row.uuid,
            topic=row.topic,
            filter=topic_of(row.topic).filter,
            qos=row.qos,
            broker=broker_view(row.broker),
        )
        for row in rows
    ]


def topics_of_broker(uuid: UUID) -> list[tuple[str, int]]:
    """Return the filters that are subscribed on a broker, with their quality of service."""
    rows = Subscription.objects.filter(broker__uuid=uuid, source__enabled=True).order_by("id")
    return [(topic_of(row.topic).filter, row.qos) for row in rows]


def accounts_of(broker_uuid: UUID, *, limit: int = 500) -> list[AccountView]:
    """Return who has an account on a broker of ours, by name."""
    rows = BrokerAccount.objects.filter(broker__uuid=broker_uuid).select_related("source")
    return [
        AccountView(
            uuid=row.uuid,
            username=row.username,
            kind=AccountKind(row.kind),
            source_name="" if row.source is None else row.source.name,
            issued_at=row.issued_at,
            revoked_at=row.revoked_at,
        )
        for row in rows.order_by("username")[:limit]
    ]


def broker_view(row: Broker) -> BrokerView:
    """Return the contract of a row."""
    return BrokerView(
        id=row.id,
        uuid=row.uuid,
        name=row.name,
        host=row.host,
        port=row.port,
        tls=row.tls,
        ca_certificate=row.ca_certificate,
        client_certificate=row.client_certificate,
        has_client_key=row.sealed_client_key is not None,
        username=row.username,
        has_password=row.sealed_password is not None,
        client_id=row.client_id,
        protocol=row.protocol,
        keep_alive_s=row.keep_alive_s,
        shared_group=row.shared_group,
        enabled=row.enabled,
        states=tuple(_states(row.states.all())),
    )


def _states(rows: Iterable[BrokerState]) -> list[StateView]:
    """Return what processes told; one that is silent for long is connected no more."""
    limit, forgotten = now() - STATE_AGE, now() - FORGOTTEN_AFTER
    rows = list(rows)
    rows = [row for row in rows if row.updated_at >= forgotten] or rows[-1:]
    return [
        StateView(
            process=row.process,
            updated_at=row.updated_at,
            connected_since=row.connected_since if row.updated_at >= limit else None,
            last_message_at=row.last_message_at,
            received=row.received,
            unguaranteed=row.unguaranteed,
            retained=row.retained,
            refused=row.refused,
            unmatched=row.unmatched,
            waiting=row.waiting,
            rate=row.rate if row.updated_at >= limit else 0.0,
            error=sentence(row.error) if row.error else "",
            error_at=row.error_at,
        )
        for row in rows
    ]


def _with_states(brokers: QuerySet[Broker]) -> QuerySet[Broker]:
    states = BrokerState.objects.order_by("process")
    return brokers.prefetch_related(Prefetch("states", queryset=states))
