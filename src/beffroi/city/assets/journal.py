"""What this room writes to the audit log, and how it is said on screen."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from beffroi.city.assets.models import Asset
from beffroi.foundation.audit.api import Actor, Subject, audit_record, verbs_declare

IMPORTED = "assets.imported"
REMOVED = "assets.removed"
RESTORED = "assets.restored"

LABELS = {
    IMPORTED: _("imported a file of assets"),
    REMOVED: _("took an asset out of service"),
    RESTORED: _("put an asset back in service"),
}


def tell(verb: str, asset: Asset, *, actor: Actor, reason: str) -> None:
    """Write in the audit log what was done with an asset."""
    audit_record(
        verb,
        actor=actor,
        territory_id=asset.territory_id,
        subject=Subject(kind="asset", uuid=asset.uuid, label=asset.name or asset.external_key),
        detail={"reason": reason} if reason else {},
    )


def declare() -> None:
    """Name this room's verbs."""
    verbs_declare(LABELS)
