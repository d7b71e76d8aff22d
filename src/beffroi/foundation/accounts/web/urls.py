"""Addresses that belong to no territory: choice of the territory, sign-in, one's own account.

The sign-in library's views keep the names it looks up by itself (``account_login``…); each is
wrapped in one of our rules. What is not listed here is not served: sign-up and the
library's own changes of address.
"""

from __future__ import annotations

from django.urls import path, re_path

from beffroi.foundation.accounts.web import (
    account,
    address,
    home,
    invitation,
    sessions,
    sign_in,
    sign_in_link,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("compte/", account.profile, name="account_profile"),
    path("compte/connexion/", sign_in.login, name="account_login"),
    path("compte/deconnexion/", sign_in.logout, name="account_logout"),
    path("compte/ferme/", sign_in.inactive, name="account_inactive"),
    path("compte/inscription/", sign_in.signup, name="account_signup"),
    path("compte/confirmer/", sign_in.reauthenticate, name="account_reauthenticate"),
    path("compte/mot-de-passe/", sign_in.password_change, name="account_change_password"),
    path("compte/mot-de-passe/choisir/", sign_in.password_set, name="account_set_password"),
    path("compte/mot-de-passe/oublie/", sign_in.password_reset, name="account_reset_password"),
    path(
        "compte/mot-de-passe/oublie/envoye/",
        sign_in.password_reset_done,
        name="account_reset_password_done",
    ),
    re_path(
        r"^compte/mot-de-passe/lien/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        sign_in.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "compte/mot-de-passe/change/",
        sign_in.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("compte/invitation/<str:token>/", invitation.invitation, name="account_invitation"),
    path("compte/lien/<str:token>/", sign_in_link.sign_in_link, name="account_sign_in_link"),
    path("compte/sessions/", sessions.sessions, name="usersessions_list"),
    path("compte/adresse/", address.address, name="account_address"),
    path("compte/adresse/oublier/", address.address_forget, name="account_address_forget"),
    path(
        "compte/adresse/confirmer/<str:token>/",
        address.address_confirm,
        name="account_address_confirm",
    ),
    path("compte/second-facteur/", sign_in.factors, name="mfa_index"),
    path("compte/second-facteur/choisir/", account.second_factor, name="account_second_factor"),
    path("compte/second-facteur/verifier/", sign_in.factor_check, name="mfa_authenticate"),
    path("compte/second-facteur/confirmer/", sign_in.factor_confirm, name="mfa_reauthenticate"),
    path("compte/second-facteur/application/", sign_in.totp_add, name="mfa_activate_totp"),
    path(
        "compte/second-facteur/application/retirer/",
        sign_in.totp_remove,
        name="mfa_deactivate_totp",
    ),
    path("compte/second-facteur/secours/", sign_in.codes, name="mfa_view_recovery_codes"),
    path(
        "compte/second-facteur/secours/fichier/",
        sign_in.codes_download,
        name="mfa_download_recovery_codes",
    ),
    path(
        "compte/second-facteur/secours/refaire/",
        sign_in.codes_generate,
        name="mfa_generate_recovery_codes",
    ),
    path("compte/second-facteur/cles/", sign_in.passkeys, name="mfa_list_webauthn"),
    path("compte/second-facteur/cles/ajouter/", sign_in.passkey_add, name="mfa_add_webauthn"),
    path("compte/second-facteur/cles/connexion/", sign_in.passkey_login, name="mfa_login_webauthn"),
    path(
        "compte/second-facteur/cles/confirmer/",
        sign_in.passkey_confirm,
        name="mfa_reauthenticate_webauthn",
    ),
    path(
        "compte/second-facteur/cles/<int:pk>/retirer/",
        sign_in.passkey_remove,
        name="mfa_remove_webauthn",
    ),
    path(
        "compte/second-facteur/cles/<int:pk>/nommer/",
        sign_in.passkey_rename,
        name="mfa_edit_webauthn",
    ),
]
