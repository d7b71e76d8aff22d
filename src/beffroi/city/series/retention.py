"""How long values, hours and days are kept, and what has gone because of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db import transaction
from django.utils.translation import gettext

from beffroi.city.series.admission import EARLIEST
from beffroi.city.series.civil_time import HOUR_MS, day_of, wall_ms
from beffroi.city.series.contracts import (
    Kept,
    KeptDays,
    Removal,
    RemovalRecord,
    RetentionRefused,
)
from beffroi.city.series.hours import hours_add, hours_of_points, hours_of_streams, hours_replace
from beffroi.city.series.models import Purge, Retention, Stream
from beffroi.city.series.packed_days import days_opened
from beffroi.city.series.packed_months import (
    Days,
    Months,
    months_of_streams,
    months_write,
)
from beffroi.city.series.points import Points, civil_days, united
from beffroi.city.series.wire import done, rows
from beffroi.foundation.database.api import acting_for, required_territory_id
from beffroi.sdk.registry import asset_types, measures_of

STREAMS_AT_ONCE = 400
LONGEST_DAYS = 36_500

_DAYS = """
SELECT stream_id, day - '0001-01-01'::date + 1, n, points FROM series_segment
WHERE stream_id = ANY (%(stream_ids)b::bigint[]) AND day < %(before)s AND points IS NOT NULL
ORDER BY 1, 2
"""
_DAYS_EMPTY = """
UPDATE series_segment SET points = NULL
WHERE stream_id = ANY (%(stream_ids)b::bigint[]) AND day < %(before)s AND points IS NOT NULL
"""
_DAYS_REMOVE = """
WITH gone AS (
    DELETE FROM series_segment
    WHERE stream_id = ANY (%(stream_ids)b::bigint[]) AND day < %(before)s RETURNING stream_id, day)
SELECT count(*), count(DISTINCT stream_id), min(day), max(day) FROM gone
"""
_WOULD_GO = """
SELECT coalesce(sum(n) FILTER (WHERE raw AND day < %(raw)s), 0),
       coalesce(count(*) FILTER (WHERE day < %(daily)s), 0),
       (SELECT count(*) FROM series_hourly h, unnest(h.hours) hour
        WHERE h.stream_id = ANY (%(stream_ids)b::bigint[]) AND hour < %(hourly)s)
FROM series_day
WHERE stream_id = ANY (%(stream_ids)b::bigint[]) AND day < greatest(%(raw)s, %(daily)s)
"""


def retention_set(
    *,
    measure_key: str = "",
    keep_days: int | None = None,
    kept: KeptDays | None = None,
    reason: str = "",
) -> None:
    """Say how long a measure is kept, in the territory this code acts for.

    An empty measure speaks for all that have no rule of their own. Values are kept ``raw`` days,
    their hours ``hourly`` days, their days ``daily`` days. ``keep_days`` alone says that all three
    go together; neither takes the rule away, which keeps everything for good.

    Raises:
        RetentionRefused: see :func:`kept_checked`.
    """
    rule = Retention.objects.filter(measure_key=measure_key)
    chosen = kept or KeptDays(raw=keep_days, hourly=keep_days, daily=keep_days)
    if chosen.raw is None:
        rule.delete()
        return
    if kept is not None:
        kept_checked(kept)
    Retention.objects.update_or_create(
        territory_id=required_territory_id(),
        measure_key=measure_key,
        defaults={
            "raw_days": chosen.raw,
            "hourly_days": chosen.hourly,
            "daily_days": chosen.daily,
            "reason": reason,
        },
    )


def kept_checked(kept: KeptDays) -> None:
    """Check that what is brought together lasts as long as what it was made of.

    Raises:
        RetentionRefused: it does not, or a number is below one day or above a century.
    """
    for field, value in (("raw", kept.raw), ("hourly", kept.hourly), ("daily", kept.daily)):
        if value is not None and not 1 <= value <= LONGEST_DAYS:
            raise RetentionRefused(
                "{value} days are not between 1 and {most}.",
                field=field,
                value=value,
                params={"most": LONGEST_DAYS},
            )
    hourly = kept.hourly
    if hourly is not None and (kept.raw is None or hourly < kept.raw):
        raise RetentionRefused(
            "Hours must be kept at least as long as the values they are made of.",
            field="hourly",
            value=hourly,
        )
    if kept.daily is not None and (hourly is None or kept.daily < hourly):
        raise RetentionRefused(
            "Days must be kept at least as long as the hours.", field="daily", value=kept.daily
        )


def retention_rules() -> dict[str, tuple[KeptDays, str]]:
    """Return the rules of the territory: measure to days and reason; "" speaks for the others."""
    return {
        rule.measure_key: (
            KeptDays(raw=rule.raw_days, hourly=rule.hourly_days, daily=rule.daily_days),
            rule.reason,
        )
        for rule in Retention.objects.order_by("measure_key")
    }


def measures_kept() -> dict[str, str]:
    """Return the measures that the territory has series of: key to label, translated."""
    labels: dict[str, str] = {}
    found = Stream.objects.order_by("measure_key").values_list("measure_key", "asset__type_key")
    for measure, type_key in found.distinct():
        declared = measures_of(type_key).get(measure) if type_key in asset_types() else None
        labels.setdefault(measure, measure if declared is None else gettext(declared.label))
    return labels


def retention_preview(measure_key: str, kept: KeptDays, *, at: datetime) -> Removal:
    """Return what a rule would remove at once, of the measure alone or of all without a rule."""
    stream_ids = [
        stream
        for _measure, streams in _streams_of_rule(measure_key, others=set(retention_rules()))
        for stream in streams
    ]
    values, days, hours = rows(
        _WOULD_GO,
        {
            "stream_ids": stream_ids,
            "raw": _before(kept.raw, at),
            "daily": _before(kept.daily, at),
            "hourly": wall_ms(_before(kept.hourly, at)) // HOUR_MS,
        },
    )[0] if stream_ids else (0, 0, 0)  # fmt: skip
    return Removal(values=int(values), hours=int(hours), days=int(days), streams=len(stream_ids))


def purges(*, most: int = 200) -> list[RemovalRecord]:
    """Return what retention has removed from the territory, the latest first."""
    return [
        RemovalRecord(
            at=item.at,
            what=Kept(item.what),
            measure_key=item.measure_key,
            keep_days=item.keep_days,
            reason=item.reason,
            first_day=item.first_day,
            last_day=item.last_day,
            streams=item.streams,
            items=item.items,
        )
        for item in Purge.objects.order_by("-at", "-id")[:most]
    ]


def retention_apply(territory_id: int, *, at: datetime) -> int:
    """Remove what the rules of a territory no longer keep; return the stream-days of values.

    Each piece is a transaction of its own, with its line in the table of purges.

    Raises:
        django.db.DatabaseError: another process packs or corrects; what is done stays done.
    """
    with acting_for(territory_id):
        rules = retention_rules()
        work = [
            (key, measure, streams[start : start + STREAMS_AT_ONCE])
            for key in rules
            for measure, streams in _streams_of_rule(key, others=set(rules))
            for start in range(0, len(streams), STREAMS_AT_ONCE)
        ]
    removed = 0
    for key, measure, stream_ids in work:
        kept, reason = rules[key]
        with transaction.atomic():
            done("SELECT series_maintenance_lock()", {})
            with acting_for(territory_id):
                piece = _Piece(territory_id, stream_ids, kept, at)
                for gone in piece.removed():
                    Purge.objects.create(
                        territory_id=territory_id,
                        at=at,
                        measure_key=measure,
                        rule_measure_key=key,
                        reason=reason,
                        **gone,
                    )
                removed += piece.stream_days
    return removed


@dataclass
class _Piece:
    """Some streams of one rule, and what of them is no longer kept."""

    territory_id: int
    stream_ids: list[int]
    kept: KeptDays
    at: datetime
    stream_days: int = 0

    def removed(self) -> Iterator[dict[str, Any]]:
        """Remove, and yield what was: values first, then hours, then days."""
        for what, remove, days in (
            (Kept.RAW, self._values, self.kept.raw),
            (Kept.HOURLY, self._hours, self.kept.hourly),
            (Kept.DAILY, self._days, self.kept.daily),
        ):
            if days is None:
                continue
            gone = remove(_before(days, self.at))
            if gone is not None:
                yield {"what": what, "keep_days": days, **gone}

    def _values(self, before: date) -> dict[str, Any] | None:
        asked = {"stream_ids": self.stream_ids, "before": before}
        single = rows(_DAYS, asked)
        opened = days_opened(single)
        months = self._months(before)
        days_of = civil_days(months.points.t_ms)
        old = days_of < before.toordinal()
        gone = united([opened, months.points.at(old)])
        if len(gone) == 0:
            return None
        if self.kept.hourly is None or self.kept.raw is None or self.kept.hourly > self.kept.raw:
            hours_add(self.territory_id, hours_of_points(gone))
        done(_DAYS_EMPTY, asked)
        days = months.days
        emptied = Days(
            days.stream, days.day, days.n, days.raw & (days.day >= before.toordinal()), days.figures
        )
        months_write(self.territory_id, emptied, months.points.at(~old), instead_of=months.rows)
        gone_days = civil_days(gone.t_ms)
        stream_days = len(np.unique(np.stack([gone.stream, gone_days]), axis=1)[0])
        self.stream_days += stream_days
        return _told(gone, gone_days, items=len(gone))

    def _hours(self, before: date) -> dict[str, Any] | None:
        asked: dict[str, Any] = {
            "stream_ids": self.stream_ids,
            "first": date.min,
            "last": before.replace(day=1),
        }
        hours = hours_of_streams(asked)
        old = hours.day < wall_ms(before) // HOUR_MS
        if not old.any():
            return None
        hours_replace(self.territory_id, hours.at(np.flatnonzero(~old)), asked)
        return _told(hours.at(old), civil_days(hours.day[old] * HOUR_MS), items=int(old.sum()))

    def _days(self, before: date) -> dict[str, Any] | None:
        count, streams, first, last = rows(
            _DAYS_REMOVE, {"stream_ids": self.stream_ids, "before": before}
        )[0]
        months = self._months(before)
        old = months.days.day < before.toordinal()
        if old.any():
            months_write(
                self.territory_id,
                months.days.at(np.flatnonzero(~old)),
                months.points,
                instead_of=months.rows,
            )
            told = _told(months.days.at(old), months.days.day[old], items=int(old.sum()))
            return {
                "first_day": min(told["first_day"], first or told["first_day"]),
                "last_day": max(told["last_day"], last or told["last_day"]),
                "streams": max(told["streams"], streams),
                "items": told["items"] + count,
            }
        if not count:
            return None
        return {"first_day": first, "last_day": last, "streams": streams, "items": count}

    def _months(self, before: date) -> Months:
        return months_of_streams(self.stream_ids, first=date.min, last=before - timedelta(days=1))


def _told(gone: Points | Days, days: Any, *, items: int) -> dict[str, Any]:
    return {
        "first_day": date.fromordinal(int(days.min())),
        "last_day": date.fromordinal(int(days.max())),
        "streams": len(np.unique(gone.stream)),
        "items": items,
    }


def _streams_of_rule(key: str, *, others: set[str]) -> list[tuple[str, list[int]]]:
    """Return the measures a rule speaks for, with their streams."""
    found = Stream.objects.order_by("measure_key", "id").values_list("measure_key", "id")
    found = found.filter(measure_key=key) if key else found.exclude(measure_key__in=others - {""})
    streams: dict[str, list[int]] = {}
    for measure, stream in found:
        streams.setdefault(measure, []).append(stream)
    return list(streams.items())


def _before(days: int | None, at: datetime) -> date:
    """Return the first day that is kept; the first of all where everything is."""
    if days is None:
        return EARLIEST.date()
    # A century too many would lead before the calendar; nothing is that old anyway.
    return day_of(at) - timedelta(days=min(days, (day_of(at) - EARLIEST.date()).days))
