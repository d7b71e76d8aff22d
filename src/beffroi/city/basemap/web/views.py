"""The tiles of the base map."""

from __future__ import annotations

import gzip

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from beffroi.city.basemap import api
from beffroi.foundation.accounts.access import agent
from beffroi.kernel.geometry import Tile

MVT = "application/vnd.mapbox-vector-tile"
MAX_AGE_S = 300
MAX_ZOOM = 22


@agent("assets.see")
@require_safe
def basemap_tile_view(request: HttpRequest, territory: str, z: int, x: int, y: int) -> HttpResponse:
    """Send a ready tile: 304 when the browser has it, 204 where the map is empty."""
    del territory
    if z > MAX_ZOOM:
        raise Http404
    try:
        tile = Tile(z, x, y)
    except ValueError as error:
        raise Http404 from error
    ready = api.basemap_tile(tile)
    if ready is None:
        return _cached(HttpResponse(status=204))
    etag = f'"{ready.etag}"'
    if etag in request.headers.get("If-None-Match", ""):
        return _cached(HttpResponse(status=304), etag=etag)
    return _cached(tile_response(request, ready.content), etag=etag)


def tile_response(request: HttpRequest, packed: bytes) -> HttpResponse:
    """Return a tile that is stored compressed, as the browser can take it."""
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response = HttpResponse(packed, content_type=MVT)
        response["Content-Encoding"] = "gzip"
    else:
        response = HttpResponse(gzip.decompress(packed), content_type=MVT)
    return response


def _cached(response: HttpResponse, *, etag: str = "") -> HttpResponse:
    if etag:
        response["ETag"] = etag
    response["Cache-Control"] = f"private, max-age={MAX_AGE_S}"
    patch_vary_headers(response, ("Accept-Encoding", "Cookie"))
    return response
