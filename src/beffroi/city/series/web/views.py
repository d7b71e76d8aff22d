from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, cast
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
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
from beffroi.foundation.accounts.access import agent
from beffroi.foundation.accounts.contracts import Access
from beffroi.kernel.errors import BeffroiError, InvalidInput
from beffroi.kernel.identifiers import slug_of

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
    if request.headers.get("If-None-Match") == etag:
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
    """Give the series named by ``flux``, or those of a ``type`` (and ``mesure``), as a file."""
    wanted = uuids_of(request.GET, "flux")
    if wanted:
        streams = list(streams_by_uuid(wanted).values())
        for item in streams:
            _see(request, item, verb="series.export")
        if len(streams) < len(set(wanted)):
            raise StreamNotFound("There is no such series here.")
        return _file(request, streams, name=territory, extension=extension)
    type_key = request.GET.get("type", "")
    if not type_key:
        raise RangeRefused(
            "Nothing is selected.",
            field="flux",
            way_out="Name series by flux, or a type of asset by type.",
        )
    scope = _access(request).scope("series.export")
    assets = assets_matching(AssetFilter(type_key=type_key), scope=scope)
    streams = streams_of_assets(
        [asset.id for asset in assets], measures=request.GET.getlist("mesure")
    )
    return _file(request, streams, name=f"{territory}-{type_key}", extension=extension)


def _file(
    request: HttpRequest, streams: Sequence[DeclaredStream], *, name: str, extension: str
) -> StreamingHttpResponse:
    start, end = period_of(request.GET)
    step = step_of(request.GET) or Step.RAW
    parts = series_export(
        streams,
        start=start,
        end=end,
        step=step,
        form=form_of(request.GET, extension=extension),
    )
    # Read while it is sent: the rule of the view keeps the territory set until the last octet.
    response = StreamingHttpResponse(parts, content_type=MEDIA[extension])
    filename = f"{slug_of(name) or 'series'}-{start:%Y%m%d}-{end:%Y%m%d}.{extension}"
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    patch_cache_control(response, private=True, no_store=True)
    return response


def _chart(found: DeclaredStream, curve: SeriesRange) -> dict[str, object]:
    return {
        "unit": found.unit,
        "label": _(found.label),
        "step": str(curve.step),
        "statistic": str(curve.statistic),
        "decimals": 1 if found.measure is None else found.measure.decimals,
        "choices": [_(text) for text in found.measure.choices] if found.measure else [],
        "t": (curve.t_ms / 1000).tolist(),
        # Not a number is written null, which a chart shows as a gap.
        "mean": curve.mean.tolist(),
        "min": curve.min.tolist(),
        "max": curve.max.tolist(),
        "n": curve.n.tolist(),
        "quality": curve.quality.tolist(),
    }


def _see(request: HttpRequest, found: DeclaredStream, *, verb: str) -> None:
    if not _access(request).can(verb, domain=found.domain_key, area_id=found.area_id):
        # What a person may not see does not exist for them.
        raise StreamNotFound("There is no such series here.")


def _access(request: HttpRequest) -> Access:
    return cast("Access", request.access)  # type: ignore[attr-defined]  # set by the view's rule
