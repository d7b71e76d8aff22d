from django.db import migrations

from beffroi.foundation.database.migrations_ops import AppendOnly, TerritoryTable


class Migration(migrations.Migration):
    dependencies = [("assets", "0001_initial")]

    operations = [
        # A device is written each time it is heard: room for that in place, past its indexes.
        migrations.RunSQL(
            "ALTER TABLE assets_device SET (fillfactor = 70)",
            "ALTER TABLE assets_device RESET (fillfactor)",
        ),
        TerritoryTable("assets_asset"),
        TerritoryTable("assets_import_run"),
        TerritoryTable("assets_import_upload"),
        TerritoryTable("assets_change", verbs="SELECT, INSERT"),
        AppendOnly("assets_change"),
        TerritoryTable("assets_device"),
        TerritoryTable("assets_attachment"),
        TerritoryTable("assets_cell"),
        TerritoryTable("assets_version"),
    ]
