from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from beffroi.kernel.errors import BeffroiError, ConfigurationError

DEFAULT_APPLICATION_ROLE = "beffroi_app"
DEFAULT_OWNER_ROLE = "beffroi_owner"
DEFAULT_DATABASE = "beffroi"
MINIMUM_VERSION = 15


class DatabaseError(ConfigurationError):
    """The database, or the server under it, is not in a state to be used."""

    code = "database"


class ServerError(DatabaseError):
    """The embedded server does not start, stop or answer."""

    code = "database.server"


class AlreadyServedError(ServerError):
    """Another live process serves this data directory: attach to it instead of starting."""

    code = "database.already_served"


class UnsafeDatabaseError(DatabaseError):
    """The database would let one territory see another: nothing may be served from it."""

    code = "database.unsafe"

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__(
            "The database does not separate territories: {findings}",
            way_out="Run `beffroi database prepare` with an administrator's URL, then migrate.",
            params={"findings": "; ".join(map(str, findings))},
        )

    def told(self, translate: Callable[[str], str]) -> str:
        """Return the sentence with each finding in the same language."""
        told = "; ".join(finding.told(translate) for finding in self.findings)
        text = translate(self.message).format(findings=told)
        return f"{text} {translate(self.way_out)}"


class TerritoryContextError(BeffroiError):
    """Code that needs a territory runs outside :func:`acting_for`."""

    code = "database.no_territory"


class RuleKind(StrEnum):
    """How a table's rows are kept apart."""

    TERRITORY = "territory"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class TableRule:
    """What one table declares about who may reach its rows.

    Attributes:
        table: name in the database.
        kind: territory (row-level security is forced) or shared (grants only).
        verbs: what the application role may do, in upper case.
        reason: why a shared table may be shared; empty for a territory's.
        append_only: rows are never changed nor deleted.
        declared_by: migration, or ``third_party``.
    """

    table: str
    kind: RuleKind
    verbs: tuple[str, ...]
    reason: str = ""
    append_only: bool = False
    declared_by: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that makes a database unsafe to serve from.

    Attributes:
        code: stable name of the rule that is broken.
        subject: role, table or function concerned.
        message: English sentence for the administrator, with fields; a key of translations.
        params: values of the fields.
    """

    code: str
    subject: str
    message: str
    params: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        """Return the English sentence."""
        return self.told(str)

    def told(self, translate: Callable[[str], str]) -> str:
        """Return the sentence in another language: the edge gives gettext."""
        return translate(self.message).format_map(self.params)


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """The two connection URLs of an installation.

    Attributes:
        application: role that serves; owns nothing and cannot bypass row-level security.
        owner: role that migrates; ``None`` in a process that must not be able to.
        replica: the application role on a server that follows; ``None`` where there is none.
    """

    application: str = field(repr=False)
    owner: str | None = field(default=None, repr=False)
    replica: str | None = field(default=None, repr=False)


class ServerState(Enum):
    """What is known of the embedded server of a data directory."""

    ABSENT = "absent"
    STOPPED = "stopped"
    RUNNING_HERE = "running_here"
    RUNNING_ELSEWHERE = "running_elsewhere"


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """State of the embedded server.

    Attributes:
        state: whether it runs, and whether this process is its parent.
        pid: process of the postmaster, when it runs.
        version: major version of the cluster's files, when there are some.
    """

    state: ServerState
    pid: int | None = None
    version: int | None = None
