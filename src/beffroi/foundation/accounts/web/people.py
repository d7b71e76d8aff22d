"""People of a territory: the list, invitations, a person's place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from beffroi.foundation.accounts import api
from beffroi.foundation.accounts.access import agent
from beffroi.foundation.accounts.adapters import client_address
from beffroi.foundation.accounts.mailing import mail_leaves, mail_send
from beffroi.foundation.accounts.web.address import tell_former
from beffroi.foundation.accounts.web.forms import InviteForm, PeopleFilterForm, PlaceForm
from beffroi.foundation.accounts.web.links import whole_address
from beffroi.foundation.accounts.web.requests import access_of, territory_of_page
from beffroi.foundation.accounts.web.step_up import to_confirm
from beffroi.kernel.errors import BeffroiError, NotFound

PAGE_SIZE = 50
ORDERS = {
    "nom": "user__full_name",
    "service": "department__name",
    "connexion": "user__last_login",
}


@agent("people.see")
def people_list(request: HttpRequest, territory: str) -> HttpResponse:
    """List the people of the territory, with the invitations that wait."""
    del territory
    form = PeopleFilterForm(request.GET or None, **_choices())
    asked = form.cleaned_data if form.is_bound and form.is_valid() else {}
    rows = api.people(
        search=asked.get("q", ""),
        role=asked.get("role", ""),
        department=asked.get("service", ""),
        state=asked.get("etat") or "active",
    ).order_by(_order(request), "pk")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "people": [api.person_card(row) for row in page.object_list],
        "invitations": api.invitations_pending(),
        "changes": api.address_changes_waiting(),
        "may_manage": "people.manage" in access_of(request).verbs,
    }
    return render(request, "accounts/people.html", context)


@agent("people.manage")
@never_cache
def invite(request: HttpRequest, territory: str) -> HttpResponse:
    """Invite a person; the link is shown once and sent by e-mail."""
    form = InviteForm(request.POST or None, **_choices())
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                issued = api.person_invite(
                    form.cleaned_data["email"],
                    access=access_of(request),
                    role_uuids=[UUID(one) for one in form.cleaned_data["roles"]],
                    department_uuid=_uuid(form.cleaned_data["department"]),
                    ip=client_address(request),
                )
        except BeffroiError as error:
            form.add_error(None, error.told(_))
        else:
            sent = _mail(request, issued, template="accounts/email/invitation.txt")
            context = {"issued": issued, "link": whole_address(issued.path), "sent": sent}
            return render(request, "accounts/invited.html", context)
    context = {
        "form": form,
        "back": reverse("accounts:people", kwargs={"territory": territory}),
        "sends": mail_leaves(),
    }
    return render(request, "accounts/invite.html", context)


@agent("people.manage")
@require_POST
def withdraw(request: HttpRequest, territory: str, invitation: UUID) -> HttpResponse:
    """Make an invitation useless."""
    _do(
        request,
        lambda: api.invitation_withdraw(
            invitation, access=access_of(request), ip=client_address(request)
        ),
        done=_("The invitation is withdrawn: its link opens nothing."),
    )
    return HttpResponseRedirect(reverse("accounts:people", kwargs={"territory": territory}))


@agent("people.manage")
def person(request: HttpRequest, territory: str, person: UUID) -> HttpResponse:
    """Show and change a person's roles and department."""
    try:
        row = api.member(person)
    except NotFound as error:
        raise Http404 from error
    initial = {
        "roles": [str(role.uuid) for role in row.roles.all()],
        "department": str(row.department.uuid) if row.department else "",
    }
    form = PlaceForm(request.POST or None, initial=initial, **_choices())
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                api.person_change(
                    person,
                    access=access_of(request),
                    role_uuids=[UUID(one) for one in form.cleaned_data["roles"]],
                    department_uuid=_uuid(form.cleaned_data["department"]),
                    ip=client_address(request),
                )
        except BeffroiError as error:
            form.add_error(None, error.told(_))
        else:
            messages.success(request, _("The change is in force from the next page on."))
            return HttpResponseRedirect(reverse("accounts:people", kwargs={"territory": territory}))
    context = {
        "form": form,
        "person": api.person_card(row),
        "is_self": row.user_id == access_of(request).user_id,
    }
    return render(request, "accounts/person.html", context)


@agent("people.manage")
@never_cache
def renew(request: HttpRequest, territory: str, person: UUID) -> HttpResponse:
    """Make the link that opens a person's account anew; the password is asked first."""
    try:
        row = api.member(person)
    except NotFound as error:
        raise Http404 from error
    if (way := to_confirm(request)) is not None:
        return way
    back = reverse("accounts:person", kwargs={"territory": territory, "person": person})
    if request.method == "POST":
        try:
            with transaction.atomic():
                issued = api.renewal_issue(
                    person, access=access_of(request), ip=client_address(request)
                )
        except BeffroiError as error:
            messages.error(request, error.told(_))
            return HttpResponseRedirect(back)
        sent = _mail(request, issued, template="accounts/email/renewal.txt")
        context = {
            "issued": issued,
            "link": whole_address(issued.path),
            "sent": sent,
            "renews": True,
        }
        return render(request, "accounts/invited.html", context)
    context = {"person": api.person_card(row), "back": back, "sends": mail_leaves()}
    return render(request, "accounts/renew.html", context)


@agent("people.manage")
@require_POST
def address_change(request: HttpRequest, territory: str, person: UUID) -> HttpResponse:
    """Confirm or refuse the address that a member has asked for."""
    access, ip = access_of(request), client_address(request)

    def accept() -> None:
        done = api.address_change_accept(person, access=access, ip=ip)
        transaction.on_commit(lambda: tell_former(done))

    if request.POST.get("faire") == "refuser":
        return _after(
            request,
            territory,
            lambda: api.address_change_refuse(person, access=access, ip=ip),
            done=_("The address stays as it is."),
        )
    return _after(request, territory, accept, done=_("The new address is in force."))


@agent("people.manage")
@require_POST
def deactivate(request: HttpRequest, territory: str, person: UUID) -> HttpResponse:
    """Close a person's access; their sessions end at once."""
    return _after(
        request,
        territory,
        lambda: api.person_deactivate(
            person, access=access_of(request), ip=client_address(request)
        ),
        done=_("The access is closed and the sessions are ended."),
    )


@agent("people.manage")
@require_POST
def reactivate(request: HttpRequest, territory: str, person: UUID) -> HttpResponse:
    """Open a person's access again."""
    return _after(
        request,
        territory,
        lambda: api.person_reactivate(
            person, access=access_of(request), ip=client_address(request)
        ),
        done=_("The access is open again."),
    )


def _after(
    request: HttpRequest, territory: str, action: Callable[[], object], *, done: str
) -> HttpResponse:
    _do(request, action, done=done)
    return HttpResponseRedirect(reverse("accounts:people", kwargs={"territory": territory}))


def _do(request: HttpRequest, action: Callable[[], object], *, done: str) -> None:
    try:
        with transaction.atomic():
            action()
    except NotFound as error:
        raise Http404 from error
    except BeffroiError as error:
        messages.error(request, error.told(_))
    else:
        messages.success(request, done)


def _choices() -> dict[str, Any]:
    return {
        "roles": [(str(one.uuid), one.name) for one in api.roles()],
        "departments": [(str(one.uuid), one.name) for one in api.departments()],
    }


def _order(request: HttpRequest) -> str:
    asked = request.GET.get("tri", "nom")
    name = ORDERS.get(asked.removeprefix("-"), ORDERS["nom"])
    return f"-{name}" if asked.startswith("-") else name


def _uuid(text: str) -> UUID | None:
    return UUID(text) if text else None


def _mail(request: HttpRequest, issued: api.InvitationIssued, *, template: str) -> bool:
    """Send the link; tell whether a relay took it."""
    town = territory_of_page(request).name
    # A newcomer has chosen no language yet.
    with override("fr"):
        context = {
            "town": town,
            "who": access_of(request).user_name,
            "link": whole_address(issued.path),
        }
        subject = _("{town}: your account").format(town=town)
        return mail_send(subject, render_to_string(template, context), to=issued.email)
