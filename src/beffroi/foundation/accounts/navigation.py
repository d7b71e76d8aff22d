"""Entries of this room in the navigation."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

NAVIGATION = (
    {
        "key": "accounts.people",
        "label": _("People"),
        "url_name": "accounts:people",
        "verb": "people.see",
        "section": "run",
        "icon": "people",
        "order": 10,
    },
    {
        "key": "accounts.roles",
        "label": _("Roles"),
        "url_name": "accounts:roles",
        "verb": "people.see",
        "section": "run",
        "icon": "role",
        "order": 20,
    },
    {
        "key": "accounts.departments",
        "label": _("Departments"),
        "url_name": "accounts:departments",
        "verb": "people.see",
        "section": "run",
        "icon": "department",
        "order": 30,
    },
    {
        "key": "accounts.journal",
        "label": _("Audit log"),
        "url_name": "accounts:journal",
        "verb": "audit.see",
        "section": "run",
        "icon": "journal",
        "order": 40,
    },
    {
        "key": "accounts.settings",
        "label": _("Town settings"),
        "url_name": "accounts:settings",
        "verb": "territory.manage",
        "section": "run",
        "icon": "settings",
        "order": 50,
    },
)
