"""Assets that a file once brought and that it names no more: kept, marked or removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from beffroi.city.assets.cells import cells_rebuild
from beffroi.city.assets.declared import domain_key_of
from beffroi.city.assets.import_contracts import Absent, AbsentAssets, ImportOptions
from beffroi.foundation.database.api import current_user_id, required_territory_id
from beffroi.kernel.clock import now

SHOWN = 50


def absences_apply(
    named: Sequence[str],
    *,
    type_key: str,
    options: ImportOptions,
    file_name: str,
    import_run_id: int,
) -> AbsentAssets:
    """Do what the person chose of the assets whose keys the file does not name.

    Only assets in service that an import once brought are meant (of a file called
    ``options.absent_of`` where it is given), and whose key begins with ``options.prefix``: what
    was added by hand is left alone. ``named`` holds the external keys of all rows of the file,
    those refused included.
    """
    if options.absent is Absent.KEEP:
        return AbsentAssets()
    given: dict[str, Any] = {
        "territory": required_territory_id(),
        "type": type_key,
        "keys": list(named),
        "prefix": options.prefix,
        "file": options.absent_of,
        "from": file_name[:255],
        "now": now(),
        "user": current_user_id(),
        "run": import_run_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FIND, given)
        found = cursor.fetchall()
        given["ids"] = [row[0] for row in found]
        if found:
            cursor.execute(_MARK if options.absent is Absent.CHECK else _REMOVE, given)
    if found and options.absent is Absent.REMOVE:
        cells_rebuild([domain_key_of(type_key)])
    return AbsentAssets(count=len(found), first=tuple(row[1] for row in found[:SHOWN]))


_FIND = """
SELECT asset.id, coalesce(nullif(asset.name, ''), asset.external_key)
FROM assets_asset AS asset
LEFT JOIN (SELECT DISTINCT unnest(%(keys)s::text[]) COLLATE "C" AS key) AS named
    ON named.key = asset.external_key
WHERE asset.type_key = %(type)s AND asset.removed_at IS NULL AND named.key IS NULL
    AND starts_with(asset.external_key, %(prefix)s)
    AND asset.id IN (
        SELECT change.asset_id
        FROM assets_change AS change
        LEFT JOIN assets_import_run AS run ON run.id = change.import_run_id
        WHERE change.why = 'import' AND change.kind IN ('created', 'updated', 'restored')
            AND (%(file)s = '' OR run.file_name = %(file)s)
    )
ORDER BY asset.search_text, asset.id
FOR UPDATE OF asset
"""
_MARK = """
WITH marked AS (
    UPDATE assets_asset SET absent_from = %(from)s, updated_at = %(now)s
    WHERE id = ANY(%(ids)s) AND absent_from <> %(from)s
    RETURNING id
)
INSERT INTO assets_change (territory_id, asset_id, at, kind, why, changes, note, user_id,
    import_run_id)
SELECT %(territory)s, id, %(now)s, 'updated', 'import',
    jsonb_build_object('absent_from', jsonb_build_array('', %(from)s::text)), '',
    %(user)s::bigint, %(run)s::bigint
FROM marked
"""
_REMOVE = """
WITH removed AS (
    UPDATE assets_asset
    SET removed_at = %(now)s, updated_at = %(now)s, state = 0, rule_state = 0, absent_from = ''
    WHERE id = ANY(%(ids)s)
    RETURNING id
), detached AS (
    UPDATE assets_attachment AS attachment
    SET attached_until = greatest(%(now)s, attachment.attached_from)
    FROM removed, assets_device AS device
    WHERE attachment.asset_id = removed.id AND attachment.attached_until IS NULL
        AND device.id = attachment.device_id
    RETURNING attachment.asset_id, device.identifier
), told AS (
    INSERT INTO assets_change (territory_id, asset_id, at, kind, why, changes, note, user_id,
        import_run_id)
    SELECT %(territory)s, asset_id, %(now)s, 'detached', 'import',
        jsonb_build_object('device', jsonb_build_array(identifier, NULL)), '',
        %(user)s::bigint, %(run)s::bigint
    FROM detached
)
INSERT INTO assets_change (territory_id, asset_id, at, kind, why, changes, note, user_id,
    import_run_id)
SELECT %(territory)s, id, %(now)s, 'removed', 'import', '{}'::jsonb, '', %(user)s::bigint,
    %(run)s::bigint
FROM removed
"""
