from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MessagingConfig(AppConfig):
    """The room of what leaves the house."""

    name = "beffroi.foundation.messaging"
    label = "messaging"
    verbose_name = _("Messaging")

    def ready(self) -> None:
        """Name what this room writes to the audit log."""
        from beffroi.foundation.messaging import journal  # noqa: PLC0415 - apps load first

        journal.declare()
