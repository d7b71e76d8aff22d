"""The tiles of the assets."""

from __future__ import annotations

import gzip
import re

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from beffroi.city.assets import api
from beffroi.city.assets.web.requests import access_of
from beffroi.foundation.accounts.access import agent
from beffroi.kernel.geometry import Tile

MVT = "application/vnd.mapbox-vector-tile"
MAX_AGE_S = 5
MAX_DOMAINS = 64
_KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")


@agent("assets.see")
@require_safe
def asset_tile_view(request: HttpRequest, territory: str, z: int, x: int, y: int) -> HttpResponse:
    """Send a tile of what this agent may see; ``domaines`` is a list of keys, all by default.

    304 when the browser has it, which costs one query; 204 where nothing lies.
    """
    del territory
    if z > api.MAX_ZOOM:
        raise Http404
    try:
        tile = Tile(z, x, y)
    except ValueError as error:
        raise Http404 from error
    domains = _domains(request)
    scope = access_of(request).scope("assets.see")
    known = request.headers.get("If-None-Match", "")
    version = api.tiles_version()
    etag = api.tile_etag(tile, version=version, domains=domains, scope=scope)
    if etag in known:
        return _tagged(HttpResponse(status=304), etag)
    encoded = api.asset_tile(tile, domains=domains, scope=scope, version=version)
    if encoded.content is None:
        return _tagged(HttpResponse(status=204), encoded.etag)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response = HttpResponse(encoded.content, content_type=MVT)
        response["Content-Encoding"] = "gzip"
    else:
        response = HttpResponse(gzip.decompress(encoded.content), content_type=MVT)
    return _tagged(response, encoded.etag)


def _domains(request: HttpRequest) -> list[str] | None:
    asked = request.GET.get("domaines")
    if asked is None:
        return None
    return [key for key in asked.split(",")[:MAX_DOMAINS] if _KEY.fullmatch(key)]


def _tagged(response: HttpResponse, etag: str) -> HttpResponse:
    response["ETag"] = f'"{etag}"'
    # Long enough for the page to ask before its map does, and not for a role that has changed.
    response["Cache-Control"] = f"private, max-age={MAX_AGE_S}"
    patch_vary_headers(response, ("Accept-Encoding", "Cookie"))
    return response
