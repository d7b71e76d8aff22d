from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from django.utils.translation import gettext

from beffroi.city.ingest.catalogue import catalogue
from beffroi.city.ingest.contracts import (
    ActivityCounts,
    DeviceGuess,
    ErrorView,
    MessageView,
    SourceNotFound,
    SourceView,
    Status,
    UnclaimedNotFound,
    UnclaimedView,
)
from beffroi.city.ingest.guesses import device_guess, vendor_of
from beffroi.city.ingest.models import (
    IngestError,
    Message,
    Source,
    SourceActivity,
    UnclaimedDevice,
)
from beffroi.city.ingest.redecoding import uplink_of
from beffroi.kernel.clock import now
from beffroi.kernel.errors import BeffroiError

_COUNTS = tuple(ActivityCounts.__dataclass_fields__)
_Kept = TypeVar("_Kept", Message, IngestError)
GUESS_FROM = 20
"""Messages of a device that a guess looks at, the newest first."""


def sources_list() -> list[SourceView]:
    """Return the sources of the territory by name, with what they sent lately."""
    rows = list(Source.objects.order_by("name"))
    return _views(rows)


def source_get(uuid: UUID) -> SourceView:
    """Return one source.

    Raises:
        SourceNotFound: there is none.
    """
    return _views([source_row(uuid)])[0]


def source_row(uuid: UUID) -> Source:
    """Return the row of a source.

    Raises:
        SourceNotFound: there is none.
    """
    row = Source.objects.filter(uuid=uuid).first()
    if row is None:
        raise SourceNotFound("There is no such source here.")
    return row


def source_activity(uuid: UUID, *, hours: int = 24) -> list[tuple[Any, int]]:
    """Return how many messages were accepted in each of the last hours, the oldest first."""
    this_hour = now().replace(minute=0, second=0, microsecond=0)
    wanted = [this_hour - timedelta(hours=back) for back in range(hours - 1, -1, -1)]
    rows = dict(
        SourceActivity.objects.filter(source__uuid=uuid, hour__gte=wanted[0]).values_list(
            "hour", "accepted"
        )
    )
    return [(hour, rows.get(hour, 0)) for hour in wanted]


def source_messages(uuid: UUID, *, in_error: bool = False, limit: int = 50) -> list[MessageView]:
    """Return the last messages of a source, or only those that could not be used.

    Raises:
        SourceNotFound: there is no such source.
    """
    found = last_of_source(Message.objects.all(), source_row(uuid).id)
    if in_error:
        found = found.filter(status__in=[Status.UNDECODABLE.value, Status.QUARANTINED.value])
    return [message_view(row) for row in found[:limit]]


def source_errors(uuid: UUID, *, limit: int = 50) -> list[ErrorView]:
    """Return what a source sent and that could not be read, the newest first.

    Raises:
        SourceNotFound: there is no such source.
    """
    rows = last_of_source(IngestError.objects.all(), source_row(uuid).id)[:limit]
    return [
        ErrorView(
            at=row.at,
            code=row.code,
            error=sentence(row.error),
            content_type=row.content_type,
            body=bytes(row.body),
            body_size=row.body_size,
        )
        for row in rows
    ]


def last_of_source(rows: QuerySet[_Kept], source_id: int) -> QuerySet[_Kept]:
    """Return what one source sent, the newest first, in an order that only its index has.

    Asked for ``source_id = 4 ORDER BY id``, PostgreSQL walks the primary key from its end and
    leaves out what the other sources sent: everything, when this one has been silent for long.
    With a range and the source in the order, the index (territory, source, -id) is the only way.
    """
    return rows.filter(source_id__gte=source_id, source_id__lte=source_id).order_by(
        "source_id", "-id"
    )


def device_messages(
    identifier: str, *, source_id: int | None = None, limit: int = 50
) -> list[MessageView]:
    """Return the last messages of a device, from every source when none is given."""
    found = Message.objects.filter(device_identifier=identifier)
    if source_id is not None:
        found = found.filter(source_id=source_id)
    return [message_view(row) for row in found.order_by("-id")[:limit]]


def unclaimed_list(*, text: str = "", limit: int = 200) -> list[UnclaimedView]:
    """Return the devices that send and that nobody has claimed, the last heard first."""
    found = UnclaimedDevice.objects.filter(claimed_at__isnull=True).select_related("source")
    if text.strip():
        wanted = text.strip().replace("\x00", "")
        found = found.filter(
            Q(identifier__startswith=wanted.lower())
            | Q(name__icontains=wanted)
            | Q(model__icontains=wanted)
        )
    return [_unclaimed(row) for row in found.order_by("-last_seen_at")[:limit]]


def unclaimed_count() -> int:
    """Return how many devices wait to be claimed."""
    return UnclaimedDevice.objects.filter(claimed_at__isnull=True).count()


def unclaimed_get(source_uuid: UUID, identifier: str) -> UnclaimedView:
    """Return one device that waits to be claimed.

    Raises:
        UnclaimedNotFound: there is none of this name.
    """
    row = (
        UnclaimedDevice.objects.select_related("source")
        .filter(source__uuid=source_uuid, identifier=identifier, claimed_at__isnull=True)
        .first()
    )
    if row is None:
        raise UnclaimedNotFound("No device of this name waits to be claimed.")
    return _unclaimed(row)


def unclaimed_guess(view: UnclaimedView) -> DeviceGuess:
    """Look at the last messages of an unclaimed device and tell what they may be."""
    rows = Message.objects.filter(
        source_id=view.source_id, device_identifier=view.identifier
    ).exclude(status=Status.NOTICE.value)
    uplinks = [uplink_of(row) for row in rows.order_by("-id")[:GUESS_FROM]]
    return device_guess(view.identifier, uplinks, installed=catalogue())


def message_view(row: Message) -> MessageView:
    """Return the contract of a row."""
    return MessageView(
        id=row.id,
        source_id=row.source_id,
        device_identifier=row.device_identifier,
        status=Status(row.status),
        observed_at=row.observed_at,
        received_at=row.received_at,
        payload=None if row.payload is None else bytes(row.payload),
        f_port=row.f_port,
        f_cnt=row.f_cnt,
        values=row.values or {},
        decoded=tuple(
            (name, value, at_ms, taken) for name, value, at_ms, taken in row.decoded or ()
        ),
        radio=row.radio or {},
        raw=bytes(row.raw),
        late=row.late,
        error_code=row.error_code,
        error=sentence(row.error),
        attempts=row.attempts,
    )


def sentence(error: Any) -> str:
    """Return a stored error in the reader's language."""
    if not error:
        return ""
    told = BeffroiError(
        error["message"], way_out=error.get("way_out", ""), params=error.get("params")
    )
    return told.told(gettext)


def _unclaimed(row: UnclaimedDevice) -> UnclaimedView:
    return UnclaimedView(
        identifier=row.identifier,
        source_id=row.source_id,
        source_name=row.source.name,
        source_uuid=row.source.uuid,
        name=row.name,
        model=row.model,
        lon=row.lon,
        lat=row.lat,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        message_count=row.message_count,
        vendor=vendor_of(row.identifier),
    )


def _views(rows: list[Source]) -> list[SourceView]:
    ids = [row.id for row in rows]
    this_hour = now().replace(minute=0, second=0, microsecond=0)
    activity = SourceActivity.objects.filter(source_id__in=ids)
    # The hour that has begun and the one before it: never less than an hour once it has passed.
    last_hour = _summed(activity.filter(hour__gte=this_hour - timedelta(hours=1)))
    last_day = _summed(activity.filter(hour__gte=this_hour - timedelta(hours=23)))
    waiting = dict(
        UnclaimedDevice.objects.filter(source_id__in=ids, claimed_at__isnull=True)
        .values_list("source_id")
        .annotate(n=Count("id"))
    )
    return [
        SourceView(
            id=row.id,
            uuid=row.uuid,
            territory_id=row.territory_id,
            key=row.key,
            name=row.name,
            connector_key=row.connector_key,
            authentication=row.authentication,
            enabled=row.enabled,
            settings=row.settings,
            default_codec=row.default_codec,
            created_at=row.created_at,
            last_message_at=row.last_message_at,
            former_secret_until=row.former_secret_until,
            last_hour=last_hour.get(row.id, ActivityCounts()),
            last_day=last_day.get(row.id, ActivityCounts()),
            unclaimed_count=waiting.get(row.id, 0),
        )
        for row in rows
    ]


def _summed(rows: QuerySet[SourceActivity]) -> dict[int, ActivityCounts]:
    found: Any = rows.values("source_id").annotate(
        **{f"total_{name}": Sum(name) for name in _COUNTS}
    )
    return {
        row["source_id"]: ActivityCounts(**{name: row[f"total_{name}"] for name in _COUNTS})
        for row in found
    }
