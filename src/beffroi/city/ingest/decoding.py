"""From one uplink to measurements; pure, and the same for live messages and for kept ones."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from beffroi.city.codecs.api import NO_RULES, FieldMap, Ran, ScriptText, is_script
from beffroi.city.ingest.catalogue import Catalogue
from beffroi.city.ingest.clocks import DEFAULT_LIMITS, WIDEST_LIMITS, ClockLimits
from beffroi.city.ingest.contracts import EARLIEST_YEAR, Status
from beffroi.city.ingest.plain_values import number_of
from beffroi.kernel.clock import epoch_ms
from beffroi.kernel.errors import DecodeError
from beffroi.kernel.quality import Quality, range_flag
from beffroi.sdk.connectors import Radio, Uplink
from beffroi.sdk.declarations import Frame, Kind, Measure
from beffroi.sdk.device_measures import BATTERY_PCT, BATTERY_V, RSSI_DBM, SNR_DB

log = logging.getLogger("beffroi.ingest")

EARLIEST = datetime(EARLIEST_YEAR, 1, 1, tzinfo=UTC)
_UNDATED = datetime(1, 1, 3, tzinfo=UTC)
"""Of a value whose own instant is declared and cannot be read: of no time that is believed."""

MAX_READINGS = 2_000
"""Values of one message; a codec that gives more is taken to be broken."""

_FAR_FUTURE = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AttachedAsset:
    """An asset that a device speaks for, during a period."""

    asset_id: int
    uuid: str
    type_key: str
    domain_key: str
    area_id: int | None
    since: datetime
    until: datetime | None


@dataclass(slots=True)
class DeviceEntry:
    """What the ingest path must know of a device.

    ``codec_key``, ``script`` and ``rules`` are its own or its model's; ``mapping``, the names
    that it maps itself, goes before the rules. ``streams`` maps ``(asset, measure)`` to a stream
    that exists in the database.
    """

    device_id: int
    identifier: str
    codec_key: str
    mapping: Mapping[str, str]
    attached: tuple[AttachedAsset, ...]
    streams: dict[tuple[int, str], int] = field(default_factory=dict)
    rules: FieldMap = NO_RULES
    script: ScriptText | None = None
    noted_at: datetime | None = None
    """When this process last wrote that the device was heard; its battery went with it."""

    def key_of(self, name: str) -> str:
        """Return the measure that a name stands for; empty where it is left out."""
        own = self.mapping.get(name)
        if own is not None:
            return own
        rule = self.rules.of(name)
        return name if rule is None else rule.measure

    def converted(self, name: str, raw: Any) -> Any:
        """Return a value in the unit of its measure, where the model says how."""
        rule = None if not self.rules or name in self.mapping else self.rules.of(name)
        return raw if rule is None else rule.converted(raw)

    @property
    def speaks_now(self) -> bool:
        """Tell whether the device is attached to an asset today."""
        return bool(self.attached) and self.attached[-1].until is None

    def asset_at(self, instant: datetime) -> AttachedAsset | None:
        """Return the asset the device speaks for at an instant.

        What it sent before it was first attached belongs to the first: a device sends before
        somebody claims it.
        """
        found = None
        for index, item in enumerate(self.attached):
            if index == 0 or item.since <= instant:
                found = item
        if found is not None and found.until is not None and found.until <= instant:
            return None
        return found


class Value(NamedTuple):
    """One value on its way to a stream."""

    asset: AttachedAsset
    measure: Measure
    observed_at: datetime
    value: float
    quality: int


@dataclass(slots=True)
class Decoded:
    """What was read from one message.

    ``told`` is what the page of the message shows: measure, value, epoch milliseconds of a
    value that has its own instant, and whether it became a measurement.
    """

    status: Status
    values: list[Value] = field(default_factory=list)
    told: list[tuple[str, float, int | None, bool]] = field(default_factory=list)
    error_code: str = ""
    error: str = ""
    error_params: Mapping[str, object] = field(default_factory=dict)
    battery_v: float | None = None
    battery_pct: float | None = None


def script_of(
    uplink: Uplink, device: DeviceEntry | None, *, received_at: datetime
) -> ScriptText | None:
    """Return the script that must run on an uplink before it can be decoded, or None."""
    if device is None or device.script is None or not uplink.payload or uplink.simulated:
        return None
    if not device.speaks_now or not WIDEST_LIMITS.believes(
        uplink.observed_at, received_at=received_at
    ):
        return None
    return None if device.asset_at(uplink.observed_at) is None else device.script


def decode_uplink(
    uplink: Uplink,
    device: DeviceEntry | None,
    *,
    received_at: datetime,
    default_codec: str,
    installed: Catalogue,
    ran: Ran | None = None,
    clock: ClockLimits = DEFAULT_LIMITS,
) -> Decoded:
    """Read an uplink with what its device declares; never raises for what a device sent.

    ``ran`` is what the script of :func:`script_of` made of it; ``clock`` says which times of its
    source are believed.
    """
    try:
        return _decoded(
            uplink,
            device,
            received_at=received_at,
            default_codec=default_codec,
            installed=installed,
            ran=ran,
            clock=clock,
        )
    except Exception as problem:
        # A codec or a connector of a town's own package: its fault is one message's, no other's.
        log.exception("a message of %s cannot be decoded", uplink.device)
        return Decoded(
            Status.UNDECODABLE,
            error_code="decode.failed",
            error="The message could not be decoded: {problem}.",
            error_params={"problem": type(problem).__name__},
        )


def _decoded(
    uplink: Uplink,
    device: DeviceEntry | None,
    *,
    received_at: datetime,
    default_codec: str,
    installed: Catalogue,
    ran: Ran | None,
    clock: ClockLimits,
) -> Decoded:
    if not clock.believes(uplink.observed_at, received_at=received_at):
        return Decoded(
            Status.QUARANTINED,
            error_code="time",
            error="The message says it is of {observed_at}, and it came at {received_at}.",
            error_params={
                "observed_at": uplink.observed_at.isoformat(),
                "received_at": received_at.isoformat(),
            },
        )
    if uplink.simulated:
        return Decoded(Status.SIMULATED)
    if device is None or not device.speaks_now:
        return Decoded(Status.UNCLAIMED)
    asset = device.asset_at(uplink.observed_at)
    if asset is None:
        return Decoded(
            Status.STORED,
            error_code="device.spoke_for_nothing",
            error="The device spoke for no asset on {observed_at}.",
            error_params={"observed_at": uplink.observed_at.isoformat()},
        )
    measures = installed.measures_of(asset.type_key)
    try:
        readings = _readings(
            uplink,
            device,
            measures,
            codec_key=device.codec_key or default_codec,
            installed=installed,
            ran=ran,
        )
    except DecodeError as problem:
        return Decoded(
            Status.UNDECODABLE,
            error_code=problem.code,
            error=problem.message,
            error_params=problem.params,
        )
    return _measured(
        readings, uplink, device, received_at=received_at, installed=installed, clock=clock
    )


_Read = tuple[str, Any, datetime | None]


def _readings(
    uplink: Uplink,
    device: DeviceEntry,
    measures: Mapping[str, Measure],
    *,
    codec_key: str,
    installed: Catalogue,
    ran: Ran | None,
) -> list[_Read]:
    """Return every value the message holds, its codec's first, under the device's own names."""
    found: list[_Read] = list(uplink.readings)
    if uplink.values:
        found += _values_of(uplink.values, device, measures)
    if uplink.payload:
        if is_script(codec_key):
            data = _script_data(device, ran)
            found = [*_values_of(data, device, measures), *found]
        elif codec_key:
            decoded = _decoded_payload(uplink, uplink.payload, codec_key, installed)
            found = [*decoded, *found]
        elif len(found) == len(uplink.readings):
            # What the network says of the device itself does not make up for the payload.
            raise DecodeError(
                "The device {device} has no codec.",
                code="codec.missing",
                params={"device": uplink.device},
            )
    return found


def _values_of(
    values: Mapping[str, Any], device: DeviceEntry, measures: Mapping[str, Measure]
) -> list[_Read]:
    """Return what can be numbers among named values, however deep, with their own instants."""
    found: list[_Read] = []
    for name, value, own_time, _rule, dated in device.rules.read(values):
        raw = device.converted(name, value)
        if number_of(raw, measure=measures.get(device.key_of(name))) is not None:
            found.append((name, value, own_time if dated else _UNDATED))
    if len(found) > MAX_READINGS:
        raise DecodeError(
            "The message holds {count} values.",
            code="codec.too_many",
            params={"count": len(found)},
        )
    return found


def _script_data(device: DeviceEntry, ran: Ran | None) -> Mapping[str, Any]:
    if device.script is None:
        raise DecodeError(
            "The codec {codec} is not installed.",
            code="codec.absent",
            params={"codec": device.codec_key},
        )
    if ran is None:
        raise DecodeError(
            "The script {script} has not run yet on this message.",
            code="codec.waits",
            params={"script": device.script.name},
        )
    if ran.data is None:
        raise DecodeError(ran.error, code=ran.code, params=ran.params)
    return ran.data


def _decoded_payload(
    uplink: Uplink, payload: bytes, codec_key: str, installed: Catalogue
) -> list[_Read]:
    codec = installed.codecs.get(codec_key)
    if codec is None:
        raise DecodeError(
            "The codec {codec} is not installed.", code="codec.absent", params={"codec": codec_key}
        )
    frame = Frame(payload=payload, f_port=uplink.f_port, observed_at=uplink.observed_at)
    try:
        readings: Sequence[Any] = codec.decode(frame)
    except DecodeError:
        raise
    except Exception as problem:
        log.exception("the codec %s failed", codec_key)
        raise DecodeError(
            "The codec {codec} failed: {problem}.",
            code="codec.failed",
            params={"codec": codec_key, "problem": type(problem).__name__},
        ) from problem
    if len(readings) > MAX_READINGS:
        raise DecodeError(
            "The codec {codec} gave {count} values for one message.",
            code="codec.too_many",
            params={"codec": codec_key, "count": len(readings)},
        )
    return [(item.measure, item.value, item.observed_at) for item in readings]


def _measured(
    readings: list[_Read],
    uplink: Uplink,
    device: DeviceEntry,
    *,
    received_at: datetime,
    installed: Catalogue,
    clock: ClockLimits,
) -> Decoded:
    """Keep what the type of the asset declares, once per measure and instant.

    The instant of the message itself was believed before; what the device spoke for then is looked
    up once.
    """
    result = Decoded(Status.STORED)
    sent_at = uplink.observed_at
    then = device.asset_at(sent_at)
    measures_then = {} if then is None else installed.measures_of(then.type_key)
    renames = bool(device.mapping or device.rules)
    seen: set[str | tuple[str, datetime]] = set()
    told, values, decoded = result.told, result.values, False
    for name, sent, own_time in [*readings, *_radio_readings(uplink.radio)]:
        key = device.key_of(name) if renames else name
        raw = device.converted(name, sent) if renames else sent
        if own_time is None or own_time == sent_at:
            instant, asset, measures = sent_at, then, measures_then
            once: str | tuple[str, datetime] = key
        else:
            instant, asset, once = own_time, device.asset_at(own_time), (key, own_time)
            measures = {} if asset is None else installed.measures_of(asset.type_key)
        measure = measures.get(key) if key else None
        value = number_of(raw, measure=measure)
        if value is None:
            continue
        taken = (
            measure is not None
            and once not in seen
            and (instant is sent_at or clock.believes(instant, received_at=received_at))
        )
        own_ms = None if own_time is None or not _has_epoch(own_time) else epoch_ms(own_time)
        told.append((key or name, value, own_ms, taken))
        if taken and asset is not None and measure is not None:
            seen.add(once)
            values.append(Value(asset, measure, instant, value, _quality(value, measure)))
            _note_battery(result, key, value)
            decoded = decoded or key not in _RADIO_KEYS
    if decoded:
        result.status = Status.DECODED
    return result


_RADIO_KEYS = frozenset({RSSI_DBM.key, SNR_DB.key})


def _radio_readings(radio: Radio | None) -> list[_Read]:
    best = None if radio is None else radio.best
    if best is None:
        return []
    found: list[_Read] = []
    if best.rssi_dbm is not None:
        found.append((RSSI_DBM.key, best.rssi_dbm, None))
    if best.snr_db is not None:
        found.append((SNR_DB.key, best.snr_db, None))
    return found


def _note_battery(result: Decoded, key: str, value: float) -> None:
    if key == BATTERY_V.key:
        result.battery_v = value
    elif key == BATTERY_PCT.key:
        result.battery_pct = value


def _quality(value: float, measure: Measure) -> int:
    if measure.kind is Kind.CHOICE:
        known = value.is_integer() and 0 <= value < len(measure.choices)
        return int(Quality.GOOD if known else Quality.BAD)
    if measure.kind is Kind.BOOLEAN and measure.valid is None:
        return int(Quality.GOOD if value in {0.0, 1.0} else Quality.BAD)
    return int(range_flag(value, valid=measure.valid))


def _has_epoch(instant: datetime) -> bool:
    return EARLIEST - timedelta(days=36_525) < instant < _FAR_FUTURE
