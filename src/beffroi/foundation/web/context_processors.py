"""What every template knows of the page: theme, territory, access, navigation, account."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from beffroi.foundation.web.contracts import Entry, Group
from beffroi.foundation.web.menu import navigation
from beffroi.foundation.web.theme import Theme, chosen_theme
from beffroi.foundation.web.words import WORDS

ACCOUNT_PAGES: Final[tuple[tuple[str, Promise, str], ...]] = (
    ("account_change_password", _("Password"), "key"),
    ("mfa_index", _("Second factor"), "role"),
    ("usersessions_list", _("Signed-in devices"), "device"),
)
"""Pages of a person's own account, as allauth names them."""


def page(request: HttpRequest) -> dict[str, Any]:
    """Give ``theme``, ``access``, ``territory``, ``nav`` and the account's links to templates.

    ``access`` and ``territory`` are what the access decorator left on the request, or None.
    """
    access = getattr(request, "access", None)
    groups: tuple[Group, ...] = navigation(access, path=request.path) if access is not None else ()
    return {
        "theme": chosen_theme(request),
        "themes": tuple(Theme),
        "access": access,
        "territory": getattr(request, "territory", None),
        "nav": groups,
        "home_url": groups[0].entries[0].url if groups else "/",
        "account_entries": SimpleLazyObject(account_entries),
        "logout_url": _url("account_logout"),
        "words": WORDS,
    }


def account_entries() -> tuple[Entry, ...]:
    """Return the links to a person's own pages, of those that this installation serves."""
    return tuple(
        Entry(label, url, icon) for name, label, icon in ACCOUNT_PAGES if (url := _url(name))
    )


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
