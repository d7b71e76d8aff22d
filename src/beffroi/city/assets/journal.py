"""What this room writes to the audit log, and how it is said on screen."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from beffroi.foundation.audit.api import verbs_declare

IMPORTED = "assets.imported"

LABELS = {IMPORTED: _("imported a file of assets")}


def declare() -> None:
    """Name this room's verbs."""
    verbs_declare(LABELS)
