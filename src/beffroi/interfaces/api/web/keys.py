"""Keys of programs: the list, a new one, its end."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from beffroi.foundation.accounts.api import actor_of, agent, client_address
from beffroi.foundation.accounts.contracts import Access
from beffroi.foundation.territories.api import areas_list
from beffroi.interfaces.api.contracts import KeyCard, KeyNotFound
from beffroi.interfaces.api.keys import key_create, key_revoke, keys_list
from beffroi.interfaces.api.web.forms import KeyForm
from beffroi.interfaces.api.web.words import VERB_WORDS
from beffroi.kernel.clock import now
from beffroi.kernel.errors import BeffroiError, InvalidInput
from beffroi.sdk.registry import domains

MANAGE = "api.manage"


@agent(MANAGE)
@require_safe
def key_list(request: HttpRequest, territory: str) -> HttpResponse:
    """List the keys: those that open something, then those that have ended."""
    del territory
    at = now()
    places = {card.uuid: card.name for card in areas_list()}
    rows = [
        {
            "key": card,
            "is_live": card.is_live(at),
            "rights": [VERB_WORDS.get(verb, verb) for verb in card.verbs],
            "where": _where(card, places),
        }
        for card in keys_list()
    ]
    return render(request, "api/keys.html", {"rows": rows})


@agent(MANAGE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def key_new(request: HttpRequest, territory: str) -> HttpResponse:
    """Describe a key and make it; it is shown here once."""
    form = KeyForm(request.POST or None)
    access = cast("Access", request.access)  # type: ignore[attr-defined]  # set by @agent
    crumbs = [
        (_("API keys"), reverse("api_pages:keys", kwargs={"territory": territory})),
        (_("New key"), None),
    ]
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                issued = key_create(
                    form.wanted(),
                    access=access,
                    actor=actor_of(access),
                    ip=client_address(request),
                )
        except BeffroiError as error:
            field = error.field if isinstance(error, InvalidInput) else None
            field = {"expires_at": "expires_on"}.get(field or "", field)
            form.add_error(field if field in form.fields else None, error.told(_))
        else:
            context = {
                "issued": issued,
                "address": request.build_absolute_uri(f"/api/v1/territories/{territory}"),
                "crumbs": crumbs,
            }
            return render(request, "api/key_made.html", context)
    return render(request, "api/key_form.html", {"form": form, "crumbs": crumbs})


@agent(MANAGE)
@require_POST
def key_end(request: HttpRequest, territory: str, api_key: UUID) -> HttpResponse:
    """Revoke a key."""
    access = cast("Access", request.access)  # type: ignore[attr-defined]  # set by @agent
    try:
        key_revoke(api_key, actor=actor_of(access), ip=client_address(request))
    except KeyNotFound as error:
        raise Http404 from error
    messages.success(request, _("The key opens nothing any more."))
    return HttpResponseRedirect(reverse("api_pages:keys", kwargs={"territory": territory}))


def _where(card: KeyCard, places: dict[UUID, str]) -> str:
    known = domains()
    services = [_(known[key].label) if key in known else key for key in card.domains]
    return ", ".join([*services, *(places.get(area, "–") for area in card.areas)])
