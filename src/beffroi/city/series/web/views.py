from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, cast
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _

from beffroi.city.assets.api import AssetFilter, asset_get, assets_matching
from beffroi.city.series.api import (
    DeclaredStream,
    RangeRefused,
    SeriesRange,
    Step,
    StreamNotFound,
    series_export,
    series_range,
    stream_get,
    streams_by_uuid,
    streams_of_asset,
    streams_of_assets,
)
from beffroi.city.series.web.parameters import (
    form_of,
    period_of,
    points_of,
    step_of,
    uuids_of,
)
from beffroi.foundation.accounts.access import PartsResponse, agent
from beffroi.foundation.accounts.contracts import Access
from beffroi.foundation.database.api import reads_late
from beffroi.kernel.errors import BeffroiError, InvalidInput
from beffroi.kernel.identifiers import slug_of
from beffroi.sdk.declarations import Kind, Measure

MEDIA = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
_View = Callable[..., HttpResponseBase]


def told_as_problem(view: _View) -> _View:
    """Answer the errors of this room as RFC 9457 problems, in the reader's language."""

    @wraps(view)
    def told(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except BeffroiError as problem:
            body: dict[str, object] = {
                "type": f"urn:beffroi:error:{problem.code}",
                "title": _(problem.message).format_map(_Shown(problem.params)),
                "status": problem.status,
                "detail": _(problem.way_out).format_map(_Shown(problem.params))
                if problem.way_out
                else "",
            }
            if isinstance(problem, InvalidInput):
                body["field"] = problem.field
            return HttpResponse(
                msgspec.json.encode(body),
                status=problem.status,
                content_type="application/problem+json",
            )

    return told


class _Shown(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


@reads_late
@agent("assets.see")
@told_as_problem
def stream_json(request: HttpRequest, *, territory: str, stream: UUID) -> HttpResponseBase:
    """Give the curve of one stream, for a chart."""
    del territory
    start, end = period_of(request.GET)
    step, points = step_of(request.GET), points_of(request.GET)
    found = stream_get(stream)
    _see(request, found, verb="assets.see")
    curve = series_range(
        found.stream.id,
        start=start,
        end=end,
        step=step,
        max_points=points,
        statistic=found.statistic,
    )
    body = msgspec.json.encode(_chart(found, curve))
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    # A compressed answer has carried it marked as weak.
    if request.headers.get("If-None-Match", "").removeprefix("W/") == etag:
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(body, content_type="application/json")
    response["ETag"] = etag
    patch_cache_control(response, private=True, no_cache=True)
    return response


@agent("series.export")
@told_as_problem
def asset_export(
    request: HttpRequest, *, territory: str, asset: UUID, extension: str
) -> HttpResponseBase:
    """Give every series of one asset as a file."""
    del territory
    scope = _access(request).scope("series.export")
    summary = asset_get(asset, scope=scope).summary
    return _file(request, streams_of_asset(summary.id), name=summary.title, extension=extension)


@agent("series.export")
@told_as_problem
def selection_export(request: HttpRequest, *, territory: str, extension: str) -> HttpResponseBase:
    """Give series as a file: those named by ``flux``, or of some ``equipement``, or of a ``type``.

    ``mesure`` narrows the last two to some measures.
    """
    wanted = uuids_of(request.GET, "flux")
    if wanted:
        streams = list(streams_by_uuid(wanted).values())
        for item in streams:
            _see(request, item, verb="series.export")
        if len(streams) < len(set(wanted)):
            raise StreamNotFound("There is no such series here.")
        return _file(request, streams, name=territory, extension=extension)
    scope = _access(request).scope("series.export")
    named = uuids_of(request.GET, "equipement")
    type_key = request.GET.get("type", "")
    if named:
        asset_ids = [asset_get(uuid, scope=scope).summary.id for uuid in dict.fromkeys(named)]
    elif type_key:
        assets = assets_matching(AssetFilter(type_key=type_key), scope=scope)
        asset_ids = [asset.id for asset in assets]
    else:
        raise RangeRefused(
            "Nothing is selected.",
            field="flux",
            way_out="Name series by flux, assets by equipement, or a type of asset by type.",
        )
    streams = streams_of_assets(asset_ids, measures=request.GET.getlist("mesure"))
    name = f"{territory}-{type_key}" if type_key else territory
    return _file(request, streams, name=name, extension=extension)


def _file(
    request: HttpRequest, streams: Sequence[DeclaredStream], *, name: str, extension: str
) -> PartsResponse:
    start, end = period_of(request.GET)
    step = step_of(request.GET) or Step.RAW
    parts = series_export(
        streams,
        start=start,
        end=end,
        step=step,
        form=form_of(request.GET, extension=extension),
    )
    # Read while it is sent: the rule of the view sets the territory again for each part.
    response = PartsResponse(parts, content_type=MEDIA[extension])
    filename = f"{slug_of(name) or 'series'}-{start:%Y%m%d}-{end:%Y%m%d}.{extension}"
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    patch_cache_control(response, private=True, no_store=True)
    return response


def _chart(found: DeclaredStream, curve: SeriesRange) -> dict[str, object]:
    words = _words(found.measure)
    return {
        **({"choices": words} if words else {}),
        "unit": found.unit,
        "label": _(found.label),
        "step": str(curve.step),
        "available": str(curve.available),
        "statistic": str(curve.statistic),
        "decimals": 1 if found.measure is None else found.measure.decimals,
        "t": (curve.t_ms / 1000).tolist(),
        # Not a number is written null, which a chart shows as a gap.
        "mean": curve.mean.tolist(),
        "min": curve.min.tolist(),
        "max": curve.max.tolist(),
        "n": curve.n.tolist(),
        "quality": curve.quality.tolist(),
    }


def _words(measure: Measure | None) -> list[str]:
    """Return what stands for 0, 1… of a measure whose values are words."""
    if measure is None or measure.kind is Kind.NUMBER:
        return []
    if measure.kind is Kind.BOOLEAN and not measure.choices:
        return [_("no"), _("yes")]
    return [_(text) for text in measure.choices]


def _see(request: HttpRequest, found: DeclaredStream, *, verb: str) -> None:
    if not _access(request).can(verb, domain=found.domain_key, area_id=found.area_id):
        # What a person may not see does not exist for them.
        raise StreamNotFound("There is no such series here.")


def _access(request: HttpRequest) -> Access:
    return cast("Access", request.access)  # type: ignore[attr-defined]  # set by the view's rule
