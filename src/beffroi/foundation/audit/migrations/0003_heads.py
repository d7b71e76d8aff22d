from __future__ import annotations

from django.db import migrations

from beffroi.foundation.database.migrations_ops import OwnerFunction

# Both run as the owner, whom a policy lets read every row. They tell lengths and fingerprints,
# never what a line says: that stays with its territory.
HEADS = """
CREATE FUNCTION audit_heads() RETURNS TABLE (territory int, sequence bigint, hash text)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $function$
    SELECT DISTINCT ON (r.territory_id) r.territory_id, r.sequence, r.hash::text
    FROM public.audit_auditrecord r ORDER BY r.territory_id, r.sequence DESC
$function$
"""

INSTALLATION = """
CREATE FUNCTION audit_check_installation(kept bigint) RETURNS TABLE (
    length bigint, last bigint, last_hash text, kept_hash text, broken_at bigint, reason text
)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $function$
    WITH chain AS (
        SELECT r.sequence, r.hash, r.previous_hash, public.audit_hash(r) AS expected,
               lag(r.sequence, 1, 0::bigint) OVER w AS sequence_before,
               lag(r.hash, 1, ''::varchar) OVER w AS hash_before
        FROM public.audit_auditrecord r
        WHERE r.territory_id IS NULL
        WINDOW w AS (ORDER BY r.sequence)
    )
    SELECT (SELECT count(*) FROM chain), (SELECT max(sequence) FROM chain),
           (SELECT hash::text FROM chain ORDER BY sequence DESC LIMIT 1),
           (SELECT hash::text FROM chain WHERE sequence = kept),
           broken.sequence, broken.reason
    FROM (VALUES (1)) AS one
    LEFT JOIN LATERAL (
        SELECT sequence,
               CASE WHEN sequence <> sequence_before + 1 THEN 'missing'
                    WHEN hash <> expected THEN 'changed' ELSE 'unlinked' END AS reason
        FROM chain
        WHERE sequence <> sequence_before + 1 OR hash <> expected OR previous_hash <> hash_before
        ORDER BY sequence LIMIT 1
    ) AS broken ON true
$function$
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_chain")]

    operations = [
        migrations.RunSQL(HEADS, "DROP FUNCTION audit_heads()"),
        OwnerFunction("audit_heads()"),
        migrations.RunSQL(INSTALLATION, "DROP FUNCTION audit_check_installation(bigint)"),
        OwnerFunction("audit_check_installation(bigint)"),
    ]
