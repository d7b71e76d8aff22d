"""How states, failures and topics are said on screen."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from beffroi.foundation.messaging.api import (
    PING,
    Answer,
    DeliveryCard,
    DeliveryState,
    Failure,
    SleepReason,
    WebhookState,
    topics_all,
)

Told = tuple[str | Promise, str]
"""A word and the tone of its badge."""

WEBHOOK_STATES: dict[WebhookState, Told] = {
    WebhookState.ACTIVE: (_("in service"), "ok"),
    WebhookState.PAUSED: (_("paused"), "silent"),
    WebhookState.ASLEEP: (_("asleep"), "alarm"),
}

SLEEP_REASONS: dict[SleepReason, str | Promise] = {
    SleepReason.FAILING: _("The receiver has refused or not answered for three days."),
    SleepReason.GONE: _("The receiver answered 410: it wants nothing more."),
    SleepReason.TOO_MANY: _("Too many deliveries were waiting for the receiver."),
    SleepReason.UNREADABLE_SECRET: _(
        "Its secret cannot be opened: the installation’s SECRET_KEY has changed. Make a new one."
    ),
}

DELIVERY_STATES: dict[DeliveryState, Told] = {
    DeliveryState.WAITING: (_("waiting"), "info"),
    DeliveryState.DELIVERED: (_("delivered"), "ok"),
    DeliveryState.GIVEN_UP: (_("given up"), "alarm"),
}

FAILURES: dict[Failure, str | Promise] = {
    Failure.STATUS: _("The receiver refused."),
    Failure.REDIRECT: _(
        "The receiver redirects elsewhere, which is not followed: write its final address."
    ),
    Failure.TIMEOUT: _("The receiver did not answer within ten seconds."),
    Failure.UNREACHABLE: _("The receiver cannot be reached."),
    Failure.NAME: _("The name of the receiver leads nowhere."),
    Failure.TLS: _("The receiver’s certificate is not valid."),
    Failure.REFUSED_ADDRESS: _(
        "The address leads into a network that nothing is sent to (BEFFROI_WEBHOOK_NETWORKS)."
    ),
    Failure.PROTOCOL: _("What the receiver answers is not HTTP."),
}


def topic_label(key: str) -> str:
    """Return the name of a topic, or its key when no room declares it any more."""
    if key == PING:
        return str(_("Test"))
    return next((str(topic.label) for topic in topics_all() if topic.key == key), key)


def state_of(card: DeliveryCard) -> Told:
    """Return the state of a delivery as a badge shows it."""
    if card.state is DeliveryState.WAITING and card.last_failure is not None:
        return _("will be tried again"), "attention"
    if card.state is DeliveryState.GIVEN_UP and card.topic == PING:
        return _("not accepted"), "alarm"
    return DELIVERY_STATES[card.state]


def outcome(failure: Failure | None, status: int | None) -> str:
    """Return in one sentence what the last attempt gave."""
    if failure is not None:
        told = str(FAILURES[failure])
        return told if status is None else f"{told} HTTP {status}"
    return "" if status is None else str(_("The receiver accepted.")) + f" HTTP {status}"


def answer_told(answer: Answer) -> str:
    """Return in one sentence what a test gave."""
    return outcome(answer.failure, answer.status)


def events_told(count: int) -> str:
    """Return a number of events in words."""
    return ngettext("%(n)d event", "%(n)d events", count) % {"n": count}
