"""What a session is worth: who it belongs to, and whether a second factor was shown in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth import (
    HASH_SESSION_KEY,
    SESSION_KEY,
)
from django.contrib.sessions.backends.db import SessionStore
from django.utils.crypto import constant_time_compare

from beffroi.foundation.accounts.contracts import SIGN_IN_LINK_SESSION
from beffroi.foundation.accounts.models import User
from beffroi.foundation.accounts.settings_parts import SESSION_COOKIE_AGE
from beffroi.kernel.clock import now

# Where allauth writes how the person signed in; both keys are its own.
_RECORDS_KEY = "account_authentication_methods"
_RECORDS_USER_KEY = "account_authentication_methods_user"
LINK_KEY = "beffroi_link_until"
_CLOCKS_S = 60
"""Two servers may differ by as much about the hour."""

SECOND_FACTORS = (Authenticator.Type.TOTP.value, Authenticator.Type.WEBAUTHN.value)


def has_second_factor(user_id: int) -> bool:
    """Tell whether the person has enrolled a TOTP application or a passkey."""
    enrolled = Authenticator.objects.filter(user_id=user_id, type__in=SECOND_FACTORS)
    return bool(enrolled.exists())


def showed_second_factor(session: Mapping[str, Any], *, user_id: int, at: datetime) -> bool:
    """Tell whether a second factor was shown, or enrolled, in this very session, and lately.

    A session that is written to lives on: it is the age of the proof that counts, so that
    after twelve hours everybody shows it again.
    """
    if session.get(_RECORDS_USER_KEY) != str(user_id):
        return False
    records = session.get(_RECORDS_KEY)
    return isinstance(records, list) and any(
        isinstance(record, dict)
        and record.get("method") == "mfa"
        and 0 <= at.timestamp() - float(record.get("at") or 0) + _CLOCKS_S <= SESSION_COOKIE_AGE
        for record in records
    )


def came_by_link(session: Mapping[str, Any], *, at: datetime) -> bool:
    """Tell whether the session was opened by a sign-in link and is still within its hours."""
    until = session.get(LINK_KEY)
    return isinstance(until, int | float) and at.timestamp() < until


def is_strong(session: Mapping[str, Any], *, user_id: int) -> bool:
    """Tell whether the session may open an agent's page.

    Either a second factor was shown in it and the person still has one, or it was opened by a
    link made on the server's command line, for at most twelve hours.
    """
    at = now()
    if came_by_link(session, at=at):
        return True
    return showed_second_factor(session, user_id=user_id, at=at) and has_second_factor(user_id)


def mark_link_session(session: Any) -> None:
    """Make the session strong for the hours that a sign-in link gives."""
    session[LINK_KEY] = (now() + SIGN_IN_LINK_SESSION).timestamp()
    session.set_expiry(int(SIGN_IN_LINK_SESSION.total_seconds()))


def user_of_session(session_key: str) -> tuple[User, Mapping[str, Any]] | None:
    """Return the person of a session and its content, as Django's own middleware would.

    ``None`` when it has ended, the account is disabled, or the password has changed since.
    """
    session = SessionStore(session_key=session_key).load()
    user_id = session.get(SESSION_KEY)
    if user_id is None:
        return None
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return None
    stored_hash = session.get(HASH_SESSION_KEY) or ""
    if not constant_time_compare(stored_hash, user.get_session_auth_hash()):
        return None
    return user, session


def end_sessions(user_id: int, *, except_key: str | None = None) -> int:
    """End the sessions of a person at once, and return how many."""
    ended = 0
    for session in UserSession.objects.filter(user_id=user_id).exclude(session_key=except_key):
        session.end()
        ended += 1
    return ended


def sessions_of(user: User) -> list[UserSession]:
    """Return the living sessions of a person, the latest first."""
    alive = UserSession.objects.purge_and_list(user)
    return sorted(alive, key=lambda one: one.created_at, reverse=True)


def sessions_end_others(user: User, *, except_key: str, only: int | None = None) -> int:
    """End the person's other sessions, or one of them by its number; return how many."""
    rows = UserSession.objects.filter(user_id=user.pk).exclude(session_key=except_key)
    if only is not None:
        rows = rows.filter(pk=only)
    ended = 0
    for session in rows:
        session.end()
        ended += 1
    return ended
