"""Changing the address with which one signs in, and the link that confirms it."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from beffroi.foundation.accounts import api
from beffroi.foundation.accounts.access import public, signed_in
from beffroi.foundation.accounts.adapters import client_address
from beffroi.foundation.accounts.mailing import mail_leaves, mail_send
from beffroi.foundation.accounts.web.forms import AddressForm
from beffroi.foundation.accounts.web.links import whole_address
from beffroi.foundation.accounts.web.step_up import to_confirm
from beffroi.kernel.errors import BeffroiError


@signed_in
@never_cache
def address(request: HttpRequest) -> HttpResponse:
    """Ask for another address; the password is asked first."""
    if (way := to_confirm(request)) is not None:
        return way
    user = cast("api.User", request.user)
    form = AddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            asked = api.address_change_ask(
                user, email=form.cleaned_data["email"], ip=client_address(request)
            )
        except BeffroiError as error:
            form.add_error("email", error.told(_))
        else:
            transaction.on_commit(lambda: _send(request, asked))
            return HttpResponseRedirect(reverse("account_profile"))
    context = {"form": form, "sends": mail_leaves(), "email": user.email}
    return render(request, "accounts/address.html", context)


@signed_in
@require_POST
def address_forget(request: HttpRequest) -> HttpResponse:
    """Forget the address asked for."""
    api.address_change_forget(cast("api.User", request.user))
    messages.success(request, _("Your address stays as it is."))
    return HttpResponseRedirect(reverse("account_profile"))


@public(reason="the link proves that its holder reads the new mailbox; its token decides")
@never_cache
def address_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for a click, then change the address: programs that preview links change nothing."""
    try:
        change = api.address_change_open(token)
        if request.method != "POST":
            return render(request, "accounts/address_confirm.html", {"change": change})
        done = api.address_change_confirm(token, ip=client_address(request))
    except BeffroiError as error:
        context = {"text": error.told(_)}
        return render(request, "accounts/link_invalid.html", context, status=error.status)
    tell_former(done)
    messages.success(request, _("From now on you sign in with %(email)s.") % {"email": done.email})
    return HttpResponseRedirect(reverse("account_profile"))


def tell_former(done: api.AddressChangeCard) -> None:
    """Write to the former address: whoever did not ask for it must know."""
    body = render_to_string("accounts/email/address_changed.txt", {"change": done})
    mail_send(_("The address of your account has changed"), body, to=done.former)


def _send(request: HttpRequest, asked: api.AddressChangeCard) -> None:
    link = whole_address(reverse("account_address_confirm", kwargs={"token": asked.token}))
    body = render_to_string("accounts/email/address.txt", {"change": asked, "link": link})
    if mail_send(_("Confirm your new address"), body, to=asked.email):
        messages.success(
            request,
            _("A link is on its way to %(email)s: open it to confirm.") % {"email": asked.email},
        )
    else:
        messages.info(
            request, _("Your request is kept: an administrator of your town will confirm it.")
        )
