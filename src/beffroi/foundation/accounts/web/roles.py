"""Roles of a territory, and the table of what each allows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from beffroi.foundation.accounts import api
from beffroi.foundation.accounts.access import agent
from beffroi.foundation.accounts.adapters import client_address
from beffroi.foundation.accounts.contracts import SCOPED_VERBS, Verb
from beffroi.foundation.accounts.web.forms import NamedForm
from beffroi.foundation.accounts.web.requests import access_of
from beffroi.foundation.accounts.web.rights import RIGHT_HEADERS, VERB_LABELS, rights_row
from beffroi.foundation.territories.api import AreaCard, areas_list
from beffroi.kernel.errors import BeffroiError, NotFound
from beffroi.sdk.registry import domains


@dataclass(frozen=True, slots=True)
class Cell:
    """One box of the table."""

    value: str
    label: str
    checked: bool
    column: str


@dataclass(frozen=True, slots=True)
class Row:
    """One verb of the table; ``None`` where it cannot be limited."""

    label: str | Promise
    cells: tuple[Cell | None, ...]


@agent("people.see")
def role_list(request: HttpRequest, territory: str) -> HttpResponse:
    """List the roles."""
    del territory
    areas = {one.id: one.name for one in areas_list()}
    context = {
        "headers": RIGHT_HEADERS,
        "rows": [(role, rights_row(api.grants_of([role.id]), areas=areas)) for role in api.roles()],
        "may_manage": "people.manage" in access_of(request).verbs,
    }
    return render(request, "accounts/roles.html", context)


@agent("people.manage")
def role_new(request: HttpRequest, territory: str) -> HttpResponse:
    """Create a role, then go to what it allows."""
    form = NamedForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                made = api.role_save(
                    None, access=access_of(request), ip=client_address(request), **form.cleaned_data
                )
        except BeffroiError as error:
            form.add_error("name", error.told(_))
        else:
            return HttpResponseRedirect(
                reverse("accounts:role", kwargs={"territory": territory, "role": made.uuid})
            )
    context = {
        "form": form,
        "title": _("New role"),
        "back": reverse("accounts:roles", kwargs={"territory": territory}),
    }
    return render(request, "accounts/named_form.html", context)


@agent("people.manage")
def role_page(request: HttpRequest, territory: str, role: UUID) -> HttpResponse:
    """Show a role: its name, and the table of what it allows in one area or in all."""
    try:
        row = api.role(role)
    except NotFound as error:
        raise Http404 from error
    form = NamedForm(
        request.POST or None, initial={"name": row.name, "description": row.description}
    )
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                api.role_save(
                    role, access=access_of(request), ip=client_address(request), **form.cleaned_data
                )
        except BeffroiError as error:
            form.add_error("name", error.told(_))
        else:
            messages.success(request, _("The role is saved."))
            return HttpResponseRedirect(request.get_full_path())
    areas = areas_list()
    area = _area(request.GET.get("secteur", ""), areas)
    held = api.grants_of([row.pk])
    columns = [("", _("All services")), *((key, _(one.label)) for key, one in domains().items())]
    context: dict[str, Any] = {
        "role": row,
        "form": form,
        "areas": areas,
        "area": area,
        "columns": [label for _key, label in columns],
        "rows": list(_rows(held, area_id=area.id if area else None, columns=columns)),
        "limited_areas": sorted({one.name for one in areas} & _named(held, areas)),
        "grants_url": reverse(
            "accounts:role_grants", kwargs={"territory": territory, "role": role}
        ),
    }
    return render(request, "accounts/role.html", context)


@agent("people.manage")
@require_POST
def role_grants(request: HttpRequest, territory: str, role: UUID) -> HttpResponse:
    """Store the table of one area, or of all."""
    area = _area(request.POST.get("secteur", ""), areas_list())
    pairs = set()
    for value in request.POST.getlist("droit"):
        verb, _bar, domain = value.partition("|")
        pairs.add((verb, domain))
    try:
        with transaction.atomic():
            api.role_grants_set(
                role,
                access=access_of(request),
                area_id=area.id if area else None,
                pairs=pairs,
                ip=client_address(request),
            )
    except NotFound as error:
        raise Http404 from error
    except BeffroiError as error:
        messages.error(request, error.told(_))
    else:
        messages.success(request, _("The rights are saved; they hold from the next page on."))
    url = reverse("accounts:role", kwargs={"territory": territory, "role": role})
    return HttpResponseRedirect(f"{url}?secteur={area.uuid}" if area else url)


@agent("people.manage")
@require_POST
def role_delete(request: HttpRequest, territory: str, role: UUID) -> HttpResponse:
    """Remove a role that nobody holds."""
    try:
        with transaction.atomic():
            api.role_remove(role, access=access_of(request), ip=client_address(request))
    except NotFound as error:
        raise Http404 from error
    except BeffroiError as error:
        messages.error(request, error.told(_))
        return HttpResponseRedirect(
            reverse("accounts:role", kwargs={"territory": territory, "role": role})
        )
    messages.success(request, _("The role is removed."))
    return HttpResponseRedirect(reverse("accounts:roles", kwargs={"territory": territory}))


def _rows(
    held: frozenset[tuple[str, str | None, int | None]],
    *,
    area_id: int | None,
    columns: Iterable[tuple[str, str]],
) -> Iterable[Row]:
    listed = list(columns)
    for verb in Verb:
        label = VERB_LABELS[verb]
        scoped = verb.value in SCOPED_VERBS
        if area_id is not None and not scoped:
            continue
        cells: list[Cell | None] = []
        for key, column in listed:
            if key and not scoped:
                cells.append(None)
                continue
            checked = (verb.value, key or None, area_id) in held
            cells.append(Cell(f"{verb.value}|{key}", f"{label} – {column}", checked, column))
        yield Row(label, tuple(cells))


def _area(text: str, areas: Iterable[AreaCard]) -> AreaCard | None:
    return next((one for one in areas if str(one.uuid) == text), None)


def _named(
    held: frozenset[tuple[str, str | None, int | None]], areas: Iterable[AreaCard]
) -> set[str]:
    ids = {area_id for _verb, _domain, area_id in held if area_id is not None}
    return {one.name for one in areas if one.id in ids}
