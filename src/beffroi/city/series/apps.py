from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SeriesConfig(AppConfig):
    """The room of what the things in the city measure."""

    name = "beffroi.city.series"
    label = "series"
    verbose_name = _("Time series")

    def ready(self) -> None:
        """Name what this room writes to the audit log."""
        from beffroi.city.series.journal import LABELS  # noqa: PLC0415 - apps load first
        from beffroi.foundation.audit.api import verbs_declare  # noqa: PLC0415 - same

        verbs_declare(LABELS)
