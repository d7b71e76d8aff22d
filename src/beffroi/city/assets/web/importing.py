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
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from beffroi.city.assets import api
from beffroi.city.assets.journal import IMPORTED
from beffroi.city.assets.web.forms import FileForm, MappingForm, TypeGroups
from beffroi.city.assets.web.requests import access_of
from beffroi.foundation.accounts.access import agent
from beffroi.foundation.accounts.contracts import Access
from beffroi.foundation.audit.api import Actor, Subject, audit_record
from beffroi.kernel.errors import BeffroiError, NotFound
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
    proposed = api.import_preview(kept.content, name=kept.file_name, type_key=kept.type_key)
    form = MappingForm(request.POST or None, preview=proposed, declared=declared)
    preview = proposed
    if request.method == "POST" and form.is_valid():
        options = api.ImportOptions(attribution=form.cleaned_data["attribution"])
        try:
            if request.POST.get("action") == "import":
                report = api.import_run(
                    kept.content,
                    name=kept.file_name,
                    type_key=kept.type_key,
                    mapping=form.mapping(),
                    options=options,
                )
                api.upload_forget(upload)
                _tell_journal(access, report)
                return HttpResponseRedirect(_report_url(territory, report))
            preview = api.import_preview(
                kept.content,
                name=kept.file_name,
                type_key=kept.type_key,
                mapping=form.mapping(),
                options=options,
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
@require_safe
def show_report(request: HttpRequest, territory: str, run: UUID) -> HttpResponse:
    """Show what an import did."""
    report = _found(api.import_get, run)
    declared = asset_types().get(report.type_key)
    context = {
        "report": report,
        "type_label": report.type_key if declared is None else _(declared.label_plural),
        "counts": api.report_counts(report),
        "refusals": [_refusal(item) for item in report.refusals[:SHOWN_REFUSALS]],
        "more": report.refused + report.dropped > SHOWN_REFUSALS,
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
                *(_unarmed(str(shown[key])) for key in ("field", "value", "reason", "way_out")),
                shown["effect"],
            ]
        )
    return response


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
        "effect": _("Row left out") if item.whole else _("Value left out"),
        "whole": item.whole,
    }


def _map(preview: api.ImportPreview, territory: str) -> dict[str, object] | None:
    if preview.extent is None or not preview.sample_points:
        return None
    extent = preview.extent.expanded(margin=0.05)
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


def _tell_journal(access: Access, report: api.ImportReport) -> None:
    audit_record(
        IMPORTED,
        actor=Actor(user_id=access.user_id, name=access.user_name),
        territory_id=access.territory_id,
        subject=Subject(kind="import", uuid=report.uuid, label=report.file_name),
        detail={
            "type": report.type_key,
            "created": report.counts.created,
            "updated": report.counts.updated,
            "refused": report.refused,
        },
    )


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


def _unarmed(text: str) -> str:
    """Keep a spreadsheet from taking a value of the file for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
