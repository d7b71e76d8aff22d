"""The state of each asset: what alarm rules say, else whether its device is heard."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from beffroi.city.assets.cells import cells_refresh
from beffroi.city.assets.contracts import AssetState
from beffroi.kernel.clock import now
from beffroi.kernel.errors import InvalidInput
from beffroi.sdk.registry import asset_types

_DEFAULT_SILENCE = timedelta(hours=24)
_REFRESH = """
UPDATE assets_asset AS asset
SET state = fresh.state
FROM (
    SELECT a.id,
        CASE
            WHEN a.rule_state > 0 THEN a.rule_state
            WHEN heard.last_seen_at IS NULL
                THEN CASE WHEN type.measures OR heard.asset_id IS NOT NULL THEN 4 ELSE 0 END
            WHEN heard.last_seen_at < %(now)s - coalesce(type.silence, %(silence)s) THEN 3
            ELSE 0
        END::smallint AS state
    FROM assets_asset AS a
    LEFT JOIN (
        SELECT attachment.asset_id, max(device.last_seen_at) AS last_seen_at
        FROM assets_attachment AS attachment
        JOIN assets_device AS device ON device.id = attachment.device_id
        WHERE attachment.attached_until IS NULL
        GROUP BY attachment.asset_id
    ) AS heard ON heard.asset_id = a.id
    LEFT JOIN unnest(%(types)s::text[], %(silences)s::interval[], %(measured)s::bool[])
        AS type(type_key, silence, measures) ON type.type_key = a.type_key
    WHERE a.removed_at IS NULL
) AS fresh
WHERE asset.id = fresh.id AND asset.state <> fresh.state
RETURNING asset.domain_key, asset.quad
"""
_RULES = """
UPDATE assets_asset AS asset SET rule_state = given.state
FROM unnest(%(ids)s::bigint[], %(states)s::smallint[]) AS given(id, state)
WHERE asset.id = given.id AND asset.rule_state <> given.state
"""


def first_state(type_key: str) -> AssetState:
    """Return the state of an asset of which nothing was heard yet."""
    declared = asset_types().get(type_key)
    measured = declared is not None and bool(declared.measures)
    return AssetState.NEVER_REPORTED if measured else AssetState.NORMAL


@transaction.atomic
def assets_state_refresh(*, states: Mapping[int, int] | None = None) -> int:
    """Bring the state of every asset of the territory up to date; return how many changed.

    Args:
        states: what alarm rules say of some assets, by asset id: 0 normal, 1 attention,
            2 alarm. It holds until it is said again.

    Raises:
        InvalidInput: a state is not one that a rule may give.
    """
    wrong = [state for state in (states or {}).values() if state not in _RULE_STATES]
    if wrong:
        raise InvalidInput("A rule gives 0, 1 or 2.", field="states", value=wrong[0])
    types = list(asset_types().values())
    with connection.cursor() as cursor:
        if states:
            cursor.execute(_RULES, {"ids": list(states), "states": list(states.values())})
        given: dict[str, Any] = {
            "now": now(),
            "silence": _DEFAULT_SILENCE,
            "types": [item.key for item in types],
            "silences": [item.silent_after for item in types],
            "measured": [bool(item.measures) for item in types],
        }
        # It reads every asset and every device. Just after a large import the planner has no
        # statistics and would join them one by one: minutes instead of a third of a second.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(_REFRESH, given)
        changed = [(str(domain), int(quad)) for domain, quad in cursor.fetchall()]
        cursor.execute("SET LOCAL enable_nestloop = on")
    cells_refresh(changed)
    return len(changed)


_RULE_STATES = frozenset({AssetState.NORMAL, AssetState.ATTENTION, AssetState.ALARM})
