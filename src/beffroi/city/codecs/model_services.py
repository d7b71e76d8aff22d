"""Writes about device models: what they are, their codec, what their values measure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from beffroi.city.codecs import journal
from beffroi.city.codecs.mapping import MAX_PATH, MAX_RULES, FieldRule, rules_json
from beffroi.city.codecs.references import is_script
from beffroi.city.codecs.selectors import script_text
from beffroi.city.codecs.town_contracts import ModelNotFound, ModelRefused
from beffroi.city.codecs.town_models import DeviceModel
from beffroi.foundation.audit.api import SYSTEM, Actor, Subject, audit_record
from beffroi.foundation.database.api import required_territory_id
from beffroi.kernel.clock import now
from beffroi.sdk.registry import codecs

MAX_SEEN = 500


@transaction.atomic
def model_create(
    *,
    name: str,
    vendor: str = "",
    codec_key: str = "",
    mapping: Mapping[str, FieldRule] | None = None,
    library_model: UUID | None = None,
    actor: Actor = SYSTEM,
    ip: str = "",
) -> DeviceModel:
    """Describe a kind of device.

    Raises:
        ModelRefused: there is one of this vendor and name, or the codec does not exist.
    """
    model = DeviceModel(
        territory_id=required_territory_id(),
        name=_checked(name, field="name", needed=True),
        vendor=_checked(vendor, field="vendor"),
        codec_key=checked_codec(codec_key),
        mapping=rules_json(_checked_rules(mapping or {})),
        library_model=library_model,
    )
    _save(model)
    _record(journal.MODEL_ADDED, model, actor=actor, ip=ip, codec=codec_key)
    return model


@transaction.atomic
def model_update(
    uuid: UUID,
    *,
    name: str,
    vendor: str,
    codec_key: str,
    actor: Actor = SYSTEM,
    ip: str = "",
) -> DeviceModel:
    """Change what a model is called and which codec reads it.

    Raises:
        ModelNotFound: there is no such model.
        ModelRefused: something does not fit.
    """
    model = _locked(uuid)
    model.name = _checked(name, field="name", needed=True)
    model.vendor = _checked(vendor, field="vendor")
    model.codec_key = checked_codec(codec_key)
    model.updated_at = now()
    _save(model)
    _record(journal.MODEL_CHANGED, model, actor=actor, ip=ip, codec=codec_key)
    return model


@transaction.atomic
def model_map(
    uuid: UUID,
    *,
    rules: Mapping[str, FieldRule],
    seen: Mapping[str, Any] | None = None,
    actor: Actor = SYSTEM,
    ip: str = "",
) -> DeviceModel:
    """Say what each field of a model's messages measures.

    ``seen`` is the last value of each path, kept for when the messages are gone.

    Raises:
        ModelNotFound: there is no such model.
        ModelRefused: there are too many rules.
    """
    model = _locked(uuid)
    model.mapping = rules_json(_checked_rules(rules))
    if seen is not None:
        model.fields_seen = dict(list({**model.fields_seen, **seen}.items())[-MAX_SEEN:])
    model.updated_at = now()
    model.save(update_fields=["mapping", "fields_seen", "updated_at"])
    measured = sorted({rule.measure for rule in rules.values() if rule.measure})
    _record(journal.MODEL_MAPPED, model, actor=actor, ip=ip, measures=", ".join(measured))
    return model


@transaction.atomic
def model_remove(uuid: UUID, *, actor: Actor = SYSTEM, ip: str = "") -> None:
    """Take a model away; the caller has seen to it that no device is of it.

    Raises:
        ModelNotFound: there is no such model.
    """
    model = _locked(uuid)
    model.removed_at = now()
    model.save(update_fields=["removed_at"])
    _record(journal.MODEL_REMOVED, model, actor=actor, ip=ip)


def checked_codec(codec_key: str) -> str:
    """Return the reference of a codec that exists, or an empty text.

    Raises:
        ModelRefused: there is none of this name.
    """
    known = (
        not codec_key
        or (script_text(codec_key) is not None if is_script(codec_key) else codec_key in codecs())
    )  # fmt: skip
    if not known:
        raise ModelRefused("There is no codec {value}.", field="codec_key", value=codec_key)
    return codec_key


def _checked(text: str, *, field: str, needed: bool = False) -> str:
    plain = " ".join(text.replace("\x00", "").split())
    if len(plain) > 120 or (needed and not plain):
        raise ModelRefused("A name has at most {limit} characters.", field=field, value=text,
                           params={"limit": 120})  # fmt: skip
    return plain


def _checked_rules(rules: Mapping[str, FieldRule]) -> Mapping[str, FieldRule]:
    if len(rules) > MAX_RULES or any(len(path) > MAX_PATH or "\x00" in path for path in rules):
        raise ModelRefused("There are too many fields, or one has too long a name.", field="rules")
    return rules


def _save(model: DeviceModel) -> None:
    try:
        with transaction.atomic():
            model.save()
    except IntegrityError as problem:
        raise ModelRefused(
            "There is already a model of this vendor and name.", field="name", value=model.name
        ) from problem


def _locked(uuid: UUID) -> DeviceModel:
    model = (
        DeviceModel.objects.select_for_update().filter(uuid=uuid, removed_at__isnull=True).first()
    )
    if model is None:
        raise ModelNotFound("There is no such device model here.")
    return model


def _record(verb: str, model: DeviceModel, *, actor: Actor, ip: str, **detail: object) -> None:
    audit_record(
        verb,
        actor=actor,
        territory_id=model.territory_id,
        subject=Subject("device_model", model.uuid, f"{model.vendor} {model.name}".strip()),
        detail=detail,
        ip=ip,
    )
