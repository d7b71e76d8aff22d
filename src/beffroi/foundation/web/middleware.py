"""Headers that neither Django's SecurityMiddleware nor django-csp writes, and compression."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

from beffroi.foundation.web.security import HEADERS

ACCOUNT_PAGES = "/compte/"


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
        elif request.path.startswith(ACCOUNT_PAGES):
            response.headers.setdefault("Cache-Control", "private, no-store")
            # These addresses may hold a link that opens once: nobody is told them, not even us.
            response.headers["Referrer-Policy"] = "strict-origin"
        return response


class CompressionMiddleware(GZipMiddleware):
    """Compress pages, fragments, JSON and CSV for browsers that read gzip.

    A compressed answer that holds a secret beside what a stranger chose gives the secret away by
    its length (BREACH). Here the token of forms is masked anew in each answer, a random number of
    octets lengthens each answer, and the pages of an account, which hold the only secrets that
    are shown twice, are sent as they are. Events and tiles never come through here compressed:
    the first are another server's, the second are stored compressed.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Compress what is text, unless it is compressed already."""
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        is_text = kind.startswith("text/") or kind.endswith(("json", "javascript", "xml"))
        if not is_text or request.path.startswith(ACCOUNT_PAGES):
            return response
        return super().process_response(request, response)
