"""Observations: hot rows by day, packed days, latest values, and the functions that move them.

The reasons and the figures are in docs/adr/0007-series-storage.md.
"""

from django.db import migrations

from beffroi.foundation.database.migrations_ops import TerritoryTable, TerritoryView

TABLES = """
-- A civil day of Europe/Paris, which is 23 or 25 hours long twice a year: summaries of a day then
-- serve days, weeks and months as people count them, without reading a value.
CREATE FUNCTION series_day_start(day date) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN timezone('Europe/Paris', day::timestamp);

CREATE FUNCTION series_day_of(instant timestamptz) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN timezone('Europe/Paris', instant)::date;

-- 10^(v/10), null where the value is no level in decibels: sums of it stay finite. Below 1e-17 the
-- power is 1 to the last bit, and dividing a value near the smallest float would be an underflow.
CREATE FUNCTION series_energy(level float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN level BETWEEN -300 AND 300
            THEN power(10::float8, CASE WHEN abs(level) < 1e-17 THEN 0 ELSE level / 10 END) END;

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

-- One row per stream and civil day. `n` counts the arrays; `n_ok` and the summaries leave out the
-- values flagged BAD or MISSING. `at_ms` counts from the start of the day. `quality` is null when
-- every value has the flag `worst`. `rise` is the growth of a counter within the day; `energy`
-- is the sum of series_energy, null where a value is no level in decibels.
CREATE TABLE series_segment (
    territory_id integer NOT NULL,
    stream_id bigint NOT NULL,
    day date NOT NULL,
    n integer NOT NULL,
    n_ok integer NOT NULL,
    worst smallint NOT NULL,
    vmin float8,
    vmax float8,
    vsum float8,
    vfirst float8,
    vlast float8,
    rise float8,
    energy float8,
    at_ms integer[] NOT NULL,
    value float8[] NOT NULL,
    quality smallint[],
    CHECK (n > 0 AND n = cardinality(at_ms) AND n = cardinality(value)),
    CHECK (quality IS NULL OR n = cardinality(quality)),
    PRIMARY KEY (territory_id, stream_id, day)
        INCLUDE (n_ok, worst, vmin, vmax, vsum, vfirst, vlast, rise, energy)
);
-- Days are packed in order: a few pages of block ranges find one day among years.
CREATE INDEX series_segment_by_day ON series_segment
    USING brin (day) WITH (pages_per_range = 16, autosummarize = on);

-- Every observation, wherever it lies. A late row of a packed day waits in the default partition
-- for the next pack; where its instant is packed already, the packed value stands.
CREATE VIEW series_reading AS
SELECT s.territory_id, s.stream_id,
       series_day_start(s.day) + p.ms * interval '1 millisecond' AS observed_at,
       p.value, coalesce(p.quality, s.worst) AS quality
FROM series_segment s, unnest(s.at_ms, s.value, s.quality) AS p (ms, value, quality)
UNION ALL
SELECT o.territory_id, o.stream_id, o.observed_at, o.value, o.quality
FROM series_observation o
WHERE o.tableoid <> 'series_observation_default'::regclass OR NOT EXISTS (
    SELECT FROM series_segment s
    WHERE s.territory_id = o.territory_id AND s.stream_id = o.stream_id
      AND s.day = series_day_of(o.observed_at)
      AND round(date_part('epoch', o.observed_at - series_day_start(s.day)) * 1000)::int
          = ANY (s.at_ms));
"""

DROP_TABLES = """
DROP VIEW series_reading;
DROP TABLE series_segment, series_observation, series_latest;
DROP FUNCTION series_energy(float8), series_day_of(timestamptz), series_day_start(date);
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
        TerritoryView("series_reading"),
    ]
