"""The addresses of this room and of the layouts, with one page of another room's kind."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import include, path
from django.views import View

from beffroi.foundation.accounts.access import agent, public, signed_in
from beffroi.foundation.accounts.models import Department

TERRITORY = "t/<slug:territory>/"


@agent("assets.see")
def city(request: HttpRequest, territory: str) -> HttpResponse:
    access = request.access  # type: ignore[attr-defined]  # set by @agent
    return HttpResponse(f"{territory} {access.user_id}")


@agent("assets.edit")
class Edit(View):
    def get(self, request: HttpRequest, territory: str) -> HttpResponse:
        del request
        return HttpResponse(territory)


@agent("assets.see")
def streamed(request: HttpRequest, territory: str) -> StreamingHttpResponse:
    del request, territory
    return StreamingHttpResponse(name for name in Department.objects.values_list("name", flat=True))


@signed_in
class Own(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(request.user))


@public(reason="a test")
def anybody(request: HttpRequest) -> HttpResponse:
    del request
    return HttpResponse("public")


urlpatterns = [
    path("", include("beffroi.foundation.web.urls")),
    path("", include("beffroi.foundation.accounts.web.urls")),
    path(TERRITORY, include("beffroi.foundation.accounts.web.territory_urls")),
    path(f"{TERRITORY}ville/", city),
    path(f"{TERRITORY}modifier/", Edit.as_view()),
    path(f"{TERRITORY}flux/", streamed),
    path("moi/", Own.as_view()),
    path("public/", anybody),
]
