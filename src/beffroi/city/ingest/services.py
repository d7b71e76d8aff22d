from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings as installation
from django.db import IntegrityError, transaction

from beffroi.city.ingest import events, journal
from beffroi.city.ingest.catalogue import catalogue
from beffroi.city.ingest.clocks import CLOCK_SETTINGS, checked_clock_settings
from beffroi.city.ingest.contracts import (
    ROTATION_OVERLAP,
    IssuedSecret,
    SourceNotFound,
    SourceRefused,
)
from beffroi.city.ingest.models import Source
from beffroi.city.ingest.sealing import seal
from beffroi.foundation.audit.api import SYSTEM, Actor, Subject, audit_record
from beffroi.foundation.database.api import required_territory_id
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import new_secret
from beffroi.sdk.connectors import Authentication, Connector

KEY_OCTETS = 15
MAX_NAME = 120
MIN_SHARED_KEY = 8


@transaction.atomic
def source_create(
    connector_key: str,
    *,
    name: str,
    settings: Mapping[str, Any] | None = None,
    default_codec: str = "",
    shared_key: str = "",
    actor: Actor = SYSTEM,
    ip: str = "",
) -> tuple[Source, IssuedSecret | None]:
    """Add a source; its secret is returned here and never again.

    With a ``shared_key`` the source is believed by its network's signature and has no secret.

    Raises:
        SourceRefused: the connector, a setting, the codec or the key does not fit.
    """
    connector = _connector(connector_key)
    kept_settings = _checked_settings(connector, settings or {})
    _check_codec(default_codec)
    source = Source(
        territory_id=required_territory_id(),
        key=new_secret(octets=KEY_OCTETS),
        name=_checked_name(name),
        connector_key=connector.key,
        settings=kept_settings,
        default_codec=default_codec,
    )
    issued = None
    if shared_key:
        _set_shared_key(source, connector, shared_key)
    elif Authentication.SECRET in connector.authentication:
        issued = IssuedSecret(source_uuid=source.uuid, secret=new_secret())
        source.secret_hash = hash_of(issued.secret)
    else:
        raise SourceRefused(
            "This connector needs the key that it shares with the network.", field="shared_key"
        )
    _save_new(source)
    _record(journal.SOURCE_CREATED, source, actor=actor, ip=ip, connector=connector.key)
    return source, issued


@transaction.atomic
def source_rotate_secret(
    uuid: UUID, *, overlap: timedelta = ROTATION_OVERLAP, actor: Actor = SYSTEM, ip: str = ""
) -> IssuedSecret:
    """Make a new secret; the former one stays right for the overlap (0: it ends at once).

    Raises:
        SourceNotFound: there is no such source.
        SourceRefused: the source is believed by a signature.
    """
    source = locked(uuid)
    if source.authentication != Authentication.SECRET.value:
        raise SourceRefused("This source has no secret: its network signs.", field="secret")
    issued_secret = new_secret()
    until = now() + overlap if overlap > timedelta(0) else None
    source.former_secret_hash = source.secret_hash if until is not None else None
    source.former_secret_until = until
    source.secret_hash = hash_of(issued_secret)
    source.save(update_fields=["secret_hash", "former_secret_hash", "former_secret_until"])
    _record(journal.SOURCE_ROTATED, source, actor=actor, ip=ip)
    return IssuedSecret(source_uuid=source.uuid, secret=issued_secret, former_valid_until=until)


@transaction.atomic
def source_set_shared_key(
    uuid: UUID, *, shared_key: str, actor: Actor = SYSTEM, ip: str = ""
) -> None:
    """Change the key by which the network's signature is verified.

    Raises:
        SourceNotFound: there is no such source.
        SourceRefused: the connector verifies no signature, or the key is too short.
    """
    source = locked(uuid)
    _set_shared_key(source, _connector(source.connector_key), shared_key)
    source.secret_hash = source.former_secret_hash = source.former_secret_until = None
    source.save()
    _record(journal.SOURCE_SHARED_KEY, source, actor=actor, ip=ip)


@transaction.atomic
def source_update(
    uuid: UUID,
    *,
    name: str,
    settings: Mapping[str, Any],
    default_codec: str,
    actor: Actor = SYSTEM,
    ip: str = "",
) -> Source:
    """Change what a source is called and how its messages are read.

    Raises:
        SourceNotFound: there is no such source.
        SourceRefused: a value does not fit.
    """
    source = locked(uuid)
    connector = _connector(source.connector_key)
    _check_codec(default_codec)
    source.name = _checked_name(name)
    source.settings = _checked_settings(connector, settings)
    source.default_codec = default_codec
    _save_new(source)
    _record(journal.SOURCE_CHANGED, source, actor=actor, ip=ip)
    return source


def source_disable(uuid: UUID, *, actor: Actor = SYSTEM, ip: str = "") -> None:
    """Close the door to a source; its messages and its devices stay.

    Raises:
        SourceNotFound: there is no such source.
    """
    _set_enabled(uuid, enabled=False, actor=actor, ip=ip)


def source_enable(uuid: UUID, *, actor: Actor = SYSTEM, ip: str = "") -> None:
    """Open the door again, with the same secret.

    Raises:
        SourceNotFound: there is no such source.
    """
    _set_enabled(uuid, enabled=True, actor=actor, ip=ip)


def hash_of(secret: str) -> bytes:
    """Return the SHA-256 of a secret; right for 256 random bits, wrong for a password."""
    return hashlib.sha256(secret.encode()).digest()


def locked(uuid: UUID) -> Source:
    """Return a source of the territory, locked until the transaction ends.

    Raises:
        SourceNotFound: there is none.
    """
    source = Source.objects.select_for_update().filter(uuid=uuid).first()
    if source is None:
        raise SourceNotFound("There is no such source here.")
    return source


@transaction.atomic
def _set_enabled(uuid: UUID, *, enabled: bool, actor: Actor, ip: str) -> None:
    source = locked(uuid)
    if source.enabled == enabled:
        return
    source.enabled = enabled
    source.save(update_fields=["enabled"])
    events.source_switched(source)
    verb = journal.SOURCE_ENABLED if enabled else journal.SOURCE_DISABLED
    _record(verb, source, actor=actor, ip=ip)


def _save_new(source: Source) -> None:
    try:
        with transaction.atomic():
            source.save()
    except IntegrityError as problem:
        raise SourceRefused(
            "There is already a source called {value}.", field="name", value=source.name
        ) from problem


def _set_shared_key(source: Source, connector: Connector, shared_key: str) -> None:
    if Authentication.SIGNATURE not in connector.authentication or connector.verify is None:
        raise SourceRefused("This connector verifies no signature.", field="shared_key")
    if len(shared_key) < MIN_SHARED_KEY:
        raise SourceRefused(
            "The shared key has fewer than {limit} characters.",
            field="shared_key",
            params={"limit": MIN_SHARED_KEY},
        )
    source.authentication = Authentication.SIGNATURE.value
    source.sealed_key = seal(shared_key, source=source.uuid, secret_key=installation.SECRET_KEY)


def _connector(key: str) -> Connector:
    connector = catalogue().connectors.get(key)
    if connector is None:
        raise SourceRefused("The connector {value} is not installed.", field="connector", value=key)
    return connector


def _checked_name(name: str) -> str:
    plain = " ".join(name.replace("\x00", "").split())
    if not plain or len(plain) > MAX_NAME:
        raise SourceRefused(
            "A source has a name of at most {limit} characters.",
            field="name",
            value=name,
            params={"limit": MAX_NAME},
        )
    return plain


def _checked_settings(connector: Connector, given: Mapping[str, Any]) -> dict[str, Any]:
    declared = {setting.key: setting for setting in connector.settings}
    for key in given:
        if key not in declared and key not in CLOCK_SETTINGS:
            raise SourceRefused(
                "The connector {connector} has no setting {value}.",
                field="settings",
                value=key,
                params={"connector": connector.key},
            )
    own = {key: given.get(key, setting.default) for key, setting in declared.items()}
    return {**own, **checked_clock_settings(given)}


def _check_codec(codec_key: str) -> None:
    if codec_key and codec_key not in catalogue().codecs:
        raise SourceRefused(
            "The codec {value} is not installed.", field="default_codec", value=codec_key
        )


def _record(verb: str, source: Source, *, actor: Actor, ip: str, **detail: object) -> None:
    audit_record(
        verb,
        actor=actor,
        territory_id=source.territory_id,
        subject=Subject("source", source.uuid, source.name),
        detail=detail,
        ip=ip,
    )
