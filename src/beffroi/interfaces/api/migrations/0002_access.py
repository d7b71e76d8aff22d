"""Who may reach the keys: their territory, and who presents one, before its territory is known."""

from django.db import migrations

from beffroi.foundation.database.migrations_ops import TerritoryTable


class Migration(migrations.Migration):
    dependencies = [("api", "0001_initial"), ("territories", "0002_access")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE api_key DROP CONSTRAINT api_key_pkey, ADD PRIMARY KEY (territory_id, id)",
            "ALTER TABLE api_key DROP CONSTRAINT api_key_pkey, ADD PRIMARY KEY (id)",
        ),
        TerritoryTable(
            "api_key",
            extra_using="encode(key_hash, 'hex') = current_setting('beffroi.source', true)",
        ),
    ]
