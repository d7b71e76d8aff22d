"""Keys of programs: made once, kept as a hash, revoked, found when one is presented."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from urllib.parse import urlsplit
from uuid import UUID

from django.db import IntegrityError, transaction

from beffroi.foundation.accounts.contracts import SCOPED_VERBS, Access
from beffroi.foundation.audit.api import SYSTEM, Actor, Subject, audit_record
from beffroi.foundation.database.api import required_territory_id
from beffroi.foundation.territories.api import areas_list, areas_within
from beffroi.interfaces.api import journal
from beffroi.interfaces.api.contracts import (
    KEY_VERBS,
    MOST_REQUESTS,
    MOST_ROWS,
    IssuedKey,
    KeyCard,
    KeyInvalid,
    KeyNotFound,
    NewKey,
)
from beffroi.interfaces.api.models import ApiKey
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import new_secret
from beffroi.sdk.registry import domains

PREFIX_LENGTH = 12
_ORIGIN_HOST = re.compile(r"[a-z0-9.-]+(:\d{1,5})?|\[[0-9a-f:]+\](:\d{1,5})?")


def keys_list() -> list[KeyCard]:
    """Return the keys of the territory: those that open something first, the newest first."""
    at = now()
    cards = [key_card(row) for row in ApiKey.objects.order_by("-created_at", "-id")]
    return sorted(cards, key=lambda card: not card.is_live(at))


def key_get(uuid: UUID) -> KeyCard:
    """Return one key.

    Raises:
        KeyNotFound: there is none.
    """
    row = ApiKey.objects.filter(uuid=uuid).first()
    if row is None:
        raise KeyNotFound("There is no such key here.")
    return key_card(row)


@transaction.atomic
def key_create(
    wanted: NewKey, *, access: Access | None = None, actor: Actor = SYSTEM, ip: str = ""
) -> IssuedKey:
    """Make a key; it is in clear in what is returned and never again.

    Args:
        wanted: what it may do.
        access: of who makes it: nobody gives what they do not hold. None for the installation.
        actor: who makes it, for the log.
        ip: from where, for the log.

    Raises:
        KeyInvalid: something asked for does not exist or cannot be given.
    """
    _check(wanted, access=access)
    key = f"bff_{new_secret()}"
    row = ApiKey(
        territory_id=required_territory_id(),
        name=wanted.name.strip(),
        prefix=key[:PREFIX_LENGTH],
        key_hash=hash_of(key),
        verbs=sorted(set(wanted.verbs)),
        domains=sorted(set(wanted.domains)),
        areas=sorted({str(area) for area in wanted.areas}),
        origins=[origin_of(text) for text in wanted.origins],
        requests_per_minute=wanted.requests_per_minute,
        rows_per_minute=wanted.rows_per_minute,
        expires_at=wanted.expires_at,
        created_by_id=actor.user_id,
        created_by_name=actor.name[:200],
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise KeyInvalid(
            "Another key is called {value}.",
            field="name",
            value=wanted.name,
            params={"value": wanted.name},
        ) from error
    _record(journal.KEY_CREATED, row, actor=actor, ip=ip, verbs=row.verbs)
    return IssuedKey(card=key_card(row), key=key)


@transaction.atomic
def key_revoke(uuid: UUID, *, actor: Actor = SYSTEM, ip: str = "") -> None:
    """End a key at once and for good; one that has ended stays as it is.

    Raises:
        KeyNotFound: there is none.
    """
    row = ApiKey.objects.select_for_update().filter(uuid=uuid).first()
    if row is None:
        raise KeyNotFound("There is no such key here.")
    if row.revoked_at is None:
        row.revoked_at = now()
        row.save(update_fields=["revoked_at"])
        _record(journal.KEY_REVOKED, row, actor=actor, ip=ip)


def origins_declared() -> frozenset[str]:
    """Return the origins that live keys of the territory declare."""
    at = now()
    rows = ApiKey.objects.filter(revoked_at__isnull=True).exclude(origins=[])
    return frozenset(
        origin for row in rows if key_card(row).is_live(at) for origin in key_card(row).origins
    )


def hash_of(key: str) -> bytes:
    """Return what is kept of a key: it holds 256 random bits, so one pass is enough."""
    return hashlib.sha256(key.encode()).digest()


def grants_of_key(
    *, verbs: Iterable[str], domains: Iterable[str], areas: Iterable[str]
) -> frozenset[tuple[str, str | None, int | None]]:
    """Return what a key holds, as roles hold it; an area that is gone opens nothing."""
    limits: list[str | None] = [*domains] or [None]
    places: list[int | None] = [None]
    if wanted := set(areas):
        ids = [card.id for card in areas_list() if str(card.uuid) in wanted]
        places = sorted(set[int | None]().union(*areas_within(ids).values()), key=str)
    return frozenset(
        grant
        for verb in verbs
        for grant in (
            ((verb, domain, area) for domain in limits for area in places)
            if verb in SCOPED_VERBS
            else ((verb, None, None),)
        )
    )


def origin_of(text: str) -> str:
    """Return an origin as browsers write it: scheme, host, port, nothing after.

    Raises:
        KeyInvalid: it is not one.
    """
    plain = text.strip().lower().rstrip("/")
    parts = urlsplit(plain)
    if (
        parts.scheme not in {"http", "https"}
        or not _ORIGIN_HOST.fullmatch(parts.netloc)
        or plain != f"{parts.scheme}://{parts.netloc}"
    ):
        raise KeyInvalid(
            "{value} is not the origin of a page.",
            field="origins",
            value=text,
            way_out="Write the scheme and the name only, as https://carte.exemple.fr.",
            params={"value": text[:200]},
        )
    return plain


def key_card(row: ApiKey) -> KeyCard:
    """Return the contract of a row."""
    return KeyCard(
        uuid=row.uuid,
        name=row.name,
        prefix=row.prefix,
        verbs=tuple(row.verbs),
        domains=tuple(row.domains),
        areas=tuple(UUID(text) for text in row.areas),
        origins=tuple(row.origins),
        requests_per_minute=row.requests_per_minute,
        rows_per_minute=row.rows_per_minute,
        expires_at=row.expires_at,
        created_at=row.created_at,
        created_by=row.created_by_name,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )


def _check(wanted: NewKey, *, access: Access | None) -> None:
    if not wanted.name.strip() or "\x00" in wanted.name or len(wanted.name) > 120:
        raise KeyInvalid("A key has a name of 120 letters at most.", field="name")
    unknown = sorted(set(wanted.verbs) - set(KEY_VERBS))
    if unknown or not wanted.verbs:
        raise KeyInvalid(
            "A key holds at least one of the rights that read.", field="verbs", value=unknown
        )
    if strangers := sorted(set(wanted.domains) - set(domains())):
        raise KeyInvalid("There is no urban service {value}.", field="domains", value=strangers[0])
    cards = {card.uuid: card.id for card in areas_list()} if wanted.areas else {}
    if set(wanted.areas) - set(cards):
        raise KeyInvalid("One of these areas is not in the town.", field="areas")
    if wanted.expires_at is not None and wanted.expires_at <= now():
        raise KeyInvalid("The key would have expired already.", field="expires_at")
    for name, value, most in (
        ("requests_per_minute", wanted.requests_per_minute, MOST_REQUESTS),
        ("rows_per_minute", wanted.rows_per_minute, MOST_ROWS),
    ):
        if not 1 <= value <= most:
            raise KeyInvalid(
                "{value} is not between 1 and {most}.",
                field=name,
                value=value,
                params={"most": most},
            )
    for origin in wanted.origins:
        origin_of(origin)
    if access is not None:
        _check_own(wanted, access)


def _check_own(wanted: NewKey, access: Access) -> None:
    grants = grants_of_key(
        verbs=wanted.verbs, domains=wanted.domains, areas=[str(one) for one in wanted.areas]
    )
    for verb, domain, area_id in grants:
        if not access.can(verb, domain=domain, area_id=area_id):
            raise KeyInvalid(
                "You cannot give a key what your own roles do not allow.",
                field="verbs",
                value=verb,
                way_out="Limit the key to the services and areas that you see.",
            )


def _record(verb: str, row: ApiKey, *, actor: Actor, ip: str, **detail: object) -> None:
    audit_record(
        verb,
        actor=actor,
        territory_id=row.territory_id,
        subject=Subject("api_key", row.uuid, row.name),
        detail={"prefix": row.prefix, **detail},
        ip=ip,
    )
