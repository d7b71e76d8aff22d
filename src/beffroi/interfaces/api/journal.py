"""What this room writes to the audit log, and how it is said on screen."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

KEY_CREATED = "api.key_created"
KEY_REVOKED = "api.key_revoked"

LABELS = {
    KEY_CREATED: _("made an API key"),
    KEY_REVOKED: _("revoked an API key"),
}
