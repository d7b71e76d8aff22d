"""Messages whose time cannot be true: which clocks are wrong, and how to believe them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median_low
from uuid import UUID

from django.db import transaction
from django.db.models import BigIntegerField, F, Func, QuerySet

from beffroi.city.ingest import journal
from beffroi.city.ingest.contracts import RedecodeCount, SourceRefused, Status
from beffroi.city.ingest.models import Message, Source
from beffroi.city.ingest.redecoding import messages_redecode_part
from beffroi.city.ingest.selectors import source_row
from beffroi.foundation.audit.api import SYSTEM, Actor, Subject, audit_record

LOOKED_AT = 500
FAULTS_SHOWN = 20
MOST_AT_ONCE = 20_000
MOST_SHIFT = timedelta(days=36_500)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockFault:
    """A device some of whose messages are of no time that is believed.

    ``skew`` is the middle of how far its clock was ahead of the receptions; negative when it was
    behind. ``count`` is of the last messages in quarantine; ``more`` tells that there are others.
    """

    source_uuid: UUID
    source_name: str
    device: str
    count: int
    skew: timedelta
    example_observed_at: datetime
    example_received_at: datetime
    more: bool = False


def clock_faults_of_source(source: UUID) -> list[ClockFault]:
    """Return the devices of a source whose clocks are wrong, those with most messages first.

    Raises:
        SourceNotFound: there is no such source.
    """
    row = source_row(source)
    # A range and the source in the order: the index of messages in error is then the only way.
    found = Message.objects.filter(
        source_id__gte=row.id, source_id__lte=row.id, status=Status.QUARANTINED.value
    ).order_by("source_id", "-id")
    return _faults(found)


def clock_faults_of_device(identifier: str) -> list[ClockFault]:
    """Return the wrong clocks of a device, one for each source that it is heard by."""
    found = Message.objects.filter(
        device_identifier=identifier, status=Status.QUARANTINED.value
    ).order_by("-id")
    return _faults(found)


@transaction.atomic
def quarantine_accept(
    source: UUID,
    *,
    device: str = "",
    shift: timedelta | None = None,
    actor: Actor = SYSTEM,
    ip: str = "",
) -> RedecodeCount:
    """Believe the messages in quarantine of a source, or of one of its devices, and decode them.

    The messages keep the time that they gave; what is added to it is kept beside it, and holds
    whenever they are decoded again. Those whose corrected time cannot be true either stay.

    Args:
        source: where they came by.
        device: identifier; all devices when empty.
        shift: what is added to their time; None takes the time of their reception.
        actor: who does it.
        ip: from where.

    Raises:
        SourceNotFound: there is no such source.
        SourceRefused: the shift is beyond what a clock can be wrong by.
    """
    row = source_row(source)
    if shift is not None and abs(shift) > MOST_SHIFT:
        raise SourceRefused("The correction is too large.", field="shift", value=str(shift))
    ids = _quarantined(row, device).order_by("id").values_list("id", flat=True)[:MOST_AT_ONCE]
    chosen = list(ids)
    if not chosen:
        return RedecodeCount()
    shifted = _quarantined(row, device).filter(id__gte=chosen[0], id__lte=chosen[-1])
    shifted.update(
        time_shift_ms=_TO_RECEPTION if shift is None else shift // timedelta(milliseconds=1)
    )
    count, _last = messages_redecode_part(
        Message.objects.filter(id__in=chosen), limit=MOST_AT_ONCE + 1
    )
    audit_record(
        journal.TIMES_ACCEPTED,
        actor=actor,
        territory_id=row.territory_id,
        subject=Subject("source", row.uuid, row.name),
        detail={
            "device": device,
            "messages": count.messages,
            "shift": "" if shift is None else str(shift),
        },
        ip=ip,
    )
    return count


class _Milliseconds(Func):
    """Milliseconds between two instants, rounded."""

    template = "round(extract(epoch FROM (%(expressions)s)) * 1000)::bigint"
    arg_joiner = " - "
    output_field = BigIntegerField()


_TO_RECEPTION = _Milliseconds(F("received_at"), F("observed_at"))


def _quarantined(row: Source, device: str) -> QuerySet[Message]:
    found = Message.objects.filter(source_id=row.id, status=Status.QUARANTINED.value)
    return found.filter(device_identifier=device) if device else found


def _faults(found: QuerySet[Message]) -> list[ClockFault]:
    rows = list(
        found.values_list(
            "source__uuid", "source__name", "device_identifier", "observed_at", "received_at"
        )[:LOOKED_AT]
    )
    grouped: dict[tuple[UUID, str, str], list[tuple[datetime, datetime]]] = {}
    for uuid, name, device, observed_at, received_at in rows:
        grouped.setdefault((uuid, name, device), []).append((observed_at, received_at))
    faults = [
        ClockFault(
            source_uuid=uuid,
            source_name=name,
            device=device,
            count=len(times),
            skew=_skew(times),
            example_observed_at=times[0][0],
            example_received_at=times[0][1],
            more=len(rows) >= LOOKED_AT,
        )
        for (uuid, name, device), times in grouped.items()
    ]
    return sorted(faults, key=lambda fault: (-fault.count, fault.device))[:FAULTS_SHOWN]


def _skew(times: Iterable[tuple[datetime, datetime]]) -> timedelta:
    return median_low([observed_at - received_at for observed_at, received_at in times])
