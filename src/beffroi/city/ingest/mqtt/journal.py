"""What is written to the audit log about brokers, and how it is said on screen."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

BROKER_CREATED = "brokers.created"
BROKER_CHANGED = "brokers.changed"
BROKER_ENABLED = "brokers.enabled"
BROKER_DISABLED = "brokers.disabled"
SUBSCRIBED = "brokers.subscribed"
UNSUBSCRIBED = "brokers.unsubscribed"
ACCOUNT_ISSUED = "brokers.account_issued"
ACCOUNT_REVOKED = "brokers.account_revoked"

LABELS = {
    BROKER_CREATED: _("added an MQTT broker"),
    BROKER_CHANGED: _("changed an MQTT broker"),
    BROKER_ENABLED: _("connected to an MQTT broker again"),
    BROKER_DISABLED: _("left an MQTT broker"),
    SUBSCRIBED: _("subscribed a source to an MQTT topic"),
    UNSUBSCRIBED: _("ended the subscription of a source to an MQTT topic"),
    ACCOUNT_ISSUED: _("gave a password for an MQTT broker"),
    ACCOUNT_REVOKED: _("revoked an account of an MQTT broker"),
}
