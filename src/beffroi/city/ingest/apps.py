from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IngestConfig(AppConfig):
    """The room where the messages of devices arrive."""

    name = "beffroi.city.ingest"
    label = "ingest"
    verbose_name = _("Sources and devices")

    def ready(self) -> None:
        """Name what this room writes to the audit log and to the outbox."""
        from beffroi.city.ingest import events  # noqa: PLC0415 - apps load first
        from beffroi.city.ingest.journal import LABELS  # noqa: PLC0415 - same
        from beffroi.city.ingest.mqtt.journal import LABELS as MQTT  # noqa: PLC0415 - same
        from beffroi.foundation.audit.api import verbs_declare  # noqa: PLC0415 - same

        verbs_declare({**LABELS, **MQTT})
        events.declare()
