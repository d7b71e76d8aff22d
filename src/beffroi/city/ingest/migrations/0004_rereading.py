import django.db.models.deletion
from django.db import migrations, models

import beffroi.kernel.clock
import beffroi.kernel.identifiers
from beffroi.foundation.database.migrations_ops import TerritoryTable

_COUNTS = (
    "total", "done", "decoded", "undecodable", "observations", "last_message", "until_message",
)  # fmt: skip


class Migration(migrations.Migration):
    """How far the kept messages of a device model are read again."""

    dependencies = [("ingest", "0003_mqtt")]

    operations = [
        migrations.CreateModel(
            name="Rereading",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "uuid",
                    models.UUIDField(default=beffroi.kernel.identifiers.uuid7, editable=False),
                ),
                ("model_uuid", models.UUIDField()),
                *((name, models.BigIntegerField(default=0)) for name in _COUNTS),
                ("asked_at", models.DateTimeField(default=beffroi.kernel.clock.now)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("user_id", models.BigIntegerField(blank=True, null=True)),
                (
                    "territory",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.territory",
                    ),
                ),
            ],
            options={
                "db_table": "ingest_rereading",
                "indexes": [
                    models.Index(
                        fields=["territory", "model_uuid", "-id"], name="ingest_rereading_model"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("territory", "uuid"), name="ingest_rereading_uuid"
                    )
                ],
            },
        ),
        TerritoryTable("ingest_rereading"),
    ]
