"""What leaves the house: events, who wants them, what became of each delivery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol
from uuid import UUID

from django.utils.functional import Promise

from beffroi.kernel.errors import InvalidInput, NotFound

Label = str | Promise

GIVE_UP_AFTER = timedelta(days=3)
"""A delivery is tried for that long from its first attempt on."""

PUT_ASIDE_AFTER = 5
"""Failed attempts after which a delivery no longer holds back those behind it."""

ROTATION_OVERLAP = timedelta(days=7)
"""How long the former secret signs beside the new one."""

BATCH_EVENTS = 100
BATCH_OCTETS = 256 * 1024
"""Most events, and most octets of them, in one POST; a single larger event goes alone."""

MOST_WAITING = 10_000
"""Deliveries that may wait for one receiver; beyond them it is put to sleep."""

DELIVERED_KEPT = timedelta(days=3)
FAILED_KEPT = timedelta(days=30)
EXCERPT_OCTETS = 1_000
MAX_NAME = 120
MAX_URL = 2_000
MAX_WEBHOOKS = 50
PING = "ping"


class OutboxEvent(Protocol):
    """A frozen dataclass that a room writes to the outbox; its fields become JSON."""

    topic: ClassVar[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A kind of event that may leave the house.

    Attributes:
        key: ``room.what_happened``; stable, never translated.
        label: its name, translated when shown.
        help: one sentence, what makes it happen and what it carries.
        narrows: which filters of a webhook it can be narrowed by.
    """

    key: str
    label: Label
    help: Label
    narrows: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a webhook is narrowed to; empty means all.

    Attributes:
        areas: numbers of areas; those below them are meant too.
    """

    domains: tuple[str, ...] = ()
    areas: tuple[int, ...] = ()
    types: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()


class WebhookState(StrEnum):
    """Whether a webhook is served."""

    ACTIVE = "active"
    PAUSED = "paused"
    ASLEEP = "asleep"


class SleepReason(StrEnum):
    """Why a webhook was put to sleep."""

    FAILING = "failing"
    GONE = "gone"
    TOO_MANY = "too_many"
    UNREADABLE_SECRET = "unreadable_secret"  # noqa: S105 - the name of a reason


class DeliveryState(StrEnum):
    """What became of a delivery."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class Failure(StrEnum):
    """Why an attempt did not succeed."""

    STATUS = "status"
    REDIRECT = "redirect"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    NAME = "name"
    TLS = "tls"
    REFUSED_ADDRESS = "refused_address"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one attempt gave.

    Attributes:
        status: of HTTP, or ``None`` when there was no answer.
        failure: ``None`` when it was accepted (2xx).
        detail: plain text for whoever repairs it.
        excerpt: beginning of the body that came back, as text.
        retry_after: what the receiver asked for.
    """

    status: int | None = None
    failure: Failure | None = None
    detail: str = ""
    excerpt: str = ""
    retry_after: timedelta | None = None
    milliseconds: int = 0

    @property
    def accepted(self) -> bool:
        """Tell whether the receiver has it."""
        return self.failure is None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookCard:
    """A webhook as a page or the API shows it; never its secret.

    Attributes:
        failing_since: first failure after the last success, or ``None``.
        waiting: deliveries that wait.
    """

    uuid: UUID
    name: str
    url: str
    topics: tuple[str, ...]
    filters: Filters
    state: WebhookState
    sleep_reason: SleepReason | None
    state_changed_at: datetime
    created_at: datetime
    created_by: str
    former_secret_until: datetime | None
    last_success_at: datetime | None
    failing_since: datetime | None
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedWebhook:
    """A webhook and its secret, shown this once.

    Attributes:
        former_valid_until: until when the former secret signs too.
    """

    uuid: UUID
    secret: str = field(repr=False)
    former_valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCard:
    """One delivery: a batch of events of one topic on its way to one webhook.

    Attributes:
        number: place in the order of its webhook, from 1.
        aside: it failed often enough to let those behind it pass.
    """

    uuid: UUID
    number: int
    topic: str
    state: DeliveryState
    aside: bool
    event_count: int
    created_at: datetime
    attempts: int
    first_attempt_at: datetime | None
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    last_status: int | None
    last_failure: Failure | None
    last_error: str
    excerpt: str
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """Deliveries from the most recent, and where the next page begins."""

    deliveries: tuple[DeliveryCard, ...]
    before: int | None


class WebhookNotFound(NotFound):
    """The territory has no such webhook."""

    code = "webhook.not_found"


class DeliveryNotFound(NotFound):
    """The webhook has no such delivery."""

    code = "delivery.not_found"


class WebhookRefused(InvalidInput):
    """A webhook cannot be as it is asked for; ``field`` says what does not fit."""

    code = "webhook.refused"


JsonObject = Mapping[str, Any]
