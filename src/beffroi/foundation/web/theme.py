"""The person's choice of light or dark, kept in a cookie so that the server writes it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

COOKIE: Final = "beffroi_theme"
ONE_YEAR_S: Final = 365 * 24 * 3600


class Theme(StrEnum):
    """What a person may choose."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"

    @property
    def label(self) -> Promise:
        """Return its name on screen."""
        return _LABELS[self]


_LABELS: Final[Mapping[Theme, Promise]] = {
    Theme.AUTO: pgettext_lazy("theme", "Automatic"),
    Theme.LIGHT: pgettext_lazy("theme", "Light"),
    Theme.DARK: pgettext_lazy("theme", "Dark"),
}


def chosen_theme(request: HttpRequest) -> Theme:
    """Return the choice stored in the cookie; automatic when there is none or it is unknown."""
    try:
        return Theme(request.COOKIES.get(COOKIE, Theme.AUTO))
    except ValueError:
        return Theme.AUTO
