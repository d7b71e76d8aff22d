"""Functions that need the owner: make a day's partition, drop it once packed, correct hot rows.

All are subject to forced row-level security like everybody: where they touch rows they go from
territory to territory. Packing itself is done by the application, territory by territory.
"""

from django.db import migrations

from beffroi.foundation.database.migrations_ops import OwnerFunction

FUNCTIONS = r"""
-- PostgreSQL's own 64-bit hash of all that an observation says; packing.py works out the same. The
-- hash of a float takes zero for minus zero: the sign is added to the seed.
CREATE FUNCTION series_checksum(
    stream_id bigint, observed_at timestamptz, value float8, quality smallint) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
RETURN hashfloat8extended(value, hashfloat8extended(date_part('epoch', observed_at),
    stream_id * 131072 + quality * 2
    + CASE WHEN value = 0 AND atan2(0, value) <> 0 THEN 1 ELSE 0 END));

CREATE FUNCTION series_partition_of(p_day date) RETURNS regclass
LANGUAGE sql STABLE AS $function$
    SELECT to_regclass(format('public.series_observation_%s', to_char(p_day, 'YYYYMMDD')))
$function$;

-- One pulse at a time changes partitions; a second one says so instead of waiting, and so does one
-- that meets a correction, which holds the same lock for sharing.
CREATE FUNCTION series_maintenance_lock() RETURNS void
LANGUAGE plpgsql AS $function$
BEGIN
    IF NOT pg_try_advisory_xact_lock(4850765, 1) THEN
        RAISE EXCEPTION 'another process packs or corrects' USING ERRCODE = 'lock_not_available';
    END IF;
END
$function$;

-- Makes the partitions of the civil days from `p_from` to `p_to`; returns how many were missing.
-- Rows that waited in the default partition move along.
CREATE FUNCTION series_partitions_ensure(p_from date, p_to date) RETURNS integer
LANGUAGE plpgsql SET lock_timeout = '3s' AS $function$
DECLARE
    caller text := coalesce(current_setting('beffroi.territory', true), '');
    today date := series_day_of(now());
    p_day date;
    part text;
    territory integer;
    made integer := 0;
BEGIN
    IF p_to - p_from NOT BETWEEN 0 AND 400 THEN
        RAISE EXCEPTION 'from % to % is not between 1 and 401 days', p_from, p_to
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM series_maintenance_lock();
    FOR p_day IN SELECT d::date FROM generate_series(p_from, p_to, interval '1 day') d LOOP
        CONTINUE WHEN series_partition_of(p_day) IS NOT NULL;
        part := format('public.series_observation_%s', to_char(p_day, 'YYYYMMDD'));
        -- Attached rather than created in place: that never locks the parent against writers.
        EXECUTE format('CREATE TABLE %s (LIKE public.series_observation INCLUDING ALL)', part);
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', part);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', part);
        EXECUTE format(
            $sql$CREATE POLICY beffroi_territory ON %s USING (
                territory_id = NULLIF(current_setting('beffroi.territory', true), '')::int)$sql$,
            part);
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', part);
        LOCK TABLE series_observation_default IN SHARE ROW EXCLUSIVE MODE;
        FOR territory IN SELECT id FROM territories_territory ORDER BY id LOOP
            PERFORM set_config('beffroi.territory', territory::text, true);
            EXECUTE format($sql$
                WITH gone AS (
                    DELETE FROM series_observation_default
                    WHERE observed_at >= series_day_start(%2$L::date)
                      AND observed_at < series_day_start(%2$L::date + 1) RETURNING *)
                INSERT INTO %1$s SELECT * FROM gone$sql$, part, p_day);
        END LOOP;
        EXECUTE format(
            'ALTER TABLE series_observation ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
            part, series_day_start(p_day), series_day_start(p_day + 1));
        made := made + 1;
    END LOOP;
    PERFORM set_config('beffroi.territory', caller, true);
    RETURN made;
END
$function$;

-- Begins to pack a day: takes the lock; tells whether the day has a partition at all.
CREATE FUNCTION series_packing_begin(p_day date) RETURNS boolean
LANGUAGE plpgsql AS $function$
BEGIN
    IF p_day >= series_day_of(now()) THEN
        RAISE EXCEPTION 'day % is not closed', p_day USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM series_maintenance_lock();
    RETURN series_partition_of(p_day) IS NOT NULL;
END
$function$;

-- Drops the partition of a packed day, if it holds exactly what the packer says that it has packed
-- and read back: so many rows, with this checksum, whatever their territory. A row that arrived or
-- changed meanwhile undoes the whole pack.
CREATE FUNCTION series_partition_drop(p_day date, p_rows bigint, p_checksum bigint) RETURNS void
LANGUAGE plpgsql SET lock_timeout = '3s' AS $function$
DECLARE
    part regclass := series_partition_of(p_day);
    rows_there bigint;
    checksum_there bigint;
BEGIN
    IF p_day >= series_day_of(now()) THEN
        RAISE EXCEPTION 'day % is not closed', p_day USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM series_maintenance_lock();
    -- From here to the commit nobody reads or writes: what is left is a count and a drop. The
    -- parent is locked first, as writers do, so that no two transactions wait for each other.
    LOCK TABLE series_observation IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', part);
    EXECUTE format(
        'SELECT count(*), coalesce(bit_xor(series_checksum(stream_id, observed_at, value, quality)), 0)'
        ' FROM %s', part) INTO rows_there, checksum_there;
    IF rows_there <> p_rows OR checksum_there <> p_checksum THEN
        RAISE EXCEPTION 'day %: % rows (%), of which % (%) are packed',
            p_day, rows_there, checksum_there, p_rows, p_checksum
            USING ERRCODE = 'serialization_failure';
    END IF;
    EXECUTE format('DROP TABLE %s', part);
END
$function$;

-- Replaces the values of streams at given instants that are not packed, and adds those that were
-- absent; returns how many observations are now other than they were. Of two values given for one
-- instant the last stands. correcting.py replaces the packed ones first, under the same locks:
-- corrections of a territory come one after another, and the packer after them.
CREATE FUNCTION series_observations_correct(
    p_stream_ids bigint[], p_at_ms bigint[], p_values float8[], p_qualities smallint[])
RETURNS bigint
LANGUAGE plpgsql AS $function$
DECLARE
    territory integer := current_setting('beffroi.territory')::integer;
    hot bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(4850765, 1);
    PERFORM pg_advisory_xact_lock(4850766, territory);
    INSERT INTO series_observation AS kept
        (territory_id, stream_id, observed_at, value, quality)
    SELECT DISTINCT ON (stream_id, at_ms) territory, stream_id,
           'epoch'::timestamptz + at_ms * interval '1 millisecond', value, quality
    FROM unnest(p_stream_ids, p_at_ms, p_values, p_qualities)
         WITH ORDINALITY AS g (stream_id, at_ms, value, quality, rank)
    ORDER BY stream_id, at_ms, rank DESC
    ON CONFLICT (territory_id, stream_id, observed_at) DO UPDATE
        SET value = excluded.value, quality = excluded.quality
        WHERE (kept.value, kept.quality) IS DISTINCT FROM (excluded.value, excluded.quality);
    GET DIAGNOSTICS hot = ROW_COUNT;
    RETURN hot;
END
$function$;

-- Days that have a partition of their own, oldest first.
CREATE FUNCTION series_partition_days() RETURNS SETOF date
LANGUAGE sql STABLE AS $function$
    SELECT to_date(right(c.relname, 8), 'YYYYMMDD')
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'public.series_observation'::regclass
      AND c.relname ~ '^series_observation_[0-9]{8}$'
    ORDER BY 1
$function$;

ALTER TABLE series_observation_default ENABLE ROW LEVEL SECURITY;
ALTER TABLE series_observation_default FORCE ROW LEVEL SECURITY;
CREATE POLICY beffroi_territory ON series_observation_default USING (
    territory_id = NULLIF(current_setting('beffroi.territory', true), '')::int);
REVOKE ALL ON series_observation_default FROM PUBLIC;
REVOKE ALL ON FUNCTION series_partition_of(date) FROM PUBLIC;
"""

DROP_FUNCTIONS = """
DROP FUNCTION series_partition_days(),
    series_observations_correct(bigint[], bigint[], float8[], smallint[]),
    series_partition_drop(date, bigint, bigint), series_packing_begin(date),
    series_partitions_ensure(date, date), series_maintenance_lock(), series_partition_of(date),
    series_checksum(bigint, timestamptz, float8, smallint);
DROP POLICY beffroi_territory ON series_observation_default;
"""


class Migration(migrations.Migration):
    dependencies = [("series", "0002_storage")]

    operations = [
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        OwnerFunction("series_partitions_ensure(date, date)"),
        OwnerFunction("series_maintenance_lock()"),
        OwnerFunction("series_packing_begin(date)"),
        OwnerFunction("series_partition_drop(date, bigint, bigint)"),
        OwnerFunction(
            "series_observations_correct(bigint[], bigint[], double precision[], smallint[])"
        ),
    ]
