from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CodecsConfig(AppConfig):
    """The room of codecs written in JavaScript, and of device models."""

    name = "beffroi.city.codecs"
    label = "codecs"
    verbose_name = _("Codecs")

    def ready(self) -> None:
        """Name what this room writes to the audit log."""
        from beffroi.city.codecs.journal import LABELS  # noqa: PLC0415 - apps load first
        from beffroi.foundation.audit.api import verbs_declare  # noqa: PLC0415 - same

        verbs_declare(LABELS)
