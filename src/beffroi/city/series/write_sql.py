"""The statements of the write path, for services here and for the ingest's own connections.

Each runs inside a transaction whose ``beffroi.territory`` is set to the territory it writes. All
parameters are columns of equal length; psycopg takes Python lists. A transaction that writes for
several territories goes through them in ascending order: within a statement rows are ordered by
stream, so that two writers never wait for each other in a circle.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

OBSERVATIONS_INSERT = """
INSERT INTO series_observation (territory_id, stream_id, observed_at, value, quality)
SELECT %(territory_id)s, stream_id, 'epoch'::timestamptz + at_ms * interval '1 millisecond',
       value, quality
FROM unnest(%(stream_ids)s::bigint[], %(at_ms)s::bigint[], %(values)s::float8[],
            %(qualities)s::smallint[])
     WITH ORDINALITY AS r (stream_id, at_ms, value, quality, rank)
ORDER BY stream_id, at_ms, rank
ON CONFLICT DO NOTHING
"""
"""Store observations; those already there stay as they are. ``rowcount`` tells how many are new.

Of two values of one instant the first of the batch stands: without ``rank`` the sort would choose.

Parameters: ``territory_id``, ``stream_ids``, ``at_ms`` (milliseconds since 1970 UTC), ``values``
(finite, at most 1e18 either way), ``qualities`` (kernel.quality.Quality).
"""

LATEST_UPSERT = """
INSERT INTO series_latest AS kept
    (territory_id, stream_id, asset_id, measure_key, observed_at, received_at, value, quality)
SELECT DISTINCT ON (stream_id) %(territory_id)s, stream_id, asset_id, measure_key,
       'epoch'::timestamptz + at_ms * interval '1 millisecond', %(received_at)s, value, quality
FROM unnest(%(stream_ids)s::bigint[], %(asset_ids)s::bigint[], %(measure_keys)s::text[],
            %(at_ms)s::bigint[], %(values)s::float8[], %(qualities)s::smallint[])
     WITH ORDINALITY AS r (stream_id, asset_id, measure_key, at_ms, value, quality, rank)
ORDER BY stream_id, at_ms DESC, rank
ON CONFLICT (territory_id, stream_id) DO UPDATE SET
    observed_at = excluded.observed_at, received_at = excluded.received_at,
    value = excluded.value, quality = excluded.quality
    WHERE excluded.observed_at > kept.observed_at
RETURNING stream_id, asset_id, measure_key, value, quality, observed_at, received_at
"""
"""Keep the newest value of each stream; returns a :class:`LatestRow` for each one that changed.

Parameters: those of :data:`OBSERVATIONS_INSERT`, ``asset_ids``, ``measure_keys`` and
``received_at``. Of two values of the same instant the first of the batch stands, as it does among
observations.
"""

OBSERVATIONS_CORRECT = """
SELECT series_observations_correct(%(stream_ids)s::bigint[], %(at_ms)s::bigint[],
                                   %(values)s::float8[], %(qualities)s::smallint[])
"""
"""Replace observations that are rows, and add those that are new; returns how many differ.

What is packed is corrected by :mod:`~beffroi.city.series.correcting`, which calls this.

Parameters: those of :data:`OBSERVATIONS_INSERT`. Of two values of the same instant the last stands.
"""

LATEST_CORRECT = """
INSERT INTO series_latest AS kept
    (territory_id, stream_id, asset_id, measure_key, observed_at, received_at, value, quality)
SELECT DISTINCT ON (stream_id) %(territory_id)s, stream_id, asset_id, measure_key,
       'epoch'::timestamptz + at_ms * interval '1 millisecond', %(received_at)s, value, quality
FROM unnest(%(stream_ids)s::bigint[], %(asset_ids)s::bigint[], %(measure_keys)s::text[],
            %(at_ms)s::bigint[], %(values)s::float8[], %(qualities)s::smallint[])
     WITH ORDINALITY AS r (stream_id, asset_id, measure_key, at_ms, value, quality, rank)
ORDER BY stream_id, at_ms DESC, rank DESC
ON CONFLICT (territory_id, stream_id) DO UPDATE SET
    observed_at = excluded.observed_at, received_at = excluded.received_at,
    value = excluded.value, quality = excluded.quality
    WHERE excluded.observed_at >= kept.observed_at
      AND (kept.observed_at, kept.value, kept.quality)
          IS DISTINCT FROM (excluded.observed_at, excluded.value, excluded.quality)
RETURNING stream_id, asset_id, measure_key, value, quality, observed_at, received_at
"""
"""As :data:`LATEST_UPSERT`, after :data:`OBSERVATIONS_CORRECT`."""

STREAMS_INSERT = """
INSERT INTO series_stream (uuid, territory_id, asset_id, measure_key, unit, created_at)
SELECT r.uuid, %(territory_id)s, r.asset_id, r.measure_key, r.unit, %(created_at)s
FROM unnest(%(uuids)s::uuid[], %(asset_ids)s::bigint[], %(measure_keys)s::text[],
            %(units)s::text[]) AS r (uuid, asset_id, measure_key, unit)
JOIN assets_asset a ON a.id = r.asset_id
ORDER BY r.asset_id, r.measure_key
ON CONFLICT (territory_id, asset_id, measure_key) DO NOTHING
"""
"""Create streams on first sight; assets that the territory cannot see get none."""

STREAMS_SELECT = """
SELECT s.id, s.asset_id, s.measure_key, s.uuid
FROM series_stream s
JOIN unnest(%(asset_ids)s::bigint[], %(measure_keys)s::text[]) AS r (asset_id, measure_key)
  ON s.asset_id = r.asset_id AND s.measure_key = r.measure_key
"""
"""Find streams, as :class:`StreamRow`; run after :data:`STREAMS_INSERT`."""


class LatestRow(NamedTuple):
    """A row of :data:`LATEST_UPSERT`."""

    stream_id: int
    asset_id: int
    measure_key: str
    value: float
    quality: int
    observed_at: datetime
    received_at: datetime


class StreamRow(NamedTuple):
    """A row of :data:`STREAMS_SELECT`."""

    id: int
    asset_id: int
    measure_key: str
    uuid: object
