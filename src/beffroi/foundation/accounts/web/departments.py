"""Departments of a territory."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from beffroi.foundation.accounts import api
from beffroi.foundation.accounts.access import agent
from beffroi.foundation.accounts.adapters import client_address
from beffroi.foundation.accounts.web.forms import NamedForm
from beffroi.foundation.accounts.web.requests import access_of
from beffroi.kernel.errors import BeffroiError, NotFound


@agent("people.see")
def department_list(request: HttpRequest, territory: str) -> HttpResponse:
    """List the departments."""
    del territory
    context = {
        "departments": api.departments(),
        "may_manage": "people.manage" in access_of(request).verbs,
    }
    return render(request, "accounts/departments.html", context)


@agent("people.manage")
def department_new(request: HttpRequest, territory: str) -> HttpResponse:
    """Create a department."""
    return _edit(request, territory, None, form=NamedForm(request.POST or None))


@agent("people.manage")
def department_page(request: HttpRequest, territory: str, department: UUID) -> HttpResponse:
    """Change a department."""
    try:
        row = api.department(department)
    except NotFound as error:
        raise Http404 from error
    initial = {"name": row.name, "description": row.description}
    form = NamedForm(request.POST or None, initial=initial)
    return _edit(request, territory, department, form=form)


@agent("people.manage")
@require_POST
def department_delete(request: HttpRequest, territory: str, department: UUID) -> HttpResponse:
    """Remove a department; its people stay."""
    try:
        api.department_remove(department, access=access_of(request), ip=client_address(request))
    except NotFound as error:
        raise Http404 from error
    messages.success(request, _("The department is removed; its people have none now."))
    return HttpResponseRedirect(reverse("accounts:departments", kwargs={"territory": territory}))


def _edit(
    request: HttpRequest, territory: str, department: UUID | None, *, form: NamedForm
) -> HttpResponse:
    back = reverse("accounts:departments", kwargs={"territory": territory})
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                api.department_save(
                    department,
                    access=access_of(request),
                    ip=client_address(request),
                    **form.cleaned_data,
                )
        except BeffroiError as error:
            form.add_error("name", error.told(_))
        else:
            messages.success(request, _("The department is saved."))
            return HttpResponseRedirect(back)
    remove_url = department and reverse(
        "accounts:department_remove", kwargs={"territory": territory, "department": department}
    )
    context = {
        "form": form,
        "title": _("Department") if department else _("New department"),
        "back": back,
        "remove_url": remove_url,
    }
    return render(request, "accounts/named_form.html", context)
