from __future__ import annotations

from typing import Any

from django.db import migrations

from beffroi.foundation.territories.services import reference_load


def load_reference(apps: Any, schema_editor: Any) -> None:
    del apps, schema_editor
    reference_load()


class Migration(migrations.Migration):
    # Apart from the tables' own migration: PostgreSQL wants them settled before they are filled.
    dependencies = [("territories", "0002_access")]

    operations = [migrations.RunPython(load_reference, migrations.RunPython.noop, elidable=True)]
