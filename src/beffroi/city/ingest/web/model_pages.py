"""Device models: the list, one model with its codec and its devices, what its values measure."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from beffroi.city.assets.api import devices_page, devices_per_model, devices_unmodelled
from beffroi.city.codecs.api import (
    FieldRule,
    Guess,
    ModelView,
    hold_end,
    model_create,
    model_get,
    model_update,
    models_list,
    troubles,
)
from beffroi.city.ingest import device_models
from beffroi.city.ingest.device_models import FieldSeen
from beffroi.city.ingest.web.forms import DeviceFilterForm
from beffroi.city.ingest.web.model_forms import (
    FieldForm,
    GiveForm,
    ModelForm,
    NewFieldForm,
    measure_choices,
    rule_initial,
)
from beffroi.city.ingest.web.requests import access_of, codec_label, codec_url, measure_label, who
from beffroi.foundation.accounts.api import agent
from beffroi.kernel.errors import BeffroiError, NotFound

SHOWN_DEVICES = 50
MAX_LINES = 300
NEW = "nouveau"


@agent("sources.see")
@require_safe
def model_list(request: HttpRequest, territory: str) -> HttpResponse:
    """List the device models of the town."""
    counts = devices_per_model()
    text = request.GET.get("q", "")
    context = {
        "models": [
            {
                "model": model,
                "codec": codec_label(model.codec_key),
                "devices": counts.get(model.id, 0),
                "measures": [
                    measure_label(key)
                    for key in sorted({r.measure for r in model.fields.rules.values()} - {""})
                ],
            }
            for model in models_list(text=text)
        ],
        "form": DeviceFilterForm(request.GET or None),
        "may_manage": _may_manage(request),
        "crumbs": _crumbs(territory, None),
    }
    return render(request, "ingest/models.html", context)


@agent("sources.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def model_new(request: HttpRequest, territory: str) -> HttpResponse:
    """Describe a kind of device."""
    form = ModelForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                model = model_create(**form.cleaned_data, **who(request))
        except BeffroiError as error:
            _refuse(form, error)
        else:
            messages.success(request, _("The model is added: say which devices are of it."))
            return _to(territory, model.uuid)
    context = {"form": form, "model": None, "crumbs": _crumbs(territory, _("Add a model"))}
    return render(request, "ingest/model_form.html", context)


@agent("sources.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def model_edit(request: HttpRequest, territory: str, model: UUID) -> HttpResponse:
    """Change what a model is called, and its codec."""
    found = _found(model)
    initial = {"name": found.name, "vendor": found.vendor, "codec_key": found.codec_key}
    form = ModelForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                model_update(model, **form.cleaned_data, **who(request))
        except BeffroiError as error:
            _refuse(form, error)
        else:
            messages.success(request, _("The model is changed. New messages are read so."))
            return _to(territory, model)
    context = {"form": form, "model": found, "crumbs": _crumbs(territory, found.title)}
    return render(request, "ingest/model_form.html", context)


@agent("sources.see")
@require_safe
def model_page(request: HttpRequest, territory: str, model: UUID) -> HttpResponse:
    """Show a model: its codec, what its values measure, its devices."""
    return _page(request, territory, _found(model))


@agent("sources.manage")
@require_POST
def model_mapping(request: HttpRequest, territory: str, model: UUID) -> HttpResponse:
    """Keep what the fields of a model measure, for new messages and for those kept."""
    found = _found(model)
    choices = measure_choices(device_models.model_measures(found.id))
    lines = [
        FieldForm(request.POST, prefix=f"f{rank}", measures=_with_kept(choices, found))
        for rank in range(min(_count(request), MAX_LINES))
    ]
    new = NewFieldForm(request.POST, prefix=NEW, measures=choices)
    if not all([form.is_valid() for form in [*lines, new]]):  # noqa: C419 - each must be read
        return _page(request, territory, found, lines=lines, new=new)
    rules = {form.cleaned_data["path"]: form.rule() for form in lines}
    if new.cleaned_data["path"].strip():
        rules[new.cleaned_data["path"].strip()] = new.rule()
    kept: dict[str, FieldRule] = {path: rule for path, rule in rules.items() if rule is not None}
    history = request.POST.get("faire") == "relire"
    try:
        with transaction.atomic():
            device_models.model_apply(model, rules=kept, history=history, **who(request))
    except BeffroiError as error:
        messages.error(request, error.told(_))
        return _page(request, territory, found, lines=lines, new=new)
    messages.success(
        request,
        _("Kept. The messages of the past are being read again.")
        if history
        else _("Kept. New messages are read so."),
    )
    return _to(territory, model)


@agent("sources.manage")
@require_POST
def model_reread(request: HttpRequest, territory: str, model: UUID) -> HttpResponse:
    """Read the kept messages of a model again, in the background."""
    _found(model)
    with transaction.atomic():
        device_models.model_reread(model, **who(request))
    messages.success(request, _("The messages of the past are being read again."))
    return _to(territory, model)


@agent("sources.manage")
@require_POST
def model_resume(request: HttpRequest, territory: str, model: UUID) -> HttpResponse:
    """Put the script of a model that was left aside back in use."""
    found = _found(model)
    with transaction.atomic():
        ended = hold_end(found.codec_key, label=codec_label(found.codec_key), **who(request))
    if ended:
        messages.success(request, _("The script is in use again."))
    return _to(territory, model)


@agent("sources.manage")
@require_POST
def model_devices(request: HttpRequest, territory: str, model: UUID) -> HttpResponse:
    """Give a model to the devices of some words: first count them, then do it."""
    found, form = _found(model), GiveForm(request.POST)
    if not form.is_valid():
        return _page(request, territory, found, give=form)
    text, scope = form.cleaned_data["q"], access_of(request).scope("assets.see")
    if request.POST.get("faire") != "donner":
        count = devices_unmodelled(text=text, scope=scope)
        return _page(request, territory, found, give=form, counted=count)
    with transaction.atomic():
        count = device_models.model_give(model, text=text, scope=scope, **who(request))
    messages.success(request, _("%(count)s devices are of this model now.") % {"count": count})
    return _to(territory, model)


@agent("sources.manage")
@require_POST
def model_delete(request: HttpRequest, territory: str, model: UUID) -> HttpResponse:
    """Take a model away that no device is of."""
    _found(model)
    try:
        with transaction.atomic():
            device_models.model_drop(model, **who(request))
    except BeffroiError as error:
        messages.error(request, error.told(_))
        return _to(territory, model)
    messages.success(request, _("The model is removed."))
    return HttpResponseRedirect(reverse("ingest:models", kwargs={"territory": territory}))


def _page(
    request: HttpRequest,
    territory: str,
    found: ModelView,
    *,
    lines: list[FieldForm] | None = None,
    new: NewFieldForm | None = None,
    give: GiveForm | None = None,
    counted: int | None = None,
) -> HttpResponse:
    scope = access_of(request).scope("assets.see")
    read = device_models.model_fields(found)
    choices = measure_choices(device_models.model_measures(found.id))
    if lines is None:
        lines = [
            FieldForm(
                prefix=f"f{rank}", initial=rule_initial(seen), measures=_with_kept(choices, found)
            )
            for rank, seen in enumerate(read.fields[:MAX_LINES])
        ]
    devices, more = devices_page(model_ref_id=found.id, limit=SHOWN_DEVICES, scope=scope)
    context = {
        "model": found,
        "codec": codec_label(found.codec_key),
        "codec_url": codec_url(territory, found.codec_key),
        "trouble": troubles().get(found.codec_key),
        "lines": _lines(lines, read.fields),
        "new": new or NewFieldForm(prefix=NEW, measures=choices),
        "invalid": next((form for form in [*lines, new] if form is not None and form.errors), None),
        "looked_at": read.messages,
        "faults": [BeffroiError(text, params=dict(fields)).told(_) for text, fields in read.faults],
        "devices": devices,
        "more_devices": bool(more),
        "device_count": devices_per_model().get(found.id, 0),
        "rereading": device_models.rereading_last(found.uuid),
        "give": give or GiveForm(),
        "counted": counted,
        "may_manage": _may_manage(request),
        "crumbs": _crumbs(territory, found.title),
    }
    return render(request, "ingest/model.html", context)


def _lines(forms: list[FieldForm], fields: tuple[FieldSeen, ...]) -> list[dict[str, Any]]:
    by_path = {seen.path: seen for seen in fields}
    found = []
    for form in forms:
        path = str(form["path"].value() or "")
        seen = by_path.get(path)
        found.append(
            {
                "form": form,
                "path": path,
                "seen": seen,
                "value": "" if seen is None else _shown(seen.value),
                "gives": "" if seen is None or seen.rule is None else _gives(seen, seen.rule),
                "rule": None if seen is None else seen.rule,
                "measure": "" if seen is None or seen.rule is None else
                measure_label(seen.rule.measure),
                "guess": None if seen is None or seen.guess is None else _guess(seen.guess),
            }
        )  # fmt: skip
    return found


def _guess(guess: Guess) -> dict[str, Any]:
    reason = BeffroiError(guess.reason, params=dict(guess.params)).told(_)
    return {
        "measure": measure_label(guess.rule.measure),
        "reason": reason,
        "percent": round(guess.confidence * 100),
    }


def _gives(seen: FieldSeen, rule: FieldRule) -> str:
    return "" if not rule.measure or rule.is_plain else _shown(rule.converted(seen.value))


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        return number_format(round(value, 4))
    return str(value)[:80]


def _with_kept(choices: list[tuple[str, str]], model: ModelView) -> list[tuple[str, str]]:
    """Add the measures that rules name and that no asset of the model's devices declares."""
    known = {key for key, _label in choices}
    kept = {rule.measure for rule in model.fields.rules.values()} - known - {""}
    return [*choices, *((key, measure_label(key)) for key in sorted(kept))]


def _count(request: HttpRequest) -> int:
    text = request.POST.get("lignes", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0


def _refuse(form: ModelForm, error: BeffroiError) -> None:
    field = getattr(error, "field", None)
    form.add_error(field if field in form.fields else None, error.told(_))


def _found(model: UUID) -> ModelView:
    try:
        return model_get(model)
    except NotFound as error:
        raise Http404 from error


def _crumbs(territory: str, last: str | None) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = [
        (_("Devices"), reverse("ingest:devices", kwargs={"territory": territory}))
    ]
    if last is None:
        return [*found, (_("Device models"), None)]
    models = reverse("ingest:models", kwargs={"territory": territory})
    return [*found, (_("Device models"), models), (last, None)]


def _to(territory: str, model: UUID) -> HttpResponseRedirect:
    return HttpResponseRedirect(
        reverse("ingest:model", kwargs={"territory": territory, "model": model})
    )


def _may_manage(request: HttpRequest) -> bool:
    return "sources.manage" in access_of(request).verbs
