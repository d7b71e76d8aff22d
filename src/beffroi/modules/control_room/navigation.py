"""Entries of this room in the navigation."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from beffroi.foundation.accounts.contracts import Access
from beffroi.modules.control_room.scopes import seen_domains
from beffroi.modules.control_room.words import told


def domain_entries(access: Access) -> Sequence[tuple[str | Promise, str, str]]:
    """Return the urban services of which the person sees something."""
    return [
        (
            told(item.label),
            reverse("control_room:domain", kwargs={"territory": access.slug, "domain": item.key}),
            item.icon,
        )
        for item in seen_domains(access.scope("assets.see"))
    ]


NAVIGATION = (
    {
        "key": "control_room.city",
        "label": _("City map"),
        "url_name": "control_room:city",
        "verb": "assets.see",
        "section": "watch",
        "icon": "map",
        "order": 10,
    },
    {
        "key": "control_room.list",
        "label": _("List"),
        "url_name": "control_room:list",
        "verb": "assets.see",
        "section": "watch",
        "icon": "list",
        "order": 20,
    },
    {
        "key": "control_room.domains",
        "label": _("Urban services"),
        "url_name": "control_room:domains",
        "verb": "assets.see",
        "section": "watch",
        "icon": "layers",
        "order": 30,
        "children": domain_entries,
    },
)
