from django.db import migrations

from beffroi.foundation.database.migrations_ops import AppendOnly, TerritoryTable


class Migration(migrations.Migration):
    dependencies = [("assets", "0001_initial")]

    operations = [
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
