"""Facts that assets of many services have, with the columns that each kind of file uses."""

from __future__ import annotations

from datetime import date

from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import Property
from beffroi.sdk.declarations import translatable as _


def address(*columns: str) -> Property:
    """Return the property of a postal address."""
    return Property(key="address", label=_("Address"), synonyms=("adresse", *columns))


def town(*columns: str) -> Property:
    """Return the property of a town's name."""
    return Property(key="town", label=_("Town"), synonyms=("ville", "commune", *columns))


def altitude_m(*columns: str) -> Property:
    """Return the property of a height above the sea."""
    return Property(
        key="altitude_m",
        label=_("Altitude"),
        kind=float,
        unit=Unit.METRE,
        synonyms=("altitude", *columns),
    )


def operator(*columns: str) -> Property:
    """Return the property of who runs an asset."""
    return Property(key="operator", label=_("Operated by"), synonyms=columns)


def commissioning_year(*columns: str) -> Property:
    """Return the property of the year in which an asset was put into service."""
    return Property(
        key="commissioning_year",
        label=_("Year of commissioning"),
        kind=int,
        synonyms=("annee", "annee_pose", *columns),
    )


def surveyed_on(*columns: str) -> Property:
    """Return the property of the day on which an asset was surveyed."""
    return Property(
        key="surveyed_on",
        label=_("Surveyed on"),
        kind=date,
        synonyms=("date_releve", *columns),
    )


def comment(*columns: str) -> Property:
    """Return the property of a free remark."""
    return Property(key="comment", label=_("Comment"), synonyms=("commentaire", *columns))


def web_page(*columns: str) -> Property:
    """Return the property of a page about an asset."""
    return Property(key="web_page", label=_("Web page"), synonyms=("url", *columns))
