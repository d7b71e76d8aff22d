import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Case, When


class Migration(migrations.Migration):
    """What is removed says why, what a file no longer names is marked, lists sort by urgency.

    Devices have a model.
    """

    dependencies = [("assets", "0002_access"), ("codecs", "0002_town")]

    operations = [
        migrations.RemoveConstraint(model_name="asset", name="assets_asset_state"),
        migrations.RemoveIndex(model_name="asset", name="assets_asset_not_normal"),
        migrations.AddField(
            model_name="asset",
            name="urgency",
            field=models.GeneratedField(
                db_persist=True,
                expression=Case(
                    When(state=2, then=1),
                    When(state=1, then=2),
                    When(state=3, then=3),
                    When(state=4, then=4),
                    default=5,
                ),
                output_field=models.SmallIntegerField(),
            ),
        ),
        migrations.AddField(
            model_name="asset",
            name="absent_from",
            field=models.CharField(blank=True, db_default="", default="", max_length=255),
        ),
        migrations.AddField(
            model_name="assetchange",
            name="note",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        *(
            migrations.AddField(model_name="importrun", name=name, field=field)
            for name, field in (
                ("doubt_count", models.IntegerField(default=0)),
                ("absent_count", models.IntegerField(default=0)),
                ("absent", models.JSONField(default=list)),
                ("failure", models.JSONField(default=dict)),
                ("trial", models.BooleanField(default=False)),
                ("upload_uuid", models.UUIDField(blank=True, null=True)),
            )
        ),
        migrations.AddField(
            model_name="device",
            name="model_ref",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="codecs.devicemodel",
            ),
        ),
        migrations.AddIndex(
            model_name="device",
            index=models.Index(
                condition=models.Q(("model_ref__isnull", False)),
                fields=["territory", "model_ref"],
                name="assets_device_model",
            ),
        ),
        migrations.AddConstraint(
            model_name="asset",
            constraint=models.CheckConstraint(
                condition=models.Q(("rule_state__range", (0, 2)), ("state__range", (0, 4))),
                name="assets_asset_state",
            ),
        ),
        migrations.AddIndex(
            model_name="asset",
            index=models.Index(
                condition=models.Q(("removed_at__isnull", True)),
                fields=["territory", "urgency", "search_text", "id"],
                name="assets_asset_urgency",
            ),
        ),
    ]
