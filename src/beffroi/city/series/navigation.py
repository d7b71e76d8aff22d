"""Entries of this room in the navigation."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

NAVIGATION = (
    {
        "key": "series.retention",
        "label": _("Retention"),
        "url_name": "series_retention",
        "verb": "territory.manage",
        "section": "run",
        "icon": "chart",
        "order": 60,
    },
)
