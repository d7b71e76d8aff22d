"""One-time sign-in links, made on the server's own command line and nowhere else."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.urls import reverse

from beffroi.foundation.accounts import journal
from beffroi.foundation.accounts.contracts import (
    SIGN_IN_LINK_LIFETIME,
    SignInLinkIssued,
    UnknownPerson,
)
from beffroi.foundation.accounts.models import SignInLink, User
from beffroi.foundation.accounts.selectors import (
    sign_in_link_invalid,
    sign_in_link_rows,
    user_find,
)
from beffroi.foundation.accounts.services import person_subject
from beffroi.foundation.accounts.tokens import token_hash, token_new
from beffroi.foundation.audit.api import SYSTEM, audit_record
from beffroi.kernel.clock import now
from beffroi.kernel.errors import InvalidInput


def sign_in_link_create(email: str, *, ttl: timedelta = SIGN_IN_LINK_LIFETIME) -> SignInLinkIssued:
    """Make a link that signs this person in once, without password or second factor.

    Only the command line calls this: whoever runs it on the server could read and write the
    database anyway. No view may.

    Raises:
        UnknownPerson: no active account has this address.
        InvalidInput: the time to live is not between a minute and seven days.
    """
    if not timedelta(minutes=1) <= ttl <= timedelta(days=7):
        raise InvalidInput("A link lives from a minute to seven days.", field="ttl", value=str(ttl))
    user = user_find(email)
    if user is None or not user.is_active:
        raise UnknownPerson(
            "No active account has the address {email}.",
            params={"email": email},
            way_out="Invite the person first.",
        )
    token = token_new()
    at = now()
    with transaction.atomic():
        SignInLink.objects.create(
            user=user, token_hash=token_hash(token), created_at=at, expires_at=at + ttl
        )
        audit_record(
            journal.LINK_MADE, actor=SYSTEM, territory_id=None, subject=person_subject(user)
        )
    return SignInLinkIssued(
        token=token,
        path=reverse("account_sign_in_link", kwargs={"token": token}),
        expires_at=at + ttl,
    )


def sign_in_link_use(token: str, *, ip: str = "") -> User:
    """Use a link and return whom it signs in.

    Raises:
        SignInLinkInvalid: never made, used or expired, or the account is disabled.
    """
    with transaction.atomic():
        # One statement decides: of two clicks at the same instant, one changes the row.
        row = sign_in_link_rows(token).select_related("user").first()
        if row is None or not sign_in_link_rows(token).update(used_at=now()):
            raise sign_in_link_invalid()
        audit_record(
            journal.LINK_USED,
            actor=journal.actor_of(row.user),
            territory_id=None,
            subject=person_subject(row.user),
            ip=ip,
        )
    return row.user
