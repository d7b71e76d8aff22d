"""What this room writes to the audit log, and how it is said on screen."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

SOURCE_CREATED = "sources.created"
SOURCE_ROTATED = "sources.rotated"
SOURCE_SHARED_KEY = "sources.shared_key"
SOURCE_CHANGED = "sources.changed"
SOURCE_DISABLED = "sources.disabled"
SOURCE_ENABLED = "sources.enabled"
MESSAGES_REDECODED = "sources.redecoded"
TIMES_ACCEPTED = "sources.times_accepted"
DEVICE_CLAIMED = "devices.claimed"
DEVICE_REPLACED = "devices.replaced"
DEVICE_READING = "devices.reading"
MODEL_GIVEN = "devices.model_given"

LABELS = {
    SOURCE_CREATED: _("added a source"),
    SOURCE_ROTATED: _("made a new secret for a source"),
    SOURCE_SHARED_KEY: _("changed the key shared with a network"),
    SOURCE_CHANGED: _("changed a source"),
    SOURCE_DISABLED: _("disabled a source"),
    SOURCE_ENABLED: _("enabled a source"),
    MESSAGES_REDECODED: _("decoded kept messages again"),
    TIMES_ACCEPTED: _("accepted messages whose clock was wrong"),
    DEVICE_CLAIMED: _("claimed a device"),
    DEVICE_REPLACED: _("replaced a device"),
    DEVICE_READING: _("changed how a device is read"),
    MODEL_GIVEN: _("gave a device model to devices"),
}
