from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """People: accounts, memberships, roles, invitations, sign-in."""

    name = "beffroi.foundation.accounts"
    label = "accounts"
    verbose_name = _("People")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect to the events of the sign-in library and name the entries of the journal."""
        # Imported here: models exist only once the applications are loaded.
        from beffroi.foundation.accounts import journal, sign_in_events  # noqa: PLC0415 - once apps are ready

        journal.declare()
        sign_in_events.connect()
