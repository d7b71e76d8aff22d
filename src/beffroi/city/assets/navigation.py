"""Entries of this room in the navigation."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

NAVIGATION = (
    {
        "key": "assets.import",
        "label": _("Import"),
        "url_name": "assets:import",
        "verb": "assets.import",
        "section": "equip",
        "icon": "import",
        "order": 40,
    },
)
