"""One's own signed-in devices: the list, ending one, ending the others."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from beffroi.foundation.accounts.access import signed_in
from beffroi.foundation.accounts.api import User, sessions_end_others, sessions_of
from beffroi.foundation.accounts.web.browsers import browser_name


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def sessions(request: HttpRequest) -> HttpResponse:
    """List one's sessions; end one by its number, or all the others."""
    user = cast("User", request.user)
    current = request.session.session_key or ""
    if request.method == "POST":
        asked = request.POST.get("session", "")
        number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else None
        ended = sessions_end_others(user, except_key=current, only=number)
        if ended:
            messages.success(request, _("Signed out: what was open there closes within a minute."))
        return HttpResponseRedirect(reverse("usersessions_list"))
    rows = [
        {
            "id": one.pk,
            "browser": browser_name(one.user_agent),
            "ip": one.ip,
            "since": one.created_at,
            "is_current": one.session_key == current,
        }
        for one in sessions_of(user)
    ]
    context = {"rows": rows, "others": any(not row["is_current"] for row in rows)}
    return render(request, "accounts/sessions.html", context)
