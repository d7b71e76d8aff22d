"""Pages speak the language that a person has chosen in their account."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from beffroi.foundation.accounts.api import User


class PersonLanguageMiddleware:
    """Take the account's language, unless this browser chose one by cookie."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer in the person's language."""
        if settings.LANGUAGE_COOKIE_NAME in request.COOKIES:
            return self.get_response(request)
        session_is_there = settings.SESSION_COOKIE_NAME in request.COOKIES
        # A visitor without session costs no query.
        user = getattr(request, "user", None) if session_is_there else None
        if isinstance(user, User) or (user is not None and user.is_authenticated):
            translation.activate(user.language)
            request.LANGUAGE_CODE = translation.get_language() or settings.LANGUAGE_CODE
        return self.get_response(request)
