"""Sources: the list, adding one, its page, its secret."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from beffroi.city.ingest import api
from beffroi.city.ingest.quarantine import clock_faults_of_source
from beffroi.city.ingest.web.devices import claim_url
from beffroi.city.ingest.web.forms import SETTING, SharedKeyForm, SourceForm
from beffroi.city.ingest.web.quarantine import fault_lines
from beffroi.city.ingest.web.requests import (
    access_of,
    message_lines,
    text_of,
    who,
)
from beffroi.foundation.accounts.api import agent
from beffroi.kernel.errors import BeffroiError, NotFound
from beffroi.sdk.connectors import Authentication, Connector
from beffroi.sdk.registry import connectors

REDECODED_AT_ONCE = 20_000


@agent("sources.see")
@require_safe
def source_list(request: HttpRequest, territory: str) -> HttpResponse:
    """List the sources with what they sent lately."""
    del territory
    installed = connectors()
    rows = [
        {"source": view, "connector": _label(installed.get(view.connector_key), view.connector_key)}
        for view in api.sources_list()
    ]
    context = {"rows": rows, "may_manage": _may_manage(request)}
    return render(request, "ingest/sources.html", context)


@agent("sources.manage")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def source_new(request: HttpRequest, territory: str) -> HttpResponse:
    """Choose a connector, then describe the source; its secret is shown once."""
    connector = connectors().get(request.GET.get("connecteur", ""))
    crumbs = _crumbs(territory, _("Add a source"))
    if connector is None:
        return render(
            request,
            "ingest/source_connector.html",
            {"connectors": [_card(item) for item in connectors().values()], "crumbs": crumbs},
        )
    form = SourceForm(request.POST or None, connector=connector, is_new=True)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                row, issued = api.source_create(
                    connector.key,
                    name=form.cleaned_data["name"],
                    settings=form.settings(),
                    default_codec=form.cleaned_data["default_codec"],
                    shared_key=form.cleaned_data.get("shared_key", ""),
                    **who(request),
                )
        except BeffroiError as error:
            _refuse(form, error)
        else:
            secret = "" if issued is None else issued.secret
            return _show_opened(request, territory, api.source_get(row.uuid), secret=secret)
    context = {"form": form, "connector": _card(connector), "crumbs": crumbs}
    return render(request, "ingest/source_form.html", context)


@agent("sources.see")
@require_safe
def source_page(request: HttpRequest, territory: str, source: UUID) -> HttpResponse:
    """Show a source: its rate, its last messages, or what went wrong."""
    view = _found(source)
    shown = request.GET.get("vue", "")
    here = reverse("ingest:source", kwargs={"territory": territory, "source": source})
    connector = connectors().get(view.connector_key)
    context: dict[str, Any] = {
        "source": view,
        "connector": _label(connector, view.connector_key),
        "help": _(connector.help) if connector is not None and connector.help else "",
        "address": request.build_absolute_uri(view.path),
        "tabs": [
            (_("Last messages"), here, shown == ""),
            (_("Not decoded"), f"{here}?vue=echecs", shown == "echecs"),
            (_("Not readable"), f"{here}?vue=erreurs", shown == "erreurs"),
        ],
        "shown": shown,
        "activity": [count for _hour, count in api.source_activity(source)],
        "facts": _facts(view),
        "may_manage": _may_manage(request),
        "signs": view.authentication == Authentication.SIGNATURE.value,
        "can_sign": connector is not None and Authentication.SIGNATURE in connector.authentication,
        "key_form": SharedKeyForm(),
        "crumbs": _crumbs(territory, view.name),
    }
    context["clocks"] = fault_lines(clock_faults_of_source(source))
    if shown == "erreurs":
        context["errors"] = [
            {"error": error, "body": text_of(error.body)} for error in api.source_errors(source)
        ]
    else:
        context["lines"] = message_lines(
            api.source_messages(source, in_error=shown == "echecs"),
            claim_at=lambda name: claim_url(territory, source_uuid=source, identifier=name),
        )
    return render(request, "ingest/source.html", context)


@agent("sources.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def source_edit(request: HttpRequest, territory: str, source: UUID) -> HttpResponse:
    """Change what a source is called and how its messages are read."""
    view = _found(source)
    connector = connectors().get(view.connector_key)
    if connector is None:
        raise Http404
    initial = {
        "name": view.name,
        "default_codec": view.default_codec,
        **{SETTING + key: value for key, value in view.settings.items()},
    }
    form = SourceForm(request.POST or None, connector=connector, is_new=False, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                api.source_update(
                    source,
                    name=form.cleaned_data["name"],
                    settings=form.settings(),
                    default_codec=form.cleaned_data["default_codec"],
                    **who(request),
                )
        except BeffroiError as error:
            _refuse(form, error)
        else:
            messages.success(request, _("The source is changed."))
            return _to(territory, source)
    context = {
        "form": form,
        "connector": _card(connector),
        "source": view,
        "crumbs": _crumbs(territory, view.name),
    }
    return render(request, "ingest/source_form.html", context)


@agent("sources.manage")
@never_cache
@require_POST
def source_secret(request: HttpRequest, territory: str, source: UUID) -> HttpResponse:
    """Make a new secret and show it once."""
    view = _found(source)
    try:
        with transaction.atomic():
            issued = api.source_rotate_secret(source, **who(request))
    except BeffroiError as error:
        messages.error(request, error.told(_))
        return _to(territory, source)
    return _show_opened(
        request, territory, view, secret=issued.secret, until=issued.former_valid_until
    )


@agent("sources.manage")
@require_POST
def source_shared_key(request: HttpRequest, territory: str, source: UUID) -> HttpResponse:
    """Change the key by which the network's signature is verified."""
    _found(source)
    form = SharedKeyForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("The shared key has at least eight characters."))
        return _to(territory, source)
    return _do(
        request,
        territory,
        source,
        lambda: api.source_set_shared_key(
            source, shared_key=form.cleaned_data["shared_key"], **who(request)
        ),
        done=_("The shared key is changed."),
    )


@agent("sources.manage")
@require_POST
def source_stop(request: HttpRequest, territory: str, source: UUID) -> HttpResponse:
    """Close the door to a source."""
    return _do(
        request,
        territory,
        source,
        lambda: api.source_disable(source, **who(request)),
        done=_("The source is stopped: what it sends is refused."),
    )


@agent("sources.manage")
@require_POST
def source_resume(request: HttpRequest, territory: str, source: UUID) -> HttpResponse:
    """Open the door again."""
    return _do(
        request,
        territory,
        source,
        lambda: api.source_enable(source, **who(request)),
        done=_("The source is open again, with the same secret."),
    )


@agent("sources.manage")
@require_POST
def source_redecode(request: HttpRequest, territory: str, source: UUID) -> HttpResponse:
    """Decode what a source sent again, with the codecs and mappings of today."""
    _found(source)
    with transaction.atomic():
        count = api.source_redecode(source, limit=REDECODED_AT_ONCE, **who(request))
    messages.success(
        request,
        _("%(messages)s messages read again: %(decoded)s decoded, %(failed)s not.")
        % {"messages": count.messages, "decoded": count.decoded, "failed": count.undecodable},
    )
    if count.messages >= REDECODED_AT_ONCE:
        messages.info(request, _("Older messages are being read again in the background."))
    return _to(territory, source)


def _do(request: HttpRequest, territory: str, source: UUID, act: Any, *, done: str) -> HttpResponse:
    try:
        with transaction.atomic():
            act()
    except NotFound as error:
        raise Http404 from error
    except BeffroiError as error:
        messages.error(request, error.told(_))
    else:
        messages.success(request, done)
    return _to(territory, source)


def _show_opened(
    request: HttpRequest, territory: str, view: api.SourceView, *, secret: str, until: Any = None
) -> HttpResponse:
    connector = connectors().get(view.connector_key)
    types = ("application/json",) if connector is None else connector.content_types
    context = {
        "source": view,
        "secret": secret,
        "until": until,
        "address": request.build_absolute_uri(view.path),
        "content_type": types[0],
        "help": _(connector.help) if connector is not None and connector.help else "",
        "crumbs": _crumbs(territory, view.name),
    }
    return render(request, "ingest/source_opened.html", context)


def _found(source: UUID) -> api.SourceView:
    try:
        return api.source_get(source)
    except NotFound as error:
        raise Http404 from error


def _facts(view: api.SourceView) -> list[tuple[str, Any]]:
    day = view.last_day
    return [
        (_("Messages in a day"), day.accepted),
        (_("Received again"), day.duplicates),
        (_("Of unclaimed devices"), day.unclaimed),
        (_("Not decoded"), day.undecodable),
        (_("Impossible time"), day.quarantined),
        (_("Not readable"), day.refused),
        (_("Wrong secret"), day.wrong_secret),
    ]


def _refuse(form: SourceForm, error: BeffroiError) -> None:
    field = getattr(error, "field", None)
    form.add_error(field if field in form.fields else None, error.told(_))


def _card(connector: Connector) -> dict[str, Any]:
    return {
        "key": connector.key,
        "label": _(connector.label),
        "help": _(connector.help) if connector.help else "",
    }


def _label(connector: Connector | None, key: str) -> str:
    return key if connector is None else _(connector.label)


def _crumbs(territory: str, last: str) -> list[tuple[str, str | None]]:
    return [
        (_("Sources"), reverse("ingest:sources", kwargs={"territory": territory})),
        (last, None),
    ]


def _to(territory: str, source: UUID) -> HttpResponseRedirect:
    return HttpResponseRedirect(
        reverse("ingest:source", kwargs={"territory": territory, "source": source})
    )


def _may_manage(request: HttpRequest) -> bool:
    return "sources.manage" in access_of(request).verbs
