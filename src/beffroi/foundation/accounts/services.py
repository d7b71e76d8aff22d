from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db.models import Q

from beffroi.foundation.accounts import journal
from beffroi.foundation.accounts.contracts import (
    Access,
    AlreadyMember,
    BeyondOwnRights,
    LastAdministrator,
    Verb,
)
from beffroi.foundation.accounts.models import (
    Department,
    Invitation,
    Membership,
    MembershipRole,
    Role,
    User,
)
from beffroi.foundation.accounts.selectors import department, grants_of, member, role
from beffroi.foundation.accounts.sessions import end_sessions
from beffroi.foundation.audit.api import SYSTEM, Subject, audit_record
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.api import TerritoryCard, territory_settings_change
from beffroi.kernel.clock import now
from beffroi.kernel.errors import Conflict, InvalidInput


def person_subject(user: User, *, membership: Membership | None = None) -> Subject:
    """Return a person as the log names them."""
    uuid = user.uuid if membership is None else membership.uuid
    return Subject(kind="person", uuid=uuid, label=f"{user} <{user.email}>")


def membership_create(
    user: User, *, territory_id: int, roles: Iterable[Role], department: Department | None
) -> Membership:
    """Give a person a place in the current territory, or open their former one again.

    Raises:
        AlreadyMember: they have an open one.
    """
    membership = Membership.objects.filter(user=user, territory_id=territory_id).first()
    if membership is not None and membership.is_active:
        raise AlreadyMember(
            "{name} is a member of this territory already.", params={"name": str(user)}
        )
    if membership is None:
        membership = Membership.objects.create(
            territory_id=territory_id, user=user, department=department, joined_at=now()
        )
    else:
        membership.is_active, membership.ended_at = True, None
        membership.department = department
        membership.save(update_fields=["is_active", "ended_at", "department"])
    roles_set(membership, roles=roles)
    return membership


def roles_set(membership: Membership, *, roles: Iterable[Role]) -> None:
    """Make these the roles of a member."""
    wanted = {one.pk for one in roles}
    held = MembershipRole.objects.filter(membership=membership)
    held.exclude(role_id__in=wanted).delete()
    known = set(held.values_list("role_id", flat=True))
    MembershipRole.objects.bulk_create(
        MembershipRole(territory_id=membership.territory_id, membership=membership, role_id=role_id)
        for role_id in sorted(wanted - known)
    )


def person_change(
    identifier: UUID,
    *,
    access: Access,
    role_uuids: Collection[UUID],
    department_uuid: UUID | None,
    ip: str = "",
) -> None:
    """Change the roles and the department of a member of the current territory.

    Raises:
        UnknownPerson: nobody here has this identifier.
        BeyondOwnRights: a role gives what the person who changes does not hold.
        LastAdministrator: nobody would be left to manage people.
    """
    membership = member(identifier)
    wanted = [role(one) for one in role_uuids]
    held = {one.pk for one in membership.roles.all()}
    refuse_beyond(access, roles=[one for one in wanted if one.pk not in held])
    before = sorted(one.name for one in membership.roles.all())
    membership.department = department(department_uuid) if department_uuid else None
    membership.save(update_fields=["department"])
    roles_set(membership, roles=wanted)
    refuse_without_administrator()
    audit_record(
        journal.CHANGED,
        actor=journal.actor_of(access),
        territory_id=access.territory_id,
        subject=person_subject(membership.user, membership=membership),
        detail={
            "roles_before": before,
            "roles": sorted(one.name for one in wanted),
            "department": membership.department.name if membership.department else "",
        },
        ip=ip,
    )


def person_deactivate(identifier: UUID, *, access: Access, ip: str = "") -> None:
    """Close the access of a member of the current territory; their sessions end at once.

    The account itself is disabled when this was their last territory.

    Raises:
        UnknownPerson: nobody here has this identifier.
        LastAdministrator: nobody would be left to manage people.
    """
    membership = member(identifier)
    membership.is_active, membership.ended_at = False, now()
    membership.save(update_fields=["is_active", "ended_at"])
    refuse_without_administrator()
    user = membership.user
    with acting_for(None, user_id=user.pk):
        elsewhere = Membership.objects.filter(user_id=user.pk, is_active=True).exists()
    if not elsewhere:
        User.objects.filter(pk=user.pk).update(is_active=False)
    end_sessions(user.pk)
    withdrawn = _withdraw_offers(user)
    audit_record(
        journal.DEACTIVATED,
        actor=journal.actor_of(access),
        territory_id=access.territory_id,
        subject=person_subject(user, membership=membership),
        detail={"withdrawn": withdrawn} if withdrawn else {},
        ip=ip,
    )


def person_reactivate(identifier: UUID, *, access: Access, ip: str = "") -> None:
    """Open the access of a former member again, with the roles they had.

    Raises:
        UnknownPerson: nobody here has this identifier.
        BeyondOwnRights: they had a role that gives what the person who opens does not hold.
        Conflict: the access is open, or the account has been made anew since it was closed, at
            the word of another territory: who signs in with it now must be invited.
    """
    membership = member(identifier)
    if membership.is_active:
        raise Conflict("This access is open already.")
    user = membership.user
    if membership.ended_at is not None and user.date_joined > membership.ended_at:
        raise Conflict(
            "The account of {name} was made anew since this access was closed.",
            params={"name": str(user)},
            way_out="Invite the person.",
        )
    refuse_beyond(access, roles=list(membership.roles.all()))
    membership.is_active, membership.ended_at = True, None
    membership.save(update_fields=["is_active", "ended_at"])
    User.objects.filter(pk=membership.user_id).update(is_active=True)
    audit_record(
        journal.REACTIVATED,
        actor=journal.actor_of(access),
        territory_id=access.territory_id,
        subject=person_subject(membership.user, membership=membership),
        ip=ip,
    )


def profile_change(user: User, *, full_name: str, language: str) -> None:
    """Change one's own name and language.

    Raises:
        InvalidInput: the name is empty.
    """
    name = " ".join(full_name.split())
    if not name:
        raise InvalidInput("A name is needed.", field="full_name", value=full_name)
    user.full_name, user.language = name, language
    user.save(update_fields=["full_name", "language"])


def town_settings_change(
    *, access: Access, name: str, primary_color: str, secondary_color: str, ip: str = ""
) -> TerritoryCard:
    """Change the name and the colours of the current territory.

    Raises:
        UnreadableColour: text in this colour on white would be under 4.5:1.
    """
    card = territory_settings_change(
        access.territory_id,
        name=name,
        primary_color=primary_color,
        secondary_color=secondary_color,
    )
    audit_record(
        journal.TERRITORY_CHANGED,
        actor=journal.actor_of(access),
        territory_id=access.territory_id,
        subject=Subject(kind="territory", uuid=card.uuid, label=card.name),
        detail={
            "name": card.name,
            "primary_color": card.primary_color,
            "secondary_color": card.secondary_color,
        },
        ip=ip,
    )
    return card


def refuse_beyond(access: Access | None, *, roles: Collection[Role]) -> None:
    """Refuse that a person gives what they do not hold; the command line may give anything.

    Raises:
        BeyondOwnRights: a role has a grant outside the person's own.
    """
    if access is None or not roles:
        return
    refuse_grants_beyond(access, grants=grants_of(one.pk for one in roles))


def refuse_grants_beyond(
    access: Access, *, grants: Iterable[tuple[str, str | None, int | None]]
) -> None:
    """Refuse grants that the person does not hold themselves.

    Raises:
        BeyondOwnRights: one of them is outside the person's own.
    """
    beyond = {
        verb
        for verb, domain, area_id in grants
        if not access.can(verb, domain=domain, area_id=area_id)
    }
    if beyond:
        raise BeyondOwnRights(
            "You cannot give rights that you do not hold: {verbs}.",
            params={"verbs": ", ".join(sorted(beyond))},
        )


def refuse_without_administrator() -> None:
    """Refuse what would leave the current territory with nobody to manage its people.

    The rows are locked first: two administrators who remove each other at the same instant take
    turns, and the second is refused.

    Raises:
        LastAdministrator: nobody active holds the verb everywhere.
    """
    list(Role.objects.select_for_update().order_by("pk").values_list("pk", flat=True))
    left = Membership.objects.filter(
        is_active=True,
        user__is_active=True,
        roles__grants__verb=Verb.PEOPLE_MANAGE.value,
        roles__grants__domain="",
        roles__grants__area__isnull=True,
    )
    if not left.exists():
        raise LastAdministrator(
            "Nobody would be left to manage the people of this territory.",
            way_out="Give this right to somebody else first.",
        )


def account_deactivate(user: User) -> None:
    """Close an account in every territory and end its sessions; from the command line.

    Each place is ended in its own territory, where the log says so and whose administrator may
    open it again.
    """
    User.objects.filter(pk=user.pk).update(is_active=False)
    end_sessions(user.pk)
    with acting_for(None, user_id=user.pk):
        places = Membership.objects.filter(user_id=user.pk, is_active=True)
        territories = list(places.values_list("territory_id", flat=True))
    for territory_id in territories:
        with acting_for(territory_id):
            membership = Membership.objects.get(user_id=user.pk)
            membership.is_active, membership.ended_at = False, now()
            membership.save(update_fields=["is_active", "ended_at"])
            _withdraw_offers(user)
            audit_record(
                journal.DEACTIVATED,
                actor=SYSTEM,
                territory_id=territory_id,
                subject=person_subject(user, membership=membership),
            )
    audit_record(journal.DEACTIVATED, actor=SYSTEM, territory_id=None, subject=person_subject(user))


def _withdraw_offers(user: User) -> int:
    """Withdraw the links that a person has made here, and those made for them.

    Somebody who leaves could have kept one of them for later.
    """
    return Invitation.objects.filter(
        Q(invited_by_id=user.pk) | Q(email=user.email, renews=True),
        used_at__isnull=True,
        withdrawn_at__isnull=True,
    ).update(withdrawn_at=now())
