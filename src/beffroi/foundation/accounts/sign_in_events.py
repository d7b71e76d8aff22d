"""What is done when the sign-in library says that something happened.

These signals are the library's own extension points; between our rooms there are none.
"""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.signals import (
    password_changed,
    password_reset,
    password_set,
    user_logged_in,
)
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest

from beffroi.foundation.accounts import journal
from beffroi.foundation.accounts.adapters import client_address
from beffroi.foundation.accounts.models import User
from beffroi.foundation.accounts.services import person_subject
from beffroi.foundation.accounts.sessions import end_sessions
from beffroi.foundation.audit.api import audit_record


def connect() -> None:
    """Connect the receivers; twice is once."""
    user_logged_in.connect(_signed_in, dispatch_uid="beffroi.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="beffroi.signed_out")
    for signal in (password_changed, password_set, password_reset):
        signal.connect(_password_changed, dispatch_uid="beffroi.password_changed")
    mfa.authenticator_added.connect(_factor_added, dispatch_uid="beffroi.factor_added")
    mfa.authenticator_removed.connect(_factor_removed, dispatch_uid="beffroi.factor_removed")
    mfa.authentication_failed.connect(_factor_failed, dispatch_uid="beffroi.factor_failed")


def _signed_in(*, request: HttpRequest, user: User, **_kwargs: Any) -> None:
    _write(journal.SIGNED_IN, request=request, user=user)


def _signed_out(*, request: HttpRequest | None, user: User | None, **_kwargs: Any) -> None:
    if request is not None and isinstance(user, User):
        _write(journal.SIGNED_OUT, request=request, user=user)


def _password_changed(*, request: HttpRequest, user: User, **_kwargs: Any) -> None:
    end_sessions(user.pk, except_key=request.session.session_key)
    _write(journal.PASSWORD_CHANGED, request=request, user=user)


def _factor_added(
    *, request: HttpRequest, user: User, authenticator: Authenticator, **_kwargs: Any
) -> None:
    """A factor just enrolled was shown in this session; other sessions never saw one."""
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        record_authentication(
            request, user, "mfa", id=authenticator.pk, type=authenticator.type, enrolled=True
        )
        end_sessions(user.pk, except_key=request.session.session_key)
    _write(journal.FACTOR_ADDED, request=request, user=user, kind=authenticator.type)


def _factor_removed(
    *, request: HttpRequest, user: User, authenticator: Authenticator, **_kwargs: Any
) -> None:
    _write(journal.FACTOR_REMOVED, request=request, user=user, kind=authenticator.type)


def _factor_failed(
    *, request: HttpRequest, user: User, authenticator: Authenticator | None = None, **_kwargs: Any
) -> None:
    kind = "" if authenticator is None else authenticator.type
    _write(journal.FACTOR_FAILED, request=request, user=user, kind=kind)


def _write(verb: str, *, request: HttpRequest, user: User, kind: str = "") -> None:
    audit_record(
        verb,
        actor=journal.actor_of(user),
        territory_id=None,
        subject=person_subject(user),
        detail={"kind": kind} if kind else {},
        ip=client_address(request),
    )
