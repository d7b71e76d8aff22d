from __future__ import annotations

from django.db import migrations

from beffroi.foundation.database.migrations_ops import SharedTable, TerritoryTable


class Migration(migrations.Migration):
    dependencies = [("territories", "0001_initial")]

    operations = [
        # Everybody may read which towns are here and where they lie; a town writes its own row.
        TerritoryTable(
            "territories_territory", column="id", extra_using="true", verbs="SELECT, INSERT, UPDATE"
        ),
        TerritoryTable("territories_area"),
        SharedTable(
            "territories_commune",
            reason="National list of communes, public and the same for every territory.",
            verbs="SELECT",
        ),
        SharedTable(
            "territories_epci",
            reason="National list of inter-municipal bodies, public and the same for every territory.",
            verbs="SELECT",
        ),
    ]
