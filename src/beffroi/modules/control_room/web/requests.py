"""What the pages of this room share: who asks, where things are, how an error is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from beffroi.city.basemap.api import FIRST_ZOOM, LAST_ZOOM
from beffroi.foundation.accounts.contracts import Access, Scope
from beffroi.foundation.territories.contracts import TerritoryCard
from beffroi.kernel.errors import BeffroiError, NotFound

SEE = "assets.see"
_SOME = UUID(int=0)


def access_of(request: HttpRequest) -> Access:
    """Return what the agent may do."""
    return cast("Access", request.access)  # type: ignore[attr-defined]  # set by @agent


def scope_of(request: HttpRequest, *, verb: str = SEE) -> Scope:
    """Return where the agent holds the verb."""
    return access_of(request).scope(verb)


def territory_of(request: HttpRequest) -> TerritoryCard:
    """Return the territory of the page."""
    return cast("TerritoryCard", request.territory)  # type: ignore[attr-defined]  # same


def is_fragment(request: HttpRequest) -> bool:
    """Tell whether a part of a page is asked for, by htmx or by the map."""
    return request.headers.get("HX-Request") == "true"


def found_or_404(read: Callable[[], Any]) -> Any:
    """Return what is read; a page about what does not exist for this person does not exist."""
    try:
        return read()
    except NotFound as error:
        raise Http404 from error


def live_url(slug: str) -> str:
    """Return where the changes of a territory are told as they happen."""
    return f"/live/{slug}"


def asset_url(slug: str, uuid: object) -> str:
    """Return the address of an asset's page."""
    return reverse("control_room:asset", kwargs={"territory": slug, "asset": uuid})


def asset_url_template(slug: str, *, name: str, mark: str) -> str:
    """Return the address of a page of any asset, with a mark where its identifier goes."""
    url = reverse(f"control_room:{name}", kwargs={"territory": slug, "asset": _SOME})
    return url.replace(str(_SOME), mark)


def tiles_template(slug: str, *, name: str) -> str:
    """Return the address of tiles as the map wants it."""
    tile = reverse(name, kwargs={"territory": slug, "z": 0, "x": 0, "y": 0})
    return tile.replace("/0/0/0.mvt", "/{z}/{x}/{y}.mvt")


def base_map(slug: str) -> dict[str, Any]:
    """Return the part of a map's configuration that draws the town itself."""
    return {
        "base_tiles": tiles_template(slug, name="basemap:tile"),
        "base_minzoom": FIRST_ZOOM,
        "base_maxzoom": LAST_ZOOM,
    }


def sentence_of(error: BeffroiError) -> str:
    """Return what an error says and its way out, in the reader's language."""
    return error.told(gettext)


def keys_of(request: HttpRequest, name: str) -> list[str]:
    """Return the keys given under a name, repeated or separated by commas, each once."""
    words = ",".join(request.GET.getlist(name)).split(",")
    return list(dict.fromkeys(word for word in words if word))
