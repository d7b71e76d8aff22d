"""Confirming that it is still the same person before what could take an account over."""

from __future__ import annotations

from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode


def to_confirm(request: HttpRequest) -> HttpResponseRedirect | None:
    """Return the way to the confirmation page, or ``None`` for five minutes after it."""
    if not is_reauthentication_required(request, app="account"):
        return None
    query = urlencode({"next": request.path})
    return HttpResponseRedirect(f"{reverse('account_reauthenticate')}?{query}")
