"""The page that an invitation's link opens."""

from __future__ import annotations

from allauth.account.internal.flows.login import record_authentication
from allauth.usersessions.models import UserSession
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache

from beffroi.foundation.accounts.access import public
from beffroi.foundation.accounts.adapters import client_address
from beffroi.foundation.accounts.api import (
    InvitationInvalid,
    InvitationView,
    User,
    invitation_accept,
    invitation_open,
)
from beffroi.foundation.accounts.settings_parts import AUTHENTICATION_BACKENDS
from beffroi.foundation.accounts.web.forms import InvitationForm
from beffroi.foundation.accounts.web.home import FIRST_PAGE


@public(reason="the link is opened by a person who has no account yet; its token decides")
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Show the invitation, then make the account and go on to the second factor."""
    try:
        offer = invitation_open(token)
        if offer.has_account:
            return _with_account(request, token, offer)
        return _without_account(request, token, offer)
    except InvitationInvalid as error:
        context = {"text": error.told(gettext)}
        return render(request, "accounts/link_invalid.html", context, status=404)


def _with_account(request: HttpRequest, token: str, offer: InvitationView) -> HttpResponse:
    user = request.user
    mine = isinstance(user, User) and user.email == offer.email
    if request.method == "POST" and mine:
        invitation_accept(
            token, signed_in=user if isinstance(user, User) else None, ip=client_address(request)
        )
        return HttpResponseRedirect(FIRST_PAGE.format(slug=offer.territory_slug))
    sign_in = f"{reverse('account_login')}?{urlencode({'next': request.path})}"
    context = {"offer": offer, "mine": mine, "sign_in_url": sign_in}
    return render(request, "accounts/invitation_known.html", context)


def _without_account(request: HttpRequest, token: str, offer: InvitationView) -> HttpResponse:
    form = InvitationForm(
        request.POST or None, email=offer.email, initial={"full_name": offer.full_name}
    )
    if request.method != "POST" or not form.is_valid():
        return render(request, "accounts/invitation.html", {"offer": offer, "form": form})
    user = invitation_accept(
        token,
        full_name=form.cleaned_data["full_name"],
        password=form.cleaned_data["password"],
        ip=client_address(request),
    )
    login(request, user, backend=AUTHENTICATION_BACKENDS[0])
    # The password was chosen this minute: it is not asked again before the second factor.
    record_authentication(request, user, "password", email=user.email, reauthenticated=True)
    UserSession.objects.create_from_request(request)
    query = urlencode({"next": FIRST_PAGE.format(slug=offer.territory_slug)})
    return HttpResponseRedirect(f"{reverse('account_second_factor')}?{query}")
