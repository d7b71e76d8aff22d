"""Who asks: a key in a header, or an agent in their browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from django.http import HttpRequest
from django.utils.translation import gettext_noop as _

from beffroi.foundation.accounts.api import User, access_load, is_strong, memberships_of
from beffroi.foundation.accounts.contracts import Access, Scope
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.api import (
    TerritoryCard,
    TerritoryNotFound,
    territories_among,
    territory_by_slug,
)
from beffroi.interfaces.api.budgets import BUDGETS
from beffroi.interfaces.api.contracts import (
    Allowance,
    Caller,
    NoSuchResource,
    ScopeMissing,
    Unauthenticated,
)
from beffroi.interfaces.api.keys import grants_of_key, hash_of
from beffroi.interfaces.api.models import ApiKey
from beffroi.kernel.clock import now

LONGEST_KEY = 200


def key_presented(request: HttpRequest) -> str:
    """Return the key of the request, from ``Authorization: Bearer`` or ``X-API-Key``; or nothing.

    Raises:
        Unauthenticated: there is an ``Authorization`` of another kind.
    """
    header = request.headers.get("Authorization", "").strip()
    if not header:
        return request.headers.get("X-API-Key", "").strip()[:LONGEST_KEY]
    kind, _space, key = header.partition(" ")
    if kind.lower() != "bearer" or not key.strip():
        raise _nobody()
    return key.strip()[:LONGEST_KEY]


@contextmanager
def calling(request: HttpRequest, *, slug: str) -> Iterator[Caller]:
    """Open the territory for who asks, for reading; count the request.

    Raises:
        Unauthenticated: nobody is known by what the request shows.
        NoSuchResource: the territory is not theirs.
        TooManyRequests: the key has used up its budget.
    """
    key = key_presented(request)
    if key:
        with _key_calling(request, hash_of(key), slug=slug) as caller:
            yield caller
    else:
        with _agent_calling(request, slug=slug) as caller:
            yield caller


def territories_of_caller(request: HttpRequest) -> list[TerritoryCard]:
    """Return the territories that the request's key or agent reads.

    Raises:
        Unauthenticated: nobody is known by what the request shows.
        TooManyRequests: the key has used up its budget.
    """
    key = key_presented(request)
    if not key:
        user = _agent_of(request)
        return territories_among(one.territory_id for one in memberships_of(user.pk))
    hashed = hash_of(key)
    with acting_for(None, source_key=hashed.hex()):
        row = ApiKey.objects.filter(key_hash=hashed).first()
    row = _live(row)
    note_origins(request, tuple(row.origins))
    request.api_standing = BUDGETS.take(_allowance(row))  # type: ignore[attr-defined]  # read at the edge
    return territories_among([row.territory_id])


def caller_of(request: HttpRequest) -> Caller:
    """Return who asks; the edge has found out."""
    return cast("Caller", request.caller)  # type: ignore[attr-defined]  # set by the edge


def scope_of(request: HttpRequest, verb: str) -> Scope:
    """Return where the caller holds a verb.

    Raises:
        ScopeMissing: nowhere.
    """
    access = caller_of(request).access
    if verb not in access.verbs:
        raise ScopeMissing(
            _("This needs the right “{verb}”."),
            way_out=_("An administrator of the town can make a key that holds it."),
            params={"verb": verb},
        )
    return access.scope(verb)


def note_origins(request: HttpRequest, origins: tuple[str, ...]) -> None:
    """Say whose pages may read the answer, errors included."""
    request.api_origins = origins  # type: ignore[attr-defined]  # read at the edge


@contextmanager
def _key_calling(request: HttpRequest, hashed: bytes, *, slug: str) -> Iterator[Caller]:
    territory = _territory(slug)
    allowance = None
    if territory is not None:
        with acting_for(territory.id):
            row = ApiKey.objects.filter(key_hash=hashed).first()
            if row is not None and BUDGETS.holds(row.pk):
                # One transaction finds the key and reads; what it may ask is in hand.
                yield _opened(request, _live(row), territory)
                return
            if row is not None:
                note_origins(request, tuple(row.origins))
                allowance = _allowance(_live(row))
    if territory is None or row is None or allowance is None:
        raise _refusal(hashed)
    standing = BUDGETS.take(allowance)
    with acting_for(territory.id):
        yield _opened(request, row, territory, standing=dict(standing))


def _opened(
    request: HttpRequest,
    row: ApiKey,
    territory: TerritoryCard,
    *,
    standing: dict[str, str] | None = None,
) -> Caller:
    note_origins(request, tuple(row.origins))
    allowance = _allowance(row)
    told = BUDGETS.take(allowance) if standing is None else standing
    request.api_standing = told  # type: ignore[attr-defined]  # read at the edge
    grants = grants_of_key(verbs=row.verbs, domains=row.domains, areas=row.areas)
    access = Access(
        user_id=0,
        user_name=row.name,
        territory_id=territory.id,
        slug=territory.slug,
        department_id=None,
        verbs=frozenset(verb for verb, _domain, _area in grants),
        grants=grants,
    )
    return Caller(
        access=access, territory=territory, origins=tuple(row.origins), allowance=allowance
    )


@contextmanager
def _agent_calling(request: HttpRequest, *, slug: str) -> Iterator[Caller]:
    user = _agent_of(request)
    territory = _territory(slug)
    if territory is None:
        raise _nothing()
    with acting_for(territory.id, user_id=user.pk):
        access = access_load(user, territory=territory)
        if access is None:
            raise _nothing()
        yield Caller(access=access, territory=territory)


def _agent_of(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User):
        raise _nobody()
    if not is_strong(request.session, user_id=user.pk):
        raise Unauthenticated(
            _("This session has not shown its second factor."),
            way_out=_("Sign in again, or use a key."),
        )
    if request.method not in {"GET", "HEAD"}:
        raise ScopeMissing(
            _("A browser’s session only reads here."), way_out=_("Use a key, or the pages.")
        )
    return user


def _allowance(row: ApiKey) -> Allowance:
    return Allowance(
        key_id=row.pk,
        territory_id=row.territory_id,
        requests_per_minute=row.requests_per_minute,
        rows_per_minute=row.rows_per_minute,
    )


def _live(row: ApiKey | None) -> ApiKey:
    if row is None:
        raise _unknown()
    if row.revoked_at is not None:
        raise Unauthenticated(
            _("This key was revoked."), way_out=_("Ask the town for another one.")
        )
    if row.expires_at is not None and row.expires_at <= now():
        raise Unauthenticated(
            _("This key has expired."), way_out=_("Ask the town for another one.")
        )
    return row


def _refusal(hashed: bytes) -> Exception:
    """Tell a key that nobody made from one of another town, for which nothing exists here."""
    with acting_for(None, source_key=hashed.hex()):
        known = ApiKey.objects.filter(key_hash=hashed).exists()
    return _nothing() if known else _unknown()


def _territory(slug: str) -> TerritoryCard | None:
    try:
        return territory_by_slug(slug)
    except TerritoryNotFound:
        return None


def _nothing() -> NoSuchResource:
    return NoSuchResource(
        _("There is no such territory here."),
        way_out=_("/api/v1/territories lists those that you may read."),
    )


def _nobody() -> Unauthenticated:
    return Unauthenticated(
        _("This needs a key."),
        way_out=_("Send the header Authorization: Bearer followed by a key of the town."),
    )


def _unknown() -> Unauthenticated:
    return Unauthenticated(
        _("This key is not known."), way_out=_("Check that it was copied whole.")
    )
