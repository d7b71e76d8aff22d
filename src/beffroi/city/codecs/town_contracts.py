"""What pages and other rooms are told of a town's scripts and device models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from beffroi.city.codecs.mapping import FieldMap
from beffroi.kernel.errors import Conflict, InvalidInput, NotFound

MAX_SOURCE = 512 * 1024
"""Octets of a script; the largest published one has about 200 kB."""

MAX_EXAMPLES = 200
MAX_EXAMPLES_TEXT = 512 * 1024
MAX_PAYLOAD = 1_024

FAULTS_BEFORE_HOLD = 3
"""Frames on which a script is stopped for its time or memory, in a row, before it is left aside."""

HOLD = timedelta(minutes=5)
LONGEST_HOLD = timedelta(hours=6)
"""How long a script is left aside; twice as long each time that it fails again, up to the last."""


class ScriptNotFound(NotFound):
    """No such script in the territory."""

    code = "script.not_found"


class ModelNotFound(NotFound):
    """No such device model in the territory."""

    code = "model.not_found"


class ScriptRefused(InvalidInput):
    """A script, or its examples, that cannot be kept as they are."""

    code = "script.refused"


class ModelRefused(InvalidInput):
    """A device model that cannot be kept as it is described."""

    code = "model.refused"


class CodecInUse(Conflict):
    """Something is read with it."""

    code = "codec.in_use"


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class ScriptText:
    """A script as decoding needs it: what to run, and whether it is left aside.

    Attributes:
        reference: how devices name it.
        sha256: of the text; two scripts with one text are one for the engine.
    """

    reference: str
    name: str
    source: str
    sha256: str
    dialect: str = ""
    held_until: datetime | None = None
    holds: int = 0

    def is_held(self, at: datetime) -> bool:
        """Tell whether the script is left aside at an instant."""
        return self.held_until is not None and at < self.held_until


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleView:
    """What a script did wrong of late."""

    codec_key: str
    faults: int
    code: str
    sentence: str
    last_at: datetime
    held_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptView:
    """A script of the town as a list or its page shows it."""

    id: int
    uuid: UUID
    reference: str
    name: str
    version: int
    source: str
    sha256: str
    examples: tuple[Mapping[str, Any], ...]
    passed: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    """One saved version of a script."""

    version: int
    source: str
    sha256: str
    examples: tuple[Mapping[str, Any], ...]
    passed: int
    at: datetime
    user_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelView:
    """A device model as a list, a page or a decoder needs it."""

    id: int
    uuid: UUID
    vendor: str
    name: str
    codec_key: str
    fields: FieldMap
    fields_seen: Mapping[str, Any]
    library_model: UUID | None
    created_at: datetime
    updated_at: datetime

    @property
    def title(self) -> str:
        """Return the vendor and the name."""
        return f"{self.vendor} {self.name}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryHit:
    """A model that the installation's library describes, and how its codec did."""

    uuid: UUID
    vendor: str
    name: str
    description: str
    codec_key: str
    codec_name: str
    repository: str
    licence: str
    origin: str
    passed: int
    failed: int

    @property
    def title(self) -> str:
        """Return the vendor and the name."""
        return f"{self.vendor} {self.name}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleResult:
    """What one example gave; ``sentence`` says in words what went wrong, if anything did."""

    name: str
    payload: str
    f_port: int
    expected: Any
    given: Any
    passed: bool
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptCheck:
    """What came out of trying a script: the fault that stops it, or what its examples gave."""

    fault: str = ""
    line: int | None = None
    results: tuple[ExampleResult, ...] = ()

    @property
    def passed(self) -> int:
        """Return how many examples gave what they should."""
        return sum(result.passed for result in self.results)
