"""Streams, latest values, observations and aggregates."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import numpy as np
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_noop as _
from ninja import Query, Router
from pydantic import Field

from beffroi.city.series.api import (
    SeriesQuery,
    Step,
    StreamNotFound,
    StreamRecord,
    latest_listed,
    series_range,
    streams_listed,
)
from beffroi.interfaces.api.answers import LISTS, Page, listed, names_of, single
from beffroi.interfaces.api.asking import (
    MOST_ROWS,
    USUAL_ROWS,
    FieldsAsked,
    PageAsked,
    PeriodAsked,
    identifiers,
    keys,
    period,
    rectangle,
)
from beffroi.interfaces.api.callers import scope_of
from beffroi.interfaces.api.cursors import cursor_read, cursor_refused
from beffroi.interfaces.api.declaring import operation
from beffroi.interfaces.api.history import History, instants, rows_after, values_from
from beffroi.interfaces.api.negotiation import Form
from beffroi.interfaces.api.operations.things import uuid_cursor
from beffroi.interfaces.api.operations.towns import TOWN
from beffroi.interfaces.api.resources import (
    AGGREGATE,
    LATEST,
    OBSERVATION,
    STREAM,
    STREAM_OBSERVATION,
)
from beffroi.kernel.errors import InvalidInput
from beffroi.sdk.declarations import Statistic
from beffroi.sdk.registry import asset_types, domains, measures, measures_of

router = Router(tags=["Series"])

SERIES_FORMS = (*LISTS, Form.PARQUET)
LATEST_FORMS = (*LISTS, Form.GEOJSON)
STEPS = tuple(step.value for step in Step if step is not Step.RAW)


class StreamsAsked(PageAsked):
    """Which streams."""

    asset: str | None = Field(
        None, max_length=20_000, description="Identifiers of assets, separated by commas."
    )
    type: str | None = Field(
        None, max_length=2_000, description="Types of the assets, separated by commas.",
        examples=["lighting_cabinet"],
    )  # fmt: skip
    domain: str | None = Field(
        None, max_length=2_000, description="Urban services, separated by commas."
    )
    measure: str | None = Field(
        None, max_length=2_000, description="Measures, separated by commas.",
        examples=["power_w"],
    )  # fmt: skip


class LatestAsked(StreamsAsked):
    """Which latest values."""

    bbox: str | None = Field(
        None, max_length=100, description="West,south,east,north in degrees: a map's view.",
        examples=["3.80,43.55,3.95,43.68"],
    )  # fmt: skip


class BulkAsked(PeriodAsked):
    """Which streams together."""

    type: str = Field(
        ..., max_length=63, description="Type of the assets.", examples=["lighting_cabinet"]
    )
    measure: str | None = Field(
        None, max_length=2_000, description="Measures, separated by commas; all by default.",
        examples=["power_w"],
    )  # fmt: skip


class AggregatesAsked(PeriodAsked):
    """Which steps of a series."""

    step: str = Field(
        "day",
        max_length=20,
        description="Length of a step: " + ", ".join(STEPS) + ".",
        examples=["day"],
        json_schema_extra={"enum": list(STEPS)},
    )


@operation(
    router,
    TOWN + "/streams",
    id="listStreams",
    resource=STREAM,
    summary="Streams with their latest value",
    forms=LISTS,
    verb="assets.see",
)
def streams(request: HttpRequest, territory: str, asked: Query[StreamsAsked]) -> HttpResponseBase:
    """List streams, in the order in which they began."""
    del territory
    scope = scope_of(request, "assets.see")
    wanted = query_of(asked)

    def read(after: list[Any] | None, limit: int) -> Page:
        found = streams_listed(
            wanted, scope=scope, after=None if after is None else after[0], limit=limit + 1
        )
        rows = [stream_row(record) for record in found[:limit]]
        return Page(
            columns={name: [row[name] for row in rows] for name in STREAM.names},
            after=[found[limit - 1].uuid] if len(found) > limit else None,
        )

    return listed(
        request,
        STREAM,
        read,
        limit=asked.limit,
        usual=USUAL_ROWS,
        after=uuid_cursor(request),
        names=names_of(request, STREAM, asked.fields),
    )


@operation(
    router,
    TOWN + "/streams/{uuid:stream}",
    id="getStream",
    resource=STREAM,
    summary="One stream",
    is_list=False,
    verb="assets.see",
)
def stream_one(
    request: HttpRequest, territory: str, stream: UUID, asked: Query[FieldsAsked]
) -> HttpResponseBase:
    """Give one stream with its latest value."""
    del territory
    names = names_of(request, STREAM, asked.fields)
    return single(request, stream_row(_stream(request, stream)), names=names)


@operation(
    router,
    TOWN + "/latest",
    id="listLatest",
    resource=LATEST,
    summary="Latest values, of assets, of a view, of a type",
    forms=LATEST_FORMS,
    verb="assets.see",
)
def latest(request: HttpRequest, territory: str, asked: Query[LatestAsked]) -> HttpResponseBase:
    """List latest values, all those of an asset together.

    ``limit`` counts assets, those without a value too, so that a page may hold more or fewer
    values than that.
    """
    del territory
    scope = scope_of(request, "assets.see")
    wanted = query_of(asked, bbox=asked.bbox)

    def read(after: list[Any] | None, limit: int) -> Page:
        found = latest_listed(
            wanted, scope=scope, after=None if after is None else after[0], limit=limit
        )
        rows = [record for record in found if record.stream_uuid is not None]
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(LATEST.names)
        assets = len({record.asset_uuid for record in found})
        return Page(
            columns=dict(zip(LATEST.names, columns, strict=True)),
            after=[found[-1].asset_uuid] if assets == limit else None,
            stamp=("stream", "received_at", "value", "quality", "lon", "lat", "asset_name"),
        )

    return listed(
        request,
        LATEST,
        read,
        limit=asked.limit,
        usual=USUAL_ROWS,
        after=uuid_cursor(request),
        names=names_of(request, LATEST, asked.fields),
        forms=LATEST_FORMS,
    )


@operation(
    router,
    TOWN + "/streams/{uuid:stream}/observations",
    id="listObservations",
    resource=OBSERVATION,
    summary="Observations of one stream",
    forms=SERIES_FORMS,
    verb="assets.see",
)
def observations(
    request: HttpRequest, territory: str, stream: UUID, asked: Query[PeriodAsked]
) -> HttpResponseBase:
    """List the values of one stream over a period, in the order of time, as they were received."""
    del territory
    record = _stream(request, stream)
    start, end = period(asked)

    def read(after: list[Any] | None, limit: int) -> Page:
        history = values_from(
            record.id, start=start, end=end, after=None if after is None else after[0], limit=limit
        )
        return Page(columns=_columns(history), after=_after(history))

    return listed(
        request,
        OBSERVATION,
        read,
        limit=asked.limit,
        usual=MOST_ROWS,
        after=_time_cursor(request),
        names=names_of(request, OBSERVATION, asked.fields),
        forms=SERIES_FORMS,
    )


@operation(
    router,
    TOWN + "/streams/{uuid:stream}/aggregates",
    id="listAggregates",
    resource=AGGREGATE,
    summary="A stream by hour, day, week or month",
    forms=SERIES_FORMS,
    verb="assets.see",
)
def aggregates(
    request: HttpRequest, territory: str, stream: UUID, asked: Query[AggregatesAsked]
) -> HttpResponseBase:
    """List the steps of a period in which there is a value.

    The figure is that of the measure's own statistic: a counter's growth, the mean of a
    temperature, the energetic mean of a sound level. Days, weeks and months are those of Paris;
    the first and the last step are whole.
    """
    del territory
    record = _stream(request, stream)
    start, end = period(asked)
    if asked.step not in STEPS:
        raise InvalidInput(
            _("There is no step {value}."),
            field="step",
            value=asked.step,
            way_out=_("The steps are: {known}."),
            params={"value": asked.step, "known": ", ".join(STEPS)},
        )
    curve = series_range(
        record.id, start=start, end=end, step=Step(asked.step), statistic=_statistic(record)
    )

    def read(after: list[Any] | None, limit: int) -> Page:
        low = 0 if after is None else rows_after(curve.t_ms, after[0])
        part = slice(low, low + limit)
        return Page(
            columns={
                "start": instants(curve.t_ms[part]),
                "value": curve.mean[part],
                "min": curve.min[part],
                "max": curve.max[part],
                "n": curve.n[part],
                "quality": curve.quality[part],
            },
            after=[int(curve.t_ms[low + limit - 1])] if low + limit < len(curve) else None,
        )

    return listed(
        request,
        AGGREGATE,
        read,
        limit=asked.limit,
        usual=MOST_ROWS,
        after=_time_cursor(request),
        names=names_of(request, AGGREGATE, asked.fields),
        forms=SERIES_FORMS,
    )


@operation(
    router,
    TOWN + "/observations",
    id="listObservationsByType",
    resource=STREAM_OBSERVATION,
    summary="Observations of all assets of a type",
    forms=SERIES_FORMS,
    verb="series.export",
)
def observations_by_type(
    request: HttpRequest, territory: str, asked: Query[BulkAsked]
) -> HttpResponseBase:
    """List the values of all streams of a type over a period: stream after stream, then by time.

    NDJSON, CSV and Parquet give everything at once, whatever its length.
    """
    del territory
    scope = scope_of(request, "series.export")
    start, end = period(asked)
    type_key = keys(asked.type, field="type", known=tuple(asset_types()))
    wanted = SeriesQuery(
        types=type_key or ("",),
        measures=keys(asked.measure, field="measure", known=tuple(measures())),
    )

    def read(after: list[Any] | None, limit: int) -> Page:
        stream, at = (None, None) if after is None else after
        parts: list[tuple[StreamRecord, History]] = []
        wanted_rows, more = limit, None
        if stream is not None and at is not None:
            # The stream in which the former page ended.
            current = streams_listed(
                SeriesQuery(streams=(stream,), types=wanted.types), scope=scope, limit=1
            )
            for record in current:
                history = values_from(record.id, start=start, end=end, after=at, limit=limit)
                parts.append((record, history))
                wanted_rows -= len(history)
                if history.more:
                    more = [record.uuid, history.last]
        last = stream
        while more is None and wanted_rows > 0:
            found = streams_listed(wanted, scope=scope, after=last, limit=STREAMS_AT_ONCE)
            for record in found:
                history = values_from(
                    record.id, start=start, end=end, after=None, limit=wanted_rows
                )
                parts.append((record, history))
                wanted_rows -= len(history)
                last = record.uuid
                if history.more:
                    more = [record.uuid, history.last]
                if wanted_rows == 0:
                    more = more or [record.uuid, history.last]
                    break
            if len(found) < STREAMS_AT_ONCE:
                break
        return Page(columns=_bulk_columns(parts), after=more)

    return listed(
        request,
        STREAM_OBSERVATION,
        read,
        limit=asked.limit,
        usual=MOST_ROWS,
        after=_stream_cursor(request),
        names=names_of(request, STREAM_OBSERVATION, asked.fields),
        forms=SERIES_FORMS,
    )


STREAMS_AT_ONCE = 500


def query_of(asked: StreamsAsked, *, bbox: str | None = None) -> SeriesQuery:
    """Return what a list of streams or of latest values is narrowed to.

    Raises:
        InvalidInput: a filter cannot be read.
    """
    return SeriesQuery(
        assets=identifiers(asked.asset, field="asset"),
        types=keys(asked.type, field="type", known=tuple(asset_types())),
        domains=keys(asked.domain, field="domain", known=tuple(domains())),
        measures=keys(asked.measure, field="measure", known=tuple(measures())),
        bbox=rectangle(bbox),
    )


def stream_row(record: StreamRecord) -> dict[str, Any]:
    """Return a stream as the API gives it."""
    return {
        "id": record.uuid,
        "asset": record.asset_uuid,
        "asset_name": record.asset_name or record.external_key,
        "type": record.type_key,
        "domain": record.domain_key,
        "measure": record.measure_key,
        "unit": record.unit,
        "statistic": _statistic(record).value,
        "value": record.value,
        "quality": record.quality,
        "observed_at": record.observed_at,
        "received_at": record.received_at,
    }


def _stream(request: HttpRequest, uuid: UUID) -> StreamRecord:
    scope = scope_of(request, "assets.see")
    found = streams_listed(SeriesQuery(streams=(uuid,)), scope=scope, limit=1)
    if not found:
        raise StreamNotFound("There is no such series here.")
    return found[0]


def _statistic(record: StreamRecord) -> Statistic:
    # A town may have removed the package that declared the type; its series remain readable.
    if record.type_key not in asset_types():
        return Statistic.MEAN
    measure = measures_of(record.type_key).get(record.measure_key)
    return Statistic.MEAN if measure is None else measure.aggregate


def _columns(history: History) -> dict[str, Any]:
    return {
        "observed_at": instants(history.t_ms),
        "value": history.value,
        "quality": history.quality,
    }


def _bulk_columns(parts: list[tuple[StreamRecord, History]]) -> dict[str, Any]:
    def spread(name: str) -> list[Any]:
        return [
            value for record, history in parts for value in [getattr(record, name)] * len(history)
        ]

    empty = History.empty()
    histories = [history for _record, history in parts] or [empty]
    return {
        "stream": spread("uuid"),
        "asset": spread("asset_uuid"),
        "measure": spread("measure_key"),
        "observed_at": instants(np.concatenate([one.t_ms for one in histories])),
        "value": np.concatenate([one.value for one in histories]),
        "quality": np.concatenate([one.quality for one in histories]),
    }


def _after(history: History) -> list[Any] | None:
    return [history.last] if history.more else None


def _time_cursor(request: HttpRequest) -> list[Any] | None:
    values = cursor_read(request, 1)
    if values is not None and not _is_time(values[0]):
        raise cursor_refused(str(values[0]))
    return values


def _stream_cursor(request: HttpRequest) -> list[Any] | None:
    values = cursor_read(request, 2)
    if values is None:
        return None
    try:
        stream = UUID(str(values[0]))
    except ValueError as error:
        raise cursor_refused(str(values[0])) from error
    if not _is_time(values[1]):
        raise cursor_refused(str(values[1]))
    return [stream, values[1]]


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**14
