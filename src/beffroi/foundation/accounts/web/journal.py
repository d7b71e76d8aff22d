"""The viewer of the audit log; here because it needs the access of the people's room."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from beffroi.foundation.accounts.access import agent
from beffroi.foundation.accounts.adapters import client_address
from beffroi.foundation.accounts.journal import AUDIT_EXPORTED, DETAIL_LABELS, actor_of
from beffroi.foundation.accounts.web.forms import JournalForm
from beffroi.foundation.accounts.web.requests import access_of, territory_of_page
from beffroi.foundation.audit.api import (
    AuditEntry,
    AuditFilter,
    audit_export,
    audit_page,
    audit_record,
    audit_verbs,
    audit_verify,
    verb_label,
)
from beffroi.kernel.clock import PARIS, now

HEADER = (
    "sequence",
    "at",
    "person",
    "verb",
    "action",
    "subject_kind",
    "subject",
    "detail",
    "network",
    "previous_hash",
    "hash",
)


@agent("audit.see")
@require_GET
def journal(request: HttpRequest, territory: str) -> HttpResponse:
    """Show the log, most recent first; the chain is verified when it is asked for."""
    form = _form(request)
    page = audit_page(form.wanted(), before=_before(request))
    rows = [(entry, verb_label(entry.verb), _detail(entry)) for entry in page.entries]
    query = request.GET.copy()
    query.pop("avant", None)
    query.pop("verifier", None)
    older = query.copy()
    if page.before is not None:
        older["avant"] = str(page.before)
    check = "verifier" in request.GET
    context = {
        "form": form,
        "rows": rows,
        "older": older.urlencode() if page.before is not None else "",
        "newest": query.urlencode() if "avant" in request.GET else "",
        "is_later_page": "avant" in request.GET,
        "chain": audit_verify(access_of(request).territory_id) if check else None,
        "csv_url": reverse("accounts:journal_csv", kwargs={"territory": territory})
        + (f"?{query.urlencode()}" if query else ""),
    }
    return render(request, "accounts/journal.html", context)


@agent("audit.see")
@require_GET
def journal_csv(request: HttpRequest, territory: str) -> StreamingHttpResponse:
    """Give the log as CSV, oldest first, whole or as filtered; the export is itself a line."""
    del territory
    wanted = _form(request).wanted()
    access = access_of(request)
    audit_record(
        AUDIT_EXPORTED,
        actor=actor_of(access),
        territory_id=access.territory_id,
        detail={"filter": request.GET.urlencode()},
        ip=client_address(request),
    )
    slug = territory_of_page(request).slug
    name = f"journal-{slug}-{localtime(now(), PARIS):%Y%m%d-%H%M}.csv"
    return StreamingHttpResponse(
        _lines(wanted),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, value: str) -> str:
        """Return the line."""
        return value


def _lines(wanted: AuditFilter) -> Iterator[str]:
    writer = csv.writer(_Echo())
    # The mark tells spreadsheets that the file is UTF-8.
    yield "\ufeff" + str(writer.writerow(HEADER))
    for entry in audit_export(wanted):
        yield str(
            writer.writerow(
                _safe(value)
                for value in (
                    entry.sequence,
                    entry.at.isoformat(),
                    entry.actor_name,
                    entry.verb,
                    str(verb_label(entry.verb)),
                    entry.subject_kind,
                    entry.subject_label,
                    json.dumps(dict(entry.detail), ensure_ascii=False, sort_keys=True),
                    entry.ip,
                    entry.previous_hash,
                    entry.hash,
                )
            )
        )


def _safe(value: object) -> object:
    """Keep a spreadsheet from reading a name as a formula."""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text[:1] in "=+-@\t\r" and text else value


def _form(request: HttpRequest) -> JournalForm:
    verbs = [(verb, str(verb_label(verb))) for verb in audit_verbs()]
    return JournalForm(request.GET, verbs=sorted(verbs, key=lambda pair: pair[1]))


def _before(request: HttpRequest) -> int | None:
    text = request.GET.get("avant", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _detail(entry: AuditEntry) -> str:
    parts = []
    for key, value in entry.detail.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        if shown not in ("", None):
            parts.append(_("{key}: {value}").format(key=DETAIL_LABELS.get(key, key), value=shown))
    return " · ".join(parts)
