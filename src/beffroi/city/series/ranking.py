"""Which assets stand out: latest values of one measure, the greatest or the smallest first."""

from __future__ import annotations

from datetime import timedelta

from beffroi.city.series.contracts import LatestValue
from beffroi.city.series.wire import rows
from beffroi.foundation.accounts.contracts import Scope
from beffroi.kernel.clock import now
from beffroi.kernel.quality import Quality
from beffroi.sdk.registry import asset_types

# Values that no aggregate counts and those of silent assets rank nowhere.
_RANKED = """
SELECT l.stream_id, l.asset_id, l.measure_key, l.value, l.quality, l.observed_at, l.received_at
FROM assets_asset a
JOIN series_latest l ON l.asset_id = a.id AND l.measure_key = %(measure)s
WHERE a.type_key = %(type_key)s AND a.removed_at IS NULL
  AND l.quality NOT IN (4, 9) AND l.observed_at >= %(since)s
  AND (%(above)s::float8 IS NULL OR l.value > %(above)s)
  AND EXISTS (SELECT FROM unnest(%(seen_domains)s::text[], %(seen_areas)s::bigint[])
                  AS p (domain_key, area_id)
              WHERE (p.domain_key IS NULL OR p.domain_key = a.domain_key)
                AND (p.area_id IS NULL OR p.area_id = a.area_id))
ORDER BY l.value {direction}, l.observed_at DESC, a.id LIMIT %(limit)s
"""


def latest_ranked(
    type_key: str,
    measure: str,
    *,
    scope: Scope,
    descending: bool = True,
    above: float | None = None,
    limit: int = 10,
) -> list[LatestValue]:
    """Return the latest values of a measure over the assets of a type, in order.

    ``above`` leaves out values that are not greater. One statement.
    """
    pairs = [(None, None)] if scope.everything else sorted(scope.allowed, key=str)
    known = asset_types().get(type_key)
    silent_after = known.silent_after if known is not None else timedelta(hours=24)
    found = rows(
        _RANKED.format(direction="DESC" if descending else "ASC"),
        {
            "type_key": type_key,
            "measure": measure,
            "since": now() - silent_after,
            "above": above,
            "seen_domains": [domain for domain, _area in pairs],
            "seen_areas": [area for _domain, area in pairs],
            "limit": limit,
        },
    )
    return [
        LatestValue(
            stream_id=stream_id,
            asset_id=asset_id,
            measure_key=measure_key,
            value=value,
            quality=Quality(quality),
            observed_at=observed_at,
            received_at=received_at,
        )
        for stream_id, asset_id, measure_key, value, quality, observed_at, received_at in found
    ]
