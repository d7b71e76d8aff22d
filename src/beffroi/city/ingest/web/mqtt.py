"""A source that is received by MQTT: its topics, the brokers, how they are, who may publish."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from beffroi.city.ingest import api as sources
from beffroi.city.ingest.mqtt import api
from beffroi.city.ingest.web.mqtt_forms import (
    AccountForm,
    BrokerForm,
    SubscriptionForm,
    initial_of,
)
from beffroi.city.ingest.web.requests import access_of, who
from beffroi.foundation.accounts.api import agent
from beffroi.kernel.errors import BeffroiError, NotFound
from beffroi.sdk.registry import connectors


@agent("sources.see")
@require_safe
def source_mqtt(request: HttpRequest, territory: str, source: UUID) -> HttpResponse:
    """Show by which topics a source is received, and how the brokers are."""
    return _render_source(request, territory, _source(source), form=None)


@agent("sources.manage")
@require_POST
def source_subscribe(request: HttpRequest, territory: str, source: UUID) -> HttpResponse:
    """Receive a source by one more topic."""
    view = _source(source)
    form = _subscription_form(view, request.POST)
    if form.is_valid():
        try:
            with transaction.atomic():
                api.subscription_add(
                    source,
                    UUID(form.cleaned_data["broker"]),
                    topic=form.cleaned_data["topic"],
                    qos=form.cleaned_data["qos"],
                    **who(request),
                )
        except NotFound as error:
            raise Http404 from error
        except BeffroiError as error:
            field = getattr(error, "field", None)
            form.add_error(field if field in form.fields else None, error.told(_))
        else:
            messages.success(request, _("The source is received by this topic too."))
            return _to(territory, source)
    return _render_source(request, territory, view, form=form)


@agent("sources.manage")
@require_POST
def source_unsubscribe(
    request: HttpRequest, territory: str, source: UUID, subscription: UUID
) -> HttpResponse:
    """Receive a source by this topic no more."""
    _source(source)
    return _do(
        request,
        territory,
        source,
        lambda: api.subscription_remove(source, subscription, **who(request)),
        done=_("The source is received by this topic no more."),
    )


@agent("sources.manage")
@never_cache
@sensitive_post_parameters("password", "client_key")
@require_http_methods(["GET", "HEAD", "POST"])
def broker_new(request: HttpRequest, territory: str, source: UUID) -> HttpResponse:
    """Describe a broker."""
    view = _source(source)
    form = BrokerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                api.broker_create(form.described(), **who(request))
        except BeffroiError as error:
            _refuse(form, error)
        else:
            messages.success(request, _("The broker is added. Try it, then choose a topic."))
            return _to(territory, source)
    return _render_broker(request, territory, view, form, broker=None)


@agent("sources.manage")
@never_cache
@sensitive_post_parameters("password", "client_key")
@require_http_methods(["GET", "HEAD", "POST"])
def broker_edit(request: HttpRequest, territory: str, source: UUID, broker: UUID) -> HttpResponse:
    """Change how a broker is reached."""
    view, found = _source(source), _broker(broker)
    form = BrokerForm(request.POST or None, initial=initial_of(found))
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                api.broker_update(broker, form.described(), **who(request))
        except BeffroiError as error:
            _refuse(form, error)
        else:
            messages.success(request, _("The broker is changed."))
            return _to(territory, source)
    return _render_broker(request, territory, view, form, broker=found)


@agent("sources.manage")
@require_POST
def broker_test(request: HttpRequest, territory: str, source: UUID, broker: UUID) -> HttpResponse:
    """Connect once, ask for the topics, leave, and say what happened."""
    _source(source)
    found = _broker(broker)
    try:
        address = api.address_of(api.broker_row(broker))
        problem = api.broker_try(address, api.topics_of_broker(broker))
    except BeffroiError as error:
        messages.error(request, error.told(_))
        return _to(territory, source)
    if problem is None:
        messages.success(
            request, _("%(name)s lets us in and gives us our topics.") % {"name": found.name}
        )
    else:
        messages.error(request, f"{found.name} : {problem.told(_)}")
    return _to(territory, source)


@agent("sources.manage")
@require_POST
def broker_stop(request: HttpRequest, territory: str, source: UUID, broker: UUID) -> HttpResponse:
    """Leave a broker; what comes there waits for seven days."""
    _source(source)
    return _do(
        request,
        territory,
        source,
        lambda: api.broker_enable(broker, enabled=False, **who(request)),
        done=_("The broker is left. What comes there waits for us for seven days."),
    )


@agent("sources.manage")
@require_POST
def broker_resume(request: HttpRequest, territory: str, source: UUID, broker: UUID) -> HttpResponse:
    """Connect to a broker again."""
    _source(source)
    return _do(
        request,
        territory,
        source,
        lambda: api.broker_enable(broker, enabled=True, **who(request)),
        done=_("We connect to the broker again."),
    )


@agent("sources.manage")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def broker_accounts(
    request: HttpRequest, territory: str, source: UUID, broker: UUID
) -> HttpResponse:
    """List who may publish on a broker of ours, and give a password, shown once."""
    view, found = _source(source), _broker(broker)
    form = AccountForm(request.POST or None)
    issued = None
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                issued = api.account_issue(
                    broker,
                    form.cleaned_data["username"],
                    source_uuid=source if form.cleaned_data["for_network"] else None,
                    **who(request),
                )
            form = AccountForm()
        except BeffroiError as error:
            field = getattr(error, "field", None)
            form.add_error(field if field in form.fields else None, error.told(_))
    context = {
        "source": view,
        "broker": found,
        "form": form,
        "issued": issued,
        "accounts": api.accounts_of(broker),
        "crumbs": _crumbs(territory, view, found.name),
    }
    return render(request, "ingest/mqtt_accounts.html", context)


@agent("sources.manage")
@require_POST
def account_revoke(
    request: HttpRequest, territory: str, source: UUID, broker: UUID, account: UUID
) -> HttpResponse:
    """Refuse a user of a broker of ours."""
    _source(source)
    there = reverse(
        "ingest:broker_accounts",
        kwargs={"territory": territory, "source": source, "broker": broker},
    )
    return _do(
        request,
        territory,
        source,
        lambda: api.account_revoke(broker, account, **who(request)),
        done=_("The user is refused once the broker’s files are written again."),
        to=there,
    )


def _render_source(
    request: HttpRequest,
    territory: str,
    view: sources.SourceView,
    *,
    form: SubscriptionForm | None,
) -> HttpResponse:
    brokers = api.brokers_list()
    connector = connectors().get(view.connector_key)
    context = {
        "source": view,
        "subscriptions": api.subscriptions_of(view.uuid),
        "brokers": [{"broker": one, "states": [_facts(state) for state in one.states]}
                    for one in brokers],
        "form": form or _subscription_form(view, None),
        "topics": () if connector is None else connector.mqtt_topics,
        "may_manage": "sources.manage" in access_of(request).verbs,
        "crumbs": _crumbs(territory, view, _("MQTT")),
    }  # fmt: skip
    return render(request, "ingest/mqtt.html", context)


def _render_broker(
    request: HttpRequest,
    territory: str,
    view: sources.SourceView,
    form: BrokerForm,
    *,
    broker: api.BrokerView | None,
) -> HttpResponse:
    title = _("Add an MQTT broker") if broker is None else broker.name
    context = {
        "source": view,
        "broker": broker,
        "form": form,
        "title": title,
        "crumbs": _crumbs(territory, view, title),
    }
    return render(request, "ingest/mqtt_broker.html", context)


def _subscription_form(view: sources.SourceView, posted: Any) -> SubscriptionForm:
    connector = connectors().get(view.connector_key)
    return SubscriptionForm(
        posted,
        brokers=api.brokers_list(),
        topics=() if connector is None else connector.mqtt_topics,
    )


def _facts(state: api.StateView) -> dict[str, Any]:
    return {
        "state": state,
        "facts": [
            (_("Messages a second"), number_format(round(state.rate, 1))),
            (_("Messages since the start"), state.received),
            (_("Waiting to be stored"), state.waiting),
            (_("Not guaranteed (quality 0)"), state.unguaranteed),
            (_("Retained by the broker"), state.retained),
            (_("Not readable"), state.refused),
            (_("Of no topic of ours"), state.unmatched),
        ],
    }


def _source(uuid: UUID) -> sources.SourceView:
    try:
        return sources.source_get(uuid)
    except NotFound as error:
        raise Http404 from error


def _broker(uuid: UUID) -> api.BrokerView:
    try:
        return api.broker_get(uuid)
    except NotFound as error:
        raise Http404 from error


def _refuse(form: BrokerForm, error: BeffroiError) -> None:
    field = getattr(error, "field", None)
    form.add_error(field if field in form.fields else None, error.told(_))


def _do(
    request: HttpRequest,
    territory: str,
    source: UUID,
    act: Callable[[], None],
    *,
    done: str,
    to: str = "",
) -> HttpResponse:
    try:
        with transaction.atomic():
            act()
    except NotFound as error:
        raise Http404 from error
    except BeffroiError as error:
        messages.error(request, error.told(_))
    else:
        messages.success(request, done)
    return HttpResponseRedirect(to) if to else _to(territory, source)


def _crumbs(territory: str, view: sources.SourceView, last: str) -> list[tuple[str, str | None]]:
    kwargs = {"territory": territory, "source": view.uuid}
    crumbs: list[tuple[str, str | None]] = [
        (_("Sources"), reverse("ingest:sources", kwargs={"territory": territory})),
        (view.name, reverse("ingest:source", kwargs=kwargs)),
    ]
    if last != _("MQTT"):
        crumbs.append((_("MQTT"), reverse("ingest:source_mqtt", kwargs=kwargs)))
    return [*crumbs, (last, None)]


def _to(territory: str, source: UUID) -> HttpResponseRedirect:
    return HttpResponseRedirect(
        reverse("ingest:source_mqtt", kwargs={"territory": territory, "source": source})
    )


_HERE = "sources/<uuid:source>/mqtt/"
_BROKER = f"{_HERE}serveurs/<uuid:broker>/"
urlpatterns = [
    path(_HERE, source_mqtt, name="source_mqtt"),
    path(f"{_HERE}abonner/", source_subscribe, name="source_subscribe"),
    path(f"{_HERE}<uuid:subscription>/retirer/", source_unsubscribe, name="source_unsubscribe"),
    path(f"{_HERE}serveurs/nouveau/", broker_new, name="broker_new"),
    path(f"{_BROKER}modifier/", broker_edit, name="broker_edit"),
    path(f"{_BROKER}essayer/", broker_test, name="broker_test"),
    path(f"{_BROKER}arreter/", broker_stop, name="broker_stop"),
    path(f"{_BROKER}reprendre/", broker_resume, name="broker_resume"),
    path(f"{_BROKER}comptes/", broker_accounts, name="broker_accounts"),
    path(f"{_BROKER}comptes/<uuid:account>/revoquer/", account_revoke, name="account_revoke"),
]
