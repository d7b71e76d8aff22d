"""Devices: the list, those that are silent, those nobody has claimed, and the page of one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from beffroi.city.assets.api import DeviceSummary, assets_by_uuid, device_get, devices_page
from beffroi.city.codecs.api import ModelView, model_by_id
from beffroi.city.ingest import api
from beffroi.city.ingest.quarantine import clock_faults_of_device
from beffroi.city.ingest.web.forms import DeviceFilterForm, ReadingForm, ReplaceForm
from beffroi.city.ingest.web.quarantine import fault_lines
from beffroi.city.ingest.web.requests import access_of, codec_label, message_lines, who
from beffroi.foundation.accounts.api import agent
from beffroi.kernel.errors import BeffroiError, NotFound

PAGE_SIZE = 50
SILENT, UNCLAIMED = "muets", "inconnus"


@agent("sources.see")
@require_safe
def device_list(request: HttpRequest, territory: str) -> HttpResponse:
    """List devices: all, the silent ones, or those that wait to be claimed."""
    shown, text = request.GET.get("etat", ""), request.GET.get("q", "").strip()
    here = reverse("ingest:devices", kwargs={"territory": territory})
    context: dict[str, Any] = {
        "form": DeviceFilterForm(request.GET or None),
        "shown": shown,
        "text": text,
        "tabs": [
            (_("All"), here, shown not in {SILENT, UNCLAIMED}),
            (_("Silent devices"), f"{here}?etat={SILENT}", shown == SILENT),
            (_("Unclaimed"), f"{here}?etat={UNCLAIMED}", shown == UNCLAIMED, api.unclaimed_count()),
        ],
        "may_manage": "sources.manage" in access_of(request).verbs,
    }
    if shown == UNCLAIMED:
        context["unclaimed"] = [
            {
                "view": view,
                "url": claim_url(
                    territory, source_uuid=view.source_uuid, identifier=view.identifier
                ),
            }
            for view in api.unclaimed_list(text=text)
        ]
        return render(request, "ingest/unclaimed.html", context)
    devices, more = devices_page(
        text=text,
        silent=shown == SILENT,
        after=request.GET.get("apres", ""),
        limit=PAGE_SIZE,
        scope=access_of(request).scope("assets.see"),
    )
    query = urlencode({key: value for key, value in (("etat", shown), ("q", text)) if value})
    context["devices"] = devices
    context["more"] = f"{here}?{query}&{urlencode({'apres': more})}" if more else ""
    return render(request, "ingest/devices.html", context)


@agent("sources.see")
@require_safe
def device_page(request: HttpRequest, territory: str, device: UUID) -> HttpResponse:
    """Show a device: radio, battery, what it sent, and how that is read."""
    found = _found(device)
    return _render(request, territory, found, ReadingForm(initial=_initial(found)), ReplaceForm())


@agent("sources.manage")
@require_POST
def device_reading(request: HttpRequest, territory: str, device: UUID) -> HttpResponse:
    """Change the codec or the names of values of a device, and read its messages again."""
    found = _found(device)
    form = ReadingForm(request.POST, initial=_initial(found))
    if not form.is_valid():
        return _render(request, territory, found, form, ReplaceForm())
    with transaction.atomic():
        count = api.device_read_as(
            device,
            model=form.cleaned_data["model"],
            codec_key=form.cleaned_data["codec_key"],
            mapping=form.cleaned_data["mapping"],
            model_uuid=uuid_or_none(form.cleaned_data["model_ref"]),
            **who(request),
        )
    messages.success(
        request,
        _("%(messages)s messages read again: %(decoded)s decoded, %(failed)s not.")
        % {"messages": count.messages, "decoded": count.decoded, "failed": count.undecodable},
    )
    return _to(territory, device)


@agent("sources.manage")
@require_POST
def device_replacing(request: HttpRequest, territory: str, device: UUID) -> HttpResponse:
    """Put another device in the place of this one."""
    found, form = _found(device), ReplaceForm(request.POST)
    if form.is_valid():
        try:
            with transaction.atomic():
                new = api.device_replace_by(
                    device, identifier=form.cleaned_data["identifier"], **who(request)
                )
        except BeffroiError as error:
            form.add_error("identifier", error.told(_))
        else:
            messages.success(request, _("The new device speaks for the asset from now on."))
            return _to(territory, new.uuid)
    return _render(request, territory, found, ReadingForm(initial=_initial(found)), form)


def uuid_or_none(text: str) -> UUID | None:
    """Return the identifier that a choice holds, or None when nothing is chosen."""
    return UUID(text) if text else None


def claim_url(territory: str, *, source_uuid: UUID, identifier: str) -> str:
    """Return the address where a device is claimed."""
    query = urlencode({"source": str(source_uuid), "appareil": identifier})
    return f"{reverse('ingest:claim', kwargs={'territory': territory})}?{query}"


def _render(
    request: HttpRequest,
    territory: str,
    found: DeviceSummary,
    reading: ReadingForm,
    replacing: ReplaceForm,
) -> HttpResponse:
    lines = message_lines(api.device_messages(found.identifier, source_id=found.source_id))
    scope = access_of(request).scope("assets.see")
    context = {
        "device": found,
        "asset_seen": found.asset_uuid is not None
        and bool(assets_by_uuid([found.asset_uuid], scope=scope)),
        "facts": _facts(territory, found),
        "radio": _radio(found),
        "clocks": fault_lines(clock_faults_of_device(found.identifier)),
        "lines": lines,
        "reading": reading,
        "replacing": replacing,
        "may_manage": "sources.manage" in access_of(request).verbs,
        "crumbs": [
            (_("Devices"), reverse("ingest:devices", kwargs={"territory": territory})),
            (found.identifier, None),
        ],
    }
    return render(request, "ingest/device.html", context)


def _facts(territory: str, found: DeviceSummary) -> list[tuple[str, Any]]:
    model = model_by_id(found.model_ref_id)
    reference = found.codec_key or ("" if model is None else model.codec_key)
    return [
        (_("Identifier"), found.identifier),
        (_("What its network calls it"), found.model),
        (_("Device model"), "" if model is None else _model_link(territory, model)),
        (_("Codec"), codec_label(reference)),
        (_("Battery level"), _quantity(found.battery_pct, "%")),
        (_("Battery voltage"), _quantity(found.battery_v, "V")),
    ]


def _model_link(territory: str, model: ModelView) -> SafeString:
    url = reverse("ingest:model", kwargs={"territory": territory, "model": model.uuid})
    return format_html('<a href="{}">{}</a>', url, model.title)


def _initial(found: DeviceSummary) -> dict[str, Any]:
    model = model_by_id(found.model_ref_id)
    return {
        "model": found.model,
        "model_ref": "" if model is None else str(model.uuid),
        "codec_key": found.codec_key,
        "mapping": found.mapping,
    }


def _radio(found: DeviceSummary) -> list[tuple[str, Any]]:
    radio = found.radio
    frequency = radio.get("frequency_hz")
    return [
        (_("Signal"), _quantity(radio.get("rssi_dbm"), "dBm")),
        (_("Signal-to-noise ratio"), _quantity(radio.get("snr_db"), "dB")),
        (_("Best gateway"), radio.get("gateway")),
        (_("Gateways that heard it"), radio.get("gateways")),
        (_("Spreading factor"), radio.get("spreading_factor")),
        (_("Frequency"), None if frequency is None else _quantity(frequency / 1e6, "MHz")),
    ]


def _quantity(value: float | None, unit: str) -> str | None:
    return None if value is None else f"{number_format(round(value, 3))} {unit}"


def _found(device: UUID) -> DeviceSummary:
    try:
        return device_get(device)
    except NotFound as error:
        raise Http404 from error


def _to(territory: str, device: UUID) -> HttpResponseRedirect:
    return HttpResponseRedirect(
        reverse("ingest:device", kwargs={"territory": territory, "device": device})
    )
