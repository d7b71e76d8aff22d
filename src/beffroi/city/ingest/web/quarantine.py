"""Clocks that are wrong: what the pages of sources and devices say of them, and the way out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from beffroi.city.ingest.api import source_get
from beffroi.city.ingest.quarantine import ClockFault, quarantine_accept
from beffroi.city.ingest.web.requests import who
from beffroi.foundation.accounts.api import agent
from beffroi.kernel.errors import BeffroiError, NotFound

BY_RECEPTION, BY_SHIFT = "reception", "decalage"
MOST_HOURS = 876_000


class AcceptForm(forms.Form):
    """How the messages of a wrong clock are dated."""

    device = forms.CharField(widget=forms.HiddenInput, required=False, max_length=200)
    by = forms.ChoiceField(
        label=_("Date these messages"),
        choices=[
            (BY_RECEPTION, _("At the time of their reception")),
            (BY_SHIFT, _("At their own time, corrected")),
        ],
        initial=BY_RECEPTION,
        widget=forms.RadioSelect,
    )
    hours = forms.FloatField(
        label=_("Hours to add to their time"),
        help_text=_("For a clock three hours ahead: -3."),
        required=False,
        min_value=-MOST_HOURS,
        max_value=MOST_HOURS,
    )

    def clean(self) -> dict[str, Any]:
        """Check that a correction says how many hours.

        Returns:
            The cleaned values.
        """
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if found.get("by") == BY_SHIFT and found.get("hours") is None:
            self.add_error("hours", gettext("Say how many hours to add."))
        return found


@agent("sources.manage")
@require_POST
def source_times(request: HttpRequest, territory: str, source: UUID) -> HttpResponse:
    """Believe the messages in quarantine of a source, or of one device, at a corrected time."""
    try:
        source_get(source)
    except NotFound as error:
        raise Http404 from error
    form = AcceptForm(request.POST)
    back = HttpResponseRedirect(
        reverse("ingest:source", kwargs={"territory": territory, "source": source})
    )
    if not form.is_valid():
        messages.error(request, " ".join(str(e) for errors in form.errors.values() for e in errors))
        return back
    given = form.cleaned_data
    shift = None if given["by"] == BY_RECEPTION else timedelta(hours=given["hours"])
    try:
        with transaction.atomic():
            count = quarantine_accept(source, device=given["device"], shift=shift, **who(request))
    except BeffroiError as error:
        messages.error(request, error.told(gettext))
    else:
        messages.success(
            request,
            gettext("%(messages)s messages read again: %(decoded)s decoded, %(failed)s not.")
            % {
                "messages": count.messages,
                "decoded": count.decoded,
                "failed": count.undecodable,
            },
        )
    return back


def fault_lines(faults: Iterable[ClockFault]) -> list[dict[str, Any]]:
    """Return wrong clocks as a page shows them, each with its form."""
    return [
        {
            "fault": fault,
            "skew": skew_label(fault.skew),
            "form": AcceptForm(
                initial={"device": fault.device, "hours": -_hours(fault.skew)},
                auto_id=f"{rank}-%s",
            ),
        }
        for rank, fault in enumerate(faults, start=1)
    ]


def skew_label(skew: timedelta) -> str:
    """Return how wrong a clock is, in words: “clock 3 h ahead”."""
    size = abs(skew)
    if size >= timedelta(days=2):
        days = round(size / timedelta(days=1))
        span = ngettext("%(n)s day", "%(n)s days", days) % {"n": number_format(days)}
    elif size >= timedelta(hours=1):
        hours = round(size / timedelta(hours=1), 1)
        span = f"{number_format(int(hours) if hours == int(hours) else hours)} h"
    else:
        span = f"{round(size / timedelta(minutes=1))} min"
    if skew > timedelta(0):
        return gettext("clock %(span)s ahead") % {"span": span}
    return gettext("clock %(span)s behind") % {"span": span}


def _hours(skew: timedelta) -> float:
    """Return whole hours where that is what a time zone taken for another makes."""
    hours = skew / timedelta(hours=1)
    return float(round(hours)) if abs(hours - round(hours)) < 0.1 else round(hours, 2)
