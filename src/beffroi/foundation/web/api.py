"""What other rooms may use of the page elements."""

from __future__ import annotations

from beffroi.foundation.web.contracts import ContrastTooLow, NavigationItem, Section
from beffroi.foundation.web.contrast import contrast, nearest_passing, readable_or_refuse
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
    "ContrastTooLow",
    "NavigationItem",
    "Section",
    "content_security_policy",
    "contrast",
    "icon_svg",
    "nearest_passing",
    "ordering",
    "readable_or_refuse",
    "town_stylesheet",
]
