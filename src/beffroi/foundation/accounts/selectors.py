from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from beffroi.foundation.accounts.contracts import (
    InvitationInvalid,
    InvitationView,
    MembershipCard,
    PersonCard,
    SignInLinkInvalid,
    UnknownPerson,
)
from beffroi.foundation.accounts.models import (
    Department,
    Grant,
    Invitation,
    Membership,
    Role,
    SignInLink,
    User,
)
from beffroi.foundation.accounts.sessions import SECOND_FACTORS
from beffroi.foundation.accounts.tokens import territory_of, token_hash
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.api import territories_among, territory_by_id
from beffroi.kernel.clock import now
from beffroi.kernel.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleCard:
    """A role, with how many people hold it and how many rights it gives."""

    id: int
    uuid: UUID
    name: str
    description: str
    members: int
    grants: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentCard:
    """A department, with how many people work in it."""

    id: int
    uuid: UUID
    name: str
    description: str
    members: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationCard:
    """An invitation not yet used."""

    uuid: UUID
    email: str
    roles: tuple[str, ...]
    invited_by: str
    expires_at: datetime
    is_expired: bool
    renews: bool


def user_find(email: str) -> User | None:
    """Return the account of an address, or ``None``."""
    return User.objects.filter(email=email.strip().lower()).first()


def memberships_of(user_id: int) -> list[MembershipCard]:
    """Return the territories in which a person works, by name."""
    with acting_for(None, user_id=user_id):
        ids = list(
            Membership.objects.filter(user_id=user_id, is_active=True).values_list(
                "territory_id", flat=True
            )
        )
    return [
        MembershipCard(territory_id=territory.id, slug=territory.slug, name=territory.name)
        for territory in territories_among(ids)
    ]


def people(
    *, search: str = "", role: str = "", department: str = "", state: str = "active"
) -> QuerySet[Membership]:
    """Return the members of the current territory as a queryset to sort and page.

    ``role`` and ``department`` are identifiers; ``state`` is ``active``, ``inactive`` or ``all``.
    """
    factor = Authenticator.objects.filter(user_id=OuterRef("user_id"), type__in=SECOND_FACTORS)
    rows = (
        Membership.objects.select_related("user", "department")
        .prefetch_related("roles")
        .annotate(has_second_factor=Exists(factor))
    )
    if search:
        rows = rows.filter(Q(user__full_name__icontains=search) | Q(user__email__icontains=search))
    if role:
        rows = rows.filter(roles__uuid=role).distinct()
    if department:
        rows = rows.filter(department__uuid=department)
    if state in ("active", "inactive"):
        rows = rows.filter(is_active=state == "active")
    return rows


def person_card(membership: Membership) -> PersonCard:
    """Return what a colleague sees of a row of :func:`people`."""
    return PersonCard(
        uuid=membership.uuid,
        user_id=membership.user_id,
        full_name=membership.user.full_name or membership.user.email,
        email=membership.user.email,
        department=membership.department.name if membership.department else "",
        roles=tuple(sorted(role.name for role in membership.roles.all())),
        is_active=membership.is_active,
        has_second_factor=bool(getattr(membership, "has_second_factor", False)),
        last_sign_in_at=membership.user.last_login,
    )


def member(identifier: UUID) -> Membership:
    """Return one member of the current territory, with user, department and roles.

    Raises:
        UnknownPerson: nobody here has this identifier.
    """
    found = people(state="all").filter(uuid=identifier).first()
    if found is None:
        raise UnknownPerson("Nobody here has this identifier.")
    return found


def roles() -> list[RoleCard]:
    """Return the roles of the current territory, by name."""
    rows = Role.objects.annotate(
        held_by=Count("memberships", filter=Q(memberships__is_active=True), distinct=True),
        given=Count("grants", distinct=True),
    ).order_by("name")
    return [
        RoleCard(
            id=row.pk,
            uuid=row.uuid,
            name=row.name,
            description=row.description,
            members=row.held_by,
            grants=row.given,
        )
        for row in rows
    ]


def role(identifier: UUID) -> Role:
    """Return one role of the current territory.

    Raises:
        NotFound: there is none with this identifier.
    """
    found = Role.objects.filter(uuid=identifier).first()
    if found is None:
        raise NotFound("There is no such role here.")
    return found


def grants_of(role_ids: Iterable[int]) -> frozenset[tuple[str, str | None, int | None]]:
    """Return ``(verb, domain, area)`` of all the grants of these roles; ``None`` means all."""
    rows = Grant.objects.filter(role_id__in=list(role_ids))
    return frozenset(
        (verb, domain or None, area_id)
        for verb, domain, area_id in rows.values_list("verb", "domain", "area_id")
    )


def departments() -> list[DepartmentCard]:
    """Return the departments of the current territory, by name."""
    rows = Department.objects.annotate(
        people=Count("memberships", filter=Q(memberships__is_active=True))
    ).order_by("name")
    return [
        DepartmentCard(
            id=row.pk,
            uuid=row.uuid,
            name=row.name,
            description=row.description,
            members=row.people,
        )
        for row in rows
    ]


def department(identifier: UUID) -> Department:
    """Return one department of the current territory.

    Raises:
        NotFound: there is none with this identifier.
    """
    found = Department.objects.filter(uuid=identifier).first()
    if found is None:
        raise NotFound("There is no such department here.")
    return found


def invitations_pending() -> list[InvitationCard]:
    """Return the invitations of the current territory that nobody has used, latest first."""
    rows = (
        Invitation.objects.filter(used_at__isnull=True, withdrawn_at__isnull=True)
        .select_related("invited_by")
        .prefetch_related("roles")
        .order_by("-created_at")
    )
    return [
        InvitationCard(
            uuid=row.uuid,
            email=row.email,
            roles=tuple(sorted(one.name for one in row.roles.all())),
            invited_by=str(row.invited_by) if row.invited_by else "",
            expires_at=row.expires_at,
            is_expired=row.expires_at <= now(),
            renews=row.renews,
        )
        for row in rows
    ]


def invitation_open(token: str) -> InvitationView:
    """Return what the page of an invitation shows.

    Raises:
        InvitationInvalid: never made, used, withdrawn or expired; the error does not say which.
    """
    territory_id = territory_of(token)
    if territory_id is None:
        raise invitation_invalid()
    with acting_for(territory_id):
        row = invitation_rows(token).select_related("invited_by").first()
        if row is None:
            raise invitation_invalid()
        territory = territory_by_id(territory_id)
        return InvitationView(
            email=row.email,
            territory_name=territory.name,
            territory_slug=territory.slug,
            invited_by=str(row.invited_by) if row.invited_by else "",
            has_account=not row.renews
            and User.objects.filter(email=row.email, is_active=True).exists(),
            expires_at=row.expires_at,
            renews=row.renews,
            full_name=_name_to_renew(row),
        )


def _name_to_renew(row: Invitation) -> str:
    user = user_find(row.email) if row.renews else None
    return "" if user is None else user.full_name


def invitation_rows(token: str) -> QuerySet[Invitation]:
    """Return the valid invitation of a token, if any, within its territory."""
    return Invitation.objects.filter(
        token_hash=token_hash(token),
        used_at__isnull=True,
        withdrawn_at__isnull=True,
        expires_at__gt=now(),
    )


def invitation_invalid() -> InvitationInvalid:
    """Return the one answer to every link that does not open."""
    return InvitationInvalid(
        "This invitation cannot be used: it was used already, withdrawn, or has expired.",
        way_out="Ask whoever invited you for a new one.",
    )


def sign_in_link_open(token: str) -> User:
    """Return whom a sign-in link is for, without using it.

    Raises:
        SignInLinkInvalid: never made, used or expired, or the account is disabled.
    """
    row = sign_in_link_rows(token).select_related("user").first()
    if row is None:
        raise sign_in_link_invalid()
    return row.user


def sign_in_link_rows(token: str) -> QuerySet[SignInLink]:
    """Return the valid link of a token, if any."""
    return SignInLink.objects.filter(
        token_hash=token_hash(token),
        used_at__isnull=True,
        expires_at__gt=now(),
        user__is_active=True,
    )


def sign_in_link_invalid() -> SignInLinkInvalid:
    """Return the one answer to every link that does not open."""
    return SignInLinkInvalid(
        "This sign-in link cannot be used: it was used already or has expired.",
        way_out="Make another one on the server: beffroi people sign-in-link.",
    )
