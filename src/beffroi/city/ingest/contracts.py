from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from beffroi.kernel.errors import BeffroiError, Conflict, InvalidInput, NotFound

EARLIEST_YEAR = 2000
LATEST_AHEAD = timedelta(minutes=10)
"""A message dated further ahead of our clock, or before the year above, is quarantined."""

ROTATION_OVERLAP = timedelta(days=7)
"""How long the former secret of a source still opens the door after a rotation."""

BODY_KEPT = 64 * 1024
"""Octets of an unreadable body that are kept."""

MAX_IDENTIFIER = 200
MAX_KEY = 255


class Status(StrEnum):
    """What became of a message; every one of them is kept as it was received."""

    DECODED = "decoded"
    """At least one value of a declared measure was read from it."""
    STORED = "stored"
    """Read, and nothing in it is a declared measure of the asset."""
    UNCLAIMED = "unclaimed"
    """No device of this name speaks for an asset yet."""
    UNDECODABLE = "undecodable"
    """The device is known and its codec cannot read the message, or there is no codec."""
    QUARANTINED = "quarantined"
    """Its time cannot be true."""
    SIMULATED = "simulated"
    """The network says it is a test: kept out of the measurements."""
    NOTICE = "notice"
    """The network speaks about the device: a join, an acknowledgement…"""


class SourceNotFound(NotFound):
    """No such source in the territory."""

    code = "source.not_found"


class SourceRefused(InvalidInput):
    """A source that cannot be made as it is described."""

    code = "source.refused"


class UnclaimedNotFound(NotFound):
    """Nothing was heard of a device of this name, or it was claimed meanwhile."""

    code = "unclaimed.not_found"


class ClaimRefused(Conflict):
    """The device cannot be claimed in this way."""

    code = "claim.refused"


class DeliveryRefused(BeffroiError):
    """A delivery that is not taken in; ``retry_after_s`` tells when to send it again.

    It becomes a problem of RFC 9457 at the edge.
    """

    code = "delivery.refused"

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str,
        params: Mapping[str, object] | None = None,
        way_out: str = "",
        retry_after_s: int | None = None,
    ) -> None:
        self.status = status
        self.retry_after_s = retry_after_s
        super().__init__(message, code=code, params=params, way_out=way_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedSecret:
    """A secret at the only moment when it is known in clear."""

    source_uuid: UUID
    secret: str = field(repr=False)
    former_valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityCounts:
    """What a source sent over a period."""

    accepted: int = 0
    duplicates: int = 0
    unclaimed: int = 0
    undecodable: int = 0
    quarantined: int = 0
    refused: int = 0
    wrong_secret: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """A source as a list or its page shows it."""

    id: int
    uuid: UUID
    territory_id: int
    key: str
    name: str
    connector_key: str
    authentication: str
    enabled: bool
    settings: Mapping[str, Any]
    default_codec: str
    created_at: datetime
    last_message_at: datetime | None
    former_secret_until: datetime | None
    last_hour: ActivityCounts = field(default_factory=ActivityCounts)
    last_day: ActivityCounts = field(default_factory=ActivityCounts)
    unclaimed_count: int = 0

    @property
    def errors_in_a_day(self) -> int:
        """Return how many messages could not be used."""
        day = self.last_day
        return day.undecodable + day.quarantined + day.refused

    @property
    def path(self) -> str:
        """Return the path that the network posts to."""
        return f"/ingest/{self.connector_key}/{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """One kept message.

    ``decoded`` holds what the last decoding read: ``(measure, value, epoch milliseconds or
    None, whether it became a measurement)``.
    """

    id: int
    source_id: int
    device_identifier: str
    status: Status
    observed_at: datetime
    received_at: datetime
    payload: bytes | None
    f_port: int
    f_cnt: int | None
    values: Mapping[str, Any]
    decoded: tuple[tuple[str, float, int | None, bool], ...]
    radio: Mapping[str, Any]
    raw: bytes
    late: bool
    error_code: str
    error: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorView:
    """Something that a source sent and that could not be taken in."""

    at: datetime
    code: str
    error: str
    content_type: str
    body: bytes
    body_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecGuess:
    """A codec that recognises what a device sends: in how many of the frames looked at."""

    codec_key: str
    label: str
    recognised: int
    looked_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceGuess:
    """What can be told of a device that nobody has claimed."""

    vendor: str = ""
    codecs: tuple[CodecGuess, ...] = ()
    fields: tuple[str, ...] = ()
    """Names of the values that its source decodes itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnclaimedView:
    """A device that sends and that nobody has claimed."""

    identifier: str
    source_id: int
    source_name: str
    source_uuid: UUID
    name: str
    model: str
    lon: float | None
    lat: float | None
    first_seen_at: datetime
    last_seen_at: datetime
    message_count: int
    vendor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an agent decides about an unclaimed device.

    Exactly one of ``asset_uuid`` (an asset that exists) and ``type_key`` (a new asset, at
    ``lon``, ``lat``) is given.
    """

    source_uuid: UUID
    identifier: str
    asset_uuid: UUID | None = None
    type_key: str = ""
    name: str = ""
    lon: float | None = None
    lat: float | None = None
    model: str = ""
    codec_key: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    model_uuid: UUID | None = None
    """Device model of the town."""
    library_model: UUID | None = None
    """Model of the library, which becomes one of the town unless it is one already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimResult:
    """What a claim did."""

    device_uuid: UUID
    asset_uuid: UUID
    messages: int
    decoded: int
    undecodable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RedecodeCount:
    """What decoding kept messages again did."""

    messages: int = 0
    decoded: int = 0
    undecodable: int = 0
    observations: int = 0

    def plus(self, other: RedecodeCount) -> RedecodeCount:
        """Return the sum of two counts."""
        return RedecodeCount(
            messages=self.messages + other.messages,
            decoded=self.decoded + other.decoded,
            undecodable=self.undecodable + other.undecodable,
            observations=self.observations + other.observations,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRow:
    """What one kept message would give under a claim that is not confirmed yet."""

    observed_at: datetime
    status: Status
    readings: tuple[tuple[str, float, bool], ...]
    error: str
    payload: bytes | None
