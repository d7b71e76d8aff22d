"""The installation's library: looking for a model, seeing its codec, adopting it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from beffroi.city.codecs import api
from beffroi.city.codecs.web.forms import LibraryForm
from beffroi.city.codecs.web.requests import fault_sentence, may_manage, shown_results, who
from beffroi.foundation.accounts.api import agent
from beffroi.kernel.errors import BeffroiError, NotFound

FOUND = 60
RUN_EXAMPLES = 30


@agent("sources.see")
@require_safe
def library_page(request: HttpRequest, territory: str) -> HttpResponse:
    """Look for a model in the library."""
    text = request.GET.get("q", "").strip()
    context = {
        "form": LibraryForm(request.GET or None),
        "text": text,
        "found": api.library_search(text, limit=FOUND + 1)[:FOUND],
        "count": api.library_count(),
        "limit": FOUND,
        "crumbs": _crumbs(territory, None),
    }
    return render(request, "codecs/library.html", context)


@agent("sources.see")
@require_http_methods(["GET", "HEAD", "POST"])
def library_model(request: HttpRequest, territory: str, library_model: UUID) -> HttpResponse:
    """Show a model of the library with its codec, run its examples, and adopt it."""
    try:
        hit, script, examples = api.library_get(library_model)
    except NotFound as error:
        raise Http404 from error
    if request.method == "POST":
        if not may_manage(request):
            raise PermissionDenied
        return _adopt(request, territory, hit)
    uplinks = [item for item in examples if _is_uplink(item)][:RUN_EXAMPLES]
    check = api.script_check(script, uplinks)
    context = {
        "hit": hit,
        "source": script.source,
        "results": shown_results(check.results),
        "passed": check.passed,
        "fault": fault_sentence(check),
        "may_manage": may_manage(request),
        "crumbs": _crumbs(territory, hit.title),
    }
    return render(request, "codecs/library_model.html", context)


def _adopt(request: HttpRequest, territory: str, hit: api.LibraryHit) -> HttpResponse:
    try:
        with transaction.atomic():
            model = api.model_create(
                name=hit.name[:120],
                vendor=hit.vendor,
                codec_key=hit.codec_key,
                library_model=hit.uuid,
                **who(request),
            )
    except BeffroiError as error:
        messages.error(request, error.told(_))
        return HttpResponseRedirect(request.path)
    messages.success(request, _("The model is adopted: say which devices are of it."))
    return HttpResponseRedirect(
        reverse("ingest:model", kwargs={"territory": territory, "model": model.uuid})
    )


def _is_uplink(example: object) -> bool:
    function = example.get("function", "decodeUplink") if isinstance(example, dict) else ""
    return function == "decodeUplink"


def _crumbs(territory: str, last: str | None) -> list[tuple[str, str | None]]:
    library = reverse("codecs:library", kwargs={"territory": territory})
    found: list[tuple[str, str | None]] = [
        (_("Codecs"), reverse("codecs:scripts", kwargs={"territory": territory}))
    ]
    if last is None:
        return [*found, (_("Library"), None)]
    return [*found, (_("Library"), library), (last, None)]
