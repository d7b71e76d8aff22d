from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApiConfig(AppConfig):
    """The room of the programming interface."""

    name = "beffroi.interfaces.api"
    label = "api"
    verbose_name = _("API")

    def ready(self) -> None:
        """Name what this room writes to the audit log."""
        from beffroi.foundation.audit.api import verbs_declare  # noqa: PLC0415 - apps load first
        from beffroi.interfaces.api.journal import LABELS  # noqa: PLC0415 - same

        verbs_declare(LABELS)
