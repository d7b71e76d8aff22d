"""Pages of this room: the choice of theme and language, a town's colours, the gallery."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from beffroi.foundation.accounts.access import public
from beffroi.foundation.territories.api import TerritoryNotFound, territory_by_slug
from beffroi.foundation.web.gallery import gallery_context
from beffroi.foundation.web.theme import COOKIE, ONE_YEAR_S, Theme
from beffroi.foundation.web.town_colours import town_stylesheet


def _back(request: HttpRequest) -> HttpResponseRedirect:
    asked = request.POST.get("next", "/")
    # Otherwise the form would send people to any site that a crafted link names.
    safe = url_has_allowed_host_and_scheme(
        asked, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return HttpResponseRedirect(asked if safe else "/")


def _remember(request: HttpRequest, response: HttpResponse, *, name: str, value: str) -> None:
    response.set_cookie(
        name, value, max_age=ONE_YEAR_S, secure=request.is_secure(), httponly=True, samesite="Lax"
    )


@public(reason="the choice of light or dark is a cookie of the browser")
@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or automatic, and go back; a script gets no page, only the cookie."""
    try:
        theme = Theme(request.POST.get("theme", Theme.AUTO))
    except ValueError:
        theme = Theme.AUTO
    wants_page = "HX-Request" not in request.headers
    response = _back(request) if wants_page else HttpResponse(status=204)
    _remember(request, response, name=COOKIE, value=theme.value)
    return response


@public(reason="the choice of language is a cookie of the browser")
@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Remember the language, and go back."""
    response = _back(request)
    asked = request.POST.get("language", settings.LANGUAGE_CODE)
    if translation.check_for_language(asked):
        _remember(request, response, name=settings.LANGUAGE_COOKIE_NAME, value=asked)
    return response


COLOURS_MAX_AGE_S: Final = 3600


@public(reason="two colours that the town shows on its own pages")
@require_GET
def town_colours(request: HttpRequest, territory: str) -> HttpResponse:
    """Serve a town's colours as a style sheet."""
    del request
    try:
        card = territory_by_slug(territory)
    except TerritoryNotFound as error:
        raise Http404 from error
    css = town_stylesheet(primary=card.primary_color, secondary=card.secondary_color)
    response = HttpResponse(css, content_type="text/css; charset=utf-8")
    response.headers["ETag"] = f'"{sha256(css.encode()).hexdigest()[:16]}"'
    response.headers["Cache-Control"] = f"public, max-age={COLOURS_MAX_AGE_S}"
    return response


@public(reason="documentation of the interface; no data of a territory")
@require_GET
def component_gallery(request: HttpRequest) -> HttpResponse:
    """Show every component at work."""
    return render(request, "web/gallery.html", gallery_context(request))
