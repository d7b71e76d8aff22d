from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CodecsConfig(AppConfig):
    """The room of codecs written in JavaScript, and of device models."""

    name = "beffroi.city.codecs"
    label = "codecs"
    verbose_name = _("Codecs")
