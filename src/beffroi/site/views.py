"""What answers when nothing else does: errors in plain words, and a sign of life."""

from __future__ import annotations

from importlib.metadata import version

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from beffroi.foundation.accounts.access import public
from beffroi.interfaces.api.problems import problem_response, refusal, server_failed
from beffroi.site.licences import browser_licences, components

API = "/api/"
"""Below it every error is a problem, also what is refused before an address is looked for."""


@public(reason="a supervisor asks without an account; it learns up or down, nothing else")
def health(_request: HttpRequest) -> JsonResponse:
    """Tell whether pages and database answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


@public(reason="who uses the site may know what it runs and obtain its source (AGPL, section 13)")
@require_safe
def licences(request: HttpRequest) -> HttpResponse:
    """Say what the installation is made of, whose data it shows, and where its source is."""
    context = {
        "version": version("beffroi"),
        "source_url": settings.BEFFROI.source_url,
        "components": components(),
        "browser_licences": browser_licences(),
    }
    return render(request, "site/licences.html", context)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400."""
    del exception
    return _page(
        request,
        400,
        _("This request cannot be read"),
        _("Go back and try again. If the problem stays, tell your administrator."),
    )


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403."""
    del exception
    return _page(
        request,
        403,
        _("You may not open this page"),
        _("Your role does not include it. An administrator of your town can give it to you."),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404."""
    del exception
    return _page(
        request,
        404,
        _("This page does not exist"),
        _("The address may be wrong, or what it showed has been removed."),
    )


def broken(request: HttpRequest) -> HttpResponse:
    """Answer 500 without the database, which may be what is broken."""
    if request.path.startswith(API):
        return problem_response(request, server_failed())
    return HttpResponse(loader.render_to_string("site/broken.html"), status=500)


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    if request.path.startswith(API):
        return problem_response(request, refusal(status))
    return render(request, "site/error.html", {"title": title, "text": text}, status=status)
