import django.db.models.deletion
from django.db import migrations, models

import beffroi.kernel.identifiers


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Commune",
            fields=[
                ("insee", models.CharField(max_length=5, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                ("siren", models.CharField(blank=True, max_length=9)),
                ("population", models.PositiveIntegerField(null=True)),
                ("epci_siren", models.CharField(blank=True, db_index=True, max_length=9)),
                ("ept_siren", models.CharField(blank=True, max_length=9)),
                ("departement", models.CharField(db_index=True, max_length=3)),
                ("region", models.CharField(blank=True, max_length=3)),
                ("lon", models.FloatField(null=True)),
                ("lat", models.FloatField(null=True)),
                ("postal_codes", models.CharField(blank=True, max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name="Epci",
            fields=[
                ("siren", models.CharField(max_length=9, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                ("kind", models.CharField(max_length=5)),
                ("population", models.PositiveIntegerField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Territory",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "uuid",
                    models.UUIDField(
                        default=beffroi.kernel.identifiers.uuid7, editable=False, unique=True
                    ),
                ),
                ("slug", models.SlugField(max_length=80, unique=True)),
                ("name", models.CharField(max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("commune", "commune"),
                            ("epci", "inter-municipal body"),
                            ("departement", "department council"),
                            ("syndicat", "joint authority"),
                        ],
                        max_length=16,
                    ),
                ),
                ("insee", models.CharField(max_length=5, null=True, unique=True)),
                ("siren", models.CharField(max_length=9, unique=True)),
                ("population", models.PositiveIntegerField(null=True)),
                ("lon", models.FloatField(null=True)),
                ("lat", models.FloatField(null=True)),
                ("bbox", models.JSONField(null=True)),
                ("boundary", models.JSONField(null=True)),
                ("primary_color", models.CharField(default="#2b4a73", max_length=7)),
                ("secondary_color", models.CharField(default="#96501a", max_length=7)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "territory",
                "verbose_name_plural": "territories",
            },
        ),
        migrations.CreateModel(
            name="Area",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "uuid",
                    models.UUIDField(
                        default=beffroi.kernel.identifiers.uuid7, editable=False, unique=True
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("commune", "member commune"),
                            ("secteur", "sector"),
                            ("quartier", "district"),
                            ("sous_quartier", "sub-district"),
                        ],
                        max_length=16,
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("code", models.CharField(max_length=80)),
                ("boundary", models.JSONField(null=True)),
                ("bbox", models.JSONField(null=True)),
                (
                    "parent",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="children",
                        to="territories.area",
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
                "verbose_name": "area",
                "verbose_name_plural": "areas",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("territory", "kind", "code"), name="area_code_once"
                    )
                ],
            },
        ),
    ]
