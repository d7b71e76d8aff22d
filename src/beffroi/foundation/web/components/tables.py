"""Tables that sort, page, filter and export by links alone; htmx only spares the reload."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.http import HttpRequest, QueryDict
from django.template import Context
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from beffroi.foundation.web.components.actions import link_button
from beffroi.foundation.web.icons import icon_svg

register = template.Library()

RESULTS = "results"
"""Identifier of the part of a page that htmx replaces, unless the page says otherwise."""


def _query(context: Context) -> QueryDict:
    request = context.get("request")
    return request.GET.copy() if isinstance(request, HttpRequest) else QueryDict(mutable=True)


def _path(context: Context) -> str:
    request = context.get("request")
    return request.path if isinstance(request, HttpRequest) else ""


def query_url(context: Context, *, changes: dict[str, object]) -> str:
    """Return the page's address with some parameters changed; None takes one away."""
    query = _query(context)
    for key, value in changes.items():
        if value is None:
            query.pop(key, None)
        else:
            query[key] = str(value)
    encoded = query.urlencode()
    return f"{_path(context)}?{encoded}" if encoded else _path(context)


def swap(url: str, *, results: str) -> SafeString:
    """Return the attributes by which htmx loads a page and takes only its results from it."""
    return format_html(
        ' hx-get="{url}" hx-target="#{id}" hx-select="#{id}" hx-swap="outerHTML show:none"'
        ' hx-push-url="true"',
        url=url,
        id=results,
    )


@register.simple_block_tag
def table(
    content: str,
    *,
    caption: object,
    dense: bool = False,
    stack: bool = False,
    id: str = "",  # noqa: A002 - HTML's word
) -> SafeString:
    """Draw a table; it scrolls in its own box, reachable by keyboard, when the window is narrow."""
    return render_to_string(
        "web/components/table.html",
        {"content": content, "caption": caption, "dense": dense, "stack": stack, "id": id},
    )


@register.simple_tag(takes_context=True)
def sort_header(
    context: Context,
    label: object,
    *,
    key: str,
    numeric: bool = False,
    parameter: str = "tri",
    results: str = RESULTS,
) -> SafeString:
    """Draw a column title that sorts: first ascending, then descending."""
    asked = _query(context).get(parameter, str(context.get("order", "")))
    up, down = asked == key, asked == f"-{key}"
    url = query_url(context, changes={parameter: f"-{key}" if up else key, "page": None})
    state = "ascending" if up else "descending" if down else "none"
    drawing = icon_svg("sort-up" if up else "sort-down" if down else "sort")
    return format_html(
        '<th scope="col" aria-sort="{}"{}><a class="sort{}" href="{}"{}>{}{}</a></th>',
        state,
        SafeString(' class="num"') if numeric else "",
        " sort--on" if up or down else "",
        url,
        swap(url, results=results),
        label,
        drawing,
    )


@register.simple_block_tag
def results(content: str, id: str = RESULTS) -> SafeString:  # noqa: A002 - HTML's word
    """Hold the part of the page that filters, sorting and paging replace."""
    return format_html('<div id="{}" class="results">{}</div>', id, content)


@register.inclusion_tag("web/components/results_count.html")
def results_count(page: Any) -> dict[str, Any]:
    """Say how many there are, in words that htmx has spoken after a change."""
    paginator = getattr(page, "paginator", None)
    count = paginator.count if paginator is not None else len(page)
    return {
        "count": count,
        "page": page,
        "paged": paginator is not None and paginator.num_pages > 1,
    }


@register.simple_tag(takes_context=True)
def export_link(context: Context, *, label: object = "", href: str = "") -> SafeString:
    """Draw the link that gives the same rows as CSV."""
    url = href or query_url(context, changes={"format": "csv", "page": None})
    return link_button(
        label or _("Download as CSV"), href=url, kind="quiet", icon="download", small=True
    )


@register.inclusion_tag("web/components/pagination.html", takes_context=True)
def pagination(
    context: Context, page: Any, *, parameter: str = "page", results: str = RESULTS
) -> dict[str, Any]:
    """Draw links to the pages around this one; nothing when there is one page."""

    def link(number: int) -> dict[str, Any]:
        url = query_url(context, changes={parameter: number})
        return {"number": number, "url": url, "swap": swap(url, results=results)}

    paginator = page.paginator
    listed = [
        {"gap": True} if number == paginator.ELLIPSIS else link(int(number))
        for number in paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    ]
    return {
        "page": page,
        "pages": listed,
        "previous": link(page.number - 1) if page.has_previous() else None,
        "next": link(page.number + 1) if page.has_next() else None,
        "shown": paginator.num_pages > 1,
    }


@register.inclusion_tag("web/components/filter_form.html", takes_context=True)
def filter_form(
    context: Context, form: Any, *, results: str = RESULTS, label: object = "", action: str = ""
) -> dict[str, Any]:
    """Draw a form of filters; the sort order in the address is kept."""
    query = _query(context)
    kept = [(key, query[key]) for key in ("tri",) if key in query and key not in form.fields]
    active = [name for name in form.fields if query.get(form.add_prefix(name))]
    return {
        "form": form,
        "results": results,
        "label": label or _("Filter"),
        "path": action or _path(context),
        "kept": kept,
        "active": active,
        "request": context.get("request"),
    }


@register.inclusion_tag("web/components/breadcrumb.html")
def breadcrumb(crumbs: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """Draw the way from the top to this page: ``(label, url)``, the last without link."""
    return {"crumbs": [(label, url) for label, url in crumbs]}


@register.inclusion_tag("web/components/tabs.html")
def tabs(items: Iterable[Sequence[Any]], *, label: object = "") -> dict[str, Any]:
    """Draw links between views of the same thing: ``(label, url, is_current[, count])``."""
    return {"items": [(*item, None)[:4] for item in items], "label": label or _("Views")}


@register.simple_block_tag
def page_header(
    content: str, title: object, *, intro: object = "", kicker: object = "", icon: str = ""
) -> SafeString:
    """Draw the title of the page, one sentence, and what can be done from here."""
    return render_to_string(
        "web/components/page_header.html",
        {"content": content, "title": title, "intro": intro, "kicker": kicker, "icon": icon},
    )
