"""How wide a street is drawn, from what a town's file says of it."""

from __future__ import annotations

from beffroi.kernel.identifiers import slug_of

DRAWN = frozenset(
    {
        *("motorway", "trunk", "primary", "main", "secondary", "tertiary", "distributor"),
        *("local", "path", "footway", "cycleway", "pedestrian", "track", "steps", "service"),
    }
)
"""Classes that the style knows; a file that uses them is taken at its word."""
MAJOR = frozenset({"motorway", "trunk", "primary", "main", "secondary", "tertiary", "distributor"})
_OF_FRENCH_TYPES = {
    "motorway": ("auto", "autoroute"),
    "secondary": (
        *("av", "ave", "avenue", "bd", "bld", "boulevard", "cour", "cours", "quai", "rte"),
        *("route", "rdpt", "rond-point", "pont", "voie-rapide", "rocade", "peripherique"),
        *("tunnel", "viaduc", "echangeur", "bretelle"),
    ),
    "path": ("sentier", "sent", "escalier", "esc", "venelle", "piste-cyclable", "chemin-pieton"),
    "pedestrian": ("pieton", "voie-pietonne", "mail", "promenade", "prom"),
}
_BY_TYPE = {word: key for key, words in _OF_FRENCH_TYPES.items() for word in words}


def street_class(text: str) -> str:
    """Return the class of a street from its French type (``AV``, ``Boulevard``) or full name.

    What is not known is ``local``; an empty text stays empty.
    """
    slug = slug_of(text)
    if not slug:
        return ""
    if slug in DRAWN:
        return slug
    return _BY_TYPE.get(slug) or _BY_TYPE.get(slug.split("-", 1)[0], "local")
