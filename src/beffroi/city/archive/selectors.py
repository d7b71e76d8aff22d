"""What of series goes into an archive, read through the api of series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import connection

from beffroi.city.archive.contracts import Month
from beffroi.city.archive.parts import Curve
from beffroi.city.series.api import values_read

# Every stream of the territory this code acts for, asset by asset removed or not: what was
# measured stays true when the thing is taken out of service.
_STREAMS = """
SELECT s.id, s.uuid, s.measure_key, s.unit, a.uuid, a.external_key, a.name, a.type_key, a.domain_key
FROM series_stream s
JOIN assets_asset a ON a.territory_id = s.territory_id AND a.id = s.asset_id
WHERE %(measures)s::text[] IS NULL OR s.measure_key = ANY (%(measures)s::text[])
ORDER BY s.uuid
"""

# The oldest day of all: packed days and months, and rows that wait for them.
_FIRST_DAY = """
SELECT least((SELECT min(day) FROM series_segment), (SELECT min(first) FROM series_month),
             (SELECT (min(observed_at) AT TIME ZONE 'Europe/Paris')::date FROM series_observation))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedStream:
    """A stream and what its columns say of it."""

    id: int
    uuid: UUID
    asset_uuid: UUID
    about: tuple[str, ...]


def streams_archived(*, measures: Sequence[str] = ()) -> list[ArchivedStream]:
    """Return the streams of the territory, in the order of their identifiers."""
    with connection.cursor() as cursor:
        cursor.execute(_STREAMS, {"measures": list(measures) or None})
        return [
            ArchivedStream(
                id=stream_id,
                uuid=uuid,
                asset_uuid=asset_uuid,
                about=(key, name or "", type_key, domain_key, measure_key, unit),
            )
            for (
                stream_id, uuid, measure_key, unit, asset_uuid, key, name, type_key, domain_key,
            ) in cursor.fetchall()
        ]  # fmt: skip


def curve_read(stream: ArchivedStream, *, month: Month) -> Curve:
    """Return every value of a stream in a month; a late value of a packed instant is not one."""
    t_ms, value, quality = values_read(stream.id, start=month.start, end=month.end)
    return Curve(
        stream=stream.uuid,
        asset=stream.asset_uuid,
        about=stream.about,
        t_ms=t_ms,
        value=value,
        quality=quality,
    )


def first_day() -> date | None:
    """Return the oldest day of which the territory has a value."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_DAY)
        (found,) = cursor.fetchone()
    return found if isinstance(found, date) else None
