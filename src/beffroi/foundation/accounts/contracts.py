from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from beffroi.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound

INVITATION_LIFETIME = timedelta(days=7)
RENEWAL_LIFETIME = timedelta(hours=24)
ADDRESS_CHANGE_LIFETIME = timedelta(days=7)
SIGN_IN_LINK_LIFETIME = timedelta(hours=24)
SIGN_IN_LINK_SESSION = timedelta(hours=12)


class Verb(StrEnum):
    """What a role may allow. Code outside this room may write the text as well."""

    ASSETS_SEE = "assets.see"
    ASSETS_EDIT = "assets.edit"
    ASSETS_IMPORT = "assets.import"
    ASSETS_DELETE = "assets.delete"
    SERIES_EXPORT = "series.export"
    SOURCES_SEE = "sources.see"
    SOURCES_MANAGE = "sources.manage"
    PEOPLE_SEE = "people.see"
    PEOPLE_MANAGE = "people.manage"
    AUDIT_SEE = "audit.see"
    TERRITORY_MANAGE = "territory.manage"
    API_MANAGE = "api.manage"


VERBS = frozenset(verb.value for verb in Verb)

SCOPED_VERBS = frozenset(
    {
        Verb.ASSETS_SEE.value,
        Verb.ASSETS_EDIT.value,
        Verb.ASSETS_IMPORT.value,
        Verb.ASSETS_DELETE.value,
        Verb.SERIES_EXPORT.value,
    }
)
"""Verbs that a role may limit to urban services and areas; the others hold everywhere or not."""

AllowedPair = tuple[str | None, int | None]
"""A domain or ``None`` for all, and an area's number or ``None`` for all."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a verb is held.

    Attributes:
        everything: no limit at all; ``allowed`` is then of no importance.
        allowed: pairs that each open something; areas already include those below them.
    """

    everything: bool
    allowed: frozenset[AllowedPair]

    def covers(self, *, domain: str | None = None, area_id: int | None = None) -> bool:
        """Tell whether something of this domain and area is within; ``None`` means it has none."""
        if self.everything:
            return True
        return any(
            (wanted_domain is None or wanted_domain == domain)
            and (wanted_area is None or wanted_area == area_id)
            for wanted_domain, wanted_area in self.allowed
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What one person may do in one territory.

    Attributes:
        slug: the territory's, as in its URLs.
        verbs: those held somewhere in the territory.
        grants: ``(verb, domain, area)``, where ``None`` means all.
    """

    user_id: int
    user_name: str
    territory_id: int
    slug: str
    department_id: int | None
    verbs: frozenset[str]
    grants: frozenset[tuple[str, str | None, int | None]]

    def can(self, verb: str, *, domain: str | None = None, area_id: int | None = None) -> bool:
        """Tell whether the person may do this to something of this domain and area.

        Something without domain or area is only within grants without that limit. To know whether
        the verb is held at all, look in ``verbs``.
        """
        return self.scope(verb).covers(domain=domain, area_id=area_id)

    def scope(self, verb: str) -> Scope:
        """Return where the verb is held."""
        allowed = frozenset((domain, area) for held, domain, area in self.grants if held == verb)
        return Scope(everything=(None, None) in allowed, allowed=allowed)


class RuleKind(StrEnum):
    """Who may open a page."""

    AGENT = "agent"
    SIGNED_IN = "signed_in"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a view declares; found on it as ``beffroi_rule``.

    Attributes:
        verb: for an agent's page.
        reason: for a public page, why anybody may open it.
    """

    kind: RuleKind
    verb: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipCard:
    """A territory in which a person works."""

    territory_id: int
    slug: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonCard:
    """A member of a territory, as a colleague sees them."""

    uuid: UUID
    user_id: int
    full_name: str
    email: str
    department: str
    roles: tuple[str, ...]
    is_active: bool
    has_second_factor: bool
    last_sign_in_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationIssued:
    """An invitation just made; the token is shown once and never stored.

    Attributes:
        path: of the page to open, without scheme and host.
    """

    uuid: UUID
    email: str
    token: str
    path: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationView:
    """What the page of an invitation shows before it is accepted."""

    email: str
    territory_name: str
    territory_slug: str
    invited_by: str
    has_account: bool
    expires_at: datetime
    renews: bool = False
    full_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLinkIssued:
    """A one-time sign-in link just made on the server's own command line."""

    token: str
    path: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressChangeCard:
    """An address that a person has asked for and nobody has confirmed.

    Attributes:
        person: identifier of the account.
        token: of the link to send, only where the change has just been asked for.
    """

    person: UUID
    full_name: str
    former: str
    email: str
    expires_at: datetime
    token: str = ""


class AddressChangeInvalid(NotFound):
    """The change of address was never asked for, was done, withdrawn or has expired."""

    code = "address_change.invalid"


class AddressTaken(Conflict):
    """Another account signs in with this address."""

    code = "address_change.taken"


class BeyondThisTerritory(Forbidden):
    """The account opens other territories too: one of them cannot dispose of it."""

    code = "people.beyond_territory"


class InvitationInvalid(NotFound):
    """The link of the invitation was never made, was used, was withdrawn or has expired."""

    code = "invitation.invalid"


class SignInLinkInvalid(NotFound):
    """The sign-in link was never made, was used or has expired."""

    code = "sign_in_link.invalid"


class AlreadyMember(Conflict):
    """The person is a member of the territory already."""

    code = "people.already_member"


class LastAdministrator(Conflict):
    """Nobody would be left to manage the people of the territory."""

    code = "people.last_administrator"


class RoleInUse(Conflict):
    """A role that people hold cannot be removed."""

    code = "roles.in_use"


class BeyondOwnRights(Forbidden):
    """A person cannot give what they do not hold."""

    code = "roles.beyond_own_rights"


class UnknownPerson(NotFound):
    """No member of the territory has this identifier."""

    code = "people.unknown"


class UnknownVerb(InvalidInput):
    """A role may only allow declared verbs."""

    code = "roles.unknown_verb"
