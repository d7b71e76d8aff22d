from __future__ import annotations

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """Error pages and the texts of the command line."""

    name = "beffroi.site"
    label = "site"
