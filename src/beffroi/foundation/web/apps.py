"""The Django application of the common page elements."""

from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Layouts, components, navigation and security headers."""

    name = "beffroi.foundation.web"
    label = "web"
    verbose_name = "Web"
