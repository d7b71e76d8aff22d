"""Invitations: the only way to get an account."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from allauth.account.models import EmailAddress

from beffroi.foundation.accounts import journal
from beffroi.foundation.accounts.addresses import checked_address
from beffroi.foundation.accounts.contracts import (
    Access,
    AlreadyMember,
    InvitationIssued,
)
from beffroi.foundation.accounts.links import invitation_issue
from beffroi.foundation.accounts.models import (
    Department,
    Invitation,
    Membership,
    Role,
    User,
)
from beffroi.foundation.accounts.presets import ADMINISTRATOR
from beffroi.foundation.accounts.renewals import account_make_anew
from beffroi.foundation.accounts.roles import presets_create
from beffroi.foundation.accounts.selectors import (
    department as department_get,
)
from beffroi.foundation.accounts.selectors import (
    invitation_invalid,
    invitation_rows,
)
from beffroi.foundation.accounts.selectors import (
    role as role_get,
)
from beffroi.foundation.accounts.services import (
    membership_create,
    person_subject,
    refuse_beyond,
)
from beffroi.foundation.accounts.tokens import territory_of
from beffroi.foundation.audit.api import SYSTEM, Subject, audit_record
from beffroi.foundation.database.api import acting_for
from beffroi.kernel.clock import now
from beffroi.kernel.errors import InvalidInput, NotFound


def person_invite(
    email: str,
    *,
    access: Access,
    role_uuids: Collection[UUID],
    department_uuid: UUID | None = None,
    ip: str = "",
) -> InvitationIssued:
    """Offer a place in the current territory to an address; a former offer to it is withdrawn.

    Raises:
        InvalidInput: the text is no address.
        AlreadyMember: the person is here already.
        BeyondOwnRights: a role gives what the person who invites does not hold.
    """
    roles = [role_get(one) for one in role_uuids]
    refuse_beyond(access, roles=roles)
    issued = _issue(
        email,
        territory_id=access.territory_id,
        roles=roles,
        department=department_get(department_uuid) if department_uuid else None,
        invited_by_id=access.user_id,
    )
    audit_record(
        journal.INVITED,
        actor=journal.actor_of(access),
        territory_id=access.territory_id,
        subject=Subject(kind="invitation", uuid=issued.uuid, label=issued.email),
        detail={"roles": sorted(one.name for one in roles)},
        ip=ip,
    )
    return issued


def first_administrator_invite(territory_id: int, *, email: str) -> InvitationIssued:
    """Invite the administrator of a new territory, and give it its first roles; command line only.

    Raises:
        InvalidInput: the text is no address.
        AlreadyMember: the person is here already.
    """
    with acting_for(territory_id):
        presets_create(territory_id)
        role = Role.objects.get(preset=ADMINISTRATOR)
        issued = _issue(
            email, territory_id=territory_id, roles=[role], department=None, invited_by_id=None
        )
        audit_record(
            journal.INVITED,
            actor=SYSTEM,
            territory_id=territory_id,
            subject=Subject(kind="invitation", uuid=issued.uuid, label=issued.email),
            detail={"roles": [role.name]},
        )
    return issued


def invitation_withdraw(identifier: UUID, *, access: Access, ip: str = "") -> None:
    """Make an invitation of the current territory useless.

    Raises:
        NotFound: there is no unused one with this identifier.
    """
    row = Invitation.objects.filter(
        uuid=identifier, used_at__isnull=True, withdrawn_at__isnull=True
    ).first()
    if row is None:
        raise NotFound("There is no such invitation here.")
    row.withdrawn_at = now()
    row.save(update_fields=["withdrawn_at"])
    audit_record(
        journal.INVITATION_WITHDRAWN,
        actor=journal.actor_of(access),
        territory_id=access.territory_id,
        subject=Subject(kind="invitation", uuid=row.uuid, label=row.email),
        ip=ip,
    )


def invitation_accept(
    token: str,
    *,
    full_name: str = "",
    password: str = "",
    signed_in: User | None = None,
    ip: str = "",
) -> User:
    """Use an invitation: make the account if there is none, and the place in the territory.

    Who has an account already must be signed in with it: the link alone does not open it.

    Raises:
        InvitationInvalid: the link does not open, or is not for the account signed in.
    """
    territory_id = territory_of(token)
    if territory_id is None:
        raise invitation_invalid()
    with acting_for(territory_id):
        # The lock makes two clicks at the same instant take turns: the second finds it used.
        row = invitation_rows(token).select_for_update(of=("self",)).first()
        if row is None:
            raise invitation_invalid()
        if row.renews:
            return _renew(row, full_name=full_name, password=password, ip=ip)
        user = _account_of(row, full_name=full_name, password=password, signed_in=signed_in)
        membership = membership_create(
            user, territory_id=territory_id, roles=row.roles.all(), department=row.department
        )
        row.used_at = now()
        row.save(update_fields=["used_at"])
        audit_record(
            journal.JOINED,
            actor=journal.actor_of(user),
            territory_id=territory_id,
            subject=person_subject(user, membership=membership),
            ip=ip,
        )
    return user


def _renew(row: Invitation, *, full_name: str, password: str, ip: str) -> User:
    """Make the account of a member anew; the place must still be open."""
    membership = Membership.objects.filter(user__email=row.email, is_active=True).first()
    if membership is None or not membership.user.is_active:
        raise invitation_invalid()
    user = account_make_anew(membership.user, full_name=full_name, password=password)
    row.used_at = now()
    row.save(update_fields=["used_at"])
    audit_record(
        journal.RENEWED,
        actor=journal.actor_of(user),
        territory_id=row.territory_id,
        subject=person_subject(user, membership=membership),
        ip=ip,
    )
    return user


def account_create(email: str, *, full_name: str, password: str | None) -> User:
    """Make an account with a verified address; without password it can only be opened by a link.

    Nobody else makes accounts: there is no sign-up.
    """
    user = User(email=email, full_name=" ".join(full_name.split()))
    user.set_password(password)
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def _account_of(row: Invitation, *, full_name: str, password: str, signed_in: User | None) -> User:
    existing = User.objects.filter(email=row.email).first()
    if existing is None:
        if not full_name.strip() or not password:
            raise InvalidInput("A name and a password are needed.", field="full_name")
        return account_create(row.email, full_name=full_name, password=password)
    if not existing.is_active:
        # Closed with its last place. The address is proved by the link; what was known of the
        # person (password, second factors) may be in other hands since, and is made anew.
        return account_make_anew(existing, full_name=full_name, password=password)
    if signed_in is None or signed_in.pk != existing.pk:
        raise invitation_invalid()
    return existing


def _issue(
    email: str,
    *,
    territory_id: int,
    roles: Collection[Role],
    department: Department | None,
    invited_by_id: int | None,
) -> InvitationIssued:
    address = checked_address(email)
    if Membership.objects.filter(user__email=address, is_active=True).exists():
        raise AlreadyMember(
            "{name} is a member of this territory already.", params={"name": address}
        )
    return invitation_issue(
        address,
        territory_id=territory_id,
        roles=roles,
        department=department,
        invited_by_id=invited_by_id,
    )
