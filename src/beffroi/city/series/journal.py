"""What this room writes to the audit log, and how it is said on screen."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

RETENTION_CHANGED = "series.retention_changed"

LABELS = {RETENTION_CHANGED: _("changed how long values are kept")}
