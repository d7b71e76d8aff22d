"""Declared English texts and stored codes, as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from beffroi.city.assets.contracts import AssetState, ChangeKind, Origin, Why
from beffroi.city.series.contracts import Step
from beffroi.kernel.quality import Quality
from beffroi.modules.control_room.contracts import OriginView
from beffroi.sdk.declarations import AssetType, Kind, Measure, Priority, Property, Statistic
from beffroi.sdk.registry import asset_types, domains

STATES: Mapping[AssetState, Promise] = {
    AssetState.ALARM: _("Alarm"),
    AssetState.ATTENTION: _("Attention"),
    AssetState.SILENT: _("Silent"),
    AssetState.NEVER_REPORTED: _("Never reported"),
    AssetState.NORMAL: _("Normal"),
}

QUALITIES: Mapping[Quality, Promise] = {
    Quality.SUSPECT: _("Suspect value"),
    Quality.BAD: _("Outside what is possible: not counted"),
    Quality.MISSING: _("Missing value"),
}

KINDS: Mapping[ChangeKind, Promise] = {
    ChangeKind.CREATED: pgettext_lazy("asset", "Added"),
    ChangeKind.UPDATED: pgettext_lazy("asset", "Changed"),
    ChangeKind.REMOVED: pgettext_lazy("asset", "Removed"),
    ChangeKind.RESTORED: pgettext_lazy("asset", "Put back"),
    ChangeKind.ATTACHED: pgettext_lazy("asset", "Device attached"),
    ChangeKind.DETACHED: pgettext_lazy("asset", "Device detached"),
}

REASONS: Mapping[Why, Promise] = {
    Why.IMPORT: _("import of a file"),
    Why.EDIT: _("edited by hand"),
    Why.CLAIM: _("claim of a device"),
    Why.DEVICE: _("device"),
    Why.SYSTEM: _("Beffroi itself"),
}

FIELDS: Mapping[str, Promise] = {
    "name": _("Name"),
    "external_key": _("Identifier"),
    "lon": _("Longitude"),
    "lat": _("Latitude"),
    "shape": _("Outline"),
    "department_id": _("Department"),
    "parent_id": _("Attached to"),
    "parent_key": _("Attached to"),
    "attribution": _("Credit"),
    "origin": _("Origin"),
    "device": _("Device"),
    "absent_from": _("Absent from the file"),
}

PRIORITIES: Mapping[Priority, tuple[Promise, str]] = {
    Priority.LOW: (pgettext_lazy("priority", "Low"), "neutral"),
    Priority.MEDIUM: (pgettext_lazy("priority", "Medium"), "attention"),
    Priority.HIGH: (pgettext_lazy("priority", "High"), "alarm"),
    Priority.CRITICAL: (pgettext_lazy("priority", "Critical"), "alarm"),
}

STATISTICS: Mapping[Statistic, Promise] = {
    Statistic.MEAN: _("Mean"),
    Statistic.SUM: _("Sum"),
    Statistic.MIN: _("Lowest value"),
    Statistic.MAX: _("Highest value"),
    Statistic.LAST: _("Last value"),
    Statistic.INCREASE: _("Increase"),
    Statistic.MEAN_ENERGY_DB: _("Energy mean"),
}

_ORIGINS: Mapping[str, tuple[Promise, Promise, str]] = {
    Origin.REAL: (_("Real data"), _("What this page shows was surveyed or measured here."), "ok"),
    Origin.REPLAYED: (
        _("Replayed measurements"),
        _("These measurements are real, but were made elsewhere or at another time: they are played again as if they came now."),  # noqa: E501 - one sentence, one msgid
        "info",
    ),
    Origin.SIMULATED: (
        _("Simulated measurements"),
        _("These measurements are made up by a model: no sensor sent them."),
        "info",
    ),
}  # fmt: skip


def told(text: str) -> str:
    """Return a declared English text in the reader's language; an empty one stays empty."""
    return gettext(text) if text else ""


def type_label(type_key: str, *, plural: bool = False) -> str:
    """Return the name of a type, or its key once its package is removed."""
    declared = asset_types().get(type_key)
    if declared is None:
        return type_key
    return told(declared.label_plural if plural else declared.label)


def type_icon(type_key: str) -> str:
    """Return the icon of a type."""
    declared = asset_types().get(type_key)
    return "asset" if declared is None else declared.icon


def domain_label(domain_key: str) -> str:
    """Return the name of an urban service, or its key once its package is removed."""
    declared = domains().get(domain_key)
    return domain_key if declared is None else told(declared.label)


def choices_of(measure: Measure | None) -> tuple[str, ...]:
    """Return the words of the values of a measure, when its values are words."""
    if measure is None or measure.kind is Kind.NUMBER:
        return ()
    if measure.kind is Kind.BOOLEAN and not measure.choices:
        return (gettext("no"), gettext("yes"))
    return tuple(told(choice) for choice in measure.choices)


def quality_words(quality: Quality) -> str:
    """Say what is wrong with a value; nothing when nothing is known to be."""
    words = QUALITIES.get(quality)
    return "" if words is None else str(words)


def origin_view(origin: str, *, credit: str) -> OriginView | None:
    """Say where the data of an asset comes from; None for the town's own without credit."""
    known = _ORIGINS.get(origin)
    if known is None:
        return OriginView(label="", sentence="", tone="", credit=credit) if credit else None
    label, sentence, tone = known
    return OriginView(label=str(label), sentence=str(sentence), tone=tone, credit=credit)


def number(value: float, *, decimals: int) -> str:
    """Write a number with that many decimals, in groups of three digits."""
    return number_format(
        round(value, decimals), decimal_pos=decimals, use_l10n=True, force_grouping=True
    )


def property_text(value: Any, *, declared: Property | None = None) -> str:
    """Write the value of a property with its unit; an empty one is an empty text."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, int | float):
        # A year is a number that nobody cuts in groups of three.
        plain = declared is None or declared.key.endswith("year")
        text = (
            number_format(value, use_l10n=True, force_grouping=False)
            if plain
            else number_format(value, use_l10n=True, force_grouping=True)
        )
        symbol = "" if declared is None else declared.unit.symbol
        return f"{text}\u00a0{symbol}" if symbol else text
    if declared is not None and declared.kind is date:
        return _day_words(str(value))
    if declared is not None and declared.choices:
        return told(str(value))
    return str(value)


def _day_words(text: str) -> str:
    """Write a day that is stored as ISO 8601; what is not one is left as it is."""
    try:
        return date_format(date.fromisoformat(text[:10]), "j F Y")
    except ValueError:
        return text


def properties_of(
    stored: Mapping[str, Any], *, declared: AssetType | None
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Return declared properties in their order, and what the file held besides."""
    known = () if declared is None else declared.properties
    lines = [
        (told(item.label), property_text(stored.get(item.key), declared=item)) for item in known
    ]
    keys = {item.key for item in known}
    others = [
        (key.replace("_", " ").capitalize(), property_text(value))
        for key, value in sorted(stored.items())
        if key not in keys and not isinstance(value, dict | list)
    ]
    return (
        tuple((label, text) for label, text in lines if text),
        tuple((label, text) for label, text in others if text),
    )


def field_label(key: str, *, declared: AssetType | None) -> str:
    """Return the name of a field of an asset's history."""
    if key in FIELDS:
        return str(FIELDS[key])
    plain = key.removeprefix("properties.")
    for item in () if declared is None else declared.properties:
        if item.key == plain:
            return told(item.label)
    return plain.replace("_", " ").capitalize()


def duration_words(length: timedelta) -> str:
    """Say a length of time in its largest whole unit."""
    seconds = int(length.total_seconds())
    if seconds >= 172_800 and seconds % 86_400 == 0:
        return ngettext("%(n)d day", "%(n)d days", seconds // 86_400) % {"n": seconds // 86_400}
    if seconds >= 3_600 and seconds % 3_600 == 0:
        return ngettext("%(n)d hour", "%(n)d hours", seconds // 3_600) % {"n": seconds // 3_600}
    return ngettext("%(n)d minute", "%(n)d minutes", seconds // 60) % {"n": seconds // 60}


def when_words(moment: datetime, *, step: Step) -> str:
    """Write the start of a line of a table: an hour, a day or a month of Paris."""
    forms = {Step.HOUR: "D j N, H:i", Step.DAY: "l j F", Step.MONTH: "F Y"}
    return date_format(localtime(moment), forms.get(step, "D j N, H:i"))
