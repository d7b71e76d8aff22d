"""Writes about the scripts of a town; each change of one is a new version."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from beffroi.city.codecs import journal
from beffroi.city.codecs.references import script_reference
from beffroi.city.codecs.town_contracts import (
    HOLD,
    LONGEST_HOLD,
    MAX_EXAMPLES,
    MAX_EXAMPLES_TEXT,
    MAX_PAYLOAD,
    MAX_SOURCE,
    CodecInUse,
    ScriptNotFound,
    ScriptRefused,
)
from beffroi.city.codecs.town_models import CodecTrouble, DeviceModel, Script, ScriptVersion
from beffroi.foundation.audit.api import SYSTEM, Actor, Subject, audit_record
from beffroi.foundation.database.api import required_territory_id
from beffroi.kernel.clock import now

_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")
_SEPARATORS = re.compile(r"[\s:,-]|0x")


@transaction.atomic
def script_create(
    *,
    name: str,
    source: str,
    examples: Sequence[Mapping[str, Any]] = (),
    passed: int = 0,
    actor: Actor = SYSTEM,
    ip: str = "",
) -> Script:
    """Keep a script of the town as its first version.

    Args:
        name: as people call it; unique in the town.
        source: JavaScript that defines ``decodeUplink`` (or an older network's function).
        examples: ``{name, input: {bytes, fPort}, expected}``.
        passed: how many of them gave what they should.
        actor: who does it.
        ip: from where.

    Raises:
        ScriptRefused: the name is taken, or something is too long or of no known form.
    """
    plain = checked_name(name)
    kept = checked_examples(examples)
    text = checked_source(source)
    script = Script(
        territory_id=required_territory_id(),
        key=_key_of(plain),
        name=plain,
        source=text,
        sha256=sha256_of(text),
        examples=kept,
        passed=passed,
    )
    try:
        with transaction.atomic():
            script.save()
    except IntegrityError as problem:
        raise ScriptRefused(
            "There is already a script called {value}.", field="name", value=plain
        ) from problem
    _keep_version(script, actor=actor)
    _record(journal.SCRIPT_ADDED, script, actor=actor, ip=ip)
    return script


@transaction.atomic
def script_revise(
    uuid: UUID,
    *,
    name: str,
    source: str,
    examples: Sequence[Mapping[str, Any]],
    passed: int = 0,
    actor: Actor = SYSTEM,
    ip: str = "",
) -> Script:
    """Keep a new version of a script; when nothing changes there is none.

    Raises:
        ScriptNotFound: there is no such script.
        ScriptRefused: something does not fit.
    """
    script = _locked(uuid)
    script.name = checked_name(name)
    text, kept = checked_source(source), checked_examples(examples)
    same = (text, kept) == (script.source, script.examples)
    script.source, script.sha256, script.examples = text, sha256_of(text), kept
    script.passed, script.updated_at = passed, now()
    if not same:
        script.version += 1
    script.save()
    if not same:
        _keep_version(script, actor=actor)
    _record(journal.SCRIPT_REVISED, script, actor=actor, ip=ip)
    return script


@transaction.atomic
def script_remove(uuid: UUID, *, actor: Actor = SYSTEM, ip: str = "") -> None:
    """Take a script away; its versions stay.

    Raises:
        ScriptNotFound: there is no such script.
        CodecInUse: a device model is read with it.
    """
    script = _locked(uuid)
    user = DeviceModel.objects.filter(
        codec_key=script_reference(script.uuid), removed_at__isnull=True
    ).first()
    if user is not None:
        raise CodecInUse(
            "The model {model} is read with it.",
            way_out="Give the model another codec first.",
            params={"model": f"{user.vendor} {user.name}".strip()},
        )
    script.removed_at = now()
    script.key = f"{script.key[:20]}-{script.uuid.hex}"  # its key is free again
    script.save(update_fields=["removed_at", "key"])
    CodecTrouble.objects.filter(codec_key=script_reference(script.uuid)).delete()
    _record(journal.SCRIPT_REMOVED, script, actor=actor, ip=ip)


@transaction.atomic
def hold_end(codec_key: str, *, label: str, actor: Actor = SYSTEM, ip: str = "") -> bool:
    """Put a script that was left aside back in use; tell whether it was."""
    ended = CodecTrouble.objects.filter(codec_key=codec_key, held_until__isnull=False).update(
        held_until=None, holds=0
    )
    if ended:
        audit_record(
            journal.HOLD_ENDED,
            actor=actor,
            territory_id=required_territory_id(),
            subject=Subject("script", None, label),
            ip=ip,
        )
    return bool(ended)


TROUBLE_UPSERT = """
INSERT INTO codecs_trouble AS kept
    (territory_id, codec_key, sha256, faults, holds, code, error, last_at, held_until)
VALUES (%(territory)s, %(reference)s, %(sha256)s, %(faults)s, %(holds)s, %(code)s,
        %(error)s::jsonb, %(at)s, %(held_until)s)
ON CONFLICT (territory_id, codec_key) DO UPDATE SET
    faults = CASE WHEN kept.sha256 = excluded.sha256 THEN kept.faults ELSE 0 END + excluded.faults,
    sha256 = excluded.sha256, code = excluded.code, error = excluded.error,
    last_at = excluded.last_at,
    holds = CASE WHEN excluded.held_until IS NULL AND kept.sha256 = excluded.sha256
            THEN kept.holds ELSE excluded.holds END,
    held_until = CASE WHEN kept.sha256 = excluded.sha256
                 THEN greatest(kept.held_until, excluded.held_until) ELSE excluded.held_until END
"""
"""What a script did wrong, counted; a hold is never made shorter by another process."""


def hold_until(at: datetime, *, holds: int) -> datetime:
    """Return until when a script is left aside the next time, after so many times before."""
    doublings = 1 << min(holds, 10)
    return at + min(HOLD * doublings, LONGEST_HOLD)


def checked_source(source: str) -> str:
    """Return the text of a script as it is kept.

    Raises:
        ScriptRefused: it is empty, too long, or no text.
    """
    text = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise ScriptRefused("There is no script here.", field="source")
    if len(text.encode("utf-8", "replace")) > MAX_SOURCE:
        raise ScriptRefused(
            "The script has more than {limit} kilobytes.",
            field="source",
            params={"limit": MAX_SOURCE // 1024},
        )
    if any(unicodedata.category(mark) in {"Cc", "Cs"} and mark not in "\n\t\f\v" for mark in text):
        raise ScriptRefused(
            "The script holds characters that no text has.",
            field="source",
            way_out="Send the .js file itself, not an archive or a compiled file.",
        )
    return text


def source_of_upload(octets: bytes) -> str:
    """Return the text of an uploaded script.

    Raises:
        ScriptRefused: it is too long, or is not UTF-8.
    """
    if len(octets) > MAX_SOURCE:
        raise ScriptRefused(
            "The script has more than {limit} kilobytes.",
            field="source",
            params={"limit": MAX_SOURCE // 1024},
        )
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise ScriptRefused(
            "The file is not text in UTF-8.",
            field="source",
            way_out="Open it in an editor, save it as UTF-8, and send it again.",
        ) from problem


def checked_name(name: str) -> str:
    """Return a name without spaces around it.

    Raises:
        ScriptRefused: it is empty or too long.
    """
    plain = " ".join(name.replace("\x00", "").split())
    if not plain or len(plain) > 120:
        raise ScriptRefused("A name has at most {limit} characters.", field="name", value=name,
                            params={"limit": 120})  # fmt: skip
    return plain


def checked_examples(examples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return examples as they are kept.

    Raises:
        ScriptRefused: one has another form, or there are too many.
    """
    if len(examples) > MAX_EXAMPLES:
        raise ScriptRefused("There are more than {limit} examples.", field="examples",
                            params={"limit": MAX_EXAMPLES})  # fmt: skip
    kept = [_checked_example(rank, item) for rank, item in enumerate(examples, start=1)]
    try:
        size = len(json.dumps(kept, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, RecursionError) as problem:
        raise ScriptRefused("The examples cannot be kept.", field="examples") from problem
    if size > MAX_EXAMPLES_TEXT:
        raise ScriptRefused("The examples have more than {limit} kilobytes.", field="examples",
                            params={"limit": MAX_EXAMPLES_TEXT // 1024})  # fmt: skip
    return kept


def payload_of(text: str) -> bytes:
    """Read octets written in hexadecimal, with or without spaces.

    Raises:
        ScriptRefused: they are not, or are too many.
    """
    plain = _SEPARATORS.sub("", text.strip())
    if not _HEX.fullmatch(plain) or len(plain) > 2 * MAX_PAYLOAD:
        raise ScriptRefused(
            "“{text}” is not a frame in hexadecimal.", field="payload", params={"text": text[:40]}
        )
    return bytes.fromhex(plain)


def sha256_of(text: str) -> str:
    """Return the SHA-256 of a script's text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _checked_example(rank: int, item: Mapping[str, Any]) -> dict[str, Any]:
    given = item.get("input") if isinstance(item, Mapping) else None
    if not isinstance(given, Mapping):
        raise ScriptRefused("Example {rank} has no input.", field="examples",
                            params={"rank": rank})  # fmt: skip
    octets, port = given.get("bytes"), given.get("fPort", 1)
    if isinstance(octets, str):
        payload = payload_of(octets)
    elif isinstance(octets, list) and all(isinstance(o, int) and 0 <= o < 256 for o in octets):
        payload = bytes(octets)
    else:
        raise ScriptRefused(
            "The frame of example {rank} is neither hexadecimal nor a list of octets.",
            field="examples",
            params={"rank": rank},
        )
    if not isinstance(port, int) or isinstance(port, bool) or not 0 <= port < 256:
        raise ScriptRefused("The port of example {rank} is not between 0 and 255.",
                            field="examples", params={"rank": rank})  # fmt: skip
    expected = item.get("expected", item.get("output"))
    name = str(item.get("name") or item.get("description") or "")
    return {
        "name": _storable(name)[:200],
        "input": {"bytes": payload.hex(), "fPort": port},
        "expected": json.loads(_storable(json.dumps(expected, ensure_ascii=False))),
    }


def _storable(text: str) -> str:
    """Return a text without what jsonb cannot hold, written as is or as an escape."""
    plain = text.encode("utf-8", "replace").decode()
    return plain.replace("\\u0000", "\ufffd").replace("\x00", "\ufffd")


def _key_of(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "script"


def _keep_version(script: Script, *, actor: Actor) -> None:
    ScriptVersion.objects.create(
        territory_id=script.territory_id,
        script=script,
        version=script.version,
        source=script.source,
        sha256=script.sha256,
        examples=script.examples,
        passed=script.passed,
        user_id=actor.user_id,
    )


def _locked(uuid: UUID) -> Script:
    script = Script.objects.select_for_update().filter(uuid=uuid, removed_at__isnull=True).first()
    if script is None:
        raise ScriptNotFound("There is no such script here.")
    return script


def _record(verb: str, script: Script, *, actor: Actor, ip: str) -> None:
    audit_record(
        verb,
        actor=actor,
        territory_id=script.territory_id,
        subject=Subject("script", script.uuid, script.name),
        detail={"version": script.version, "sha256": script.sha256},
        ip=ip,
    )
