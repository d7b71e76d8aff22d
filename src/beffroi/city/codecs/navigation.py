"""Entries of this room in the navigation."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

NAVIGATION = (
    {
        "key": "codecs.scripts",
        "label": _("Codecs"),
        "url_name": "codecs:scripts",
        "verb": "sources.see",
        "section": "connect",
        "icon": "edit",
        "order": 40,
    },
)
