"""What other rooms may use of the page elements."""

from __future__ import annotations

from beffroi.foundation.web.contracts import NONE_SHOWN, NavigationItem, Section
from beffroi.foundation.web.icons import icon_svg
from beffroi.foundation.web.security import CONTENT_SECURITY_POLICY, content_security_policy
from beffroi.foundation.web.sorting import ordering
from beffroi.foundation.web.town_colours import (
    DEFAULT_PRIMARY,
    DEFAULT_SECONDARY,
    town_stylesheet,
)

__all__ = [
    "CONTENT_SECURITY_POLICY",
    "DEFAULT_PRIMARY",
    "DEFAULT_SECONDARY",
    "NONE_SHOWN",
    "NavigationItem",
    "Section",
    "content_security_policy",
    "icon_svg",
    "ordering",
    "town_stylesheet",
]
