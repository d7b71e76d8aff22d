from __future__ import annotations

from django.db import migrations

from beffroi.foundation.database.migrations_ops import AppendOnly, TerritoryTable

# What is hashed: the hash before, then every column that a person could want to change, as one
# JSON text. jsonb orders its keys, and the instant is written in microseconds of UTC, so that the
# text depends on the row alone.
HASH = """
CREATE FUNCTION audit_hash(r audit_auditrecord) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $function$
    SELECT encode(sha256(convert_to(r.previous_hash || jsonb_build_object(
        'uuid', r.uuid, 'territory', r.territory_id, 'sequence', r.sequence,
        'at', (extract(epoch FROM r.at) * 1000000)::bigint,
        'actor', r.actor_id, 'name', r.actor_name, 'verb', r.verb, 'kind', r.subject_kind,
        'subject', r.subject_uuid, 'label', r.subject_label, 'detail', r.detail, 'ip', r.ip
    )::text, 'UTF8')), 'hex')
$function$
"""

# Runs as the owner: the row before must be found even when it belongs to no territory. The lock
# lasts until the transaction ends, so that the next writer sees this row committed or gone.
CHAIN = """
CREATE FUNCTION audit_chain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $function$
DECLARE
    before record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('beffroi.audit'), COALESCE(NEW.territory_id, 0));
    SELECT sequence, hash INTO before FROM public.audit_auditrecord
        WHERE territory_id IS NOT DISTINCT FROM NEW.territory_id
        ORDER BY sequence DESC LIMIT 1;
    NEW.sequence := COALESCE(before.sequence, 0) + 1;
    NEW.previous_hash := COALESCE(before.hash, '');
    NEW.hash := public.audit_hash(NEW);
    RETURN NEW;
END
$function$
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        TerritoryTable("audit_auditrecord", verbs="SELECT, INSERT"),
        AppendOnly("audit_auditrecord"),
        # A policy of its own for rows of no territory: they may be added, nobody reads them.
        migrations.RunSQL(
            "CREATE POLICY audit_installation_insert ON audit_auditrecord FOR INSERT"
            " WITH CHECK (territory_id IS NULL)",
            "DROP POLICY audit_installation_insert ON audit_auditrecord",
        ),
        # Forced row-level security binds the owner too; the chain is built as the owner.
        migrations.RunSQL(
            "CREATE POLICY audit_owner_reads ON audit_auditrecord FOR SELECT"
            " TO CURRENT_USER USING (true)",
            "DROP POLICY audit_owner_reads ON audit_auditrecord",
        ),
        migrations.RunSQL(HASH, "DROP FUNCTION audit_hash(audit_auditrecord)"),
        migrations.RunSQL(
            [CHAIN, "REVOKE ALL ON FUNCTION audit_chain() FROM PUBLIC"],
            "DROP FUNCTION audit_chain()",
        ),
        migrations.RunSQL(
            "CREATE TRIGGER audit_chain BEFORE INSERT ON audit_auditrecord"
            " FOR EACH ROW EXECUTE FUNCTION audit_chain()",
            "DROP TRIGGER audit_chain ON audit_auditrecord",
        ),
    ]
