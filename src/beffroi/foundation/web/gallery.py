"""What the gallery shows: one sample of everything, small and made up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from beffroi.foundation.web.icons import ICONS
from beffroi.kernel import clock
from beffroi.kernel.colour import contrast, nearest_readable

SAMPLE_ASSET = "0197f3a0-0000-7000-8000-000000000001"


class SampleForm(forms.Form):
    """A form with one field of each sort."""

    name = forms.CharField(label=gettext_lazy("Name"), help_text=gettext_lazy("As on the sign."))
    kind = forms.ChoiceField(
        label=gettext_lazy("Type"),
        choices=[("light", gettext_lazy("Light point")), ("bin", gettext_lazy("Container"))],
    )
    power_w = forms.IntegerField(label=gettext_lazy("Power (W)"), min_value=0, required=False)
    installed = forms.DateField(
        label=gettext_lazy("Installed on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    notify = forms.MultipleChoiceField(
        label=gettext_lazy("Departments to tell"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[
            ("lighting", gettext_lazy("Lighting department")),
            ("roads", gettext_lazy("Roads department")),
        ],
    )
    origin = forms.ChoiceField(
        label=gettext_lazy("Origin"),
        widget=forms.RadioSelect,
        choices=[("real", gettext_lazy("Real")), ("simulated", gettext_lazy("Simulated"))],
    )
    note = forms.CharField(label=gettext_lazy("Note"), required=False, widget=forms.Textarea)
    agree = forms.BooleanField(label=gettext_lazy("I have checked the place on the map"))
    file = forms.FileField(
        label=gettext_lazy("File"), help_text=gettext_lazy("GeoJSON, Shapefile, CSV or XLSX.")
    )


class SampleFilter(forms.Form):
    """Filters of the sample table."""

    q = forms.CharField(
        label=gettext_lazy("Name or identifier"),
        required=False,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[
            ("", gettext_lazy("All")),
            ("normal", gettext_lazy("Normal")),
            ("alarm", gettext_lazy("Alarm")),
        ],
    )


def _rows(now: datetime) -> list[dict[str, Any]]:
    states = ("normal", "normal", "attention", "alarm", "silent")
    return [
        {
            "name": f"EP-{1200 + place}",
            "street": ("rue de la Loge", "place de la Comédie", "boulevard du Jeu-de-Paume")[
                place % 3
            ],
            "power_w": 36 + (place * 7) % 55,
            "state": states[place % len(states)],
            "at": now - timedelta(seconds=13 * place * place),
        }
        for place in range(57)
    ]


def gallery_context(request: HttpRequest) -> dict[str, Any]:
    """Return what the gallery's template reads."""
    now = clock.now()
    rows = _rows(now)
    wanted = request.GET.get("q", "").lower()
    state = request.GET.get("state", "")
    rows = [row for row in rows if wanted in row["name"].lower() and state in ("", row["state"])]
    order = request.GET.get("tri", "name")
    key = order.removeprefix("-")
    if key in {"name", "power_w"}:
        rows.sort(key=lambda row: row[key], reverse=order.startswith("-"))
    refused = SampleForm({"kind": "light", "power_w": "-3"})
    refused.is_valid()
    return {
        "page": Paginator(rows, 8).get_page(request.GET.get("page")),
        "order": order,
        "filters": SampleFilter(request.GET),
        "form": SampleForm(auto_id="plain_%s"),
        "refused": refused,
        "file_form": SampleForm(auto_id="drop_%s"),
        "crumbs": [
            (_("The city"), "#city"),
            (_("Street lighting"), "#lighting"),
            ("EP-1204", None),
        ],
        "facts": [
            (_("Identifier"), "EP-1204"),
            (_("Type"), _("Light point")),
            (_("Street"), "rue de la Loge"),
            (_("Cabinet"), ""),
        ],
        "tabs": [(_("Now"), "#now", True, None), (_("History"), "#history", False, 12)],
        "ranges": [
            (_("Day"), "?periode=jour", True),
            (_("Week"), "?periode=semaine", False),
            (_("Month"), "?periode=mois", False),
            (_("Year"), "?periode=annee", False),
        ],
        "steps": [_("File"), _("Columns"), _("Checking"), _("Import")],
        "entries": [
            {
                "at": now - timedelta(minutes=4),
                "title": _("Lamp out"),
                "tone": "alarm",
                "text": _("No power drawn although told to shine."),
                "who": "",
            },
            {
                "at": now - timedelta(hours=3),
                "title": _("Driver replaced"),
                "tone": "ok",
                "text": "",
                "who": "Nadia Ferrand",
            },
            {
                "at": now - timedelta(days=40),
                "title": _("Imported"),
                "text": "",
                "who": "Yann Le Goff",
            },
        ],
        "recent": now - timedelta(seconds=12),
        "asset": SAMPLE_ASSET,
        "choices": [_("door closed"), _("door open")],
        "spark": [3, 4, 4.2, 5, None, 6, 5.5, 7, 8, 7.2, 6.1, 5, 4.4],
        "domains": [
            {
                "key": "street_lighting",
                "label": _("Street lighting"),
                "icon": "lamp",
                "count": 30112,
                "alarms": 14,
            },
            {"key": "parking", "label": _("Parking"), "icon": "parking", "count": 58, "alarms": 0},
            {
                "key": "air_quality",
                "label": _("Air quality"),
                "icon": "wind",
                "count": 21,
                "alarms": 1,
            },
            {"key": "waste", "label": _("Waste"), "icon": "bin", "count": 1260, "alarms": 0},
        ],
        "map": {"point": [3.8767, 43.6112], "domains": []},
        "series_url": static("web/sample-series.json"),
        "icons": sorted(ICONS),
        "states": ("normal", "attention", "alarm", "silent", "never_reported", "unknown"),
        "tones": ("neutral", "info", "ok", "attention", "alarm", "silent"),
        "pale": {
            "colour": "#f2b705",
            "ratio": int(100 * contrast("#f2b705", "#ffffff")) / 100,
            "proposal": nearest_readable("#f2b705"),
        },
        "swatches": [
            "page",
            "surface",
            "sunken",
            "line",
            "text",
            "muted",
            "primary",
            "secondary",
            "ok",
            "attention",
            "alarm",
            "silent",
        ],
        "hues": range(1, 9),
    }
