"""People for other rooms' tests."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import count

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from beffroi.foundation.accounts.access import access_load
from beffroi.foundation.accounts.contracts import VERBS, Access
from beffroi.foundation.accounts.invitations import account_create
from beffroi.foundation.accounts.models import Department, Membership, MembershipRole, Role, User
from beffroi.foundation.accounts.roles import grants_add
from beffroi.foundation.accounts.settings_parts import AUTHENTICATION_BACKENDS
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.api import territory_by_id
from beffroi.foundation.territories.models import Territory

PASSWORD = "quatre-pavés-sous-le-tilleul"  # noqa: S105 - of people that exist only in a test

_numbers = count(1)


def make_user(
    email: str | None = None,
    *,
    full_name: str = "",
    password: str | None = None,
    second_factor: bool = True,
) -> User:
    """Store an account. Without password it has none: hashing one takes a third of a second."""
    number = next(_numbers)
    user = account_create(
        email or f"agent-{number}@exemple.fr",
        full_name=full_name or f"Agent {number}",
        password=password,
    )
    if second_factor:
        TOTP.activate(user, generate_totp_secret())
    return user


def make_member(
    territory: Territory,
    *,
    user: User | None = None,
    verbs: Iterable[str] = VERBS,
    grants: Iterable[tuple[str, str | None, int | None]] = (),
    department: Department | None = None,
) -> Membership:
    """Store a member with one role of their own: verbs everywhere, then limited ``grants``."""
    user = user or make_user()
    with acting_for(territory.pk):
        membership = Membership.objects.create(
            territory=territory, user=user, department=department
        )
        role = Role.objects.create(territory=territory, name=f"Rôle {next(_numbers)}")
        grants_add(role, grants=[*((verb, None, None) for verb in verbs), *grants])
        MembershipRole.objects.create(territory=territory, membership=membership, role=role)
    return membership


def make_agent(
    territory: Territory,
    *,
    verbs: Iterable[str] = VERBS,
    grants: Iterable[tuple[str, str | None, int | None]] = (),
    user: User | None = None,
) -> User:
    """Store a member and return their account; they hold a second factor."""
    return make_member(territory, user=user, verbs=verbs, grants=grants).user


def make_access(
    territory: Territory,
    *,
    verbs: Iterable[str] = VERBS,
    grants: Iterable[tuple[str, str | None, int | None]] = (),
    user: User | None = None,
) -> Access:
    """Store a member and return what they may do."""
    agent = make_agent(territory, verbs=verbs, grants=grants, user=user)
    with acting_for(territory.pk, user_id=agent.pk):
        access = access_load(agent, territory=territory_by_id(territory.pk))
    if access is None:
        raise AssertionError("a member just made has no access")
    return access


def make_session(user: User, *, second_factor_shown: bool = True) -> str:
    """Open a session and return its key: what a browser holds after signing in."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    records = [{"method": "password", "at": time.time(), "reauthenticated": True}]
    if second_factor_shown:
        records.append({"method": "mfa", "at": time.time(), "type": "totp"})
    session["account_authentication_methods"] = records
    session["account_authentication_methods_user"] = str(user.pk)
    session.create()
    key = str(session.session_key)
    UserSession.objects.create(user=user, session_key=key, ip="192.0.2.7", user_agent="test")
    return key


def sign_in(client: Client, user: User, *, second_factor_shown: bool = True) -> str:
    """Sign a test client in, as if the person had gone through the pages."""
    key = make_session(user, second_factor_shown=second_factor_shown)
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    return key


def agent_client(
    territory: Territory,
    *,
    verbs: Iterable[str] = VERBS,
    grants: Iterable[tuple[str, str | None, int | None]] = (),
) -> Client:
    """Return a test client signed in as a new agent of the territory."""
    client = Client()
    sign_in(client, make_agent(territory, verbs=verbs, grants=grants))
    return client
