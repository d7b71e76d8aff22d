from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SeriesConfig(AppConfig):
    """The room of what the things in the city measure."""

    name = "beffroi.city.series"
    label = "series"
    verbose_name = _("Time series")
