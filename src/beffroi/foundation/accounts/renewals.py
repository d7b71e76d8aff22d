"""Opening anew the account of a member who has lost their password or their second factor.

An administrator makes a link; whoever opens it chooses a new password and enrols a second factor
again. The former ones hold until then. As the link is worth the account, it is made only by who
holds every right of that person, for an account that opens no other territory, and is written in
the log.
"""

from __future__ import annotations

from uuid import UUID

from allauth.mfa.models import Authenticator

from beffroi.foundation.accounts import journal
from beffroi.foundation.accounts.contracts import (
    RENEWAL_LIFETIME,
    Access,
    BeyondThisTerritory,
    InvitationIssued,
    UnknownPerson,
)
from beffroi.foundation.accounts.links import invitation_issue
from beffroi.foundation.accounts.models import Membership, User
from beffroi.foundation.accounts.selectors import member, user_find
from beffroi.foundation.accounts.services import person_subject, refuse_beyond
from beffroi.foundation.accounts.sessions import end_sessions
from beffroi.foundation.audit.api import SYSTEM, audit_record
from beffroi.foundation.database.api import acting_for
from beffroi.kernel.clock import now
from beffroi.kernel.errors import Conflict, InvalidInput


def renewal_issue(identifier: UUID, *, access: Access, ip: str = "") -> InvitationIssued:
    """Make the link that opens a member's account anew, for a day.

    Raises:
        UnknownPerson: nobody here has this identifier.
        BeyondOwnRights: the person holds rights that whoever asks does not.
        BeyondThisTerritory: the account opens other territories too.
        Conflict: it is one's own account, or its access is closed.
    """
    membership = member(identifier)
    user = membership.user
    if user.pk == access.user_id:
        raise Conflict(
            "You cannot open your own account anew.", way_out="Ask another administrator."
        )
    if not membership.is_active:
        raise Conflict("This access is closed.", way_out="Open it again first.")
    refuse_beyond(access, roles=list(membership.roles.all()))
    if _works_elsewhere(user, territory_id=access.territory_id):
        raise BeyondThisTerritory(
            "{name} works for another territory too: one administrator alone cannot dispose of"
            " the account.",
            params={"name": str(user)},
            way_out="Ask whoever runs the server for a link: beffroi people renew.",
        )
    issued = invitation_issue(
        user.email,
        territory_id=access.territory_id,
        invited_by_id=access.user_id,
        lifetime=RENEWAL_LIFETIME,
        renews=True,
    )
    audit_record(
        journal.RENEWAL_MADE,
        actor=journal.actor_of(access),
        territory_id=access.territory_id,
        subject=person_subject(user, membership=membership),
        ip=ip,
    )
    return issued


def renewal_issue_from_server(email: str) -> InvitationIssued:
    """Make the link from the server's own command line, whatever the person holds.

    Raises:
        UnknownPerson: no account with an open place has this address.
    """
    user = user_find(email)
    places = [] if user is None else _open_places(user)
    if user is None or not places:
        raise UnknownPerson(
            "No account with an open access has the address {email}.",
            params={"email": email},
            way_out="Invite the person.",
        )
    with acting_for(places[0]):
        issued = invitation_issue(
            user.email,
            territory_id=places[0],
            invited_by_id=None,
            lifetime=RENEWAL_LIFETIME,
            renews=True,
        )
        audit_record(
            journal.RENEWAL_MADE,
            actor=SYSTEM,
            territory_id=places[0],
            subject=person_subject(user),
        )
    return issued


def account_make_anew(user: User, *, full_name: str, password: str) -> User:
    """Give an account a new password and forget its second factors and its sessions.

    Raises:
        InvalidInput: the name or the password is missing.
    """
    if not full_name.strip() or not password:
        raise InvalidInput("A name and a password are needed.", field="full_name")
    Authenticator.objects.filter(user_id=user.pk).delete()
    user.full_name = " ".join(full_name.split())
    user.is_active = True
    user.date_joined = now()
    user.set_password(password)
    user.save()
    end_sessions(user.pk)
    return user


def _open_places(user: User) -> list[int]:
    with acting_for(None, user_id=user.pk):
        return list(
            Membership.objects.filter(user_id=user.pk, is_active=True, user__is_active=True)
            .order_by("territory_id")
            .values_list("territory_id", flat=True)
        )


def _works_elsewhere(user: User, *, territory_id: int) -> bool:
    return any(place != territory_id for place in _open_places(user))
