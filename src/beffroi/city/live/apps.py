from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LiveConfig(AppConfig):
    """The room from which changes flow to the screens."""

    name = "beffroi.city.live"
    label = "live"
    verbose_name = _("Live changes")
