"""The sign-in library's views with our templates and our rules."""

from __future__ import annotations

from typing import cast

from allauth.account import views as account
from allauth.mfa.base import views as factor
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from beffroi.foundation.accounts.access import public, signed_in
from beffroi.foundation.accounts.mailing import mail_leaves

_SIGN_IN = "nobody has signed in yet on the pages of signing in"
_RESET = "who has forgotten a password cannot sign in"


login = public(reason=_SIGN_IN)(account.LoginView.as_view(template_name="accounts/sign_in.html"))
logout = public(reason="signing out twice must not be an error")(
    account.LogoutView.as_view(template_name="accounts/sign_out.html")
)
reauthenticate = signed_in(
    account.ReauthenticateView.as_view(template_name="accounts/confirm_password.html")
)
password_change = signed_in(
    account.PasswordChangeView.as_view(
        template_name="accounts/password.html", success_url="/compte/"
    )
)
password_set = signed_in(
    account.PasswordSetView.as_view(template_name="accounts/password.html", success_url="/compte/")
)
_password_reset = account.PasswordResetView.as_view(template_name="accounts/password_reset.html")
password_reset_done = public(reason=_RESET)(
    account.PasswordResetDoneView.as_view(template_name="accounts/password_reset_sent.html")
)
password_reset_from_key = public(reason=_RESET)(
    account.PasswordResetFromKeyView.as_view(template_name="accounts/password_reset_choose.html")
)
password_reset_from_key_done = public(reason=_RESET)(
    account.PasswordResetFromKeyDoneView.as_view(template_name="accounts/password_reset_done.html")
)
factors = signed_in(factor.IndexView.as_view(template_name="accounts/factors.html"))
factor_check = public(reason=_SIGN_IN)(
    factor.AuthenticateView.as_view(template_name="accounts/factor_check.html")
)
factor_confirm = signed_in(
    factor.ReauthenticateView.as_view(template_name="accounts/factor_confirm.html")
)
totp_add = signed_in(totp.ActivateTOTPView.as_view(template_name="accounts/totp_add.html"))
totp_remove = signed_in(totp.DeactivateTOTPView.as_view(template_name="accounts/totp_remove.html"))
codes = signed_in(recovery.ViewRecoveryCodesView.as_view(template_name="accounts/codes.html"))
codes_download = signed_in(
    recovery.DownloadRecoveryCodesView.as_view(template_name="accounts/codes.txt")
)
codes_generate = signed_in(
    recovery.GenerateRecoveryCodesView.as_view(template_name="accounts/codes_generate.html")
)
passkeys = signed_in(webauthn.ListWebAuthnView.as_view(template_name="accounts/passkeys.html"))
passkey_add = signed_in(webauthn.AddWebAuthnView.as_view(template_name="accounts/passkey_add.html"))
passkey_remove = signed_in(
    webauthn.RemoveWebAuthnView.as_view(template_name="accounts/passkey_remove.html")
)
passkey_rename = signed_in(
    webauthn.EditWebAuthnView.as_view(template_name="accounts/passkey_rename.html")
)
passkey_confirm = signed_in(
    webauthn.ReauthenticateWebAuthnView.as_view(template_name="accounts/passkey_confirm.html")
)
passkey_login = public(reason=_SIGN_IN)(webauthn.LoginWebAuthnView.as_view())


@public(reason=_RESET)
def password_reset(request: HttpRequest) -> HttpResponse:
    """Offer a link by e-mail; where none is sent, say who can help instead."""
    if not mail_leaves():
        return render(request, "accounts/password_reset_by_person.html")
    return cast("HttpResponse", _password_reset(request))


@public(reason="tells that there is no sign-up")
def signup(request: HttpRequest) -> HttpResponse:
    """Say that an account comes by invitation."""
    return render(request, "accounts/no_sign_up.html", status=404)


@public(reason="tells a person whose account is closed")
def inactive(request: HttpRequest) -> HttpResponse:
    """Say that the account is closed."""
    return render(request, "accounts/inactive.html")
