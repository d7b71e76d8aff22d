"""Functions that need the owner: make a day's partition, pack, absorb late rows, correct.

All are subject to forced row-level security like everybody: each goes from territory to territory.
"""

from django.db import migrations

from beffroi.foundation.database.migrations_ops import OwnerFunction

FUNCTIONS = r"""
-- Turns rows of (stream_id, ms, value, quality) into segments of one day of the territory set.
-- `source` is SQL text written by the callers below only. `merging` is 'none', or says which of two
-- values of the same instant stands, the 'packed' one or the 'new' one; what is packed already is
-- then part of the source. Returns points written.
CREATE FUNCTION series_segments_write(p_day date, source text, merging text) RETURNS bigint
LANGUAGE plpgsql AS $function$
DECLARE
    territory integer := current_setting('beffroi.territory')::integer;
    points text := source;
    written bigint;
BEGIN
    IF merging <> 'none' THEN
        points := format($sql$
            SELECT DISTINCT ON (stream_id, ms) stream_id, ms, value, quality FROM (
                SELECT s.stream_id, p.ms, p.value, coalesce(p.quality, s.worst) AS quality, 0 AS rank
                FROM series_segment s, unnest(s.at_ms, s.value, s.quality) AS p (ms, value, quality)
                WHERE s.territory_id = %1$s AND s.day = %2$L
                  AND s.stream_id IN (SELECT stream_id FROM (%3$s) new)
                UNION ALL
                SELECT stream_id, ms, value, quality, %4$s FROM (%3$s) new
            ) every ORDER BY stream_id, ms, rank$sql$,
            territory, p_day, source, CASE merging WHEN 'packed' THEN 1 ELSE -1 END);
    END IF;
    EXECUTE format($sql$
        WITH ordered AS (
            SELECT stream_id, ms, value, quality,
                   value - lag(value) OVER (PARTITION BY stream_id ORDER BY ms) AS step,
                   series_energy(value) AS energy
            FROM (%3$s) points),
        packed AS (
            SELECT stream_id, count(*)::integer AS n, min(quality) AS best, max(quality) AS worst,
                   min(value) AS vmin, max(value) AS vmax, sum(value) AS vsum,
                   coalesce(sum(step) FILTER (WHERE step > 0), 0) AS rise,
                   CASE WHEN count(energy) = count(*) THEN sum(energy) END AS energy,
                   array_agg(ms ORDER BY ms) AS at_ms, array_agg(value ORDER BY ms) AS value,
                   array_agg(quality ORDER BY ms) AS quality
            FROM ordered GROUP BY stream_id),
        written AS (
            INSERT INTO series_segment AS kept
                (territory_id, stream_id, day, n, n_ok, worst, vmin, vmax, vsum, vfirst, vlast,
                 rise, energy, at_ms, value, quality)
            SELECT %1$s, stream_id, %2$L::date, n, n, worst, vmin, vmax, vsum, value[1], value[n],
                   rise, energy, at_ms, value, CASE WHEN best <> worst THEN quality END
            FROM packed ORDER BY stream_id
            ON CONFLICT (territory_id, stream_id, day) DO UPDATE SET
                n = excluded.n, n_ok = excluded.n_ok, worst = excluded.worst,
                vmin = excluded.vmin, vmax = excluded.vmax, vsum = excluded.vsum,
                vfirst = excluded.vfirst, vlast = excluded.vlast, rise = excluded.rise,
                energy = excluded.energy, at_ms = excluded.at_ms, value = excluded.value,
                quality = excluded.quality
            WHERE kept.n < excluded.n OR %4$L
            RETURNING n)
        SELECT coalesce(sum(n), 0) FROM written$sql$, territory, p_day, points, merging = 'new')
        INTO written;
    -- Rare: days that hold values flagged BAD (4) or MISSING (9) are summed up again without them.
    UPDATE series_segment s SET
        n_ok = good.n_ok, vmin = good.vmin, vmax = good.vmax, vsum = good.vsum,
        vfirst = good.value[1], vlast = good.value[good.n_ok], rise = good.rise,
        energy = good.energy
    FROM (
        SELECT o.stream_id, count(p.ms)::integer AS n_ok,
               min(p.value) AS vmin, max(p.value) AS vmax, sum(p.value) AS vsum,
               CASE WHEN count(p.ms) > 0 THEN coalesce(sum(p.step) FILTER (WHERE p.step > 0), 0) END
                   AS rise,
               CASE WHEN count(p.energy) = count(p.ms) THEN sum(p.energy) END AS energy,
               array_agg(p.value ORDER BY p.ms) AS value
        FROM series_segment o LEFT JOIN LATERAL (
            SELECT a.ms, a.value, a.value - lag(a.value) OVER (ORDER BY a.ms) AS step,
                   series_energy(a.value) AS energy
            FROM unnest(o.at_ms, o.value, o.quality) AS a (ms, value, quality)
            WHERE coalesce(a.quality, o.worst) NOT IN (4, 9)) p ON true
        WHERE o.territory_id = territory AND o.day = p_day AND o.worst >= 4 AND o.n_ok = o.n
        GROUP BY o.stream_id) good
    WHERE s.territory_id = territory AND s.day = p_day AND s.stream_id = good.stream_id;
    RETURN written;
END
$function$;

-- Writes segments as series_segments_write does. Should a value ever make that fail, every other
-- stream is written all the same: `problem` tells of the last one that was not.
CREATE FUNCTION series_segments_try(p_day date, source text, merging text, OUT problem text)
LANGUAGE plpgsql AS $function$
DECLARE
    one bigint;
BEGIN
    BEGIN
        PERFORM series_segments_write(p_day, source, merging);
        RETURN;
    EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
        problem := SQLERRM;
    END;
    FOR one IN EXECUTE format('SELECT DISTINCT stream_id FROM (%s) points ORDER BY 1', source) LOOP
        BEGIN
            PERFORM series_segments_write(
                p_day, format('SELECT * FROM (%s) points WHERE stream_id = %s', source, one), merging);
        EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
            problem := format('series %s: %s', one, SQLERRM);
        END;
    END LOOP;
END
$function$;

-- Deletes, of the rows of a day, those whose instant is read back from its segments.
CREATE FUNCTION series_packed_delete(part regclass, p_day date) RETURNS bigint
LANGUAGE plpgsql AS $function$
DECLARE
    gone bigint;
BEGIN
    EXECUTE format($sql$
        DELETE FROM %1$s o USING (
            SELECT s.stream_id, series_day_start(%2$L) + p.ms * interval '1 millisecond' AS t
            FROM series_segment s, unnest(s.at_ms) AS p (ms)
            WHERE s.territory_id = %3$s AND s.day = %2$L) kept
        WHERE o.territory_id = %3$s AND o.observed_at >= series_day_start(%2$L)
          AND o.observed_at < series_day_start(%2$L::date + 1)
          AND o.stream_id = kept.stream_id AND o.observed_at = kept.t$sql$,
        part, p_day, current_setting('beffroi.territory')::integer);
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$function$;

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

-- Packs a closed day and drops its partition, or does nothing at all; tells how many rows moved. A
-- stream that cannot be packed is the exception: its rows stay in the partition, alone, and
-- `problem` says why.
CREATE FUNCTION series_pack_day(p_day date, OUT packed bigint, OUT problem text)
LANGUAGE plpgsql SET lock_timeout = '3s' AS $function$
DECLARE
    caller text := coalesce(current_setting('beffroi.territory', true), '');
    part regclass := series_partition_of(p_day);
    territory integer;
    source text;
    trouble text;
    before bigint;
    fresh bigint;
    stored bigint;
    rows_seen bigint;
    rows_there bigint;
BEGIN
    packed := 0;
    IF p_day >= series_day_of(now()) THEN
        RAISE EXCEPTION 'day % is not closed', p_day USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF part IS NULL THEN
        RETURN;
    END IF;
    PERFORM series_maintenance_lock();
    FOR territory IN SELECT id FROM territories_territory ORDER BY id LOOP
        PERFORM set_config('beffroi.territory', territory::text, true);
        source := format($sql$
            SELECT stream_id, value, quality,
                   round(date_part('epoch', observed_at - series_day_start(%2$L::date)) * 1000)::int AS ms
            FROM %1$s WHERE territory_id = %3$s$sql$, part, p_day, territory);
        SELECT coalesce(sum(n), 0) INTO before
            FROM series_segment WHERE territory_id = territory AND day = p_day;
        EXECUTE format($sql$
            SELECT count(*), count(*) FILTER (WHERE %3$s AND EXISTS (
                SELECT FROM series_segment s WHERE s.territory_id = %2$s AND s.day = %4$L
                    AND s.stream_id = o.stream_id AND o.ms = ANY (s.at_ms)))
            FROM (%1$s) o$sql$, source, territory, (before > 0)::text, p_day) INTO rows_seen, fresh;
        fresh := rows_seen - fresh;
        CONTINUE WHEN rows_seen = 0;
        trouble := series_segments_try(
            p_day, source, CASE WHEN before > 0 THEN 'packed' ELSE 'none' END);
        IF trouble IS NOT NULL THEN
            problem := format('territory %s, %s', territory, trouble);
            CONTINUE;
        END IF;
        -- What is proved is what lies in the table, read back, not what the statement says it did.
        SELECT coalesce(sum(cardinality(value)), 0) INTO stored
            FROM series_segment WHERE territory_id = territory AND day = p_day;
        IF stored <> before + fresh THEN
            RAISE EXCEPTION 'day % of territory %: % points packed instead of %',
                p_day, territory, stored, before + fresh USING ERRCODE = 'serialization_failure';
        END IF;
        packed := packed + rows_seen;
    END LOOP;
    IF problem IS NOT NULL THEN
        packed := 0;
        FOR territory IN SELECT id FROM territories_territory ORDER BY id LOOP
            PERFORM set_config('beffroi.territory', territory::text, true);
            packed := packed + series_packed_delete(part, p_day);
        END LOOP;
        PERFORM set_config('beffroi.territory', caller, true);
        RETURN;
    END IF;
    PERFORM set_config('beffroi.territory', caller, true);
    -- From here to the commit nobody reads or writes: what is left is a count and a drop. The
    -- parent is locked first, as writers do, so that no two transactions wait for each other.
    LOCK TABLE series_observation IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', part);
    EXECUTE format('SELECT count(*) FROM %s', part) INTO rows_there;
    IF rows_there <> packed THEN
        RAISE EXCEPTION 'day %: % rows, of which % are packed', p_day, rows_there, packed
            USING ERRCODE = 'serialization_failure';
    END IF;
    EXECUTE format('DROP TABLE %s', part);
END
$function$;

-- Packs what the default partition holds of closed days before `p_before`, at most `p_days` of
-- them per territory; tells how many rows moved. A row is deleted only once its instant is read
-- back; one that cannot be packed stays, `problem` says why, and counts for none of the days.
CREATE FUNCTION series_late_absorb(
    p_before date, p_days integer, OUT moved bigint, OUT problem text)
LANGUAGE plpgsql SET lock_timeout = '3s' AS $function$
DECLARE
    caller text := coalesce(current_setting('beffroi.territory', true), '');
    territory integer;
    p_day date;
    trouble text;
    gone bigint;
    days integer;
BEGIN
    moved := 0;
    IF p_before > series_day_of(now()) THEN
        RAISE EXCEPTION 'day % is not closed', p_before - 1
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM series_maintenance_lock();
    FOR territory IN SELECT id FROM territories_territory ORDER BY id LOOP
        PERFORM set_config('beffroi.territory', territory::text, true);
        days := 0;
        FOR p_day IN
            SELECT DISTINCT series_day_of(observed_at) FROM series_observation_default
            WHERE observed_at < series_day_start(p_before) ORDER BY 1
        LOOP
            EXIT WHEN days >= p_days;
            trouble := series_segments_try(p_day, format($sql$
                SELECT stream_id, value, quality,
                       round(date_part('epoch', observed_at - series_day_start(%1$L::date)) * 1000)::int
                           AS ms
                FROM series_observation_default
                WHERE territory_id = %2$s AND observed_at >= series_day_start(%1$L::date)
                  AND observed_at < series_day_start(%1$L::date + 1)$sql$, p_day, territory), 'packed');
            IF trouble IS NOT NULL THEN
                problem := format('territory %s, day %s, %s', territory, p_day, trouble);
            END IF;
            gone := series_packed_delete('series_observation_default', p_day);
            moved := moved + gone;
            days := days + (gone > 0)::int;
        END LOOP;
    END LOOP;
    PERFORM set_config('beffroi.territory', caller, true);
END
$function$;

-- Replaces the values of streams at given instants, packed or not, and adds those that were absent;
-- returns how many observations are now other than they were. Of two values given for one instant
-- the last stands. Corrections of a territory come one after another, and the packer after them:
-- what is found packed, or as a row, stays so until the commit.
CREATE FUNCTION series_observations_correct(
    p_stream_ids bigint[], p_at_ms bigint[], p_values float8[], p_qualities smallint[])
RETURNS bigint
LANGUAGE plpgsql SET extra_float_digits = 1 AS $function$
DECLARE
    territory integer := current_setting('beffroi.territory')::integer;
    one record;
    hot bigint;
    corrected bigint := 0;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(4850765, 1);
    PERFORM pg_advisory_xact_lock(4850766, territory);
    WITH given AS (
        SELECT DISTINCT ON (stream_id, at_ms) stream_id, value, quality,
               'epoch'::timestamptz + at_ms * interval '1 millisecond' AS at
        FROM unnest(p_stream_ids, p_at_ms, p_values, p_qualities)
             WITH ORDINALITY AS g (stream_id, at_ms, value, quality, rank)
        ORDER BY stream_id, at_ms, rank DESC)
    INSERT INTO series_observation AS kept
        (territory_id, stream_id, observed_at, value, quality)
    SELECT territory, g.stream_id, g.at, g.value, g.quality FROM given g
    WHERE NOT EXISTS (
        SELECT FROM series_segment s
        WHERE s.territory_id = territory AND s.stream_id = g.stream_id
          AND s.day = series_day_of(g.at)
          AND round(date_part('epoch', g.at - series_day_start(s.day)) * 1000)::int = ANY (s.at_ms))
    ORDER BY g.stream_id, g.at
    ON CONFLICT (territory_id, stream_id, observed_at) DO UPDATE
        SET value = excluded.value, quality = excluded.quality
        WHERE (kept.value, kept.quality) IS DISTINCT FROM (excluded.value, excluded.quality);
    GET DIAGNOSTICS hot = ROW_COUNT;
    FOR one IN
        WITH given AS (
            SELECT DISTINCT ON (stream_id, at_ms) stream_id, value, quality,
                   'epoch'::timestamptz + at_ms * interval '1 millisecond' AS at
            FROM unnest(p_stream_ids, p_at_ms, p_values, p_qualities)
                 WITH ORDINALITY AS g (stream_id, at_ms, value, quality, rank)
            ORDER BY stream_id, at_ms, rank DESC)
        SELECT s.day, count(*) AS n, array_agg(g.stream_id) AS ids, array_agg(p.ms) AS ms,
               array_agg(g.value) AS vals, array_agg(g.quality) AS flags
        FROM given g
        JOIN series_segment s ON s.territory_id = territory AND s.stream_id = g.stream_id
             AND s.day = series_day_of(g.at),
             unnest(s.at_ms, s.value, s.quality) AS p (ms, value, quality)
        WHERE p.ms = round(date_part('epoch', g.at - series_day_start(s.day)) * 1000)::int
          AND (p.value, coalesce(p.quality, s.worst)) IS DISTINCT FROM (g.value, g.quality)
        GROUP BY s.day ORDER BY s.day
    LOOP
        PERFORM series_segments_write(one.day, format($sql$
            SELECT * FROM unnest(%L::bigint[], %L::integer[], %L::float8[], %L::smallint[])
                AS c (stream_id, ms, value, quality)$sql$, one.ids, one.ms, one.vals, one.flags), 'new');
        corrected := corrected + one.n;
    END LOOP;
    RETURN corrected + hot;
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
REVOKE ALL ON FUNCTION series_segments_write(date, text, text),
    series_segments_try(date, text, text), series_packed_delete(regclass, date),
    series_partition_of(date), series_maintenance_lock() FROM PUBLIC;
"""

DROP_FUNCTIONS = """
DROP FUNCTION series_partition_days(),
    series_observations_correct(bigint[], bigint[], float8[], smallint[]),
    series_late_absorb(date, integer), series_pack_day(date),
    series_partitions_ensure(date, date), series_maintenance_lock(), series_partition_of(date),
    series_packed_delete(regclass, date), series_segments_try(date, text, text),
    series_segments_write(date, text, text);
DROP POLICY beffroi_territory ON series_observation_default;
"""


class Migration(migrations.Migration):
    dependencies = [("series", "0002_storage")]

    operations = [
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        OwnerFunction("series_partitions_ensure(date, date)"),
        OwnerFunction("series_pack_day(date)"),
        OwnerFunction("series_late_absorb(date, integer)"),
        OwnerFunction(
            "series_observations_correct(bigint[], bigint[], double precision[], smallint[])"
        ),
    ]
