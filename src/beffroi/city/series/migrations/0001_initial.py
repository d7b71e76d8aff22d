import django.db.models.deletion
from django.db import migrations, models

import beffroi.kernel.clock
import beffroi.kernel.identifiers


class Migration(migrations.Migration):
    initial = True

    dependencies = [("assets", "0001_initial"), ("territories", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Stream",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "uuid",
                    models.UUIDField(
                        default=beffroi.kernel.identifiers.uuid7, editable=False, unique=True
                    ),
                ),
                ("measure_key", models.CharField(db_collation="C", max_length=63)),
                ("unit", models.CharField(blank=True, default="", max_length=32)),
                ("created_at", models.DateTimeField(default=beffroi.kernel.clock.now)),
                (
                    "asset",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="assets.asset",
                    ),
                ),
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
                "db_table": "series_stream",
                "indexes": [models.Index(fields=["asset"], name="series_stream_asset")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("territory", "asset", "measure_key"), name="series_stream_measure"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Retention",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "measure_key",
                    models.CharField(blank=True, db_collation="C", default="", max_length=63),
                ),
                ("raw_days", models.IntegerField(null=True)),
                ("hourly_days", models.IntegerField(null=True)),
                ("daily_days", models.IntegerField(null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=300)),
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
                "db_table": "series_retention",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("territory", "measure_key"), name="series_retention_measure"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("raw_days__gte", 1)), name="series_retention_days"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("hourly_days__gte", models.F("raw_days")),
                            ("daily_days__gte", models.F("hourly_days")),
                        ),
                        name="series_retention_order",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Purge",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(default=beffroi.kernel.clock.now)),
                ("what", models.CharField(max_length=8)),
                ("measure_key", models.CharField(db_collation="C", max_length=63)),
                ("rule_measure_key", models.CharField(blank=True, default="", max_length=63)),
                ("keep_days", models.IntegerField()),
                ("reason", models.CharField(blank=True, default="", max_length=300)),
                ("first_day", models.DateField()),
                ("last_day", models.DateField()),
                ("streams", models.IntegerField()),
                ("items", models.BigIntegerField()),
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
                "db_table": "series_purge",
                "indexes": [models.Index(fields=["territory", "-at"], name="series_purge_by_time")],
            },
        ),
    ]
