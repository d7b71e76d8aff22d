"""Who may reach the rows, keys that hold the territory, and what senders and ingest listen to."""

from django.db import migrations

from beffroi.foundation.database.migrations_ops import OwnerFunction, TerritoryTable

TABLES = ("messaging_outbox", "messaging_webhook", "messaging_delivery")

KEYS = """
ALTER TABLE messaging_outbox DROP CONSTRAINT messaging_outbox_pkey,
    ADD PRIMARY KEY (territory_id, id);
ALTER TABLE messaging_webhook DROP CONSTRAINT messaging_webhook_pkey,
    ADD PRIMARY KEY (territory_id, id);
ALTER TABLE messaging_delivery DROP CONSTRAINT messaging_delivery_pkey,
    ADD PRIMARY KEY (territory_id, id),
    ADD CONSTRAINT messaging_delivery_webhook FOREIGN KEY (territory_id, webhook_id)
        REFERENCES messaging_webhook (territory_id, id) ON DELETE CASCADE;
"""

FORMER_KEYS = """
ALTER TABLE messaging_delivery DROP CONSTRAINT messaging_delivery_webhook,
    DROP CONSTRAINT messaging_delivery_pkey,
    ADD CONSTRAINT messaging_delivery_pkey PRIMARY KEY (id);
ALTER TABLE messaging_webhook DROP CONSTRAINT messaging_webhook_pkey,
    ADD CONSTRAINT messaging_webhook_pkey PRIMARY KEY (id);
ALTER TABLE messaging_outbox DROP CONSTRAINT messaging_outbox_pkey,
    ADD CONSTRAINT messaging_outbox_pkey PRIMARY KEY (id);
"""

# What a process may remember of who wants what is forgotten when it changes. Claims, which change
# with every delivery, are left out.
NOTIFICATIONS = """
CREATE FUNCTION messaging_webhooks_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    PERFORM pg_notify('beffroi_webhooks', coalesce(NEW.territory_id, OLD.territory_id)::text);
    RETURN NULL;
END
$function$;

CREATE TRIGGER messaging_webhook_changed
    AFTER INSERT OR DELETE OR UPDATE OF topics, state ON messaging_webhook
    FOR EACH ROW EXECUTE FUNCTION messaging_webhooks_changed();
"""

SILENCE = """
DROP TRIGGER messaging_webhook_changed ON messaging_webhook;
DROP FUNCTION messaging_webhooks_changed();
"""

# A sender asks once for all towns where there is something to do; it then acts for each of them,
# and sees its rows alone. Only numbers of territories come out.
DUE = """
CREATE FUNCTION messaging_due(at timestamptz) RETURNS SETOF int
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $function$
    SELECT t.id FROM public.territories_territory t
    WHERE EXISTS (SELECT FROM public.messaging_outbox o WHERE o.territory_id = t.id)
       OR EXISTS (
           SELECT FROM public.messaging_delivery d
           JOIN public.messaging_webhook w
             ON w.territory_id = d.territory_id AND w.id = d.webhook_id
           WHERE d.territory_id = t.id AND d.state = 'waiting' AND d.next_attempt_at <= at
             AND w.state = 'active' AND (w.claimed_until IS NULL OR w.claimed_until <= at)
       )
$function$
"""

# Forced row-level security binds the owner too, as whom the function runs.
OWNER_READS = [
    (
        f"CREATE POLICY {table}_owner_reads ON {table} FOR SELECT TO CURRENT_USER USING (true)",
        f"DROP POLICY {table}_owner_reads ON {table}",
    )
    for table in TABLES
]


class Migration(migrations.Migration):
    dependencies = [("messaging", "0001_initial"), ("territories", "0002_access")]

    operations = [
        migrations.RunSQL(KEYS, FORMER_KEYS),
        *(TerritoryTable(table) for table in TABLES),
        *(migrations.RunSQL(forwards, backwards) for forwards, backwards in OWNER_READS),
        migrations.RunSQL(NOTIFICATIONS, SILENCE),
        migrations.RunSQL(DUE, "DROP FUNCTION messaging_due(timestamptz)"),
        OwnerFunction("messaging_due(timestamptz)"),
    ]
