"""The mark of Beffroi: a belfry whose bell rings."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

# A slate roof with its lantern, a tower open on one bell, and a step of ground; grid of 32.
_ROOF = "M16 1.5 17 4.5h-2zM15.3 4.5h1.4L22.5 12h-13z"
_TOWER = (
    "M10.5 13h11v14.5H25V30H7v-2.5h3.5zM16 15.5a3.5 3.5 0 0 0-3.5 3.5v7h7v-7a3.5 3.5 0 0 0-3.5-3.5z"
)
_BELL = (
    "M16 17.8c1.6 0 2.2 1.2 2.3 2.7.1 1.2.5 1.7 1 2.2h-6.6c.5-.5.9-1 1-2.2.1-1.5.7-2.7 2.3-2.7z"
    "M15 23.4h2a1 1 0 0 1-2 0z"
)
_WAVES = (
    "M6.8 16.5a6 6 0 0 0 0 6",
    "M3.8 14.5a10 10 0 0 0 0 10",
    "M25.2 16.5a6 6 0 0 1 0 6",
    "M28.2 14.5a10 10 0 0 1 0 10",
)


@register.simple_tag
def logo(*, label: str = "") -> SafeString:
    """Draw the mark, in the colours of the page."""
    spoken = (
        format_html('role="img" aria-label="{}"', label)
        if label
        else SafeString('aria-hidden="true"')
    )
    waves = SafeString("".join(f'<path d="{wave}"/>' for wave in _WAVES))
    return format_html(
        '<svg class="logo" viewBox="0 0 32 32" {}>'
        '<path class="logo__stone" fill-rule="evenodd" d="{}"/><path class="logo__stone" d="{}"/>'
        '<path class="logo__bell" d="{}"/><g class="logo__waves">{}</g></svg>',
        spoken,
        _TOWER,
        _ROOF,
        _BELL,
        waves,
    )
