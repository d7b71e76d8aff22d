"""How rights of keys and the documentation's own words are said."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

VERB_WORDS = {
    "assets.see": _("Read assets, their streams, latest values and indicators"),
    "series.export": _("Read the observations of all assets of a type at once"),
    "sources.see": _("Read devices and sources"),
}

SECTION_WORDS = {
    "Territories": _("Territories"),
    "Assets": _("Assets"),
    "Devices and sources": _("Devices and sources"),
    "Series": _("Streams and observations"),
    "Indicators": _("Indicators"),
    "Catalogue": _("Catalogue"),
    "Webhooks": _("Webhooks"),
}
