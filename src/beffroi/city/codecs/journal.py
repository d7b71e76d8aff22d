"""What this room writes to the audit log, and how it is said on screen."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

SCRIPT_ADDED = "codecs.script_added"
SCRIPT_REVISED = "codecs.script_revised"
SCRIPT_REMOVED = "codecs.script_removed"
HOLD_ENDED = "codecs.hold_ended"
MODEL_ADDED = "models.added"
MODEL_CHANGED = "models.changed"
MODEL_MAPPED = "models.mapped"
MODEL_REMOVED = "models.removed"

LABELS = {
    SCRIPT_ADDED: _("added a decoding script"),
    SCRIPT_REVISED: _("changed a decoding script"),
    SCRIPT_REMOVED: _("removed a decoding script"),
    HOLD_ENDED: _("put a decoding script back in use"),
    MODEL_ADDED: _("added a device model"),
    MODEL_CHANGED: _("changed a device model"),
    MODEL_MAPPED: _("changed what the values of a device model measure"),
    MODEL_REMOVED: _("removed a device model"),
}
