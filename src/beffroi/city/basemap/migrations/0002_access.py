from django.db import migrations

from beffroi.foundation.database.migrations_ops import TerritoryTable


class Migration(migrations.Migration):
    dependencies = [("basemap", "0001_initial")]

    operations = [
        TerritoryTable("basemap_source"),
        TerritoryTable("basemap_feature"),
        TerritoryTable("basemap_tile"),
        TerritoryTable("basemap_address"),
    ]
