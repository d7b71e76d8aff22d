"""Device models where messages meet them: what their devices send, and reading it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from beffroi.city.assets.api import (
    asset_types_of_model,
    devices_model_set,
    devices_of_model,
    devices_page,
    devices_per_model,
)
from beffroi.city.codecs.api import (
    CodecInUse,
    FieldMap,
    FieldRule,
    Guess,
    Job,
    ModelView,
    is_script,
    mapping_guess,
    model_get,
    model_map,
    model_remove,
    process_desk,
    script_text,
)
from beffroi.city.ingest import journal
from beffroi.city.ingest.catalogue import catalogue
from beffroi.city.ingest.contracts import Status
from beffroi.city.ingest.models import Message
from beffroi.city.ingest.redecoding import messages_redecode_part, uplink_of
from beffroi.city.ingest.reread_models import Rereading
from beffroi.foundation.accounts.contracts import Scope
from beffroi.foundation.audit.api import SYSTEM, Actor, Subject, audit_record
from beffroi.foundation.database.api import required_territory_id
from beffroi.kernel.clock import now
from beffroi.sdk.connectors import Uplink
from beffroi.sdk.declarations import Frame, Measure
from beffroi.sdk.device_measures import DEVICE_MEASURES
from beffroi.sdk.registry import measures, measures_of

LOOKED_AT = 30
"""Last messages of a model's devices that its page reads the fields of."""

DEVICES_LOOKED_AT = 20
PART = 2_000
"""Messages that are read again in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSeen:
    """One field of what a model's devices sent last: the value, and when."""

    path: str
    value: Any
    at: datetime | None
    rule: FieldRule | None
    guess: Guess | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFields:
    """What the last messages of a model hold; ``faults`` are sentences of what went wrong."""

    fields: tuple[FieldSeen, ...]
    messages: int
    faults: tuple[tuple[str, Mapping[str, object]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RereadingView:
    """How far the messages of a model are read again."""

    total: int
    done: int
    decoded: int
    undecodable: int
    observations: int
    asked_at: datetime
    finished_at: datetime | None


def model_measures(model_id: int) -> dict[str, Measure]:
    """Return the measures that a model's values may be: those of its devices' assets, or all."""
    own = {item.key: item for item in DEVICE_MEASURES}
    types = asset_types_of_model(model_id)
    declared = (
        {key: item for kind in types if kind in catalogue().asset_types
         for key, item in measures_of(kind).items()}
        if types
        else dict(measures())
    )  # fmt: skip
    return {**declared, **own}


def model_fields(model: ModelView) -> ModelFields:
    """Read the last messages of a model's devices, and propose what their fields measure.

    What a field was when its messages are gone is told too, and a field that has a rule though
    nothing sent it lately.
    """
    uplinks = _last_uplinks(model)
    found: dict[str, tuple[Any, datetime | None]] = {}
    faults: list[tuple[str, Mapping[str, object]]] = []
    for uplink, values, fault in _decoded(model, uplinks):
        if fault is not None:
            faults.append(fault)
        for path, value, _at, _rule, _dated in model.fields.read(values):
            shown = _path(model.fields, path)
            if shown not in found:  # the newest message comes first
                found[shown] = (value, uplink.observed_at)
    for path, value in model.fields_seen.items():
        found.setdefault(path, (value, None))
    for path in model.fields.rules:
        found.setdefault(path, (None, None))
    guesses = mapping_guess(
        {path: value for path, (value, _) in found.items() if path not in model.fields.rules},
        measures={
            key: item
            for key, item in model_measures(model.id).items()
            if key not in {rule.measure for rule in model.fields.rules.values()}
        },
    )
    fields = tuple(
        FieldSeen(
            path=path,
            value=value,
            at=at,
            rule=model.fields.rules.get(path),
            guess=guesses.get(path),
        )
        for path, (value, at) in sorted(found.items())
    )
    told = {str(fault): fault for fault in faults}
    return ModelFields(fields=fields, messages=len(uplinks), faults=tuple(told.values())[:3])


@transaction.atomic
def model_apply(
    uuid: UUID,
    *,
    rules: Mapping[str, FieldRule],
    history: bool,
    actor: Actor = SYSTEM,
    ip: str = "",
) -> None:
    """Keep what the fields of a model measure, for new messages and, if asked, for those kept.

    Raises:
        ModelNotFound: there is no such model.
        ModelRefused: there are too many rules.
    """
    seen = {
        field.path: field.value
        for field in model_fields(model_get(uuid)).fields
        if isinstance(field.value, str | int | float | bool)
    }
    model_map(uuid, rules=rules, seen=seen, actor=actor, ip=ip)
    if history:
        model_reread(uuid, actor=actor, ip=ip)


@transaction.atomic
def model_give(uuid: UUID, *, text: str, scope: Scope, actor: Actor = SYSTEM, ip: str = "") -> int:
    """Give a model to every device of these words that has none; return how many.

    Raises:
        ModelNotFound: there is no such model.
    """
    model = model_get(uuid)
    count = devices_model_set(model.id, text=text, scope=scope)
    audit_record(
        journal.MODEL_GIVEN,
        actor=actor,
        territory_id=required_territory_id(),
        subject=Subject("device_model", uuid, model.title),
        detail={"text": text[:100], "devices": count},
        ip=ip,
    )
    return count


@transaction.atomic
def model_drop(uuid: UUID, *, actor: Actor = SYSTEM, ip: str = "") -> None:
    """Take a model away that no device is of.

    Raises:
        ModelNotFound: there is no such model.
        CodecInUse: a device is of it.
    """
    model = model_get(uuid)
    if devices_per_model().get(model.id):
        raise CodecInUse("Devices are of this model.", way_out="Give them another model first.")
    model_remove(uuid, actor=actor, ip=ip)


@transaction.atomic
def model_reread(uuid: UUID, *, actor: Actor = SYSTEM, ip: str = "") -> RereadingView:
    """Read all kept messages of a model's devices again, in the background.

    One that goes on already is asked to start again from the beginning.

    Raises:
        ModelNotFound: there is no such model.
    """
    from beffroi.city.ingest.tasks import model_reread_part  # noqa: PLC0415 - the job calls this

    model = model_get(uuid)
    found = _messages_of(model.id)
    Rereading.objects.filter(model_uuid=uuid, finished_at__isnull=True).update(finished_at=now())
    last = found.order_by("-id").values_list("id", flat=True).first()
    run = Rereading.objects.create(
        territory_id=required_territory_id(),
        model_uuid=uuid,
        total=found.count(),
        until_message=last or 0,
        user_id=actor.user_id,
        finished_at=None if last else now(),
    )
    if last:
        model_reread_part.defer(territory_id=run.territory_id, rereading=str(run.uuid))
    audit_record(
        journal.MESSAGES_REDECODED,
        actor=actor,
        territory_id=run.territory_id,
        subject=Subject("device_model", uuid, model.title),
        detail={"messages": run.total},
        ip=ip,
    )
    return rereading_view(run)


def reread_part(rereading: UUID, *, part: int = PART) -> bool:
    """Read the next part of a model's messages again; tell whether there is more to do."""
    run = (
        Rereading.objects.select_for_update()
        .filter(uuid=rereading, finished_at__isnull=True)
        .first()
    )
    if run is None:
        return False
    model = model_get(run.model_uuid)
    found = _messages_of(model.id).filter(id__gt=run.last_message, id__lte=run.until_message)
    count, last = messages_redecode_part(found, limit=part)
    run.done += count.messages
    run.decoded += count.decoded
    run.undecodable += count.undecodable
    run.observations += count.observations
    run.last_message = last or run.until_message
    if last is None:
        run.finished_at = now()
    run.save()
    return run.finished_at is None


def rereading_last(model_uuid: UUID) -> RereadingView | None:
    """Return how far the last reading again of a model is, or None."""
    run = Rereading.objects.filter(model_uuid=model_uuid).order_by("-id").first()
    return None if run is None else rereading_view(run)


def rereading_view(run: Rereading) -> RereadingView:
    """Return the contract of a row."""
    return RereadingView(
        total=run.total,
        done=run.done,
        decoded=run.decoded,
        undecodable=run.undecodable,
        observations=run.observations,
        asked_at=run.asked_at,
        finished_at=run.finished_at,
    )


def _messages_of(model_id: int) -> QuerySet[Message]:
    names = devices_of_model(model_id).values("identifier")
    return Message.objects.filter(device_identifier__in=names).exclude(
        status__in=[Status.NOTICE.value, Status.SIMULATED.value]
    )


def _last_uplinks(model: ModelView) -> list[Uplink]:
    """Return the last messages of some devices of a model, the newest first."""
    devices, _ = devices_page(model_ref_id=model.id, limit=DEVICES_LOOKED_AT)
    rows: list[Message] = []
    each = max(2, LOOKED_AT // max(1, len(devices)))
    for device in devices:
        found = Message.objects.filter(device_identifier=device.identifier).exclude(
            status__in=[Status.NOTICE.value, Status.SIMULATED.value]
        )
        rows += found.order_by("-id")[:each]
    rows.sort(key=lambda row: row.id, reverse=True)
    return [uplink_of(row) for row in rows[:LOOKED_AT]]


_Fault = tuple[str, Mapping[str, object]]


def _decoded(
    model: ModelView, uplinks: list[Uplink]
) -> list[tuple[Uplink, dict[str, Any], _Fault | None]]:
    """Return what each message holds under the names that its sender or its codec gives."""
    scripted: dict[int, tuple[Mapping[str, Any], _Fault | None]] = {}
    script = script_text(model.codec_key) if is_script(model.codec_key) else None
    if script is not None:
        ranks = [rank for rank, uplink in enumerate(uplinks) if uplink.payload]
        jobs = [
            Job(
                script=script,
                payload=uplinks[rank].payload or b"",
                f_port=uplinks[rank].f_port,
                observed_at=uplinks[rank].observed_at,
                device=uplinks[rank].device,
                territory_id=required_territory_id(),
            )
            for rank in ranks
        ]
        for rank, ran in zip(ranks, process_desk().run(jobs), strict=True):
            scripted[rank] = (ran.data or {}, (ran.error, ran.params) if ran.error else None)
    found = []
    for rank, uplink in enumerate(uplinks):
        values: dict[str, Any] = dict(uplink.values)
        fault: _Fault | None = None
        if rank in scripted:
            data, fault = scripted[rank]
            values |= data
        elif uplink.payload and model.codec_key:
            values |= _declared_values(uplink, uplink.payload, model.codec_key)
        found.append((uplink, values, fault))
    return found


def _declared_values(uplink: Uplink, payload: bytes, codec_key: str) -> dict[str, Any]:
    codec = catalogue().codecs.get(codec_key)
    if codec is None:
        return {}
    frame = Frame(payload=payload, f_port=uplink.f_port, observed_at=uplink.observed_at)
    try:
        readings = codec.decode(frame)
    except Exception:  # noqa: BLE001 - a codec of any package; its page says what it cannot read
        return {}
    return {item.measure: item.value for item in readings if item.observed_at is None}


def _path(rules: FieldMap, path: str) -> str:
    """Return the path by which a rule names a field: that of every item of its list, if so."""
    if path in rules.rules or rules.of(path) is None:
        return path
    return next((name for name in rules.rules if "[*]" in name and _same_shape(name, path)), path)


def _same_shape(pattern: str, path: str) -> bool:
    return FieldMap({pattern: FieldRule(measure="x")}).of(path) is not None
