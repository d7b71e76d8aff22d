"""Brokers, what is subscribed there, who may publish, and the notification that it changed."""

import django.db.models.deletion
from django.db import migrations, models

import beffroi.kernel.clock
import beffroi.kernel.identifiers
from beffroi.foundation.database.migrations_ops import TerritoryTable

# The payload is the territory: what is equal within a transaction goes out once.
NOTIFICATIONS = """
CREATE FUNCTION ingest_brokers_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    PERFORM pg_notify('beffroi_brokers', coalesce(NEW.territory_id, OLD.territory_id)::text);
    RETURN NULL;
END
$function$;

CREATE TRIGGER ingest_broker_changed AFTER INSERT OR UPDATE OR DELETE ON ingest_broker
    FOR EACH ROW EXECUTE FUNCTION ingest_brokers_changed();
CREATE TRIGGER ingest_subscription_changed AFTER INSERT OR UPDATE OR DELETE ON ingest_subscription
    FOR EACH ROW EXECUTE FUNCTION ingest_brokers_changed();
CREATE TRIGGER ingest_broker_account_changed
    AFTER INSERT OR UPDATE OR DELETE ON ingest_broker_account
    FOR EACH ROW EXECUTE FUNCTION ingest_brokers_changed();
"""

SILENCE = """
DROP TRIGGER ingest_broker_account_changed ON ingest_broker_account;
DROP TRIGGER ingest_subscription_changed ON ingest_subscription;
DROP TRIGGER ingest_broker_changed ON ingest_broker;
DROP FUNCTION ingest_brokers_changed();
"""

ID = ("id", models.BigAutoField(primary_key=True, serialize=False))
UUID = ("uuid", models.UUIDField(default=beffroi.kernel.identifiers.uuid7, editable=False))
TERRITORY = (
    "territory",
    models.ForeignKey(
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="territories.territory",
    ),
)


def of_broker(related_name: str) -> tuple[str, models.Field]:
    """Return the field by which a row belongs to a broker."""
    return (
        "broker",
        models.ForeignKey(
            db_index=False,
            on_delete=django.db.models.deletion.CASCADE,
            related_name=related_name,
            to="ingest.broker",
        ),
    )


def of_source(related_name: str, *, null: bool = False) -> tuple[str, models.Field]:
    """Return the field by which a row belongs to a source."""
    return (
        "source",
        models.ForeignKey(
            db_index=False,
            on_delete=django.db.models.deletion.CASCADE,
            related_name=related_name,
            to="ingest.source",
            null=null,
        ),
    )


class Migration(migrations.Migration):
    dependencies = [("ingest", "0002_access")]

    operations = [
        migrations.CreateModel(
            name="Broker",
            fields=[
                ID,
                UUID,
                ("name", models.CharField(max_length=120)),
                ("host", models.CharField(max_length=253)),
                ("port", models.IntegerField()),
                ("tls", models.BooleanField(default=True)),
                ("ca_certificate", models.TextField(blank=True, default="")),
                ("client_certificate", models.TextField(blank=True, default="")),
                ("sealed_client_key", models.BinaryField(null=True)),
                ("username", models.CharField(blank=True, default="", max_length=200)),
                ("sealed_password", models.BinaryField(null=True)),
                ("client_id", models.CharField(max_length=60)),
                ("protocol", models.CharField(default="5", max_length=8)),
                ("keep_alive_s", models.SmallIntegerField(default=30)),
                ("shared_group", models.CharField(blank=True, default="", max_length=60)),
                ("enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(default=beffroi.kernel.clock.now)),
                TERRITORY,
            ],
            options={"db_table": "ingest_broker"},
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                ID,
                UUID,
                ("topic", models.CharField(db_collation="C", max_length=250)),
                ("qos", models.SmallIntegerField(default=1)),
                ("created_at", models.DateTimeField(default=beffroi.kernel.clock.now)),
                of_broker("subscriptions"),
                of_source("subscriptions"),
                TERRITORY,
            ],
            options={"db_table": "ingest_subscription"},
        ),
        migrations.CreateModel(
            name="BrokerState",
            fields=[
                ID,
                ("process", models.CharField(db_collation="C", max_length=100)),
                ("updated_at", models.DateTimeField()),
                ("connected_since", models.DateTimeField(null=True)),
                ("last_message_at", models.DateTimeField(null=True)),
                ("received", models.BigIntegerField(default=0)),
                ("unguaranteed", models.BigIntegerField(default=0)),
                ("retained", models.BigIntegerField(default=0)),
                ("refused", models.BigIntegerField(default=0)),
                ("unmatched", models.BigIntegerField(default=0)),
                ("waiting", models.IntegerField(default=0)),
                ("rate", models.FloatField(default=0)),
                ("error", models.JSONField(null=True)),
                ("error_at", models.DateTimeField(null=True)),
                of_broker("states"),
                TERRITORY,
            ],
            options={"db_table": "ingest_broker_state"},
        ),
        migrations.CreateModel(
            name="BrokerAccount",
            fields=[
                ID,
                UUID,
                ("username", models.CharField(db_collation="C", max_length=120)),
                ("kind", models.CharField(default="device", max_length=12)),
                ("password_hash", models.CharField(max_length=200)),
                ("issued_at", models.DateTimeField(default=beffroi.kernel.clock.now)),
                ("revoked_at", models.DateTimeField(null=True)),
                of_broker("accounts"),
                of_source("+", null=True),
                TERRITORY,
            ],
            options={"db_table": "ingest_broker_account"},
        ),
        migrations.AddConstraint(
            model_name="broker",
            constraint=models.UniqueConstraint(
                fields=("territory", "uuid"), name="ingest_broker_uuid"
            ),
        ),
        migrations.AddConstraint(
            model_name="broker",
            constraint=models.UniqueConstraint(
                fields=("territory", "name"), name="ingest_broker_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(
                fields=("territory", "uuid"), name="ingest_subscription_uuid"
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(
                fields=("territory", "broker", "source", "topic"), name="ingest_subscription_once"
            ),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(fields=["territory", "source"], name="ingest_subscription_source"),
        ),
        migrations.AddConstraint(
            model_name="brokerstate",
            constraint=models.UniqueConstraint(
                fields=("territory", "broker", "process"), name="ingest_broker_state_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="brokeraccount",
            constraint=models.UniqueConstraint(
                fields=("territory", "uuid"), name="ingest_broker_account_uuid"
            ),
        ),
        migrations.AddConstraint(
            model_name="brokeraccount",
            constraint=models.UniqueConstraint(
                fields=("territory", "broker", "username"), name="ingest_broker_account_name"
            ),
        ),
        TerritoryTable("ingest_broker"),
        TerritoryTable("ingest_subscription"),
        TerritoryTable("ingest_broker_state"),
        TerritoryTable("ingest_broker_account"),
        migrations.RunSQL(NOTIFICATIONS, SILENCE),
    ]
