"""What is said of brokers, subscriptions and accounts, inside this room and outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from beffroi.kernel.errors import BeffroiError, InvalidInput, NotFound

PLAIN_PORT, TLS_PORT = 1883, 8883
STATE_AGE = timedelta(seconds=30)
"""A subscriber that has not told its state for so long is taken to be gone."""

MOST_QOS = 1
"""Exactly once is made by the key of a message, not by the four packets of QoS 2."""


class Protocol(StrEnum):
    """Version of MQTT."""

    V5 = "5"
    V3_1_1 = "3.1.1"


class AccountKind(StrEnum):
    """Who has an account on a broker of ours."""

    DEVICE = "device"
    """It writes to ``t/<its name>/…`` and nowhere else."""
    SOURCE = "source"
    """A network server: it writes to the topics its source subscribes to."""


class BrokerNotFound(NotFound):
    """No such broker, subscription or account in the territory."""

    code = "broker.not_found"


class BrokerRefused(InvalidInput):
    """A broker, a subscription or an account that cannot be made as it is described."""

    code = "broker.refused"


class BrokerProblem(BeffroiError):
    """Why a broker cannot be reached, or does not let us in."""

    code = "broker.problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """How to reach a broker; equal addresses need no new connection."""

    host: str
    port: int
    tls: bool
    ca_certificate: str = ""
    client_certificate: str = ""
    client_key: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    client_id: str = ""
    protocol: Protocol = Protocol.V5
    keep_alive_s: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One topic of a plan, and the source that its messages are of."""

    topic: str
    qos: int
    connector_key: str
    source_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One broker as a subscriber is to use it."""

    broker_id: int
    uuid: UUID
    territory_id: int
    name: str
    address: Address
    shared_group: str
    wishes: tuple[Wish, ...]


@dataclass(slots=True, kw_only=True)
class LinkState:
    """What one process tells of its connection to one broker; counts are since it started."""

    connected_since: datetime | None = None
    last_message_at: datetime | None = None
    received: int = 0
    stored: int = 0
    unguaranteed: int = 0
    """With QoS 0: the broker drops them when we are away."""
    retained: int = 0
    refused: int = 0
    unmatched: int = 0
    """Of no topic that we subscribe to any more."""
    waiting: int = 0
    """Received and not on disk yet."""
    rate: float = 0.0
    error: Mapping[str, Any] | None = None
    error_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateView:
    """The state of one process's connection, as a page shows it."""

    process: str
    updated_at: datetime
    connected_since: datetime | None
    last_message_at: datetime | None
    received: int
    unguaranteed: int
    retained: int
    refused: int
    unmatched: int
    waiting: int
    rate: float
    error: str
    error_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerView:
    """A broker as its page shows it; no secret is in it."""

    id: int
    uuid: UUID
    name: str
    host: str
    port: int
    tls: bool
    ca_certificate: str
    client_certificate: str
    has_client_key: bool
    username: str
    has_password: bool
    client_id: str
    protocol: str
    keep_alive_s: int
    shared_group: str
    enabled: bool
    states: tuple[StateView, ...] = ()

    @property
    def address(self) -> str:
        """Return where it is, as an administrator writes it."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"

    @property
    def connected(self) -> bool:
        """Tell whether one process at least is connected now."""
        return any(state.connected_since is not None for state in self.states)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionView:
    """A topic that a source is received by."""

    uuid: UUID
    topic: str
    filter: str
    qos: int
    broker: BrokerView


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account on a broker of ours."""

    uuid: UUID
    username: str
    kind: AccountKind
    source_name: str
    issued_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedPassword:
    """A password at the only moment when it is known in clear."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerDescription:
    """A broker as an agent describes it; a secret that is ``None`` stays as it was."""

    name: str
    host: str
    port: int
    tls: bool = True
    ca_certificate: str = ""
    client_certificate: str = ""
    client_key: str | None = field(default=None, repr=False)
    username: str = ""
    password: str | None = field(default=None, repr=False)
    client_id: str = ""
    protocol: Protocol = Protocol.V5
    keep_alive_s: int = 30
    shared_group: str = ""
