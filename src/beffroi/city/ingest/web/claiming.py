"""Claiming a device: what it may be, what it would give, then the claim itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from beffroi.city.assets.api import assets_by_uuid, assets_search
from beffroi.city.codecs.api import LibraryHit, library_guess, models_list
from beffroi.city.ingest import api
from beffroi.city.ingest.web.devices import claim_url, uuid_or_none
from beffroi.city.ingest.web.forms import ClaimForm
from beffroi.city.ingest.web.requests import (
    TONES,
    access_of,
    hex_of,
    message_lines,
    shown_readings,
    status_label,
    who,
)
from beffroi.foundation.accounts.api import agent
from beffroi.foundation.accounts.contracts import Scope
from beffroi.kernel.errors import BeffroiError, NotFound
from beffroi.sdk.registry import asset_types

FOUND_ASSETS = 8
LIBRARY = "bibliotheque:"
"""Begins a choice that is no model of the town yet."""

SHOWN_MESSAGES = 10


@agent("sources.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def claim_page(request: HttpRequest, territory: str) -> HttpResponse:
    """Show what is guessed of a device, preview what it would give, and claim it."""
    waiting = _waiting(request)
    scope = access_of(request).scope("assets.see")
    guess = api.unclaimed_guess(waiting)
    proposed = library_guess(
        vendor=guess.vendor, model=f"{waiting.model} {waiting.name if not waiting.model else ''}"
    )
    form = ClaimForm(
        request.POST or None,
        assets=_asset_choices(request, waiting, scope),
        proposed=[(f"{LIBRARY}{hit.uuid}", hit.title) for hit in proposed],
        initial=_initial(waiting, guess, proposed),
    )
    preview: list[dict[str, Any]] = []
    if request.method == "POST" and form.is_valid():
        claim = _claim(waiting, form.cleaned_data)
        try:
            if request.POST.get("faire") == "rattacher":
                with transaction.atomic():
                    result = api.device_claim(claim, scope=scope, **who(request))
                messages.success(request, _done(result))
                return HttpResponseRedirect(
                    reverse(
                        "ingest:device",
                        kwargs={"territory": territory, "device": result.device_uuid},
                    )
                )
            preview = _preview(claim, scope)
        except BeffroiError as error:
            form.add_error(None, error.told(_))
    context = {
        "waiting": waiting,
        "guess": guess,
        "form": form,
        "proposed": proposed,
        "preview": preview,
        "action": claim_url(
            territory, source_uuid=waiting.source_uuid, identifier=waiting.identifier
        ),
        "text": request.GET.get("q", ""),
        "lines": message_lines(
            api.device_messages(
                waiting.identifier, source_id=waiting.source_id, limit=SHOWN_MESSAGES
            )
        ),
        "crumbs": [
            (_("Devices"), reverse("ingest:devices", kwargs={"territory": territory})),
            (waiting.identifier, None),
        ],
    }
    return render(request, "ingest/claim.html", context)


def _waiting(request: HttpRequest) -> api.UnclaimedView:
    try:
        source = UUID(request.GET.get("source", ""))
        return api.unclaimed_get(source, request.GET.get("appareil", "").replace("\x00", ""))
    except (ValueError, NotFound) as error:
        raise Http404 from error


def _asset_choices(
    request: HttpRequest, waiting: api.UnclaimedView, scope: Scope
) -> list[tuple[str, str]]:
    """Return assets found by the agent's words, or by what the network calls the device."""
    words = request.GET.get("q", "") or waiting.name
    found = {asset.uuid: asset for asset in assets_search(words, scope=scope, limit=FOUND_ASSETS)}
    try:
        chosen = UUID(request.POST.get("asset", ""))
    except ValueError:
        pass
    else:
        found.update(assets_by_uuid([chosen], scope=scope))
    types = asset_types()
    return [
        (
            str(asset.uuid),
            " · ".join(
                part
                for part in (
                    asset.title,
                    _(types[asset.type_key].label) if asset.type_key in types else asset.type_key,
                    asset.area_name,
                )
                if part
            ),
        )
        for asset in found.values()
    ]


def _initial(
    waiting: api.UnclaimedView, guess: api.DeviceGuess, proposed: list[LibraryHit]
) -> dict[str, Any]:
    return {
        "asset": ClaimForm.NEW,
        "name": waiting.name,
        "model": waiting.model,
        "lon": waiting.lon,
        "lat": waiting.lat,
        "model_ref": _model_initial(waiting, guess, proposed),
        "codec_key": guess.codecs[0].codec_key if guess.codecs else "",
    }


def _model_initial(
    waiting: api.UnclaimedView, guess: api.DeviceGuess, proposed: list[LibraryHit]
) -> str:
    """Choose a model of the town that has the network's name, or what the library proposes."""
    told = waiting.model.casefold()
    for model in models_list():
        if told and told in {model.name.casefold(), model.title.casefold()}:
            return str(model.uuid)
        if any(hit.uuid == model.library_model for hit in proposed[:1]):
            return str(model.uuid)
    # A codec that recognises the frames is surer than a name.
    return f"{LIBRARY}{proposed[0].uuid}" if proposed and not guess.codecs else ""


def _claim(waiting: api.UnclaimedView, asked: dict[str, Any]) -> api.Claim:
    is_new = asked["asset"] == ClaimForm.NEW
    is_library = asked["model_ref"].startswith(LIBRARY)
    return api.Claim(
        source_uuid=waiting.source_uuid,
        identifier=waiting.identifier,
        asset_uuid=None if is_new else UUID(asked["asset"]),
        type_key=asked["type_key"] if is_new else "",
        name=asked["name"] if is_new else "",
        lon=asked["lon"] if is_new else None,
        lat=asked["lat"] if is_new else None,
        model=asked["model"],
        codec_key=asked["codec_key"],
        mapping=asked["mapping"],
        model_uuid=None if is_library else uuid_or_none(asked["model_ref"]),
        library_model=UUID(asked["model_ref"].removeprefix(LIBRARY)) if is_library else None,
    )


def _preview(claim: api.Claim, scope: Scope) -> list[dict[str, Any]]:
    return [
        {
            "row": row,
            "hex": hex_of(row.payload),
            "readings": shown_readings(row.readings),
            "status_label": status_label(row.status),
            "tone": TONES[row.status],
        }
        for row in api.claim_preview(claim, scope=scope)
    ]


def _done(result: api.ClaimResult) -> str:
    return _(
        "The device is claimed: %(decoded)s of its %(messages)s kept messages are decoded."
    ) % {
        "decoded": result.decoded,
        "messages": result.messages,
    }
