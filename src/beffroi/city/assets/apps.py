from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AssetsConfig(AppConfig):
    """The room of the things in the city and of the devices that speak for them."""

    name = "beffroi.city.assets"
    label = "assets"
    verbose_name = _("Assets")

    def ready(self) -> None:
        """Name what this room writes to the audit log and to the outbox."""
        # Imported here: models exist only once the applications are loaded.
        from beffroi.city.assets import events, journal  # noqa: PLC0415 - once apps are ready

        journal.declare()
        events.declare()
