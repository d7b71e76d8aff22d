"""Components that show: states, cards, figures, lists, notices, time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django import template
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from beffroi.foundation.web.icons import icon_svg
from beffroi.kernel import clock

register = template.Library()

STATES: Final = {
    "normal": gettext_lazy("Normal"),
    "attention": gettext_lazy("Attention"),
    "alarm": gettext_lazy("Alarm"),
    "silent": gettext_lazy("Silent"),
    "never_reported": gettext_lazy("Never reported"),
    "unknown": gettext_lazy("Unknown"),
}
"""States of a thing: each has its colour, its shape and its word."""

STATE_NUMBERS: Final = ("normal", "attention", "alarm", "silent", "never_reported")
"""The numbers that tiles and tables carry, as names."""

# One outline per state: told apart without colour, at 12 pixels.
_SHAPES: Final = {
    "normal": '<circle cx="8" cy="8" r="5"/>',
    "attention": '<path d="M8 1.8 15 14H1z"/>',
    "alarm": '<path d="M8 .8 15.2 8 8 15.2.8 8z"/><path class="mark" d="M8 4.8v3.7M8 11v.1"/>',
    "silent": '<circle class="hollow" cx="8" cy="8" r="5.2"/>'
    '<path class="hollow" d="m4.3 11.7 7.4-7.4"/>',
    "never_reported": '<circle class="hollow" cx="8" cy="8" r="5.2" stroke-dasharray="2.2 2.2"/>',
    "unknown": '<circle class="hollow" cx="8" cy="8" r="5.2"/>',
}


def state_name(state: str | int) -> str:
    """Return the name of a state given by name or by number."""
    if isinstance(state, int):
        return STATE_NUMBERS[state] if 0 <= state < len(STATE_NUMBERS) else "unknown"
    return state if state in STATES else "unknown"


@register.filter
def state_label(state: str | int) -> str:
    """Return the word of a state alone, where a drawing has no place."""
    return str(STATES[state_name(state)])


@register.simple_tag
def status(state: str | int, *, label: object = "", hide_label: bool = False) -> SafeString:
    """Draw a state: colour, shape and text."""
    name = state_name(state)
    return format_html(
        '<span class="status status--{}"><svg class="status__shape" viewBox="0 0 16 16"'
        ' aria-hidden="true">{}</svg><span class="{}">{}</span></span>',
        name,
        SafeString(_SHAPES[name]),
        "visually-hidden" if hide_label else "status__label",
        label or STATES[name],
    )


@register.simple_tag
def badge(label: object, *, tone: str = "neutral", icon: str = "") -> SafeString:
    """Draw a small word on a tinted ground: neutral, info, ok, attention, alarm, silent."""
    drawing = icon_svg(icon) if icon else SafeString("")
    return format_html('<span class="badge badge--{}">{}{}</span>', tone, drawing, label)


@register.inclusion_tag("web/components/tag.html")
def tag(label: object, *, href: str = "", remove_href: str = "") -> dict[str, Any]:
    """Draw a keyword, a link to its page, or a filter that can be taken off."""
    return {"label": label, "href": href, "remove_href": remove_href}


@register.inclusion_tag("web/components/key_figure.html")
def key_figure(
    value: object,
    *,
    label: object,
    unit: str = "",
    note: object = "",
    trend: object = "",
    state: str = "",
    href: str = "",
    icon: str = "",
) -> dict[str, Any]:
    """Draw one figure with its label; ``state`` adds the shape and colour of a state."""
    return {
        "value": value,
        "label": label,
        "unit": unit,
        "note": note,
        "trend": trend,
        "state": state,
        "href": href,
        "icon": icon,
    }


@register.inclusion_tag("web/components/definition_list.html")
def definition_list(rows: Iterable[Sequence[object]], *, columns: int = 1) -> dict[str, Any]:
    """Draw ``(term, value)`` rows; an empty value is shown as a dash that is spoken as such."""
    return {"rows": list(rows), "columns": columns}


@register.simple_block_tag
def card(
    content: str,
    *,
    title: object = "",
    id: str = "",  # noqa: A002 - HTML's word
    level: int = 2,
    actions: object = "",
    tight: bool = False,
    icon: str = "",
) -> SafeString:
    """Draw a surface with an optional title and actions at its right."""
    return render_to_string(
        "web/components/card.html",
        {
            "content": content,
            "title": title,
            "id": id,
            "level": level if level in (2, 3, 4) else 2,
            "actions": actions,
            "tight": tight,
            "icon": icon,
        },
    )


@register.simple_block_tag
def notice(
    content: str, *, title: object = "", tone: str = "info", level: int = 2, live: bool = False
) -> SafeString:
    """Draw a banner: info, ok, attention or alarm; ``live`` has it spoken when it appears."""
    icons = {"info": "info", "ok": "ok", "attention": "warning", "alarm": "alarm"}
    return render_to_string(
        "web/components/notice.html",
        {
            "content": content,
            "title": title,
            "tone": tone,
            "icon": icons.get(tone, "info"),
            "level": level,
            "live": live,
        },
    )


@register.inclusion_tag("web/components/empty_state.html")
def empty_state(
    *,
    title: object,
    text: object = "",
    action_label: object = "",
    action_url: str = "",
    icon: str = "box",
) -> dict[str, Any]:
    """Draw what stands where a list would, and the way out."""
    return {
        "title": title,
        "text": text,
        "action_label": action_label,
        "action_url": action_url,
        "icon": icon,
    }


@register.inclusion_tag("web/components/progress.html")
def progress(
    value: float | None,
    *,
    label: object,
    max: float = 100,  # noqa: A002 - HTML's word
    note: object = "",
) -> dict[str, Any]:
    """Draw a progress bar; without a value it says that work goes on, not how far."""
    share = None if value is None or not max else round(100 * value / max)
    return {"value": value, "max": max, "label": label, "note": note, "share": share}


@register.inclusion_tag("web/components/stepper.html")
def stepper(steps: Iterable[object], *, current: int, label: object = "") -> dict[str, Any]:
    """Draw the steps of a journey; ``current`` counts from 1."""
    listed = list(steps)
    return {
        "steps": [
            (rank, step, "done" if rank < current else "current" if rank == current else "todo")
            for rank, step in enumerate(listed, start=1)
        ],
        "current": current,
        "count": len(listed),
        "label": label or _("Steps"),
    }


@register.inclusion_tag("web/components/timeline.html")
def timeline(entries: Iterable[object], *, label: object = "") -> dict[str, Any]:
    """Draw dated entries, newest first as given: ``at title text who tone url``."""
    return {"entries": list(entries), "label": label or _("History")}


@register.inclusion_tag("web/components/skeleton.html")
def skeleton(*, lines: int = 3) -> dict[str, Any]:
    """Draw the grey shape of what is coming; it is said once to a screen reader."""
    return {"lines": range(lines)}


def age_text(moment: datetime, *, at: datetime) -> str:
    """Return how long ago the moment was, in the largest whole unit, in the active language."""
    seconds = int((at - moment).total_seconds())
    if seconds < 0:
        return _("just now")
    if seconds < 60:
        return ngettext("%(n)d s ago", "%(n)d s ago", seconds) % {"n": seconds}
    for size, one, many in (
        (86_400, "%(n)d day ago", "%(n)d days ago"),
        (3_600, "%(n)d h ago", "%(n)d h ago"),
        (60, "%(n)d min ago", "%(n)d min ago"),
    ):
        if seconds >= size:
            count = seconds // size
            return ngettext(one, many, count) % {"n": count}
    return _("just now")


@register.simple_tag
def age(moment: datetime | None) -> SafeString:
    """Write how old a moment is, with the exact time on hover; it ticks when the script runs."""
    if moment is None:
        return format_html('<span class="muted">{}</span>', _("never"))
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" data-age title="{}">{}</time>',
        moment.isoformat(),
        local.strftime("%d/%m/%Y %H:%M:%S"),
        age_text(moment, at=clock.now()),
    )
