from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import beffroi.kernel.clock
from beffroi.foundation.database.migrations_ops import SharedTable

# What a person did to their own account (signing in, second factors) belongs to no territory and
# is read by nobody, except in the territories where this person has, or had, a place. Attempts
# that name no account concern every town, and say nothing of anybody.
OWN_PEOPLE = """
CREATE POLICY audit_own_people ON audit_auditrecord FOR SELECT USING (
    territory_id IS NULL
    AND NULLIF(current_setting('beffroi.territory', true), '') IS NOT NULL
    AND ((subject_uuid IS NULL AND verb = 'account.sign_in_failed') OR subject_uuid IN (
        SELECT u.uuid FROM accounts_user u JOIN accounts_membership m ON m.user_id = u.id
        WHERE m.territory_id = NULLIF(current_setting('beffroi.territory', true), '')::int
    ))
)
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_access"), ("audit", "0003_heads")]

    operations = [
        migrations.AddField(
            model_name="invitation", name="renews", field=models.BooleanField(default=False)
        ),
        migrations.CreateModel(
            name="AddressChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(default=beffroi.kernel.clock.now)),
                ("expires_at", models.DateTimeField()),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="address_change",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        SharedTable(
            "accounts_addresschange",
            reason="Belongs to an account, which belongs to no territory; its link is opened before"
            " any territory is known.",
        ),
        migrations.RunSQL(OWN_PEOPLE, "DROP POLICY audit_own_people ON audit_auditrecord"),
    ]
