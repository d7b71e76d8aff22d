"""Components that one presses: buttons, links that look like them, copy, dialogs, search."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from beffroi.foundation.web.components.markup import attributes
from beffroi.foundation.web.icons import icon_svg

register = template.Library()


@register.simple_tag
def icon(name: str, *, label: str = "") -> SafeString:
    """Draw an icon; without a label it is decorative."""
    return icon_svg(name, label=str(label))


def _inside(label: object, *, icon: str, hide_label: bool) -> SafeString:
    drawing = icon_svg(icon) if icon else SafeString("")
    css = "visually-hidden" if hide_label else "button__label"
    return format_html('{}<span class="{}">{}</span>', drawing, css, label)


def _css(kind: str, *, small: bool, hide_label: bool) -> str:
    css = f"button button--{kind}"
    if small:
        css += " button--small"
    return f"{css} button--icon" if hide_label else css


@register.simple_tag
def button(
    label: object,
    *,
    kind: str = "primary",
    icon: str = "",
    type: str = "submit",  # noqa: A002 - the word of HTML, which page authors know
    name: str = "",
    value: object = "",
    form: str = "",
    small: bool = False,
    hide_label: bool = False,
    disabled: bool = False,
    **extra: Any,
) -> SafeString:
    """Draw a button; ``kind`` is primary, secondary, quiet or danger."""
    return format_html(
        '<button type="{}" class="{}"{}{}{}{}{}>{}</button>',
        type,
        _css(kind, small=small, hide_label=hide_label),
        format_html(' name="{}"', name) if name else "",
        format_html(' value="{}"', value) if value != "" else "",
        format_html(' form="{}"', form) if form else "",
        SafeString(" disabled") if disabled else "",
        attributes(extra),
        _inside(label, icon=icon, hide_label=hide_label),
    )


@register.simple_tag
def link_button(
    label: object,
    *,
    href: str,
    kind: str = "secondary",
    icon: str = "",
    small: bool = False,
    hide_label: bool = False,
    download: bool = False,
    **extra: Any,
) -> SafeString:
    """Draw a link in the shape of a button: it goes somewhere, it changes nothing."""
    return format_html(
        '<a href="{}" class="{}"{}{}>{}</a>',
        href,
        _css(kind, small=small, hide_label=hide_label),
        SafeString(" download") if download else "",
        attributes(extra),
        _inside(label, icon=icon, hide_label=hide_label),
    )


@register.simple_tag
def copy_button(value: object, *, label: str = "", small: bool = True) -> SafeString:
    """Draw a button that copies the value; hidden until the script that does it is there."""
    return format_html(
        '<button type="button" class="{}" data-copy="{}" data-copied="{}" hidden>{}</button>',
        _css("secondary", small=small, hide_label=False),
        value,
        _("Copied"),
        _inside(label or _("Copy"), icon="copy", hide_label=False),
    )


@register.inclusion_tag("web/components/secret.html")
def secret(value: str, *, label: str, id: str = "secret") -> dict[str, Any]:  # noqa: A002 - HTML's word
    """Show a secret the only time it is shown, with its copy button and its warning."""
    return {"value": value, "label": label, "id": id}


@register.simple_tag
def dialog_button(
    label: object,
    *,
    opens: str,
    kind: str = "secondary",
    icon: str = "",
    small: bool = False,
    **extra: Any,
) -> SafeString:
    """Draw a button that opens the dialog of that identifier."""
    return format_html(
        '<button type="button" class="{}" command="show-modal" commandfor="{}"'
        ' aria-haspopup="dialog"{}>{}</button>',
        _css(kind, small=small, hide_label=False),
        opens,
        attributes(extra),
        _inside(label, icon=icon, hide_label=False),
    )


@register.simple_block_tag
def dialog(content: str, id: str, *, title: str, wide: bool = False) -> SafeString:  # noqa: A002 - HTML's word
    """Draw a native dialog; what it holds is often a form that confirms."""
    return format_html(
        '<dialog id="{id}" class="dialog{wide}" aria-labelledby="{id}-title">'
        '<div class="dialog__head"><h2 id="{id}-title">{title}</h2>'
        '<form method="dialog"><button class="button button--quiet button--icon">{close}'
        '<span class="visually-hidden">{close_label}</span></button></form></div>'
        '<div class="dialog__body">{content}</div></dialog>',
        id=id,
        wide=" dialog--wide" if wide else "",
        title=title,
        close=icon_svg("close"),
        close_label=_("Close"),
        content=content,
    )


@register.inclusion_tag("web/components/search_box.html")
def search_box(
    *,
    action: str,
    name: str = "q",
    value: str = "",
    label: str = "",
    placeholder: str = "",
    suggest_url: str = "",
    id: str = "search",  # noqa: A002 - HTML's word
) -> dict[str, Any]:
    """Draw a search form; with ``suggest_url`` results come below as one types."""
    return {
        "action": action,
        "name": name,
        "value": value,
        "label": label or _("Search"),
        "placeholder": placeholder,
        "suggest_url": suggest_url,
        "id": id,
    }
