"""Entries of this room in the navigation."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

NAVIGATION = (
    {
        "key": "api.keys",
        "label": _("API keys"),
        "url_name": "api_pages:keys",
        "verb": "api.manage",
        "section": "connect",
        "icon": "key",
        "order": 50,
    },
    {
        "key": "api.documentation",
        "label": _("API"),
        "url_name": "api_pages:documentation",
        "verb": "assets.see",
        "section": "connect",
        "icon": "book",
        "order": 70,
    },
    {
        "key": "api.webhooks",
        "label": _("Webhooks"),
        "url_name": "webhooks:list",
        "verb": "api.manage",
        "section": "connect",
        "icon": "link",
        "order": 60,
    },
)
