"""From words to a position: the town's address points, streets, parks and districts."""

from __future__ import annotations

import re

import shapely
from django.db.models import QuerySet

from beffroi.city.basemap.contracts import Layer, Place
from beffroi.city.basemap.models import BasemapAddress, BasemapFeature
from beffroi.city.basemap.words import plain
from beffroi.foundation.territories.api import proper_name

MAX_RESULTS = 20
SEARCHED = (Layer.STREET.value, Layer.PEDESTRIAN.value, Layer.PARK.value, Layer.DISTRICT.value)
_HIGHEST = "\U0010ffff"
_NUMBER = re.compile(r"^(?P<number>\d+(?: ?(?:bis|ter|quater|[a-z]))?) (?P<street>\D.*)$")


def address_search(text: str, *, limit: int = 6) -> list[Place]:
    """Return places whose words the text gives: "12 rue de la Loge", "Loge", "Écusson".

    A number first looks for an address point; then come the names that begin as the text does,
    then those that contain every word. One street is given once.
    """
    wanted = plain(text.replace("\x00", ""))
    limit = max(1, min(limit, MAX_RESULTS))
    if len(wanted) < 3:
        return []
    found: dict[tuple[str, str], Place] = {}
    match = _NUMBER.match(wanted)
    if match is not None:
        _addresses(found, match["street"], number=match["number"].replace(" ", ""), limit=limit)
        wanted = match["street"]
    if len(found) < limit:
        _features(found, wanted, limit)
    return list(found.values())[:limit]


def _addresses(
    found: dict[tuple[str, str], Place], street: str, *, number: str, limit: int
) -> None:
    rows: QuerySet[BasemapAddress] = BasemapAddress.objects.filter(number=number)
    for word in street.split():
        rows = rows.filter(search_text__contains=word)
    for row in rows.order_by("search_text", "id")[:limit]:
        label = f"{row.number} {row.street}"
        found.setdefault(
            ("address", label), Place(kind="address", label=label, lon=row.lon, lat=row.lat)
        )


def _features(found: dict[tuple[str, str], Place], wanted: str, limit: int) -> None:
    rows = BasemapFeature.objects.filter(layer__in=SEARCHED).exclude(search_text="")
    beginning = rows.filter(search_text__gte=wanted, search_text__lt=wanted + _HIGHEST)
    containing = rows
    for word in wanted.split():
        containing = containing.filter(search_text__contains=word)
    for chosen in (beginning, containing):
        # Sections of one street share its name: the first by id stands for all.
        names = chosen.order_by("search_text", "layer", "id").distinct("search_text", "layer")
        for row in names[:limit]:
            if len(found) >= limit:
                return
            place = _place(row)
            found.setdefault((place.kind, place.label), place)


def _place(row: BasemapFeature) -> Place:
    sections = [shapely.from_wkb(bytes(row.geometry))]
    if row.layer == Layer.STREET:
        others = BasemapFeature.objects.filter(layer=row.layer, search_text=row.search_text)
        sections = [
            shapely.from_wkb(bytes(content))
            for content in others.values_list("geometry", flat=True)[:500]
        ]
    longest = max(sections, key=lambda shape: (shape.area, shape.length))
    point = (
        longest.interpolate(0.5, normalized=True)
        if longest.length and not longest.area
        else (longest.representative_point())
    )
    label = proper_name(row.name) if row.layer == Layer.DISTRICT else row.name
    return Place(kind=row.layer, label=label, lon=point.x, lat=point.y)
