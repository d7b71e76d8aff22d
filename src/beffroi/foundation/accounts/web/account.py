"""One's own account: name, language, and the choice of a second factor."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from beffroi.foundation.accounts.access import signed_in
from beffroi.foundation.accounts.api import (
    User,
    address_change_of,
    came_by_link,
    has_second_factor,
    memberships_of,
    profile_change,
)
from beffroi.foundation.accounts.mailing import mail_leaves
from beffroi.foundation.accounts.web.forms import ProfileForm
from beffroi.kernel.clock import now

NEXT_KEY = "beffroi_next"


@signed_in
def profile(request: HttpRequest) -> HttpResponse:
    """Show and change one's name and language."""
    user = cast("User", request.user)
    initial = {"full_name": user.full_name, "language": user.language}
    form = ProfileForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        profile_change(
            user,
            full_name=form.cleaned_data["full_name"],
            language=form.cleaned_data["language"],
        )
        messages.success(request, _("Your account is up to date."))
        return HttpResponseRedirect(reverse("account_profile"))
    context = {
        "form": form,
        "has_factor": has_second_factor(user.pk),
        "by_link": came_by_link(request.session, at=now()),
        "has_password": user.has_usable_password(),
        "memberships": memberships_of(user.pk),
        "address_change": address_change_of(user),
        "sends": mail_leaves(),
    }
    return render(request, "accounts/profile.html", context)


@signed_in
def second_factor(request: HttpRequest) -> HttpResponse:
    """Ask for a second factor before the first agent's page, and remember which one it was."""
    wanted = request.GET.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}):
        request.session[NEXT_KEY] = wanted
    if has_second_factor(cast("int", request.user.pk)):
        return HttpResponseRedirect(reverse("mfa_index"))
    return render(request, "accounts/second_factor.html")
