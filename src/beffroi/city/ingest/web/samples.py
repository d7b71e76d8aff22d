"""A sample of a source: what would be understood of it, and the mapping that reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from beffroi.city.ingest import api
from beffroi.city.ingest.samples import (
    SamplePreview,
    sample_examine,
    sample_preview,
    sample_type,
)
from beffroi.city.ingest.web.requests import TONES, shown_readings, status_label, who
from beffroi.city.ingest.web.sample_form import (
    MeasureFormSet,
    MeasureRows,
    PartsForm,
    SampleForm,
    mapping_setting,
    measures_initial,
    parts_initial,
)
from beffroi.foundation.accounts.api import agent
from beffroi.kernel.errors import BeffroiError, NotFound
from beffroi.sdk.connectors import Connector, Sample, SampleField, SourceSetting
from beffroi.sdk.registry import connectors, measures

TRY, GUESS, SAVE = "essayer", "proposer", "enregistrer"


@dataclass(slots=True)
class _Editor:
    """The mapping on the page: its fields, and what stands in the sample."""

    parts: PartsForm
    rows: MeasureRows
    fields: tuple[SampleField, ...] = ()


@agent("sources.manage")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def source_sample(request: HttpRequest, territory: str, source: UUID) -> HttpResponse:
    """Paste a sample, see what would be understood, correct the mapping, save it."""
    view, connector = _found(source)
    form = SampleForm(request.POST or None, request.FILES or None, connector=connector)
    context: dict[str, Any] = {
        "source": view,
        "form": form,
        "crumbs": [
            (_("Sources"), reverse("ingest:sources", kwargs={"territory": territory})),
            (view.name, _address(territory, source)),
            (_("Try a sample"), None),
        ],
        "measures": sorted((key, _(one.label)) for key, one in measures().items()),
    }
    if request.method == "POST" and form.is_valid():
        try:
            done = _answer(request, context, form, view, connector)
        except (BeffroiError, forms.ValidationError) as error:
            form.add_error(None, error.told(_) if isinstance(error, BeffroiError) else error)
        else:
            if done:
                messages.success(request, _("The mapping is saved: it reads what comes from now."))
                return HttpResponseRedirect(_address(territory, source))
        # The text area shows what was read, the file's included; a file is not sent twice.
        form.data = {**request.POST.dict(), "sample": form.cleaned_data.get("sample", "")}
    return render(request, "ingest/sample.html", context)


def _answer(
    request: HttpRequest,
    context: dict[str, Any],
    form: SampleForm,
    view: api.SourceView,
    connector: Connector,
) -> bool:
    """Read the sample and fill the page; return whether the mapping was saved.

    Raises:
        BeffroiError: the sample or the mapping cannot be read.
        ValidationError: a measure stands twice.
    """
    row = api.source_row(view.uuid)
    text = form.cleaned_data["sample"]
    media = form.cleaned_data["content_type"] or sample_type(text, connector_key=connector.key)
    setting = mapping_setting(connector)
    act = request.POST.get("faire", TRY)
    settings: Mapping[str, Any] = view.settings
    if setting is not None:
        sample = sample_examine(row, text, content_type=media)
        editor, mapping = _editor(request, setting, view, sample, guess=act == GUESS)
        context["editor"] = editor
        if mapping is None:
            return False
        settings = {**view.settings, setting.key: mapping}
    preview = sample_preview(row, text, content_type=media, settings=settings)
    if act == SAVE and setting is not None:
        with transaction.atomic():
            api.source_update(
                view.uuid,
                name=view.name,
                settings=settings,
                default_codec=view.default_codec,
                **who(request),
            )
        return True
    context["preview"] = preview
    context["lines"] = _lines(preview)
    return False


def _editor(
    request: HttpRequest,
    setting: SourceSetting,
    view: api.SourceView,
    sample: Sample | None,
    *,
    guess: bool,
) -> tuple[_Editor, Mapping[str, Any] | None]:
    """Return the fields of the mapping, and the mapping that they say; None when they are wrong.

    The first look at a sample shows the source's own mapping, or a guess where it has none.
    """
    parts, fields = setting.parts, () if sample is None else sample.fields
    if "m-TOTAL_FORMS" in request.POST and not guess:
        editor = _Editor(
            PartsForm(request.POST, parts=parts), MeasureFormSet(request.POST, prefix="m"), fields
        )
        if not editor.parts.is_valid() or not editor.rows.is_valid():
            return editor, None
        mapping = editor.parts.declared()
        if found := editor.rows.declared():
            mapping["measures"] = found
        return editor, mapping
    kept = view.settings.get(setting.key)
    mapping = dict(kept) if isinstance(kept, Mapping) else {}
    if sample is not None and (guess or not mapping):
        mapping = dict(sample.settings.get(setting.key, {}))
    rows = MeasureFormSet(initial=measures_initial(mapping, fields), prefix="m")
    return _Editor(_shown_parts(parts, mapping), rows, fields), mapping


def _shown_parts(parts: Sequence[SourceSetting], mapping: Mapping[str, Any]) -> PartsForm:
    return PartsForm(parts=parts, initial=parts_initial(parts, mapping))


def _lines(preview: SamplePreview) -> list[dict[str, Any]]:
    return [
        {
            "row": row,
            "number": row.index + 1,
            "status_label": _("Row refused") if row.status is None else status_label(row.status),
            "tone": "alarm" if row.status is None else TONES[row.status],
            "readings": shown_readings(row.readings),
        }
        for row in preview.rows
    ]


def _found(source: UUID) -> tuple[api.SourceView, Connector]:
    try:
        view = api.source_get(source)
    except NotFound as error:
        raise Http404 from error
    connector = connectors().get(view.connector_key)
    if connector is None:
        raise Http404
    return view, connector


def _address(territory: str, source: UUID) -> str:
    return reverse("ingest:source", kwargs={"territory": territory, "source": source})
