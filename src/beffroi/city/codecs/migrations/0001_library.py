from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import beffroi.kernel.clock
import beffroi.kernel.identifiers
from beffroi.foundation.database.migrations_ops import SharedTable


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="LibraryCodec",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "uuid",
                    models.UUIDField(
                        default=beffroi.kernel.identifiers.uuid7, editable=False, unique=True
                    ),
                ),
                ("key", models.CharField(db_collation="C", max_length=250, unique=True)),
                ("repository", models.CharField(db_collation="C", max_length=80)),
                ("vendor", models.CharField(max_length=120)),
                ("name", models.CharField(max_length=200)),
                ("source", models.TextField()),
                ("sha256", models.CharField(db_collation="C", max_length=64)),
                ("dialect", models.CharField(blank=True, default="", max_length=16)),
                ("functions", models.JSONField(blank=True, default=list)),
                ("f_ports", models.JSONField(blank=True, default=list)),
                ("licence", models.CharField(blank=True, default="", max_length=80)),
                ("origin", models.CharField(blank=True, default="", max_length=400)),
                ("examples", models.JSONField(blank=True, default=list)),
                ("passed", models.IntegerField(default=0)),
                ("failed", models.IntegerField(default=0)),
                ("imported_at", models.DateTimeField(default=beffroi.kernel.clock.now)),
            ],
            options={"db_table": "codecs_library_codec"},
        ),
        migrations.CreateModel(
            name="LibraryModel",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "uuid",
                    models.UUIDField(
                        default=beffroi.kernel.identifiers.uuid7, editable=False, unique=True
                    ),
                ),
                ("key", models.CharField(db_collation="C", max_length=250, unique=True)),
                ("vendor", models.CharField(max_length=120)),
                ("name", models.CharField(max_length=200)),
                ("description", models.CharField(blank=True, default="", max_length=400)),
                (
                    "codec",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="models",
                        to="codecs.librarycodec",
                    ),
                ),
            ],
            options={
                "db_table": "codecs_library_model",
                "indexes": [
                    models.Index(fields=["vendor", "name"], name="codecs_library_model_name")
                ],
            },
        ),
        SharedTable(
            "codecs_library_codec",
            reason="published codecs, the same for every territory; the command line imports them",
        ),
        SharedTable(
            "codecs_library_model",
            reason="published names of devices, the same for every territory",
        ),
    ]
