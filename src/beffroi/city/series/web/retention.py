"""How long values are kept, and what has gone: « Durées de conservation »."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from beffroi.city.series.contracts import Kept, KeptDays, RetentionRefused
from beffroi.city.series.journal import RETENTION_CHANGED
from beffroi.city.series.retention import (
    LONGEST_DAYS,
    kept_checked,
    measures_kept,
    purges,
    retention_preview,
    retention_rules,
    retention_set,
)
from beffroi.foundation.accounts.access import agent
from beffroi.foundation.accounts.api import actor_of, client_address
from beffroi.foundation.accounts.contracts import Access
from beffroi.foundation.audit.api import Subject, audit_record
from beffroi.kernel.clock import now

WORDS = {
    Kept.RAW: _lazy("values"),
    Kept.HOURLY: _lazy("hours"),
    Kept.DAILY: _lazy("days"),
}


class RetentionForm(forms.Form):
    """A rule for one measure, or for all that have none of their own."""

    measure = forms.ChoiceField(label=_lazy("Measure"), required=False)
    raw = forms.IntegerField(
        label=_lazy("Days that values are kept"),
        help_text=_lazy("Empty: for good."),
        required=False,
        min_value=1,
        max_value=LONGEST_DAYS,
    )
    hourly = forms.IntegerField(
        label=_lazy("Days that figures of hours are kept"),
        help_text=_lazy("Made when the values go. Empty: for good."),
        required=False,
        min_value=1,
        max_value=LONGEST_DAYS,
    )
    daily = forms.IntegerField(
        label=_lazy("Days that figures of days are kept"),
        help_text=_lazy("Empty: for good."),
        required=False,
        min_value=1,
        max_value=LONGEST_DAYS,
    )
    reason = forms.CharField(
        label=_lazy("Reason"),
        help_text=_lazy("The decision or the law that says so; shown with what is removed."),
        required=False,
        max_length=300,
    )

    def __init__(self, *args: Any, measures: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("All measures without a rule of their own")), *measures.items()]
        cast("forms.ChoiceField", self.fields["measure"]).choices = choices

    def clean(self) -> dict[str, Any]:
        """Refuse figures that would not outlast what they are made of."""
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                kept_checked(self.kept(cleaned))
            except RetentionRefused as problem:
                self.add_error(problem.field, problem.told(_))
        return cleaned

    def kept(self, cleaned: Mapping[str, Any] | None = None) -> KeptDays:
        """Return the days asked for."""
        found = self.cleaned_data if cleaned is None else cleaned
        return KeptDays(raw=found.get("raw"), hourly=found.get("hourly"), daily=found.get("daily"))


@agent("territory.manage")
def retention_page(request: HttpRequest, *, territory: str) -> HttpResponse:
    """Show the rules and what they removed; try a rule, then keep it."""
    del territory
    measures = measures_kept()
    form = RetentionForm(request.POST or None, measures=measures)
    preview = None
    if request.method == "POST" and form.is_valid():
        measure, kept = form.cleaned_data["measure"], form.kept()
        if request.POST.get("action") == "save":
            retention_set(measure_key=measure, kept=kept, reason=form.cleaned_data["reason"])
            _record(request, measure, kept, form.cleaned_data["reason"])
            messages.success(request, _("The rule is saved. It is applied within a day."))
            return HttpResponseRedirect(request.path)
        preview = retention_preview(measure, kept, at=now())
    rules = [
        {"measure": measures.get(key, key), "kept": kept, "reason": reason}
        for key, (kept, reason) in retention_rules().items()
    ]
    gone = [
        {"item": item, "measure": measures.get(item.measure_key, item.measure_key),
         "what": WORDS[item.what]}
        for item in purges()
    ]  # fmt: skip
    context = {"form": form, "preview": preview, "rules": rules, "gone": gone}
    return render(request, "series/retention.html", context)


def _record(request: HttpRequest, measure: str, kept: KeptDays, reason: str) -> None:
    access = cast("Access", request.access)  # type: ignore[attr-defined]  # set by @agent
    audit_record(
        RETENTION_CHANGED,
        actor=actor_of(access),
        territory_id=access.territory_id,
        subject=Subject("measure", None, measure),
        detail={"raw": kept.raw, "hourly": kept.hourly, "daily": kept.daily, "reason": reason},
        ip=client_address(request),
    )
