"""What this room keeps for a time only, and how it is erased when that time has passed.

The times are those that the models declare. Erasing an account keeps its row, which the history
of the city refers to, and empties it: the audit log alone still knows the name, for its own time.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from beffroi.foundation.accounts import journal
from beffroi.foundation.accounts.models import (
    AddressChange,
    Invitation,
    Membership,
    SignInLink,
    User,
)
from beffroi.foundation.accounts.sessions import end_sessions
from beffroi.foundation.audit.api import SYSTEM, audit_record
from beffroi.foundation.database.api import acting_for

LINKS_KEPT = timedelta(days=30)
"""Invitations and sign-in links, after they were used, withdrawn or have expired."""

FORMER_MEMBERS_KEPT = timedelta(days=365)
"""Places that were ended, then the accounts that have none left."""

ERASED_DOMAIN = "efface.invalid"
"""Of the addresses that erased accounts bear; ``.invalid`` is reserved by RFC 2606."""


@transaction.atomic
def sessions_purge(*, at: datetime) -> int:
    """Remove sessions past their end, and what was noted of their browsers; return how many."""
    ended, _by_model = Session.objects.filter(expire_date__lt=at).delete()
    alive = Session.objects.filter(session_key=OuterRef("session_key"))
    UserSession.objects.filter(~Exists(alive)).delete()
    return ended


@transaction.atomic
def links_purge(*, at: datetime) -> int:
    """Remove sign-in links and changes of address whose time has passed; return how many."""
    limit = at - LINKS_KEPT
    links, _by_model = SignInLink.objects.filter(
        Q(used_at__lt=limit) | Q(expires_at__lt=limit)
    ).delete()
    changes, _by_model = AddressChange.objects.filter(expires_at__lt=at).delete()
    return links + changes


def territory_purge(territory_id: int, *, at: datetime) -> int:
    """Remove invitations and former members of one territory whose time has passed.

    Returns how many rows; the territory's log says the same.
    """
    limit = at - LINKS_KEPT
    with acting_for(territory_id):
        old = Invitation.objects.filter(
            Q(used_at__lt=limit) | Q(withdrawn_at__lt=limit) | Q(expires_at__lt=limit)
        )
        former = Membership.objects.filter(is_active=False, ended_at__lt=at - FORMER_MEMBERS_KEPT)
        counts = {"invitations": old.count(), "members": former.count()}
        if not any(counts.values()):
            return 0
        old.delete()
        former.delete()
        audit_record(
            journal.PURGED,
            actor=SYSTEM,
            territory_id=territory_id,
            detail={key: count for key, count in counts.items() if count},
        )
    return sum(counts.values())


def accounts_erase() -> int:
    """Empty the closed accounts that have no place left in any territory; return how many."""
    closed = User.objects.filter(is_active=False).exclude(email__endswith=f"@{ERASED_DOMAIN}")
    erased = 0
    for user in closed.iterator(chunk_size=500):
        with acting_for(None, user_id=user.pk):
            if Membership.objects.filter(user_id=user.pk).exists():
                continue
            end_sessions(user.pk)
            Authenticator.objects.filter(user_id=user.pk).delete()
            EmailAddress.objects.filter(user_id=user.pk).delete()
            SignInLink.objects.filter(user_id=user.pk).delete()
            AddressChange.objects.filter(user_id=user.pk).delete()
            user.email, user.full_name = f"{user.uuid}@{ERASED_DOMAIN}", ""
            user.last_login = None
            user.set_unusable_password()
            user.save()
            erased += 1
    return erased
