"""What a connector declares: how one network's messages become uplinks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One HTTP body (or MQTT message) as it arrived; nothing in it is trusted.

    ``headers`` have lower-case names; ``query`` is decoded, ``query_string`` is as received.
    ``settings`` are the source's own.
    """

    body: bytes
    content_type: str
    received_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    query_string: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """How one gateway heard a frame."""

    gateway: str
    rssi_dbm: float | None = None
    snr_db: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Radio:
    """What a network says of the radio; gateways are distinct, the best heard first."""

    receptions: tuple[Reception, ...] = ()
    spreading_factor: int | None = None
    frequency_hz: int | None = None

    @property
    def best(self) -> Reception | None:
        """Return the reception with the strongest signal, or None."""
        known = [item for item in self.receptions if item.rssi_dbm is not None]
        return max(known, key=lambda item: item.rssi_dbm or -999.0, default=None)


@dataclass(frozen=True, slots=True)
class Note:
    """What a sender should know of a message that was read all the same.

    ``message`` is English with ``{field}`` params, as that of an error.
    """

    message: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """One message of one device.

    Attributes:
        device: identifier in its normal form (a DevEUI in lower case, or the source's own name).
        key: the same for the same message however often and by whichever gateway it arrives,
            different for every other message of the source; it survives a restart of the
            counter because it holds the time of the message.
        payload: raw octets, or None when the source sends decoded values only.
        values: decoded values as the source names them; numbers, booleans or text.
        readings: values already in declared measures (plain JSON with a mapping, CSV history).
        late: the network kept it before delivery.
        simulated: marked by the network as a test; kept out of statistics.
        notes: doubts of the reading that its sender is told of: a local hour that exists twice,
            a text where a number was expected.
    """

    device: str
    key: str
    observed_at: datetime
    payload: bytes | None = None
    f_port: int = 0
    f_cnt: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    readings: Sequence[tuple[str, float, datetime | None]] = ()
    radio: Radio | None = None
    name: str = ""
    model: str = ""
    lon: float | None = None
    lat: float | None = None
    late: bool = False
    simulated: bool = False
    raw: bytes = b""
    """This message alone, as received, so that it can be read again."""
    notes: Sequence[Note] = ()


class NoticeKind(StrEnum):
    """What a network tells besides uplinks."""

    JOIN = "join"
    ACKNOWLEDGED = "acknowledged"
    DOWNLINK_SENT = "downlink_sent"
    DOWNLINK_FAILED = "downlink_failed"
    STATUS = "status"
    LOCATION = "location"
    LOG = "log"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message about a device that carries no payload of its own."""

    device: str
    key: str
    kind: NoticeKind
    observed_at: datetime
    detail: str = ""
    raw: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One item of a delivery that cannot be read, so that the others still are.

    ``index`` counts from 0; ``message`` and ``way_out`` are English with ``{field}`` params.
    """

    index: int
    code: str
    message: str
    way_out: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    raw: bytes = b""


Parsed = Uplink | Notice | Refusal


class Authentication(StrEnum):
    """How a source proves who it is."""

    SECRET = "secret"  # noqa: S105 - the name of a method
    """``Authorization: Bearer …``, ``X-Beffroi-Secret`` or HTTP Basic password."""
    SIGNATURE = "signature"
    """The network signs; the connector verifies with the shared key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSetting:
    """A setting that a source of this connector takes.

    Attributes:
        kind: text, json, choice, path (where something stands in a message), mapping (an object
            of ``parts``) or measures (an object: measure to where it stands).
        choices: of kind choice, value and label.
        parts: of kind mapping, what the object may hold.
    """

    key: str
    label: str
    help: str = ""
    kind: str = "text"
    default: Any = ""
    choices: tuple[tuple[str, str], ...] = ()
    parts: tuple[SourceSetting, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleField:
    """One thing that stands in a sample: its path, one value of it, and whether it is a number."""

    path: str
    example: str
    is_number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What can be told of a sample: settings that would read it, and all that stands in it."""

    settings: Mapping[str, Any]
    fields: tuple[SampleField, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A message format.

    Attributes:
        parse: delivery to uplinks, notices and refusals; pure. Raises ``ParseError`` when the
            whole body is unreadable.
        verify: for :attr:`Authentication.SIGNATURE`: tells whether the delivery was signed
            with the shared secret; pure and in constant time.
        examine: guesses settings from a sample that an agent pastes; pure. Raises ``ParseError``.
        help: how to set up the network's side, English, shown on the source's page.
        mqtt_topics: by which its messages come from a broker; ``{device}``, ``{measure}`` and
            ``{event}`` name the levels that say something.
    """

    key: str
    label: str
    parse: Callable[[Delivery], Sequence[Parsed]]
    authentication: tuple[Authentication, ...] = (Authentication.SECRET,)
    verify: Callable[[Delivery, str], bool] | None = None
    settings: tuple[SourceSetting, ...] = ()
    examine: Callable[[Delivery], Sample] | None = None
    help: str = ""
    content_types: tuple[str, ...] = ("application/json",)
    mqtt_topics: tuple[str, ...] = ()
