from __future__ import annotations

from django.db import migrations

from beffroi.foundation.database.migrations_ops import SharedTable, TerritoryTable

OWN = "user_id = NULLIF(current_setting('beffroi.user', true), '')::int"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("territories", "0002_access")]

    operations = [
        SharedTable(
            "accounts_user",
            reason="A person has one account for the whole installation and is looked up by address"
            " before any territory is known; pages show a colleague through the membership only.",
            verbs="SELECT, INSERT, UPDATE",
        ),
        SharedTable(
            "accounts_signinlink",
            reason="Made on the server's command line for an account, opened before sign-in.",
            verbs="SELECT, INSERT, UPDATE, DELETE",
        ),
        TerritoryTable("accounts_department"),
        TerritoryTable("accounts_role"),
        TerritoryTable("accounts_grant"),
        TerritoryTable("accounts_membership", extra_using=OWN),
        TerritoryTable("accounts_membershiprole"),
        TerritoryTable("accounts_invitation"),
        TerritoryTable("accounts_invitationrole"),
    ]
