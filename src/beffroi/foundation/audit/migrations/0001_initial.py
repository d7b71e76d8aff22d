import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("territories", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(unique=True)),
                ("sequence", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("actor_id", models.IntegerField(null=True)),
                ("actor_name", models.CharField(max_length=200)),
                ("verb", models.CharField(max_length=60)),
                ("subject_kind", models.CharField(blank=True, max_length=40)),
                ("subject_uuid", models.UUIDField(null=True)),
                ("subject_label", models.CharField(blank=True, max_length=300)),
                ("detail", models.JSONField(default=dict)),
                ("ip", models.CharField(blank=True, max_length=50)),
                ("previous_hash", models.CharField(blank=True, max_length=64)),
                ("hash", models.CharField(max_length=64)),
                (
                    "territory",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.territory",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["territory", "at"], name="audit_by_time")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("territory", "sequence"),
                        name="audit_sequence_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
    ]
