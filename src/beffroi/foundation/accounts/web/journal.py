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
from beffroi.foundation.accounts.journal import AUDIT_EXPORTED, FACTOR_LABELS, actor_of
from beffroi.foundation.accounts.web.forms import JournalForm
from beffroi.foundation.accounts.web.requests import access_of, territory_of_page
from beffroi.foundation.accounts.web.rights import VERB_LABELS
from beffroi.foundation.audit.api import (
    AuditEntry,
    AuditFilter,
    ChainState,
    audit_export,
    audit_page,
    audit_record,
    audit_verbs,
    audit_verify,
    audit_verify_installation,
    detail_label,
    head_kept,
    verb_label,
)
from beffroi.foundation.files.writing import unarmed
from beffroi.kernel.clock import PARIS, now
from beffroi.sdk.registry import domains

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
def journal(request: HttpRequest, territory: str, *, own_accounts: bool = False) -> HttpResponse:
    """Show the log, most recent first; the chain is verified when it is asked for.

    ``own_accounts`` shows what the town's people did to their own account in its place: those
    lines belong to the installation's chain, of which a town reads those about its own people.
    """
    form = _form(request, own_accounts=own_accounts)
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
        "chain": _chain(access_of(request).territory_id, own=own_accounts) if check else None,
        "own_accounts": own_accounts,
        "tabs": [
            (label, reverse(f"accounts:{name}", kwargs={"territory": territory}), shown)
            for label, name, shown in (
                (_("The town"), "journal", not own_accounts),
                (_("Sign-ins and accounts"), "journal_accounts", own_accounts),
            )
        ],
        "csv_url": reverse(
            f"accounts:journal{'_accounts' if own_accounts else ''}_csv",
            kwargs={"territory": territory},
        )
        + (f"?{query.urlencode()}" if query else ""),
    }
    return render(request, "accounts/journal.html", context)


@agent("audit.see")
@require_GET
def journal_csv(
    request: HttpRequest, territory: str, *, own_accounts: bool = False
) -> StreamingHttpResponse:
    """Give the log as CSV, oldest first, whole or as filtered; the export is itself a line."""
    del territory
    wanted = _form(request, own_accounts=own_accounts).wanted()
    access = access_of(request)
    audit_record(
        AUDIT_EXPORTED,
        actor=actor_of(access),
        territory_id=access.territory_id,
        detail={"filter": request.GET.urlencode()},
        ip=client_address(request),
    )
    slug = territory_of_page(request).slug
    kind = "connexions" if own_accounts else "journal"
    name = f"{kind}-{slug}-{localtime(now(), PARIS):%Y%m%d-%H%M}.csv"
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
    return unarmed(value) if isinstance(value, str) else value


def _form(request: HttpRequest, *, own_accounts: bool) -> JournalForm:
    known = audit_verbs(own_accounts=own_accounts)
    verbs = sorted(((verb, str(verb_label(verb))) for verb in known), key=lambda pair: pair[1])
    return JournalForm(request.GET, verbs=verbs, own_accounts=own_accounts)


def _chain(territory_id: int, *, own: bool) -> ChainState:
    """Verify a chain, against the head kept outside the database where there is one."""
    if own:
        return audit_verify_installation(expected=head_kept(None))
    return audit_verify(territory_id, expected=head_kept(territory_id))


def _before(request: HttpRequest) -> int | None:
    text = request.GET.get("avant", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _detail(entry: AuditEntry) -> str:
    parts = []
    for key, value in entry.detail.items():
        several = value if isinstance(value, list) else [value]
        shown = ", ".join(str(_told(key, one)) for one in several if one not in ("", None))
        if shown:
            parts.append(_("{key}: {value}").format(key=detail_label(key), value=shown))
    return " · ".join(parts)


def _told(key: str, value: object) -> object:
    """Say rights and factors as the pages say them."""
    if key in {"given", "taken"} and isinstance(value, str):
        verb, _space, domain = value.partition(" ")
        label = str(VERB_LABELS.get(verb, verb))
        known = domains().get(domain)
        if domain in {"", "*"}:
            return label
        return f"{label} ({_(known.label) if known else domain})"
    if key == "kind":
        return FACTOR_LABELS.get(str(value), value)
    return value
