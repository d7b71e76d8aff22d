from django.db import migrations, models

from beffroi.foundation.database.migrations_ops import SharedTable


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="BeatRun",
            fields=[
                ("key", models.TextField(primary_key=True, serialize=False)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("last_error", models.TextField(blank=True, default="")),
            ],
            options={"db_table": "jobs_beat"},
        ),
        SharedTable(
            "jobs_beat",
            reason="timers of the installation; no authority's data",
            verbs="SELECT, INSERT, UPDATE",
        ),
    ]
