"""Scripts, device models and the trouble of scripts: what a town has of its own."""

import django.db.models.deletion
from django.db import migrations, models

import beffroi.kernel.clock
import beffroi.kernel.identifiers
from beffroi.foundation.database.migrations_ops import AppendOnly, TerritoryTable


def _territory() -> models.ForeignKey:
    return models.ForeignKey(
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="territories.territory",
    )


def _uuid() -> models.UUIDField:
    return models.UUIDField(default=beffroi.kernel.identifiers.uuid7, editable=False)


def _instant() -> models.DateTimeField:
    return models.DateTimeField(default=beffroi.kernel.clock.now)


def _key() -> models.BigAutoField:
    return models.BigAutoField(primary_key=True, serialize=False)


def _hash() -> models.CharField:
    return models.CharField(db_collation="C", max_length=64)


class Migration(migrations.Migration):
    dependencies = [("codecs", "0001_library"), ("territories", "0003_reference")]

    operations = [
        migrations.CreateModel(
            name="Script",
            fields=[
                ("id", _key()),
                ("uuid", _uuid()),
                ("key", models.CharField(db_collation="C", max_length=63)),
                ("name", models.CharField(max_length=120)),
                ("version", models.IntegerField(default=1)),
                ("source", models.TextField()),
                ("sha256", _hash()),
                ("examples", models.JSONField(blank=True, default=list)),
                ("passed", models.IntegerField(default=0)),
                ("created_at", _instant()),
                ("updated_at", _instant()),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
                ("territory", _territory()),
            ],
            options={
                "db_table": "codecs_script",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("territory", "uuid"), name="codecs_script_uuid"
                    ),
                    models.UniqueConstraint(fields=("territory", "key"), name="codecs_script_key"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScriptVersion",
            fields=[
                ("id", _key()),
                ("version", models.IntegerField()),
                ("source", models.TextField()),
                ("sha256", _hash()),
                ("examples", models.JSONField(blank=True, default=list)),
                ("passed", models.IntegerField(default=0)),
                ("at", _instant()),
                ("user_id", models.BigIntegerField(blank=True, null=True)),
                (
                    "script",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="versions",
                        to="codecs.script",
                    ),
                ),
                ("territory", _territory()),
            ],
            options={
                "db_table": "codecs_script_version",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("territory", "script", "version"), name="codecs_version_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DeviceModel",
            fields=[
                ("id", _key()),
                ("uuid", _uuid()),
                ("vendor", models.CharField(blank=True, default="", max_length=120)),
                ("name", models.CharField(max_length=120)),
                (
                    "codec_key",
                    models.CharField(blank=True, db_collation="C", default="", max_length=63),
                ),
                ("mapping", models.JSONField(blank=True, default=dict)),
                ("fields_seen", models.JSONField(blank=True, default=dict)),
                ("library_model", models.UUIDField(blank=True, null=True)),
                ("created_at", _instant()),
                ("updated_at", _instant()),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
                ("territory", _territory()),
            ],
            options={
                "db_table": "codecs_model",
                "constraints": [
                    models.UniqueConstraint(fields=("territory", "uuid"), name="codecs_model_uuid"),
                    models.UniqueConstraint(
                        condition=models.Q(("removed_at__isnull", True)),
                        fields=("territory", "vendor", "name"),
                        name="codecs_model_name",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CodecTrouble",
            fields=[
                ("id", _key()),
                ("codec_key", models.CharField(db_collation="C", max_length=63)),
                ("sha256", _hash()),
                ("faults", models.BigIntegerField(default=0)),
                ("holds", models.IntegerField(default=0)),
                ("code", models.CharField(max_length=64)),
                ("error", models.JSONField(default=dict)),
                ("last_at", _instant()),
                ("held_until", models.DateTimeField(blank=True, null=True)),
                ("territory", _territory()),
            ],
            options={
                "db_table": "codecs_trouble",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("territory", "codec_key"), name="codecs_trouble_once"
                    )
                ],
            },
        ),
        TerritoryTable("codecs_script"),
        TerritoryTable("codecs_script_version", verbs="SELECT, INSERT"),
        AppendOnly("codecs_script_version"),
        TerritoryTable("codecs_model"),
        TerritoryTable("codecs_trouble"),
    ]
