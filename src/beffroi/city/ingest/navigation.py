"""Entries of this room in the navigation."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

NAVIGATION = (
    {
        "key": "ingest.sources",
        "label": _("Sources"),
        "url_name": "ingest:sources",
        "verb": "sources.see",
        "section": "connect",
        "icon": "source",
        "order": 10,
    },
    {
        "key": "ingest.devices",
        "label": _("Devices"),
        "url_name": "ingest:devices",
        "verb": "sources.see",
        "section": "connect",
        "icon": "device",
        "order": 20,
    },
)
