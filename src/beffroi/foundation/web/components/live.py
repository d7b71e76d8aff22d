"""Components that move: state of the live channel, live values, map, charts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from typing import Any, Final

from django import template
from django.template.loader import render_to_string
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from beffroi.foundation.web.components.display import age
from beffroi.foundation.web.contracts import NONE_SHOWN
from beffroi.foundation.web.icons import paths_of
from beffroi.kernel import clock

register = template.Library()

DOMAIN_COLOURS: Final = 8
"""Categorical colours of the style sheet, ``--domain-1`` to ``--domain-8``."""


@register.inclusion_tag("web/components/live_state.html")
def live_state() -> dict[str, Any]:
    """Show whether the page is live, late or cut off; without script it says when it was read."""
    return {"now": clock.now()}


@register.simple_tag
def shown_value(value: float | None, *, decimals: int, choices: Sequence[object] = ()) -> str:
    """Write a value as people read it: a choice's word, or a number with its decimals."""
    if value is None or not isfinite(value):
        return "–"
    if choices:
        index = round(value)
        return str(choices[index]) if 0 <= index < len(choices) else str(index)
    # Django's filter cuts; a browser's Intl rounds halves away from zero, and both must agree.
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    return number_format(rounded, decimal_pos=decimals, use_l10n=True, force_grouping=True)


@register.filter
def grouped(number: float) -> str:
    """Write a count with its thousands apart, as the language does."""
    return number_format(number, use_l10n=True, force_grouping=True)


@register.inclusion_tag("web/components/live_value.html")
def live_value(
    *,
    asset: object,
    measure: str,
    value: float | None,
    unit: str = "",
    decimals: int = 1,
    at: datetime | None = None,
    quality: int | str | None = None,
    choices: Sequence[object] = (),
    show_age: bool = True,
) -> dict[str, Any]:
    """Show the latest value of a measure; it follows the live channel.

    ``quality`` is the kernel's flag: suspect (3) and bad (4) values are marked, never hidden.
    """
    return {
        "asset": str(asset),
        "measure": measure,
        "text": shown_value(value, decimals=decimals, choices=choices),
        "unit": unit,
        "decimals": decimals,
        # A value whose time the page does not know is not one that never came.
        "age": age(at) if at is not None or value is None else "",
        "show_age": show_age,
        "quality": _quality(quality),
        "choices": [str(choice) for choice in choices],
    }


def _quality(quality: int | str | None) -> int:
    try:
        return int(quality or 1)
    except ValueError:
        return 1


@register.simple_block_tag
def map_panel(
    content: str,
    config: Mapping[str, Any],
    *,
    label: object,
    id: str = "map",  # noqa: A002 - HTML's word
    list_url: str = "",
    small: bool = False,
) -> SafeString:
    """Draw the place of a map, its side panel and the link to the same content as a list."""
    return render_to_string(
        "web/components/map_panel.html",
        {
            "content": content,
            "config": {
                **config,
                "domains": [
                    {**domain, "paths": paths_of(str(domain.get("icon", "asset")))}
                    for domain in coloured(config.get("domains", ()))
                ],
            },
            "config_id": f"{id}-config",
            "label": label,
            "id": id,
            "list_url": list_url,
            "small": small,
            "interactive": config.get("interactive", True),
        },
    )


def coloured(domains: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give each domain the number of its colour, by its place, unless it has one."""
    return [
        {
            **domain,
            "label": str(domain["label"]),
            "hue": domain.get("hue", 1 + place % DOMAIN_COLOURS),
        }
        for place, domain in enumerate(domains)
    ]


@register.inclusion_tag("web/components/domain_toggles.html", takes_context=True)
def domain_toggles(
    context: template.Context,
    domains: Iterable[Mapping[str, Any]],
    *,
    active: Collection[str] = (),
    name: str = "domaines",
) -> dict[str, Any]:
    """Draw the check boxes that choose the urban services shown, with their counts."""
    return {
        "domains": coloured(domains),
        "active": set(active),
        "name": name,
        "none": NONE_SHOWN,
        "request": context.get("request"),
    }


@register.simple_block_tag
def chart_panel(
    content: str,
    *,
    src: str,
    label: object,
    unit: str = "",
    ranges: Iterable[Sequence[Any]] = (),
    csv_url: str = "",
    id: str = "",  # noqa: A002 - HTML's word
    live_asset: object = "",
    live_measure: str = "",
    decimals: int = 1,
) -> SafeString:
    """Draw the place of a chart; what the block holds is read where the script is not."""
    return render_to_string(
        "web/components/chart_panel.html",
        {
            "content": content,
            "src": src,
            "label": label,
            "unit": unit,
            "ranges": [(*item, None)[:4] for item in ranges],
            "csv_url": csv_url,
            "id": id,
            "live_asset": str(live_asset),
            "live_measure": live_measure,
            "decimals": decimals,
        },
    )


SPARK_WIDTH: Final = 120
SPARK_HEIGHT: Final = 28


def spark_paths(values: Sequence[float | None]) -> list[str]:
    """Return the path of each unbroken run of values, in a box of 120 by 28."""
    known = [value for value in values if value is not None]
    if not known:
        return []
    low, high = min(known), max(known)
    step = SPARK_WIDTH / max(1, len(values) - 1)
    paths: list[str] = []
    run: list[str] = []
    for place, value in enumerate([*values, None]):
        if value is None:
            if run:
                # A lone point would draw nothing: it is given a length that the round cap shows.
                paths.append("M" + "L".join(run) + ("h.01" if len(run) == 1 else ""))
            run = []
            continue
        share = (value - low) / (high - low) if high > low else 0.5
        run.append(f"{place * step:.1f} {2 + (SPARK_HEIGHT - 4) * (1 - share):.1f}")
    return paths


@register.simple_tag
def sparkline(values: Sequence[float | None], *, label: object = "") -> SafeString:
    """Draw a small line, on the server; without label it is decorative."""
    paths = SafeString("".join(f'<path d="{path}"/>' for path in spark_paths(list(values))))
    spoken = (
        format_html('role="img" aria-label="{}"', label)
        if label
        else SafeString('aria-hidden="true"')
    )
    return format_html(
        '<svg class="sparkline" viewBox="0 0 {} {}" preserveAspectRatio="none" {}>{}</svg>',
        SPARK_WIDTH,
        SPARK_HEIGHT,
        spoken,
        paths or format_html("<title>{}</title>", _("No value")),
    )
