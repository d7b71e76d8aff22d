"""The form of a sample: what is pasted, and the mapping that would read it, part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from beffroi.city.ingest.samples import SAMPLE_OCTETS
from beffroi.foundation.files.reading.encodings import find_encoding
from beffroi.sdk.connectors import Connector, SampleField, SourceSetting

PART = "part_"
PATHS, MEASURES = "sample-paths", "known-measures"
"""Identifiers of the lists that fields suggest from."""

MAX_ROWS = 200
BLANK_ROWS = 3
FILE_OCTETS = 8 * 1024 * 1024

_TYPE_LABELS = {
    "application/json": _("JSON"),
    "application/x-ndjson": _("JSON, one object a line"),
    "text/csv": _("CSV"),
    "text/tab-separated-values": _("CSV with tabulations"),
    "application/geo+json": _("GeoJSON"),
    "application/xml": _("XML"),
    "text/xml": _("XML"),
}


class SampleForm(forms.Form):
    """Some messages of a sender, pasted or in a file."""

    sample = forms.CharField(
        label=_("Sample"),
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        required=False,
        max_length=SAMPLE_OCTETS,
        strip=False,
        help_text=_("A few messages as the sender writes them. Nothing is stored."),
    )
    file = forms.FileField(
        label=_("Or a file"),
        required=False,
        help_text=_("Its beginning replaces what is pasted above."),
    )
    content_type = forms.ChoiceField(label=_("Form"), required=False)

    def __init__(self, *args: Any, connector: Connector, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [
            (media, _TYPE_LABELS[media])
            for media in connector.content_types
            if media in _TYPE_LABELS
        ]
        field = self.fields["content_type"]
        field.choices = [("", gettext("To be found")), *known]  # type: ignore[attr-defined]  # a ChoiceField

    def clean(self) -> dict[str, Any]:
        """Take the beginning of the file where there is one.

        Returns:
            The cleaned values, the sample as text.
        """
        found: dict[str, Any] = super().clean() or self.cleaned_data
        upload = found.get("file")
        if upload:
            octets = upload.read(SAMPLE_OCTETS + 1)
            if len(octets) > SAMPLE_OCTETS:  # rather a row less than half a row
                octets = octets[:SAMPLE_OCTETS].rpartition(b"\n")[0] or octets[:SAMPLE_OCTETS]
            encoding = find_encoding(octets)
            found["sample"] = encoding.decode(octets)
        text = str(found.get("sample") or "").replace("\x00", "\ufffd")
        if not text.strip():
            raise forms.ValidationError(gettext("Paste a sample, or choose a file."))
        found["sample"] = text
        return found


class MeasureRow(forms.Form):
    """One measure: where it stands, what it is, and how its number is brought to its unit."""

    path = forms.CharField(label=_("Where it stands"), max_length=300, required=False)
    key = forms.CharField(label=_("Measure"), max_length=63, required=False)
    unit = forms.CharField(label=_("Unit of the sender"), max_length=30, required=False)
    factor = forms.FloatField(label=_("Factor"), required=False)
    offset = forms.FloatField(label=_("Offset"), required=False)
    words = forms.CharField(label=_("Words"), max_length=1_000, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, bound in self.fields.items():
            bound.widget.attrs["aria-label"] = bound.label
            if name in {"path", "key"}:
                bound.widget.attrs["list"] = PATHS if name == "path" else MEASURES
            if name in {"factor", "offset"}:
                bound.widget.attrs["step"] = "any"

    def declared(self) -> tuple[str, Any] | None:
        """Return the measure and where it stands, or None for a row that is left empty."""
        given = self.cleaned_data
        key, path = given.get("key", ""), given.get("path", "")
        if not key or not path:
            return None
        where: dict[str, Any] = {"path": path}
        for name in ("factor", "offset"):
            if given.get(name) is not None:
                where[name] = given[name]
        if given.get("unit"):
            where["unit"] = given["unit"]
        words = words_of(given.get("words", ""))
        if words:
            where["words"] = words
        return key, where if len(where) > 1 else path


if TYPE_CHECKING:
    _Rows = BaseFormSet[MeasureRow]
else:
    _Rows = BaseFormSet  # generic for the type checker alone


class MeasureRows(_Rows):
    """The rows of measures; no measure stands twice."""

    def declared(self) -> dict[str, Any]:
        """Return every measure with where it stands.

        Raises:
            ValidationError: a measure stands twice.
        """
        found: dict[str, Any] = {}
        for row in self.forms:
            one = row.declared()
            if one is None:
                continue
            if one[0] in found:
                raise forms.ValidationError(
                    gettext("The measure %(key)s stands twice.") % {"key": one[0]}
                )
            found[one[0]] = one[1]
        return found


MeasureFormSet = cast(
    "type[MeasureRows]",
    formset_factory(
        MeasureRow, formset=MeasureRows, extra=0, max_num=MAX_ROWS, absolute_max=MAX_ROWS
    ),
)


class PartsForm(forms.Form):
    """The parts of a mapping other than its measures."""

    def __init__(self, *args: Any, parts: Sequence[SourceSetting], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parts = [part for part in parts if part.kind != "measures"]
        for part in self.parts:
            self.fields[PART + part.key] = _part_field(part)

    def declared(self) -> dict[str, Any]:
        """Return the parts that say something else than their default."""
        return {
            part.key: value
            for part in self.parts
            if (value := self.cleaned_data[PART + part.key]) != part.default
        }


def mapping_setting(connector: Connector) -> SourceSetting | None:
    """Return the setting of a connector that is a mapping, or None."""
    return next((one for one in connector.settings if one.kind == "mapping"), None)


def parts_initial(parts: Sequence[SourceSetting], mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the form of parts shows of a mapping."""
    return {PART + part.key: mapping.get(part.key, part.default) for part in parts}


def measures_initial(
    mapping: Mapping[str, Any], fields: Sequence[SampleField]
) -> list[dict[str, Any]]:
    """Return the rows of a mapping's measures, then the numbers of the sample that are left."""
    declared = mapping.get("measures")
    rows: list[dict[str, Any]] = []
    for key, where in (declared if isinstance(declared, Mapping) else {}).items():
        whole = where if isinstance(where, Mapping) else {"path": where}
        words = whole.get("words")
        rows.append({**whole, "key": key, "words": words_text(words or {})})
    used = {row["path"] for row in rows} | {
        value for value in mapping.values() if isinstance(value, str)
    }
    rows += [{"path": one.path} for one in fields if one.is_number and one.path not in used]
    return [*rows, *({} for _rank in range(BLANK_ROWS))][:MAX_ROWS]


def words_of(text: str) -> dict[str, float]:
    """Read ``open = 1, closed = 0``; what has another form is left out."""
    found: dict[str, float] = {}
    for part in text.split(","):
        word, _sign, number = part.rpartition("=")
        try:
            found[word.strip()] = float(number)
        except ValueError:
            continue
    return {word: number for word, number in found.items() if word}


def words_text(words: Mapping[str, Any]) -> str:
    """Write words and their numbers as :func:`words_of` reads them."""
    return ", ".join(f"{word} = {number:g}" for word, number in words.items())


def _part_field(part: SourceSetting) -> forms.Field:
    options: dict[str, Any] = {
        "label": gettext(part.label),
        "help_text": gettext(part.help) if part.help else "",
        "required": False,
    }
    if part.kind == "choice":
        choices = [(value, gettext(label)) for value, label in part.choices]
        return forms.ChoiceField(choices=choices, **options)
    widget = forms.TextInput(attrs={"list": PATHS} if part.kind == "path" else {})
    return forms.CharField(widget=widget, max_length=300, **options)
