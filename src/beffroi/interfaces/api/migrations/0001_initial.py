import django.db.models.deletion
from django.db import migrations, models

import beffroi.kernel.clock
import beffroi.kernel.identifiers


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("territories", "0003_reference"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "uuid",
                    models.UUIDField(default=beffroi.kernel.identifiers.uuid7, editable=False),
                ),
                ("name", models.CharField(max_length=120)),
                ("prefix", models.CharField(max_length=16)),
                ("key_hash", models.BinaryField(max_length=32)),
                ("verbs", models.JSONField(default=list)),
                ("domains", models.JSONField(default=list)),
                ("areas", models.JSONField(default=list)),
                ("origins", models.JSONField(default=list)),
                ("requests_per_minute", models.IntegerField()),
                ("rows_per_minute", models.IntegerField()),
                ("expires_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=beffroi.kernel.clock.now)),
                ("created_by_id", models.BigIntegerField(null=True)),
                ("created_by_name", models.CharField(blank=True, default="", max_length=200)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
                ("requests_left", models.FloatField(null=True)),
                ("rows_left", models.FloatField(null=True)),
                ("counted_at", models.DateTimeField(null=True)),
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
                "db_table": "api_key",
                "indexes": [models.Index(fields=["key_hash"], name="api_key_presented")],
                "constraints": [
                    models.UniqueConstraint(fields=("territory", "uuid"), name="api_key_uuid"),
                    models.UniqueConstraint(fields=("territory", "key_hash"), name="api_key_hash"),
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at__isnull", True)),
                        fields=("territory", "name"),
                        name="api_key_name",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("requests_per_minute__gte", 1), ("rows_per_minute__gte", 1)
                        ),
                        name="api_key_rates",
                    ),
                ],
            },
        ),
    ]
