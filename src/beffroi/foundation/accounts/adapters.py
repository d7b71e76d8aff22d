"""Where allauth asks this installation how it wants things done."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.core.internal.httpkit import get_client_ip
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.http import HttpRequest

from beffroi.foundation.accounts import journal
from beffroi.foundation.accounts.mailing import mail_leaves, mail_post
from beffroi.foundation.accounts.models import User
from beffroi.foundation.accounts.settings_parts import ACCOUNT_REAUTHENTICATION_TIMEOUT
from beffroi.foundation.audit.api import Actor, Subject, audit_record
from beffroi.kernel.errors import ConfigurationError

UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104 - an address that no client has, not one to listen on


def display_name(user: User) -> str:
    """Return the name that pages and e-mails show."""
    return str(user)


def client_address(request: HttpRequest) -> str:
    """Return the address of the client, or ``0.0.0.0`` when the server was not told it.

    X-Forwarded-For is believed for as many proxies as ``ALLAUTH_TRUSTED_PROXY_COUNT`` counts, from
    the right: what the client wrote itself is never read.
    """
    try:
        return get_client_ip(request) or UNKNOWN_ADDRESS
    except Exception:  # noqa: BLE001 - a missing header must not be told from an ordinary refusal
        return UNKNOWN_ADDRESS


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """No sign-up; failures are written to the log."""

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the installation's own address, whatever host the request names."""
        own = urlsplit(str(super().get_reset_password_from_key_url(key)))
        return f"{settings.BEFFROI.public_url}{own.path}"

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """Send after the answer: an account known and one unknown take the same time."""
        del user
        mail_post(self.render_mail("account/email/password_reset_key", email, context))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send the library's messages, where any message leaves."""
        if mail_leaves():
            super().send_mail(template_prefix, email, context)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Refuse: an account comes from an invitation."""
        del request
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address that rate limits count by."""
        return client_address(request)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Ask for the password again, unless it was given to sign in a moment ago."""
        request = context.request
        for record in get_authentication_records(request, request.user):
            age_s = time.time() - float(record.get("at", 0))
            if record.get("method") == "password" and age_s < ACCOUNT_REAUTHENTICATION_TIMEOUT:
                return False
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Write the failure; the address typed is not kept, for it may be a password."""
        typed = str(credentials.get("email") or credentials.get("username") or "")
        known = User.objects.filter(email=typed.strip().lower()).only("uuid").first()
        audit_record(
            journal.SIGN_IN_FAILED,
            actor=Actor(user_id=None, name="?"),
            territory_id=None,
            subject=Subject(kind="person", uuid=None if known is None else _uuid(known)),
            ip=client_address(request),
        )


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Secrets of TOTP and recovery codes are encrypted in the database."""

    def encrypt(self, text: str) -> str:
        """Encrypt with a key derived from the installation's secret."""
        return _cipher(settings.SECRET_KEY).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt, with the former secrets too.

        Raises:
            ConfigurationError: the installation's secret is not the one it was encrypted with.
        """
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
            try:
                return _cipher(str(secret)).decrypt(encrypted_text.encode()).decode()
            except InvalidToken:
                continue
        raise ConfigurationError(
            "Second factors cannot be read: the installation's secret has changed.",
            way_out="Put the former secret back, or have people enrol again.",
        )


def _uuid(user: User) -> UUID:
    return user.uuid


def _cipher(secret: str) -> Fernet:
    derived = hashlib.scrypt(
        secret.encode(), salt=b"beffroi second factors", n=2**4, r=8, p=1, dklen=32
    )
    return Fernet(base64.urlsafe_b64encode(derived))
