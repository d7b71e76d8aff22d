"""Reads: scripts, device models, and what decoding needs of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext

from beffroi.city.codecs.library_models import LibraryModel
from beffroi.city.codecs.mapping import NO_RULES, rules_of
from beffroi.city.codecs.references import (
    SCRIPT,
    is_script,
    library_reference,
    script_reference,
    uuid_of,
)
from beffroi.city.codecs.town_contracts import (
    LibraryHit,
    ModelNotFound,
    ModelView,
    ScriptNotFound,
    ScriptText,
    ScriptView,
    TroubleView,
    VersionView,
)
from beffroi.city.codecs.town_models import CodecTrouble, DeviceModel, Script, ScriptVersion
from beffroi.foundation.accounts.api import people, person_card
from beffroi.foundation.database.api import required_territory_id
from beffroi.kernel.clock import now
from beffroi.kernel.errors import BeffroiError

MIN_WORD = 3
LIBRARY_LOOKED_AT = 500
_COMMON = frozenset({"sensor", "capteur", "lorawan", "lora", "the", "indoor", "outdoor", "class"})

# A hold is of one text: a new version is tried at once. A text that the process has is not sent
# again: the devices of a town are looked up one by one, and a script may have 100 kB.
SCRIPTS_SQL = """
SELECT 'script:' || s.uuid, s.name,
    CASE WHEN s.sha256 = ANY(%(known)s::text[]) THEN NULL ELSE s.source END, s.sha256, '',
    t.held_until,
    coalesce(t.holds, 0)
FROM codecs_script s
LEFT JOIN codecs_trouble t ON t.territory_id = s.territory_id
    AND t.codec_key = 'script:' || s.uuid AND t.sha256 = s.sha256
WHERE s.territory_id = %(territory)s AND s.uuid = ANY(%(scripts)s::uuid[])
  AND s.removed_at IS NULL
UNION ALL
SELECT 'library:' || l.uuid, l.name,
    CASE WHEN l.sha256 = ANY(%(known)s::text[]) THEN NULL ELSE l.source END, l.sha256,
    l.dialect, t.held_until,
    coalesce(t.holds, 0)
FROM codecs_library_codec l
LEFT JOIN codecs_trouble t ON t.territory_id = %(territory)s
    AND t.codec_key = 'library:' || l.uuid AND t.sha256 = l.sha256
WHERE l.uuid = ANY(%(library)s::uuid[])
"""


_remembered: WeakValueDictionary[str, ScriptText] = WeakValueDictionary()
"""By SHA-256, the scripts that something in this process holds."""


def scripts_parameters(territory_id: int, references: Iterable[str]) -> dict[str, Any]:
    """Return what :data:`SCRIPTS_SQL` is asked with, and what :func:`scripts_of` reads it with."""
    wanted = [(reference, uuid_of(reference)) for reference in references]
    texts = {sha256: script.source for sha256, script in _remembered.items()}
    return {
        "known": list(texts),
        "texts": texts,
        "territory": territory_id,
        "scripts": [u for reference, u in wanted if u is not None and reference.startswith(SCRIPT)],
        "library": [
            u for reference, u in wanted if u is not None and not reference.startswith(SCRIPT)
        ],
    }


def scripts_of(
    rows: Iterable[Sequence[Any]], parameters: Mapping[str, Any]
) -> dict[str, ScriptText]:
    """Return scripts by reference from rows of :data:`SCRIPTS_SQL`, asked with these parameters."""
    found: dict[str, ScriptText] = {}
    for reference, name, source, sha256, dialect, held_until, holds in rows:
        found[reference] = script = ScriptText(
            reference=reference,
            name=name,
            source=parameters["texts"][sha256] if source is None else source,
            sha256=sha256,
            dialect=dialect,
            held_until=held_until,
            holds=holds,
        )
        _remembered[sha256] = script
    return found


def script_texts(references: Iterable[str]) -> dict[str, ScriptText]:
    """Return the scripts of these references that exist, as the current territory sees them."""
    wanted = {reference for reference in references if is_script(reference)}
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        parameters = scripts_parameters(required_territory_id(), wanted)
        cursor.execute(SCRIPTS_SQL, parameters)
        return scripts_of(cursor.fetchall(), parameters)


def script_text(reference: str) -> ScriptText | None:
    """Return one script, or None when there is none of this reference."""
    return script_texts([reference]).get(reference)


def scripts_list() -> list[ScriptView]:
    """Return the scripts of the town by name."""
    rows = Script.objects.filter(removed_at__isnull=True).order_by("name", "id")
    return [script_view(row) for row in rows]


def script_get(uuid: UUID) -> ScriptView:
    """Return one script of the town.

    Raises:
        ScriptNotFound: there is none.
    """
    row = Script.objects.filter(uuid=uuid, removed_at__isnull=True).first()
    if row is None:
        raise ScriptNotFound("There is no such script here.")
    return script_view(row)


def script_versions(script_id: int) -> list[VersionView]:
    """Return every version of a script, the newest first."""
    rows = list(ScriptVersion.objects.filter(script_id=script_id).order_by("-version"))
    members = people(state="all").filter(user_id__in=[row.user_id for row in rows if row.user_id])
    names = {member.user_id: person_card(member).full_name for member in members}
    return [
        VersionView(
            version=row.version,
            source=row.source,
            sha256=row.sha256,
            examples=tuple(row.examples),
            passed=row.passed,
            at=row.at,
            user_name=names.get(row.user_id or 0, ""),
        )
        for row in rows
    ]


def troubles() -> dict[str, TroubleView]:
    """Return what scripts did wrong of late, by reference."""
    found = {}
    for row in CodecTrouble.objects.all():
        error = row.error or {}
        told = BeffroiError(error.get("message", ""), params=error.get("params"))
        found[row.codec_key] = TroubleView(
            codec_key=row.codec_key,
            faults=row.faults,
            code=row.code,
            sentence=told.told(gettext) if error else "",
            last_at=row.last_at,
            held_until=row.held_until,
        )
    return found


def models_list(*, text: str = "") -> list[ModelView]:
    """Return the device models of the town by vendor and name."""
    found = DeviceModel.objects.filter(removed_at__isnull=True).order_by("vendor", "name", "id")
    wanted = text.strip().replace("\x00", "").casefold()
    views = [model_view(row) for row in found]
    return [view for view in views if wanted in view.title.casefold()]


def model_get(uuid: UUID) -> ModelView:
    """Return one device model.

    Raises:
        ModelNotFound: there is none.
    """
    row = DeviceModel.objects.filter(uuid=uuid, removed_at__isnull=True).first()
    if row is None:
        raise ModelNotFound("There is no such device model here.")
    return model_view(row)


def model_by_id(model_id: int | None) -> ModelView | None:
    """Return the model of a device, or None when it has none any more."""
    if model_id is None:
        return None
    row = DeviceModel.objects.filter(id=model_id, removed_at__isnull=True).first()
    return None if row is None else model_view(row)


def models_of_codec(codec_key: str) -> list[ModelView]:
    """Return the models that are read with a codec."""
    rows = DeviceModel.objects.filter(codec_key=codec_key, removed_at__isnull=True)
    return [model_view(row) for row in rows.order_by("vendor", "name", "id")]


def model_view(row: DeviceModel) -> ModelView:
    """Return the contract of a row."""
    return ModelView(
        id=row.id,
        uuid=row.uuid,
        vendor=row.vendor,
        name=row.name,
        codec_key=row.codec_key,
        fields=rules_of(row.mapping),
        fields_seen=row.fields_seen,
        library_model=row.library_model,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def script_view(row: Script) -> ScriptView:
    """Return the contract of a row."""
    return ScriptView(
        id=row.id,
        uuid=row.uuid,
        reference=script_reference(row.uuid),
        name=row.name,
        version=row.version,
        source=row.source,
        sha256=row.sha256,
        examples=tuple(row.examples),
        passed=row.passed,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def library_search(text: str, *, limit: int = 50) -> list[LibraryHit]:
    """Return models of the library whose vendor or name holds every word; all when there is none.

    Those whose codec passes its examples come first.
    """
    found = LibraryModel.objects.select_related("codec").defer("codec__source", "codec__examples")
    for word in text.replace("\x00", "").split()[:8]:
        found = found.filter(
            Q(vendor__icontains=word) | Q(name__icontains=word) | Q(codec__name__icontains=word)
        )
    rows = found.order_by("vendor", "name", "codec__failed", "id")[:limit]
    return [_library_hit(row) for row in rows]


def library_as_model(uuid: UUID) -> ModelView:
    """Return a model of the library as it would be one of the town; its number is 0.

    Raises:
        ModelNotFound: there is none.
    """
    hit, _script, _examples = library_get(uuid)
    at = now()
    return ModelView(
        id=0,
        uuid=uuid,
        vendor=hit.vendor,
        name=hit.name[:120],
        codec_key=hit.codec_key,
        fields=NO_RULES,
        fields_seen={},
        library_model=uuid,
        created_at=at,
        updated_at=at,
    )


def library_count() -> int:
    """Return how many models the library describes."""
    return LibraryModel.objects.count()


def library_get(uuid: UUID) -> tuple[LibraryHit, ScriptText, tuple[Mapping[str, Any], ...]]:
    """Return a model of the library, its script and the script's examples.

    Raises:
        ModelNotFound: there is none.
    """
    row = LibraryModel.objects.select_related("codec").filter(uuid=uuid).first()
    if row is None:
        raise ModelNotFound("There is no such model in the library.")
    codec = row.codec
    script = ScriptText(
        reference=library_reference(codec.uuid),
        name=codec.name,
        source=codec.source,
        sha256=codec.sha256,
        dialect=codec.dialect,
    )
    return _library_hit(row), script, tuple(codec.examples)


def library_guess(*, vendor: str, model: str, limit: int = 5) -> list[LibraryHit]:
    """Return the models of the library that a device may be, by what its network calls it.

    The words of the model that hold a figure or are long say most: ``AM307`` says more than
    ``indoor``. Nothing is returned when no such word is found in a name.
    """
    words = [
        word
        for word in re.findall(r"[0-9a-z]+", model.casefold())
        if len(word) >= MIN_WORD and word not in _COMMON
    ]
    if not words:
        return []
    wanted = Q()
    for word in words:
        wanted |= Q(name__icontains=word) | Q(codec__name__icontains=word)
    rows = list(
        LibraryModel.objects.select_related("codec")
        .defer("codec__source", "codec__examples")
        .filter(wanted)[:LIBRARY_LOOKED_AT]
    )

    def closeness(row: LibraryModel) -> tuple[int, int, int]:
        name = set(re.findall(r"[0-9a-z]+", f"{row.name} {row.codec.name}".casefold()))
        whole = sum(word in name for word in words)
        same_vendor = bool(vendor) and vendor.casefold() in row.vendor.casefold()
        told = row.vendor.casefold().split()[0] in model.casefold() if row.vendor.strip() else False
        return (-whole, -int(same_vendor or told), row.codec.failed)

    rows.sort(key=closeness)
    return [_library_hit(row) for row in rows if closeness(row)[0] < 0][:limit]


def _library_hit(row: LibraryModel) -> LibraryHit:
    codec = row.codec
    return LibraryHit(
        uuid=row.uuid,
        vendor=row.vendor,
        name=row.name,
        description=row.description,
        codec_key=library_reference(codec.uuid),
        codec_name=codec.name,
        repository=codec.repository,
        licence=codec.licence,
        origin=codec.origin,
        passed=codec.passed,
        failed=codec.failed,
    )
