"""The navigation: gathered once from the apps' ``navigation`` modules, cut for each person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.urls import NoReverseMatch, reverse

from beffroi.foundation.web.contracts import AccessLike, Entry, Group, NavigationItem, Section


def as_item(declared: NavigationItem | Mapping[str, Any]) -> NavigationItem:
    """Return the entry that an app declares, as a mapping or as the contract itself."""
    return declared if isinstance(declared, NavigationItem) else NavigationItem(**declared)


@cache
def items() -> tuple[NavigationItem, ...]:
    """Return every declared entry, in the order of sections, then places, then keys.

    Raises:
        ValueError: two apps declare the same key.
    """
    found: dict[str, NavigationItem] = {}
    for config in apps.get_app_configs():
        name = f"{config.name}.navigation"
        # allauth and procrastinate have no such module; Django's own apps neither.
        if not config.name.startswith("beffroi.") and not getattr(config, "beffroi", False):
            continue
        if find_spec(name) is None:
            continue
        for declared in import_module(name).NAVIGATION:
            item = as_item(declared)
            if item.key in found:
                raise ValueError(f"two navigation entries have the key {item.key}")
            found[item.key] = item
    sections = list(Section)
    return tuple(
        sorted(
            found.values(), key=lambda item: (sections.index(item.section), item.order, item.key)
        )
    )


def navigation(
    access: AccessLike, *, path: str, declared: Iterable[NavigationItem] | None = None
) -> tuple[Group, ...]:
    """Return the sections and entries that a person may use in the territory of the page.

    The current entry is the one whose URL is the longest prefix of ``path``.
    """
    shown = [
        (item, url)
        for item in (items() if declared is None else declared)
        if not item.verb or item.verb in access.verbs
        if (url := _url(item, access=access))
    ]
    children = {
        item.key: tuple(
            Entry(label, url, icon) for label, url, icon in (item.children or _none)(access)
        )
        for item, _ in shown
    }
    urls = [url for _, url in shown]
    urls += [child.url for below in children.values() for child in below]
    current = max((url for url in urls if path.startswith(url)), key=len, default="")
    groups = []
    for section in Section:
        entries = tuple(
            Entry(
                item.label,
                url,
                item.icon,
                url == current,
                tuple(
                    Entry(child.label, child.url, child.icon, child.url == current)
                    for child in children[item.key]
                ),
            )
            for item, url in shown
            if item.section is section
        )
        if entries:
            groups.append(Group(section.value, section.label, entries))
    return tuple(groups)


def _none(_access: AccessLike) -> tuple[()]:
    return ()


def _url(item: NavigationItem, *, access: AccessLike) -> str:
    try:
        return reverse(item.url_name, kwargs={"territory": access.slug})
    except NoReverseMatch:
        # A room that is not part of this installation's URLs has no entry.
        return ""
