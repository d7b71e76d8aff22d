"""The page that a one-time sign-in link opens."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from beffroi.foundation.accounts.access import public
from beffroi.foundation.accounts.adapters import client_address
from beffroi.foundation.accounts.api import (
    SignInLinkInvalid,
    sign_in_link_open,
    sign_in_link_use,
)
from beffroi.foundation.accounts.sessions import mark_link_session
from beffroi.foundation.accounts.settings_parts import AUTHENTICATION_BACKENDS


@public(reason="the link signs in; its token, made on the server's command line, decides")
@never_cache
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for a click, then sign in: programs that preview links use none up."""
    try:
        user = sign_in_link_open(token)
        if request.method != "POST":
            return render(request, "accounts/sign_in_link.html", {"person": user})
        user = sign_in_link_use(token, ip=client_address(request))
    except SignInLinkInvalid as error:
        context = {"text": error.told(_)}
        return render(request, "accounts/link_invalid.html", context, status=404)
    login(request, user, backend=AUTHENTICATION_BACKENDS[0])
    mark_link_session(request.session)
    UserSession.objects.create_from_request(request)
    messages.info(
        request,
        _(
            "You are signed in by a one-time link, for twelve hours. To sign in again without the"
            " server, choose a password and a second factor in your account."
        ),
    )
    return HttpResponseRedirect("/")
