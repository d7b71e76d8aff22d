"""What sign-in asks of Django's settings: plain constants, merged by ``beffroi.site.settings``.

Imported before the applications are ready: nothing of Django is imported here.
"""

from __future__ import annotations

from typing import Any

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]

# After Django's own: AccountMiddleware turns allauth's early answers into responses.
MIDDLEWARE = [
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "beffroi.foundation.accounts.web.language.PersonLanguageMiddleware",
]

# Argon2id (RFC 9106) makes new hashes; PBKDF2 reads those that another system may hand over.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]

MINIMUM_PASSWORD_LENGTH = 12
"""ANSSI's and CNIL's guides ask for twelve characters where attempts are limited."""

AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "full_name")},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": MINIMUM_PASSWORD_LENGTH},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "beffroi.foundation.accounts.passwords.FrenchCommonPasswordValidator"},
]

ACCOUNT_ADAPTER = "beffroi.foundation.accounts.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_UNIQUE_EMAIL = True
# An address is verified by the invitation that was sent to it.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_LOGIN_ON_PASSWORD_RESET = False
ACCOUNT_LOGOUT_REDIRECT_URL = "/compte/connexion/"
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_USER_DISPLAY = "beffroi.foundation.accounts.adapters.display_name"
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "reset_password": "10/m/ip,3/10m/key",
    "reset_password_from_key": "10/m/ip",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
}

MFA_ADAPTER = "beffroi.foundation.accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_PASSKEY_SIGNUP_ENABLED = False
MFA_TOTP_TOLERANCE = 1
MFA_TOTP_ISSUER = "Beffroi"
MFA_RECOVERY_CODE_COUNT = 10
# Codes are taken once in all the time they are good for, enrolment included.
MFA_FORMS = {
    "authenticate": "beffroi.foundation.accounts.web.codes.AuthenticateForm",
    "reauthenticate": "beffroi.foundation.accounts.web.codes.ReauthenticateForm",
    "activate_totp": "beffroi.foundation.accounts.web.codes.ActivateTOTPForm",
}
MFA_WEBAUTHN_USER_VERIFICATION = "preferred"
MFA_TRUST_ENABLED = False

USERSESSIONS_TRACK_ACTIVITY = False

# A working day, night shift included: after it everybody signs in again, active or not.
SESSION_COOKIE_AGE = 12 * 60 * 60

PASSWORD_RESET_TIMEOUT = 60 * 60
