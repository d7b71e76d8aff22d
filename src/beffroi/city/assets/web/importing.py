"""The pages that import a file: choose it, check it, read what was done."""

from __future__ import annotations

import csv
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from beffroi.city.assets import api
from beffroi.city.assets.web.forms import FileForm, MappingForm, TypeGroups
from beffroi.city.assets.web.requests import access_of
from beffroi.foundation.accounts.access import agent
from beffroi.foundation.accounts.api import departments
from beffroi.foundation.accounts.contracts import Access
from beffroi.foundation.files.writing import unarmed
from beffroi.kernel.errors import BeffroiError, NotFound
from beffroi.kernel.geometry import BoundingBox
from beffroi.sdk.declarations import AssetType
from beffroi.sdk.registry import asset_types, domain_of, domains

SHOWN_REFUSALS = 100
SHOWN_COLUMNS = 8


@agent("assets.import")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def choose_file(request: HttpRequest, territory: str) -> HttpResponse:
    """Choose a file and what it holds; then go and check it."""
    access = access_of(request)
    form = FileForm(
        request.POST or None,
        request.FILES or None,
        types=_allowed_types(access),
        initial={"type_key": request.GET.get("type", "")},
    )
    if request.method == "POST" and form.is_valid():
        file, type_key = form.cleaned_data["file"], form.cleaned_data["type_key"]
        content = file.read()
        try:
            # Looked at before it is kept, so that a file nobody can read is told about here.
            api.import_preview(content, name=file.name, type_key=type_key)
            upload = api.upload_keep(content, name=file.name, type_key=type_key)
        except BeffroiError as error:
            form.add_error("file", _sentence(error))
        else:
            return HttpResponseRedirect(
                reverse("assets:import_check", kwargs={"territory": territory, "upload": upload})
            )
    context = {
        "form": form,
        "recent": [_line(report, territory) for report in api.imports_recent()],
        "steps": _steps(),
        "crumbs": [(_("Import assets"), None)],
    }
    return render(request, "assets/import_file.html", context)


@agent("assets.import")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def check_file(request: HttpRequest, territory: str, upload: UUID) -> HttpResponse:
    """Show what was found and where columns go; check again, or import."""
    access = access_of(request)
    kept = _found(api.upload_get, upload)
    declared = _allowed_type(access, kept.type_key)
    former = api.import_latest(type_key=kept.type_key, file_name=kept.file_name)
    preview = api.import_preview(kept.content, name=kept.file_name, type_key=kept.type_key)
    form = MappingForm(
        request.POST or None,
        preview=preview,
        declared=declared,
        departments=[(card.id, card.name) for card in departments()],
        former_files=api.files_of_type(kept.type_key),
        may_remove=access.can("assets.delete", domain=domain_of(kept.type_key).key),
        former=None if former is None else former.options,
    )
    if request.method == "POST" and form.is_valid():
        try:
            if request.POST.get("action") in {"import", "try"}:
                # Who asks that absent assets be marked or removed is shown them first.
                options = form.options()
                trial = request.POST["action"] == "try" or options.absent is not api.Absent.KEEP
                report = api.import_start(
                    upload, mapping=form.mapping(), options=options, trial=trial
                )
                return HttpResponseRedirect(_report_url(territory, report))
            preview = api.import_preview(
                kept.content,
                name=kept.file_name,
                type_key=kept.type_key,
                mapping=form.mapping(),
                options=form.options(),
            )
        except BeffroiError as error:
            form.add_error(None, _sentence(error))
    context = {
        "form": form,
        "preview": preview,
        "declared": declared,
        "type_label": _(declared.label_plural),
        "columns": list(zip(form.column_fields(), preview.columns, strict=True)),
        "heads": [column.label for column in preview.columns[:SHOWN_COLUMNS]],
        "rows": [
            [row.get(column.column, "") for column in preview.columns[:SHOWN_COLUMNS]]
            for row in preview.first_rows
        ],
        "refusals": [_refusal(item) for item in preview.refusals[:SHOWN_REFUSALS]],
        "map": _map(preview, territory),
        "steps": _steps(),
        "crumbs": [
            (_("Import assets"), reverse("assets:import", kwargs={"territory": territory})),
            (kept.file_name, None),
        ],
    }
    return render(request, "assets/import_check.html", context)


@agent("assets.import")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_report(request: HttpRequest, territory: str, run: UUID) -> HttpResponse:
    """Show what an import did, is doing or would do; a trial can be done for good from here."""
    report: api.ImportReport = _found(api.import_get, run)
    refused = ""
    if request.method == "POST":
        try:
            return HttpResponseRedirect(_report_url(territory, _confirmed(request, report)))
        except BeffroiError as error:
            refused = _sentence(error)
    declared = asset_types().get(report.type_key)
    kept = report.upload is not None and report.dry_run
    context = {
        "report": report,
        "refused": refused,
        "failure": _failure(report),
        "absent_words": _ABSENT_WORDS[report.options.absent],
        "check_url": reverse(
            "assets:import_check", kwargs={"territory": territory, "upload": report.upload}
        )
        if kept
        else "",
        "type_label": report.type_key if declared is None else _(declared.label_plural),
        "counts": api.report_counts(report),
        "refusals": [_refusal(item) for item in report.refusals[:SHOWN_REFUSALS]],
        "more": report.refused + report.dropped + report.doubts > SHOWN_REFUSALS,
        "csv_url": reverse("assets:import_refusals", kwargs={"territory": territory, "run": run}),
        "again_url": reverse("assets:import", kwargs={"territory": territory}),
        "steps": _steps(),
        "crumbs": [
            (_("Import assets"), reverse("assets:import", kwargs={"territory": territory})),
            (report.file_name, None),
        ],
    }
    return render(request, "assets/import_report.html", context)


@agent("assets.import")
@require_safe
def refusals_csv(request: HttpRequest, territory: str, run: UUID) -> HttpResponse:
    """Send the refused rows as a table that a spreadsheet opens."""
    del request, territory
    report = _found(api.import_get, run)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="refus.csv"'
    response.write("\ufeff")
    writer = csv.writer(response, delimiter=";")
    writer.writerow([_("Row"), _("Column"), _("Value"), _("Reason"), _("What to do"), _("Effect")])
    for item in report.refusals:
        shown = _refusal(item)
        writer.writerow(
            [
                shown["row"],
                *(unarmed(str(shown[key])) for key in ("field", "value", "reason", "way_out")),
                shown["effect"],
            ]
        )
    return response


_ABSENT_WORDS = {
    api.Absent.KEEP: "",
    api.Absent.CHECK: _lazy("These assets are not in the file and are marked “to check”:"),
    api.Absent.REMOVE: _lazy("These assets are not in the file and are taken out of service:"),
}


def _confirmed(request: HttpRequest, report: api.ImportReport) -> api.ImportReport:
    """Do for good what a trial showed.

    Raises:
        BeffroiError: the file is gone, or the register changed since the trial.
    """
    access = access_of(request)
    _allowed_type(access, report.type_key)
    if not report.dry_run or report.upload is None or report.finished_at is None:
        raise Http404
    removes = report.options.absent is api.Absent.REMOVE
    if removes and not access.can("assets.delete", domain=domain_of(report.type_key).key):
        raise PermissionDenied
    return api.import_start(
        report.upload,
        mapping=report.chosen,
        options=report.options,
        expected_absent=report.absent.count,
    )


def _failure(report: api.ImportReport) -> str:
    if not report.failure:
        return ""
    fields = _Blanks(
        {
            key.removeprefix("param_"): value
            for key, value in report.failure.items()
            if key.startswith("param_")
        }
    )
    parts = (report.failure.get(key, "") for key in ("message", "way_out"))
    return " ".join(_(text).format_map(fields) for text in parts if text)


def _allowed_types(access: Access) -> TypeGroups:
    return [
        (_(domain.label), [(item.key, _(item.label_plural)) for item in domain.asset_types])
        for domain in domains().values()
        if access.can("assets.import", domain=domain.key)
    ]


def _allowed_type(access: Access, type_key: str) -> AssetType:
    declared = asset_types().get(type_key)
    if declared is None:
        raise Http404
    if not access.can("assets.import", domain=domain_of(type_key).key):
        raise PermissionDenied
    return declared


def _found(read: Any, uuid: UUID) -> Any:
    try:
        return read(uuid)
    except NotFound as error:
        raise Http404 from error


def _refusal(item: api.RowRefusal) -> dict[str, object]:
    return {
        "row": item.row,
        "field": item.field,
        "value": item.value,
        "reason": api.refusal_reason(item),
        "way_out": api.refusal_way_out(item),
        "effect": _effect(item),
        "whole": item.whole,
    }


def _effect(item: api.RowRefusal) -> str:
    if item.doubt:
        return _("Imported, to be looked at")
    return _("Row left out") if item.whole else _("Value left out")


def _map(preview: api.ImportPreview, territory: str) -> dict[str, object] | None:
    if not preview.sample_points:
        return None
    # Of the rows that are taken: one refused for a latitude of 99 would leave no map at all.
    lons, lats = zip(*preview.sample_points, strict=True)
    extent = BoundingBox(min(lons), min(lats), max(lons), max(lats)).expanded(margin=0.05)
    tile = reverse("basemap:tile", kwargs={"territory": territory, "z": 0, "x": 0, "y": 0})
    return {
        "base_tiles": tile.replace("/0/0/0.mvt", "/{z}/{x}/{y}.mvt"),
        "base_minzoom": 10,
        "base_maxzoom": 15,
        "bounds": [extent.west, extent.south, extent.east, extent.north],
        "domains": [],
        "shape": {"type": "MultiPoint", "coordinates": [list(p) for p in preview.sample_points]},
        "interactive": False,
    }


def _line(report: api.ImportReport, territory: str) -> dict[str, object]:
    declared = asset_types().get(report.type_key)
    return {
        "report": report,
        "type_label": report.type_key if declared is None else _(declared.label_plural),
        "url": _report_url(territory, report),
    }


def _report_url(territory: str, report: api.ImportReport) -> str:
    return reverse("assets:import_report", kwargs={"territory": territory, "run": report.uuid})


def _steps() -> list[str]:
    return [_("File"), _("Columns"), _("Result")]


def _sentence(error: BeffroiError) -> str:
    fields = _Blanks(error.params)
    parts = (text for text in (error.message, error.way_out) if text)
    return " ".join(_(text).format_map(fields) for text in parts)


class _Blanks(dict[str, object]):
    """Leaves an unknown field blank: an error must never fail to be told."""

    def __missing__(self, key: str) -> str:
        return "…"
