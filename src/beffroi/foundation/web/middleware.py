"""Headers that neither Django's SecurityMiddleware nor django-csp writes."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from beffroi.foundation.web.security import HEADERS


class SecurityHeadersMiddleware:
    """Write the permissions and isolation headers, unless a view wrote its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, then add what is missing; a page made for a person is not kept by caches."""
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if getattr(request, "access", None) is not None:
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response
