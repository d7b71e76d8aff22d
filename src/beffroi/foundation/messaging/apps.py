from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MessagingConfig(AppConfig):
    """The room of what leaves the house."""

    name = "beffroi.foundation.messaging"
    label = "messaging"
    verbose_name = _("Messaging")
