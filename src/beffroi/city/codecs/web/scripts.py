"""The scripts of a town: the list, one script, what its examples give, its versions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from beffroi.city.codecs import api
from beffroi.city.codecs.services import payload_of
from beffroi.city.codecs.web.forms import ScriptForm, TryForm
from beffroi.city.codecs.web.requests import (
    fault_sentence,
    may_manage,
    shown_json,
    shown_results,
    who,
)
from beffroi.foundation.accounts.api import agent
from beffroi.kernel.errors import BeffroiError, NotFound


@agent("sources.see")
@require_safe
def script_list(request: HttpRequest, **_where: str) -> HttpResponse:
    """List the scripts of the town, with what each did wrong of late."""
    trouble = api.troubles()
    context = {
        "scripts": [
            {
                "script": script,
                "trouble": trouble.get(script.reference),
                "models": api.models_of_codec(script.reference),
            }
            for script in api.scripts_list()
        ],
        "library_count": api.library_count(),
        "held": [item for item in trouble.values() if item.held_until is not None],
        "may_manage": may_manage(request),
    }
    return render(request, "codecs/scripts.html", context)


@agent("sources.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def script_new(request: HttpRequest, territory: str) -> HttpResponse:
    """Paste or send a script: it is tried before it is kept."""
    form = ScriptForm(request.POST or None, request.FILES or None)
    check: api.ScriptCheck | None = None
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        text = api.text_to_try(asked["source"], name=asked["name"])
        check = api.script_check(text, asked["examples"])
        if _keeps(request, form, check):
            try:
                with transaction.atomic():
                    script = api.script_create(
                        name=asked["name"],
                        source=asked["source"],
                        examples=asked["examples"],
                        passed=check.passed,
                        **who(request),
                    )
            except BeffroiError as error:
                _refuse(form, error)
            else:
                messages.success(request, _("The script is kept."))
                return _to(territory, script.uuid)
    return _form(request, territory, form, check, script=None)


@agent("sources.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def script_edit(request: HttpRequest, territory: str, script: UUID) -> HttpResponse:
    """Change a script: what is saved is a new version."""
    found = _found(script)
    initial = {
        "name": found.name,
        "source": found.source,
        "examples": shown_json(list(found.examples)) if found.examples else "",
    }
    form = ScriptForm(request.POST or None, request.FILES or None, initial=initial)
    check: api.ScriptCheck | None = None
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        text = api.text_to_try(asked["source"], name=asked["name"])
        check = api.script_check(text, asked["examples"])
        if _keeps(request, form, check):
            try:
                with transaction.atomic():
                    api.script_revise(
                        script,
                        name=asked["name"],
                        source=asked["source"],
                        examples=asked["examples"],
                        passed=check.passed,
                        **who(request),
                    )
            except BeffroiError as error:
                _refuse(form, error)
            else:
                messages.success(request, _("The script is kept."))
                return _to(territory, script)
    return _form(request, territory, form, check, script=found)


@agent("sources.see")
@require_http_methods(["GET", "HEAD", "POST"])
def script_page(request: HttpRequest, territory: str, script: UUID) -> HttpResponse:
    """Show a script, run its examples, and decode one frame with it."""
    found = _found(script)
    versions = api.script_versions(found.id)
    shown = next(
        (item for item in versions if str(item.version) == request.GET.get("version")), None
    )
    text = api.script_text(found.reference)
    form = TryForm(request.POST or None)
    tried: dict[str, Any] | None = None
    if request.method == "POST" and text is not None and form.is_valid():
        tried = _tried(text, form)
    check = api.ScriptCheck() if text is None or shown else api.script_check(text, found.examples)
    context = {
        "script": found,
        "shown": shown,
        "source": found.source if shown is None else shown.source,
        "versions": versions,
        "fault": fault_sentence(check),
        "results": shown_results(check.results),
        "passed": check.passed,
        "trouble": api.troubles().get(found.reference),
        "models": api.models_of_codec(found.reference),
        "form": form,
        "tried": tried,
        "may_manage": may_manage(request),
        "crumbs": _crumbs(territory, found.name),
    }
    return render(request, "codecs/script.html", context)


@agent("sources.manage")
@require_POST
def example_keep(request: HttpRequest, territory: str, script: UUID) -> HttpResponse:
    """Keep a frame and what the script gives for it now as an example."""
    found, form = _found(script), TryForm(request.POST)
    text = api.script_text(found.reference)
    if text is None or not form.is_valid():
        return _to(territory, script)
    try:
        payload = payload_of(form.cleaned_data["payload"])
        ran = api.script_try(text, payload=payload, f_port=form.cleaned_data["f_port"])
        if ran.data is None:
            messages.error(request, _("The script gives nothing for this frame."))
            return _to(territory, script)
        example = {
            "name": str(request.POST.get("name", ""))[:200],
            "input": {"bytes": payload.hex(), "fPort": form.cleaned_data["f_port"]},
            "expected": dict(ran.data),
        }
        with transaction.atomic():
            api.script_revise(
                script,
                name=found.name,
                source=found.source,
                examples=[*found.examples, example],
                passed=found.passed + 1,
                **who(request),
            )
    except BeffroiError as error:
        messages.error(request, error.told(_))
    else:
        messages.success(request, _("The example is kept."))
    return _to(territory, script)


@agent("sources.manage")
@require_POST
def script_resume(request: HttpRequest, territory: str, script: UUID) -> HttpResponse:
    """Put a script that was left aside back in use."""
    found = _found(script)
    with transaction.atomic():
        ended = api.hold_end(found.reference, label=found.name, **who(request))
    if ended:
        messages.success(request, _("The script is in use again."))
    return _to(territory, script)


@agent("sources.manage")
@require_POST
def script_delete(request: HttpRequest, territory: str, script: UUID) -> HttpResponse:
    """Take a script away that no model is read with."""
    _found(script)
    try:
        with transaction.atomic():
            api.script_remove(script, **who(request))
    except BeffroiError as error:
        messages.error(request, error.told(_))
        return _to(territory, script)
    messages.success(request, _("The script is removed; its versions are kept."))
    return HttpResponseRedirect(reverse("codecs:scripts", kwargs={"territory": territory}))


def _tried(text: api.ScriptText, form: TryForm) -> dict[str, Any] | None:
    try:
        payload = payload_of(form.cleaned_data["payload"])
    except BeffroiError as error:
        form.add_error("payload", error.told(_))
        return None
    ran = api.script_try(text, payload=payload, f_port=form.cleaned_data["f_port"])
    return {
        "given": shown_json(ran.data),
        "sentence": BeffroiError(ran.error, params=ran.params).told(_) if ran.error else "",
        "warnings": ran.warnings,
        "payload": payload.hex(" "),
        "f_port": form.cleaned_data["f_port"],
    }


def _keeps(request: HttpRequest, form: ScriptForm, check: api.ScriptCheck) -> bool:
    """Tell whether what was tried is to be kept; a script that cannot be read never is."""
    if check.fault:
        form.add_error("source", fault_sentence(check))
        return False
    return request.POST.get("faire") == "garder"


def _form(
    request: HttpRequest,
    territory: str,
    form: ScriptForm,
    check: api.ScriptCheck | None,
    *,
    script: api.ScriptView | None,
) -> HttpResponse:
    context = {
        "form": form,
        "script": script,
        "check": check,
        "results": [] if check is None else shown_results(check.results),
        "tried": check is not None and not check.fault,
        "crumbs": _crumbs(territory, _("Add a script") if script is None else script.name),
    }
    return render(request, "codecs/script_form.html", context)


def _refuse(form: ScriptForm, error: BeffroiError) -> None:
    field = getattr(error, "field", None)
    form.add_error(field if field in form.fields else None, error.told(_))


def _found(script: UUID) -> api.ScriptView:
    try:
        return api.script_get(script)
    except NotFound as error:
        raise Http404 from error


def _crumbs(territory: str, last: str) -> list[tuple[str, str | None]]:
    return [
        (_("Codecs"), reverse("codecs:scripts", kwargs={"territory": territory})),
        (last, None),
    ]


def _to(territory: str, script: UUID) -> HttpResponseRedirect:
    return HttpResponseRedirect(
        reverse("codecs:script", kwargs={"territory": territory, "script": script})
    )
