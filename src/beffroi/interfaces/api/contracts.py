from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from beffroi.foundation.accounts.contracts import Access
from beffroi.foundation.territories.contracts import TerritoryCard
from beffroi.kernel.errors import BeffroiError, InvalidInput, NotFound

KEY_VERBS = ("assets.see", "series.export", "sources.see")
"""What a key may hold: all of them read, none writes."""

REQUESTS_PER_MINUTE = 600
ROWS_PER_MINUTE = 1_000_000
MOST_REQUESTS = 60_000
MOST_ROWS = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCard:
    """A key as its page shows it; nobody can read the key itself again.

    Attributes:
        prefix: its first characters, by which people know it.
        domains, areas: to what its reading of assets and series is limited; empty is no limit.
        origins: pages of these origins may use it from a browser.
    """

    uuid: UUID
    name: str
    prefix: str
    verbs: tuple[str, ...]
    domains: tuple[str, ...]
    areas: tuple[UUID, ...]
    origins: tuple[str, ...]
    requests_per_minute: int
    rows_per_minute: int
    expires_at: datetime | None
    created_at: datetime
    created_by: str
    revoked_at: datetime | None
    last_used_at: datetime | None

    def is_live(self, at: datetime) -> bool:
        """Tell whether the key still opens something."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A key at the only moment when it is known in clear."""

    card: KeyCard
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """What an agent asks a key to be."""

    name: str
    verbs: tuple[str, ...]
    domains: tuple[str, ...] = ()
    areas: tuple[UUID, ...] = ()
    origins: tuple[str, ...] = ()
    requests_per_minute: int = REQUESTS_PER_MINUTE
    rows_per_minute: int = ROWS_PER_MINUTE
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The key by which a request is counted, and what it may ask in a minute."""

    key_id: int
    territory_id: int
    requests_per_minute: int
    rows_per_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: a key, or an agent in their browser.

    Attributes:
        access: what they may read, in the territory of the address.
        origins: origins whose pages may read the answer.
        allowance: None for an agent, who is limited by their hands.
    """

    access: Access
    territory: TerritoryCard
    origins: tuple[str, ...] = ()
    allowance: Allowance | None = None


class KeyNotFound(NotFound):
    """The territory has no such key."""

    code = "api.key_not_found"


class KeyInvalid(InvalidInput):
    """A key that cannot be made as it is asked for."""

    code = "api.key_invalid"


class Unauthenticated(BeffroiError):
    """Nobody says who they are, or the key is not one of ours, has expired or was revoked."""

    code = "api.unauthenticated"
    status = 401


class ScopeMissing(BeffroiError):
    """The key, or the person, is known and does not hold the verb."""

    code = "api.scope_missing"
    status = 403


class NoSuchResource(NotFound):
    """The address leads to nothing that the caller may know of."""

    code = "api.not_found"


class MethodRefused(BeffroiError):
    """The address only answers to other methods; ``allowed`` names them."""

    code = "api.method_not_allowed"
    status = 405

    def __init__(self, message: str, *, allowed: str, params: Mapping[str, object]) -> None:
        self.allowed = allowed
        super().__init__(message, params=params, way_out="It answers to {allowed}.")


class FormRefused(BeffroiError):
    """None of the forms that the caller accepts can be given."""

    code = "api.not_acceptable"
    status = 406


class TooManyRequests(BeffroiError):
    """The key has used up what it may ask in a minute; ``retry_after_s`` says when it may again."""

    code = "api.too_many_requests"
    status = 429

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: int,
        standing: Mapping[str, str],
        params: Mapping[str, object] | None = None,
    ) -> None:
        self.retry_after_s = retry_after_s
        self.standing = standing
        super().__init__(
            message,
            params={"seconds": retry_after_s, **(params or {})},
            way_out="Ask again in {seconds} s.",
        )


class Unavailable(BeffroiError):
    """The database does not answer."""

    code = "api.unavailable"
    status = 503
