"""Forms of the import pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from beffroi.city.assets.api import (
    LICENCES,
    MAX_UPLOAD,
    Absent,
    ImportOptions,
    ImportPreview,
    Origin,
)
from beffroi.city.assets.import_contracts import TO_KEY, TO_NAME, TO_NOTHING, TO_OWN_NAME, TO_PARENT
from beffroi.sdk.declarations import AssetType

TARGET_LABELS = (
    (TO_OWN_NAME, _("Keep under its own name")),
    (TO_NOTHING, _("Leave out")),
    (TO_KEY, _("Identifier")),
    (TO_NAME, _("Name")),
    (TO_PARENT, _("Identifier of the parent")),
)
ORIGINS = (
    (Origin.UNSTATED.value, _("Not stated")),
    (Origin.REAL.value, _("Real: surveyed or measured here")),
    (Origin.REPLAYED.value, _("Replayed: real, but of elsewhere or another time")),
    (Origin.SIMULATED.value, _("Simulated: made up")),
)
ABSENT_LABELS = (
    (Absent.KEEP.value, _("Keep them as they are")),
    (Absent.CHECK.value, _("Keep them, marked “to check”")),
    (Absent.REMOVE.value, _("Take them out of service (they can be put back)")),
)
COLUMN = "colonne-"
TypeGroups = Sequence[tuple[str, Sequence[tuple[str, str]]]]


class FileForm(forms.Form):
    """A file and what its rows are."""

    type_key = forms.ChoiceField(label=_("Type of asset"))
    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "CSV, Excel, OpenDocument, GeoJSON, Shapefile (zipped), GeoPackage, KML or GPX."
        ),
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
        help_text=_("Whom to name as the source, for example “City of Montpellier”."),
        max_length=200,
        required=False,
    )
    licence = forms.CharField(
        label=_("Licence"),
        help_text=_("Under which the data may be used, as the portal states it."),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"list": "licences"}),
    )
    origin = forms.ChoiceField(label=_("Origin"), choices=ORIGINS, required=False)
    department = forms.TypedChoiceField(
        label=_("Department in charge"),
        help_text=_("Of the assets that the import creates; those already known keep theirs."),
        coerce=int,
        empty_value=None,
        required=False,
    )
    absent = forms.ChoiceField(
        label=_("Assets that the file no longer names"),
        help_text=_("You are shown how many there are, and which, before anything is done."),
        required=False,
        initial=Absent.KEEP.value,
    )
    absent_of = forms.ChoiceField(
        label=_("Compare with"),
        help_text=_("What was added by hand is never meant."),
        required=False,
    )

    def __init__(
        self,
        *args: Any,
        preview: ImportPreview,
        declared: AssetType,
        departments: Sequence[tuple[int, str]] = (),
        former_files: Sequence[str] = (),
        may_remove: bool = False,
        former: ImportOptions | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.licences = LICENCES
        self._offer("department", [("", _("None")), *departments])
        self._offer("absent", ABSENT_LABELS if may_remove else ABSENT_LABELS[:2])
        self._offer(
            "absent_of",
            [("", _("All files of this type")), *((name, name) for name in former_files)],
        )
        if not departments:
            del self.fields["department"]
        if not former_files:
            # Nothing came from a file yet: nothing can be missing from this one.
            del self.fields["absent"], self.fields["absent_of"]
        if former is not None:
            for name in ("attribution", "licence", "origin", "absent"):
                self.initial[name] = str(getattr(former, name))
        if preview.file_name in former_files:
            self.initial["absent_of"] = preview.file_name
        targets = [
            *TARGET_LABELS,
            (_("Facts of this type"), [(item.key, _(item.label)) for item in declared.properties]),
        ]
        self._columns = [column.column for column in preview.columns]
        for rank, column in enumerate(preview.columns):
            self.fields[f"{COLUMN}{rank}"] = forms.ChoiceField(
                label=column.label,
                # The position is read from it: to leave it out says that it has no other use.
                choices=[
                    (key, _("Position")) if column.places and key == TO_NOTHING else (key, label)
                    for key, label in targets
                ],
                initial=column.target,
                required=False,
            )

    def mapping(self) -> dict[str, str]:
        """Return column to target, as the person left them."""
        return {
            column: self.cleaned_data[f"{COLUMN}{rank}"]
            for rank, column in enumerate(self._columns)
            if self.cleaned_data.get(f"{COLUMN}{rank}")
        }

    def options(self) -> ImportOptions:
        """Return what holds for all rows."""
        given = self.cleaned_data
        return ImportOptions(
            attribution=given["attribution"],
            licence=given["licence"],
            origin=given["origin"],
            department_id=given.get("department"),
            absent=Absent(given.get("absent") or Absent.KEEP),
            absent_of=given.get("absent_of") or "",
        )

    def general_fields(self) -> list[forms.BoundField]:
        """Return the fields that hold for all rows."""
        names = ("attribution", "licence", "origin", "department", "absent", "absent_of")
        return [self[name] for name in names if name in self.fields]

    def _offer(self, name: str, choices: Sequence[Any]) -> None:
        cast("forms.ChoiceField", self.fields[name]).choices = list(choices)

    def column_fields(self) -> list[forms.BoundField]:
        """Return the fields of the columns, in the order of the file."""
        return [self[f"{COLUMN}{rank}"] for rank in range(len(self._columns))]
