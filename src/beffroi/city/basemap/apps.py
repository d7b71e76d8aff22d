from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BasemapConfig(AppConfig):
    """The room of the town's own streets, water, parks and buildings, as vector tiles."""

    name = "beffroi.city.basemap"
    label = "basemap"
    verbose_name = _("Base map")
