"""Forms of the import pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from beffroi.city.assets.api import MAX_UPLOAD, ImportPreview
from beffroi.city.assets.contracts import TO_KEY, TO_NAME, TO_NOTHING, TO_OWN_NAME, TO_PARENT
from beffroi.sdk.declarations import AssetType

TARGET_LABELS = (
    (TO_OWN_NAME, _("Keep under its own name")),
    (TO_NOTHING, _("Leave out")),
    (TO_KEY, _("Identifier")),
    (TO_NAME, _("Name")),
    (TO_PARENT, _("Identifier of the parent")),
)
COLUMN = "colonne-"
TypeGroups = Sequence[tuple[str, Sequence[tuple[str, str]]]]


class FileForm(forms.Form):
    """A file and what its rows are."""

    type_key = forms.ChoiceField(label=_("Type of asset"))
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV, Excel, OpenDocument, GeoJSON, Shapefile (zipped), GeoPackage or KML."),
    )

    def __init__(self, *args: Any, types: TypeGroups, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["type_key"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared just above
        field.choices = [("", _("Choose a type")), *types]

    def clean_file(self) -> Any:
        """Refuse a file that is too large before it is kept."""
        file = self.cleaned_data["file"]
        if file.size > MAX_UPLOAD:
            raise forms.ValidationError(
                _("The file is larger than %(limit)s MB: cut it in several files.")
                % {"limit": MAX_UPLOAD // (1024 * 1024)}
            )
        return file


class MappingForm(forms.Form):
    """Where each column goes, and what holds for all rows."""

    attribution = forms.CharField(
        label=_("Credit"),
        help_text=_("Whom to name as the source, for example “City of Montpellier, Open Licence”."),
        max_length=300,
        required=False,
    )

    def __init__(
        self, *args: Any, preview: ImportPreview, declared: AssetType, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        targets = [
            *TARGET_LABELS,
            (_("Facts of this type"), [(item.key, _(item.label)) for item in declared.properties]),
        ]
        self._columns = [column.column for column in preview.columns]
        for rank, column in enumerate(preview.columns):
            self.fields[f"{COLUMN}{rank}"] = forms.ChoiceField(
                label=column.label, choices=targets, initial=column.target, required=False
            )

    def mapping(self) -> dict[str, str]:
        """Return column to target, as the person left them."""
        return {
            column: self.cleaned_data[f"{COLUMN}{rank}"]
            for rank, column in enumerate(self._columns)
            if self.cleaned_data.get(f"{COLUMN}{rank}")
        }

    def column_fields(self) -> list[forms.BoundField]:
        """Return the fields of the columns, in the order of the file."""
        return [self[f"{COLUMN}{rank}"] for rank in range(len(self._columns))]
