"""Codes of an application are taken once, for as long as they could be taken again.

The library remembers a code for one period of thirty seconds and accepts it in three: seen over
a shoulder, it would open a second time. It also forgets the code by which an application was
enrolled.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as base
from allauth.mfa.totp import forms as totp
from django.core.cache import cache

from beffroi.foundation.accounts.settings_parts import MFA_TOTP_TOLERANCE

if TYPE_CHECKING:
    from django import forms

    _Base = forms.Form
else:
    _Base = object


class _TakenOnce(_Base):
    """Refuse a code that this person has used within its whole time."""

    user: Any

    def clean_code(self) -> str:
        """Check the code, then that it is new.

        Raises:
            ValidationError: the code is wrong, or was used.
        """
        code = str(super().clean_code())  # type: ignore[misc]  # the library's form comes next
        lifetime_s = app_settings.TOTP_PERIOD * (2 * MFA_TOTP_TOLERANCE + 1)
        digest = hashlib.sha256("".join(filter(str.isalnum, code)).encode()).hexdigest()
        if not cache.add(f"accounts.code:{self.user.pk}:{digest}", 1, timeout=lifetime_s):
            raise get_adapter().validation_error("incorrect_code")
        return code


class AuthenticateForm(_TakenOnce, base.AuthenticateForm):  # type: ignore[misc]  # untyped library
    """The second factor at sign-in."""


class ReauthenticateForm(_TakenOnce, base.ReauthenticateForm):  # type: ignore[misc]  # same
    """The second factor again, before something sensitive."""


class ActivateTOTPForm(_TakenOnce, totp.ActivateTOTPForm):  # type: ignore[misc]  # same
    """The code that proves that an application is enrolled."""
