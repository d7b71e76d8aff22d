"""Observations: hot rows by day, packed days and months, roll-ups, latest values.

The reasons and the figures are in docs/adr/0007-series-storage.md and 0010-history.md.
"""

from django.db import migrations

from beffroi.foundation.database.migrations_ops import AppendOnly, TerritoryTable, TerritoryView

TABLES = """
-- A civil day of Europe/Paris, which is 23 or 25 hours long twice a year: summaries of a day then
-- serve days, weeks and months as people count them, without reading a value.
CREATE FUNCTION series_day_start(day date) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN timezone('Europe/Paris', day::timestamp);

CREATE FUNCTION series_day_of(instant timestamptz) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN timezone('Europe/Paris', instant)::date;

-- Every key begins with the territory: the tables can be distributed by it.
CREATE TABLE series_latest (
    territory_id integer NOT NULL,
    stream_id bigint NOT NULL,
    asset_id bigint NOT NULL,
    measure_key text NOT NULL,
    observed_at timestamptz(3) NOT NULL,
    received_at timestamptz NOT NULL,
    value float8 NOT NULL,
    quality smallint NOT NULL,
    PRIMARY KEY (territory_id, stream_id)
) WITH (fillfactor = 70);  -- room for updates in place: no indexed column ever changes
CREATE INDEX series_latest_by_asset ON series_latest (territory_id, asset_id);

-- Instants are kept to the millisecond, as packed days hold them: timestamptz(3) makes that a
-- property of the table. The bounds on values refuse NaN and infinities, and keep sums finite.
CREATE TABLE series_observation (
    territory_id integer NOT NULL,
    stream_id bigint NOT NULL,
    observed_at timestamptz(3) NOT NULL,
    value float8 NOT NULL CHECK (value BETWEEN -1e18 AND 1e18),
    quality smallint NOT NULL,
    UNIQUE (territory_id, stream_id, observed_at) INCLUDE (value, quality)
) PARTITION BY RANGE (observed_at);
CREATE TABLE series_observation_default PARTITION OF series_observation DEFAULT;

-- One row per stream and closed civil day. `points` holds instants, values and flags as
-- packed_form.py writes them, `n` of them; it is null once retention has taken the values and left
-- the figures. `n_ok` and the figures leave out values flagged BAD or MISSING. `rise` is the growth
-- of a counter within the day; `energy` is the sum of 10^(v/10), null where a value is no level in
-- decibels.
CREATE TABLE series_segment (
    territory_id integer NOT NULL,
    stream_id bigint NOT NULL,
    day date NOT NULL,
    n integer NOT NULL CHECK (n > 0),
    n_ok integer NOT NULL,
    worst smallint NOT NULL,
    vmin float8,
    vmax float8,
    vsum float8,
    vfirst float8,
    vlast float8,
    rise float8,
    energy float8,
    points bytea,
    PRIMARY KEY (territory_id, stream_id, day)
        INCLUDE (n_ok, worst, vmin, vmax, vsum, vfirst, vlast, rise, energy)
);
CREATE INDEX series_segment_by_day ON series_segment (territory_id, day);

-- Days of one calendar month together, once they are old: the figures of each day as arrays, NaN
-- where no value counts; all values in one `points`, counted from the start of `first`, for the days
-- from `raw_from` on. A stream with very many values has several rows in a month.
CREATE TABLE series_month (
    territory_id integer NOT NULL,
    stream_id bigint NOT NULL,
    first date NOT NULL,
    last date NOT NULL,
    raw_from date NOT NULL,
    n integer NOT NULL,
    days date[] NOT NULL,
    counts integer[] NOT NULL,
    n_ok integer[] NOT NULL,
    worst smallint[] NOT NULL,
    vmin float8[] NOT NULL,
    vmax float8[] NOT NULL,
    vsum float8[] NOT NULL,
    vfirst float8[] NOT NULL,
    vlast float8[] NOT NULL,
    rise float8[] NOT NULL,
    energy float8[] NOT NULL,
    points bytea,
    CHECK (first <= last AND date_trunc('month', first) = date_trunc('month', last)),
    CHECK ((n > 0) = (points IS NOT NULL)),
    PRIMARY KEY (territory_id, stream_id, first)
);
CREATE INDEX series_month_by_day ON series_month (territory_id, first);

-- Figures of each hour (whole hours since 1970), made when retention takes the values themselves.
CREATE TABLE series_hourly (
    territory_id integer NOT NULL,
    stream_id bigint NOT NULL,
    month date NOT NULL,
    hours integer[] NOT NULL,
    n_ok integer[] NOT NULL,
    worst smallint[] NOT NULL,
    vmin float8[] NOT NULL,
    vmax float8[] NOT NULL,
    vsum float8[] NOT NULL,
    vfirst float8[] NOT NULL,
    vlast float8[] NOT NULL,
    rise float8[] NOT NULL,
    energy float8[] NOT NULL,
    PRIMARY KEY (territory_id, stream_id, month)
);

-- lz4 finds more in these octets than pglz does, and opens them faster; not every server has it.
DO $do$ BEGIN
    ALTER TABLE series_segment ALTER COLUMN points SET COMPRESSION lz4;
    ALTER TABLE series_month ALTER COLUMN points SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;  -- pglz then
END $do$;

-- The i-th of n whole numbers of `width` octets; the octets of one weight stand together, the
-- heaviest first.
CREATE FUNCTION series_packed_rest(raw bytea, at integer, width integer, n integer, i integer)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN width = 0 THEN 0::bigint
            WHEN width = 1 THEN get_byte(raw, at + i)::bigint
            ELSE get_byte(raw, at + (width - 1) * n + i)::bigint
                 | CASE WHEN width > 1 THEN get_byte(raw, at + (width - 2) * n + i)::bigint << 8
                        ELSE 0 END
                 | CASE WHEN width > 2 THEN get_byte(raw, at + (width - 3) * n + i)::bigint << 16
                        ELSE 0 END
                 | CASE WHEN width > 3 THEN get_byte(raw, at + (width - 4) * n + i)::bigint << 24
                        ELSE 0 END
                 | CASE WHEN width > 4 THEN get_byte(raw, at + (width - 5) * n + i)::bigint << 32
                        ELSE 0 END
                 | CASE WHEN width > 5 THEN get_byte(raw, at + (width - 6) * n + i)::bigint << 40
                        ELSE 0 END
                 | CASE WHEN width > 6 THEN get_byte(raw, at + (width - 7) * n + i)::bigint << 48
                        ELSE 0 END
                 | CASE WHEN width > 7 THEN get_byte(raw, at + (width - 8) * n + i)::bigint << 56
                        ELSE 0 END
       END;

CREATE FUNCTION series_packed_number(raw bytea, at integer, size integer) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT ((u >> 1) & 9223372036854775807) # -(u & 1)
        FROM (SELECT coalesce(bit_or(get_byte(raw, at + j)::bigint << (8 * j)), 0) AS u
              FROM generate_series(0, size - 1) j) zigzag);

-- A float from its bits: sign, exponent and fraction of `fraction` bits; each product is exact.
CREATE FUNCTION series_packed_float(bits bigint, fraction integer, bias integer) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN bits >> (CASE fraction WHEN 52 THEN 63 ELSE 31 END) = 0
            THEN 1::float8 ELSE -1::float8 END
       * (((bits & ((1::bigint << fraction) - 1))
           + CASE WHEN (bits >> fraction) & (2 * bias + 1) > 0 THEN 1::bigint << fraction ELSE 0 END
          )::float8 / (1::bigint << fraction)::float8
          * power(2::float8, greatest((bits >> fraction) & (2 * bias + 1), 1) - bias));

-- 0 stands for minus zero, and the numbers from 0 on are one higher.
CREATE FUNCTION series_packed_zero(whole bigint) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN whole = 0 THEN '-0'::float8
            WHEN whole > 0 THEN (whole - 1)::float8 ELSE whole::float8 END;

-- What packed_form.py has written, row by row: `ms` counts from the start of the row's first day.
CREATE FUNCTION series_points(points bytea, n integer)
RETURNS TABLE (ms bigint, value float8, quality smallint)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE ROWS 100 AS $function$
#variable_conflict use_column
DECLARE
    raw bytea := points || ''::bytea;  -- opened once, not once for every octet
    kind integer := get_byte(raw, 1) & 15;
    exponent integer := get_byte(raw, 1) >> 4;
    at integer := 8;
    size integer;
    base bigint[];
    step bigint[];
    line boolean[];
    width integer[];
    start integer[];
BEGIN
    IF get_byte(raw, 0) <> 1 OR kind > 3 THEN
        RAISE EXCEPTION 'packed observations of an unknown form' USING ERRCODE = 'data_corrupted';
    END IF;
    FOR c IN 1..3 LOOP
        width[c] := get_byte(raw, 2 * c) & 127;
        line[c] := get_byte(raw, 2 * c) >= 128;
        size := get_byte(raw, 2 * c + 1) & 15;
        base[c] := series_packed_number(raw, at, size);
        at := at + size;
        size := get_byte(raw, 2 * c + 1) >> 4;
        step[c] := series_packed_number(raw, at, size);
        at := at + size;
    END LOOP;
    FOR c IN REVERSE 3..1 LOOP
        start[c] := at;
        at := at + width[c] * n;
    END LOOP;
    IF at <> length(raw) THEN
        RAISE EXCEPTION 'packed observations are cut short' USING ERRCODE = 'data_corrupted';
    END IF;
    RETURN QUERY
    SELECT p.at_ms,
           CASE kind WHEN 2 THEN series_packed_zero(p.whole) / ('1e' || exponent)::float8
                     WHEN 3 THEN series_packed_zero(p.whole) * ('1e-' || exponent)::float8
                     WHEN 1 THEN series_packed_float(p.whole, 23, 127)
                     ELSE series_packed_float(p.whole, 52, 1023) END,
           p.flag
    FROM (SELECT i,
                 base[1] + CASE WHEN line[1] THEN step[1] * i + (sum(first) OVER rising)::bigint
                                ELSE first END AS at_ms,
                 base[2] + CASE WHEN line[2] THEN step[2] * i + (sum(second) OVER rising)::bigint
                                ELSE second END AS whole,
                 (base[3] + series_packed_rest(raw, start[3], width[3], n, i))::smallint AS flag
          FROM (SELECT i, series_packed_rest(raw, start[1], width[1], n, i) AS first,
                       series_packed_rest(raw, start[2], width[2], n, i) AS second
                FROM generate_series(0, n - 1) i) rest
          WINDOW rising AS (ORDER BY i ROWS UNBOUNDED PRECEDING)) p
    ORDER BY p.i;
END
$function$;

-- Every observation, wherever it lies. A late row of a packed day waits in the default partition
-- for the next pack; where its instant is packed already, the packed value stands.
CREATE VIEW series_reading AS
SELECT s.territory_id, s.stream_id,
       series_day_start(s.day) + p.ms * interval '1 millisecond' AS observed_at, p.value, p.quality
FROM series_segment s, series_points(s.points, s.n) p
UNION ALL
SELECT m.territory_id, m.stream_id,
       series_day_start(m.first) + p.ms * interval '1 millisecond', p.value, p.quality
FROM series_month m, series_points(m.points, m.n) p
UNION ALL
SELECT o.territory_id, o.stream_id, o.observed_at, o.value, o.quality
FROM series_observation o
WHERE o.tableoid <> 'series_observation_default'::regclass OR NOT EXISTS (
    SELECT FROM (
        SELECT s.day, s.n, s.points FROM series_segment s
        WHERE s.territory_id = o.territory_id AND s.stream_id = o.stream_id
          AND s.day = series_day_of(o.observed_at)
        UNION ALL
        SELECT m.first, m.n, m.points FROM series_month m
        WHERE m.territory_id = o.territory_id AND m.stream_id = o.stream_id
          AND m.first <= series_day_of(o.observed_at) AND m.last >= series_day_of(o.observed_at)
    ) s, series_points(s.points, s.n) p
    WHERE series_day_start(s.day) + p.ms * interval '1 millisecond' = o.observed_at);

-- The figures of every closed day, whether its values are still there or not.
CREATE VIEW series_day AS
SELECT territory_id, stream_id, day, n, n_ok, worst, vmin, vmax, vsum, vfirst, vlast, rise, energy,
       points IS NOT NULL AS raw
FROM series_segment
UNION ALL
SELECT m.territory_id, m.stream_id, d.day, d.n, d.n_ok, d.worst, nullif(d.vmin, 'NaN'),
       nullif(d.vmax, 'NaN'), nullif(d.vsum, 'NaN'), nullif(d.vfirst, 'NaN'), nullif(d.vlast, 'NaN'),
       nullif(d.rise, 'NaN'), nullif(d.energy, 'NaN'), d.day >= m.raw_from
FROM series_month m,
     unnest(m.days, m.counts, m.n_ok, m.worst, m.vmin, m.vmax, m.vsum, m.vfirst, m.vlast, m.rise,
            m.energy)
         AS d (day, n, n_ok, worst, vmin, vmax, vsum, vfirst, vlast, rise, energy);
"""

DROP_TABLES = """
DROP VIEW series_day, series_reading;
DROP FUNCTION series_points(bytea, integer), series_packed_zero(bigint), series_packed_float(bigint, integer, integer),
    series_packed_number(bytea, integer, integer),
    series_packed_rest(bytea, integer, integer, integer, integer);
DROP TABLE series_hourly, series_month, series_segment, series_observation, series_latest;
DROP FUNCTION series_day_of(timestamptz), series_day_start(date);
"""


class Migration(migrations.Migration):
    dependencies = [("series", "0001_initial")]

    operations = [
        migrations.RunSQL(TABLES, DROP_TABLES),
        TerritoryTable("series_stream"),
        TerritoryTable("series_retention"),
        TerritoryTable("series_latest"),
        TerritoryTable("series_observation"),
        TerritoryTable("series_segment"),
        TerritoryTable("series_month"),
        TerritoryTable("series_hourly"),
        TerritoryTable("series_purge"),
        AppendOnly("series_purge"),
        TerritoryView("series_reading"),
        TerritoryView("series_day"),
    ]
