"""Making the row and the link of an invitation."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.urls import reverse

from beffroi.foundation.accounts.contracts import INVITATION_LIFETIME, InvitationIssued
from beffroi.foundation.accounts.models import Department, Invitation, InvitationRole, Role
from beffroi.foundation.accounts.tokens import token_hash, token_new
from beffroi.kernel.clock import now


def invitation_issue(
    address: str,
    *,
    territory_id: int,
    invited_by_id: int | None,
    roles: Collection[Role] = (),
    department: Department | None = None,
    lifetime: timedelta = INVITATION_LIFETIME,
    renews: bool = False,
) -> InvitationIssued:
    """Store an invitation of the current territory and return its link; former ones are void."""
    at = now()
    Invitation.objects.filter(
        email=address, used_at__isnull=True, withdrawn_at__isnull=True
    ).update(withdrawn_at=at)
    token = token_new(prefix=f"{territory_id}.")
    row = Invitation.objects.create(
        territory_id=territory_id,
        email=address,
        token_hash=token_hash(token),
        department=department,
        invited_by_id=invited_by_id,
        created_at=at,
        expires_at=at + lifetime,
        renews=renews,
    )
    InvitationRole.objects.bulk_create(
        InvitationRole(territory_id=territory_id, invitation=row, role=one) for one in roles
    )
    return InvitationIssued(
        uuid=row.uuid,
        email=address,
        token=token,
        path=reverse("account_invitation", kwargs={"token": token}),
        expires_at=row.expires_at,
    )
