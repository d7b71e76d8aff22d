"""Webhooks: the list, adding one, its page, its secret, its deliveries."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypedDict, cast
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from beffroi.foundation.accounts.api import actor_of, agent, client_address
from beffroi.foundation.accounts.contracts import Access
from beffroi.foundation.audit.api import Actor
from beffroi.foundation.messaging import api
from beffroi.foundation.territories.api import areas_list
from beffroi.interfaces.api.webhooks import words
from beffroi.interfaces.api.webhooks.forms import (
    FAILED,
    DeliveryFilterForm,
    WebhookForm,
    initial_of,
)
from beffroi.kernel.errors import BeffroiError, NotFound
from beffroi.sdk.registry import asset_types, domains, measures


class Who(TypedDict):
    """Who does it, as services take it."""

    actor: Actor
    ip: str


@agent("api.manage")
@require_safe
def webhook_list(request: HttpRequest, territory: str) -> HttpResponse:
    """List the webhooks with how each goes."""
    del territory
    rows = [
        {
            "webhook": card,
            "state": words.WEBHOOK_STATES[card.state],
            "topics": [words.topic_label(key) for key in card.topics],
        }
        for card in api.webhooks_list()
    ]
    return render(request, "api/webhooks/list.html", {"rows": rows})


@agent("api.manage")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_new(request: HttpRequest, territory: str) -> HttpResponse:
    """Describe a webhook; its secret is shown once."""
    form = WebhookForm(request.POST or None, access=_access(request))
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                issued = api.webhook_create(
                    name=form.cleaned_data["name"],
                    url=form.cleaned_data["url"],
                    topics=form.cleaned_data["topics"],
                    filters=form.filters(),
                    **_who(request),
                )
        except BeffroiError as error:
            _refuse(form, error)
        else:
            return _show_secret(request, territory, issued)
    context = {"form": form, "crumbs": _crumbs(territory, _("Add a webhook"))}
    return render(request, "api/webhooks/form.html", context)


@agent("api.manage")
@require_safe
def webhook_page(request: HttpRequest, territory: str, webhook: UUID) -> HttpResponse:
    """Show a webhook and its deliveries."""
    return _page(request, territory, webhook)


@agent("api.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_edit(request: HttpRequest, territory: str, webhook: UUID) -> HttpResponse:
    """Change where a webhook sends and what it wants."""
    card = _found(lambda: api.webhook_get(webhook))
    form = WebhookForm(request.POST or None, access=_access(request), initial=initial_of(card))
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                api.webhook_change(
                    webhook,
                    name=form.cleaned_data["name"],
                    url=form.cleaned_data["url"],
                    topics=form.cleaned_data["topics"],
                    filters=form.filters(),
                    **_who(request),
                )
        except BeffroiError as error:
            _refuse(form, error)
        else:
            messages.success(request, _("The webhook is changed."))
            return _to(territory, webhook)
    context = {"form": form, "webhook": card, "crumbs": _crumbs(territory, card.name)}
    return render(request, "api/webhooks/form.html", context)


@agent("api.manage")
@never_cache
@require_POST
def webhook_secret(request: HttpRequest, territory: str, webhook: UUID) -> HttpResponse:
    """Make a new secret and show it once; the former signs too for a while."""
    issued = _found(lambda: api.webhook_rotate_secret(webhook, **_who(request)))
    return _show_secret(request, territory, issued)


@agent("api.manage")
@require_POST
def webhook_try(request: HttpRequest, territory: str, webhook: UUID) -> HttpResponse:
    """Send a signed ping and show what came back."""
    try:
        answer = _found(lambda: api.webhook_test(webhook, **_who(request)))
    except BeffroiError as error:
        messages.error(request, error.told(_))
        return _to(territory, webhook)
    return _page(request, territory, webhook, answer=answer)


@agent("api.manage")
@require_POST
def webhook_stop(request: HttpRequest, territory: str, webhook: UUID) -> HttpResponse:
    """Send nothing for the time being."""
    _found(lambda: api.webhook_pause(webhook, **_who(request)))
    messages.success(request, _("The webhook is paused: nothing is sent, nothing new is kept."))
    return _to(territory, webhook)


@agent("api.manage")
@require_POST
def webhook_restart(request: HttpRequest, territory: str, webhook: UUID) -> HttpResponse:
    """Send again, what waits first."""
    _found(lambda: api.webhook_resume(webhook, **_who(request)))
    messages.success(request, _("The webhook is in service: what waits goes first."))
    return _to(territory, webhook)


@agent("api.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_delete(request: HttpRequest, territory: str, webhook: UUID) -> HttpResponse:
    """Remove a webhook with its deliveries, once it was asked twice."""
    card = _found(lambda: api.webhook_get(webhook))
    if request.method == "POST":
        _found(lambda: api.webhook_remove(webhook, **_who(request)))
        messages.success(request, _("The webhook “%(name)s” is removed.") % {"name": card.name})
        return HttpResponseRedirect(reverse("webhooks:list", kwargs={"territory": territory}))
    context = {"webhook": card, "crumbs": _crumbs(territory, card.name)}
    return render(request, "api/webhooks/remove.html", context)


@agent("api.manage")
@require_safe
def delivery_page(
    request: HttpRequest, territory: str, webhook: UUID, delivery: UUID
) -> HttpResponse:
    """Show one delivery: what is sent, and what came back."""
    card = _found(lambda: api.webhook_get(webhook))
    sent = _found(lambda: api.delivery_get(delivery, webhook_uuid=webhook))
    here = reverse("webhooks:webhook", kwargs={"territory": territory, "webhook": webhook})
    title = _("Delivery %(n)d") % {"n": sent.number}
    context = {
        "webhook": card,
        "delivery": sent,
        "state": words.state_of(sent),
        "outcome": words.outcome(sent.last_failure, sent.last_status),
        "topic": words.topic_label(sent.topic),
        "events": words.events_told(sent.event_count),
        "body": _indented(sent.body),
        "title": title,
        "may_resend": sent.topic != api.PING,
        "crumbs": [*_crumbs(territory, card.name)[:-1], (card.name, here), (title, None)],
    }
    return render(request, "api/webhooks/delivery.html", context)


@agent("api.manage")
@require_POST
def delivery_again(
    request: HttpRequest, territory: str, webhook: UUID, delivery: UUID
) -> HttpResponse:
    """Send a delivery again."""
    _found(lambda: api.delivery_resend(delivery, webhook_uuid=webhook, **_who(request)))
    messages.success(request, _("The delivery goes again in a moment, under the same identifier."))
    return _to(territory, webhook)


def _page(
    request: HttpRequest, territory: str, webhook: UUID, *, answer: api.Answer | None = None
) -> HttpResponse:
    card = _found(lambda: api.webhook_get(webhook))
    topics = (*card.topics, api.PING)
    form = DeliveryFilterForm(request.GET or None, topics=topics)
    state, topic = (form["etat"].value() or "", form["evenement"].value() or "")
    before = request.GET.get("avant", "")
    page = api.deliveries_page(
        webhook,
        states=[api.DeliveryState(state)] if state in set(api.DeliveryState) else [],
        failed=state == FAILED,
        topic=topic if topic in topics else "",
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None,
    )
    kept = {"etat": state, "evenement": topic}
    here = reverse("webhooks:webhook", kwargs={"territory": territory, "webhook": webhook})
    context: dict[str, Any] = {
        "webhook": card,
        "state": words.WEBHOOK_STATES[card.state],
        "reason": words.SLEEP_REASONS[card.sleep_reason] if card.sleep_reason else "",
        "facts": _facts(card),
        "answer": answer,
        "answer_told": words.answer_told(answer) if answer is not None else "",
        "form": form,
        "lines": [
            {
                "delivery": one,
                "state": words.state_of(one),
                "topic": words.topic_label(one.topic),
                "outcome": words.outcome(one.last_failure, one.last_status),
                "events": words.events_told(one.event_count),
            }
            for one in page.deliveries
        ],
        "more": f"{here}?{urlencode({**kept, 'avant': page.before})}" if page.before else "",
        "crumbs": _crumbs(territory, card.name),
    }
    return render(request, "api/webhooks/webhook.html", context)


def _facts(card: api.WebhookCard) -> list[tuple[str, str]]:
    filters = card.filters
    areas = {one.id: one.name for one in areas_list()} if filters.areas else {}
    known_domains, known_types, known_measures = domains(), asset_types(), measures()
    rows = [
        (_("Events"), [words.topic_label(key) for key in card.topics]),
        (
            _("Services"),
            [_(known_domains[k].label) if k in known_domains else k for k in filters.domains],
        ),
        (_("Areas"), [areas.get(area, str(area)) for area in filters.areas]),
        (
            _("Types of asset"),
            [_(known_types[k].label) if k in known_types else k for k in filters.types],
        ),
        (
            _("Measurements"),
            [_(known_measures[k].label) if k in known_measures else k for k in filters.measures],
        ),
        (_("Added by"), [card.created_by] if card.created_by else []),
    ]
    return [(term, ", ".join(values)) for term, values in rows if values]


def _show_secret(request: HttpRequest, territory: str, issued: api.IssuedWebhook) -> HttpResponse:
    card = api.webhook_get(issued.uuid)
    context = {
        "webhook": card,
        "secret": issued.secret,
        "until": issued.former_valid_until,
        "crumbs": _crumbs(territory, card.name),
    }
    return render(request, "api/webhooks/secret.html", context)


def _indented(body: str) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except ValueError:
        return body


def _found(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except NotFound as error:
        raise Http404 from error


def _refuse(form: WebhookForm, error: BeffroiError) -> None:
    field = getattr(error, "field", None)
    form.add_error(field if field in form.fields else None, error.told(_))


def _crumbs(territory: str, last: str) -> list[tuple[str, str | None]]:
    return [
        (_("Webhooks"), reverse("webhooks:list", kwargs={"territory": territory})),
        (last, None),
    ]


def _to(territory: str, webhook: UUID) -> HttpResponseRedirect:
    return HttpResponseRedirect(
        reverse("webhooks:webhook", kwargs={"territory": territory, "webhook": webhook})
    )


def _access(request: HttpRequest) -> Access:
    return cast("Access", request.access)  # type: ignore[attr-defined]  # set by @agent


def _who(request: HttpRequest) -> Who:
    return {"actor": actor_of(_access(request)), "ip": client_address(request)}
