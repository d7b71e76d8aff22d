from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ArchiveConfig(AppConfig):
    """The room of closed months kept as files."""

    name = "beffroi.city.archive"
    label = "archive"
    verbose_name = _("Archive")
