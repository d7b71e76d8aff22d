"""Payloads of the Watteco sensors: standard reports, and batches by family of models."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from beffroi.domains.air_quality.codecs.watteco_batch import Layout, decode_batch
from beffroi.domains.air_quality.codecs.watteco_layouts import LAYOUTS
from beffroi.domains.air_quality.codecs.watteco_meter import TIC_CLUSTERS, read_meter
from beffroi.domains.air_quality.electrical import PHASES
from beffroi.domains.air_quality.measures import INPUTS
from beffroi.kernel.errors import DecodeError
from beffroi.sdk.declarations import Codec, Frame, Reading

_SOURCE = "Watteco (nke), application layer: standard and batch reports, public codecs"
_PORT = 125

_READ_RESPONSE, _REPORT, _REPORT_ALARM = 0x01, 0x0A, 0x8A
_CONFIGURATION_COMMANDS = frozenset({0x04, 0x07, 0x09, 0x0B})
_MUTE_CLUSTERS = frozenset({0x0000, 0x8003, 0x8004, 0x8006, 0x8007, 0x8009, 0x800F})
"""Clusters of configuration, serial lines and shocks: known, and without a declared measure."""

_FIXED_SIZES = {
    0x08: 1, 0x09: 2, 0x0A: 3, 0x0B: 4, 0x0C: 5, 0x0D: 6, 0x0E: 7, 0x0F: 8, 0x10: 1,
    0x16: 1, 0x18: 1, 0x19: 2, 0x20: 1, 0x21: 2, 0x22: 3, 0x23: 4, 0x28: 1, 0x29: 2, 0x2B: 4,
    0x30: 1, 0x39: 4,
}  # fmt: skip
"""Octets of an attribute, by its type; smart plugs send their relay with the odd type 0x16."""
_LENGTH_OCTETS = {0x41: 1, 0x42: 1, 0x43: 2, 0x4C: 2}
"""Octets that give the length of an attribute of variable length."""

_LIKELY: dict[str, tuple[float, float]] = {
    "temperature_c": (-55, 125),
    "temperature_2_c": (-55, 260),
    "humidity_pct": (0, 100),
    "pressure_hpa": (500, 1_100),
    "battery_v": (1.8, 5.5),
    "external_supply_v": (0, 30),
    "light_lux": (0, 65_000),
    "co2_ppm": (300, 10_000),
    "differential_pressure_pa": (-1_000, 1_000),
    "active_energy_wh": (-8_388_608, 8_388_607),
    "analog_value_1": (-1_000, 1_000),
    "analog_value_2": (-1_000, 1_000),
    "current_a": (0, 10_000),
}
"""Ranges of the vendor's data sheets, used only to tell layouts of batches apart."""

_INPUTS = tuple(f"input_{rank}_state" for rank in range(1, INPUTS + 1))

_Values = Sequence[tuple[str, float]]


class _Attribute(NamedTuple):
    """One attribute of a standard report."""

    endpoint: int
    cluster: int
    attribute: int
    kind: int
    content: bytes


def decode_standard(frame: Frame) -> tuple[Reading, ...]:
    """Read a standard report; frames of configuration give no reading.

    Raises:
        DecodeError: the frame is cut, or its command or cluster is not known.
    """
    attribute = _parse(frame.payload)
    if attribute is None:
        return ()
    return tuple(Reading(measure, value) for measure, value in _values(attribute))


def _parse(octets: bytes) -> _Attribute | None:
    if len(octets) < 4:
        raise DecodeError("A Watteco report has at least four octets.")
    control, command = octets[0], octets[1]
    if not control & 0x01:
        raise DecodeError("This Watteco frame is a batch, not a standard report.")
    endpoint = (control >> 5) | ((control & 0x06) << 2)
    if command in _CONFIGURATION_COMMANDS:
        return None
    if command not in {_READ_RESPONSE, _REPORT, _REPORT_ALARM}:
        raise DecodeError(
            "Watteco command 0x{command} is not known.", params={"command": f"{command:02x}"}
        )
    cluster = int.from_bytes(octets[2:4], "big")
    # The answer to a read request has one octet of status before the type.
    position = 7 if command == _READ_RESPONSE else 6
    if command == _READ_RESPONSE and len(octets) > 6 and octets[6]:
        return None
    if len(octets) <= position:
        raise _cut()
    kind = octets[position]
    content = _content(octets[position + 1 :], kind=kind)
    number = int.from_bytes(octets[4:6], "big")
    return _Attribute(endpoint, cluster, number, kind, content)


def _content(octets: bytes, *, kind: int) -> bytes:
    """Return the octets of an attribute, without what reports of causes add after them."""
    size = _FIXED_SIZES.get(kind)
    if size is None:
        length_octets = _LENGTH_OCTETS.get(kind)
        if length_octets is None:
            raise DecodeError(
                "Watteco attribute type 0x{kind} is not known.", params={"kind": f"{kind:02x}"}
            )
        if len(octets) < length_octets:
            raise _cut()
        size = int.from_bytes(octets[:length_octets], "big")
        octets = octets[length_octets:]
    if len(octets) < size:
        raise _cut()
    return octets[:size]


def _values(report: _Attribute) -> _Values:
    if report.cluster in _MUTE_CLUSTERS:
        return ()
    if report.cluster in TIC_CLUSTERS:
        return read_meter(report.content, cluster=report.cluster, attribute=report.attribute & 0xFF)
    readers = _READERS.get(report.cluster)
    if readers is None:
        raise DecodeError(
            "Watteco cluster 0x{cluster} is not known.",
            params={"cluster": f"{report.cluster:04x}"},
        )
    # Other attributes of a known cluster are settings.
    reader = readers.get(report.attribute)
    return reader(report) if reader else ()


def _cut() -> DecodeError:
    return DecodeError("The Watteco report ends within an attribute.")


def _named(names: Sequence[str], report: _Attribute) -> str:
    """Return the measure of an endpoint.

    Raises:
        DecodeError: the family has no sensor with such an endpoint.
    """
    if report.endpoint >= len(names):
        raise DecodeError(
            "Watteco cluster 0x{cluster} has no endpoint {endpoint}.",
            params={"cluster": f"{report.cluster:04x}", "endpoint": report.endpoint},
        )
    return names[report.endpoint]


def _number(
    *names: str, divide: float = 1, signed: bool = False
) -> Callable[[_Attribute], _Values]:
    """Make a reader of one number whose measure depends on the endpoint."""

    def read(report: _Attribute) -> _Values:
        value = int.from_bytes(report.content, "big", signed=signed) / divide
        return ((_named(names, report), value),)

    return read


def _boolean(*names: str) -> Callable[[_Attribute], _Values]:
    def read(report: _Attribute) -> _Values:
        return ((_named(names, report), float(any(report.content))),)

    return read


def _analog(report: _Attribute) -> _Values:
    if len(report.content) != 4:
        raise _cut()
    (value,) = struct.unpack(">f", report.content)
    if not math.isfinite(value):
        raise DecodeError("The Watteco report holds a value that is not a number.")
    names = [f"analog_value_{rank}" for rank in range(1, 6)]
    return ((_named(names, report), float(value)),)


def _inputs(report: _Attribute) -> _Values:
    bits = int.from_bytes(report.content, "big")
    return tuple((f"input_{rank + 1}_state", float((bits >> rank) & 1)) for rank in range(INPUTS))


_SUPPLIES = (
    "external_supply_v",
    "rechargeable_battery_v",
    "battery_v",
    "solar_supply_v",
    "tic_supply_v",
)


def _power(report: _Attribute) -> _Values:
    """Read voltages: a mask tells which supplies follow, in millivolts, two octets each."""
    if len(report.content) < 2:
        raise _cut()
    present = [name for rank, name in enumerate(_SUPPLIES) if report.content[1] >> rank & 1]
    octets = report.content[2:]
    if len(octets) < 2 * len(present):
        raise _cut()
    return tuple(
        (name, int.from_bytes(octets[2 * rank : 2 * rank + 2], "big") / 1_000)
        for rank, name in enumerate(present)
    )


def _fields(*names: tuple[str, int, float], offset: float = 0) -> Callable[[_Attribute], _Values]:
    """Make a reader of signed fields one after another: measure, octets, divisor.

    ``{phase}`` in a name is the phase that the endpoint stands for; ``offset`` is added to
    the frequencies, which the sensor sends as a difference to 22.232 Hz.
    """
    size = sum(octets for _name, octets, _divide in names)

    def read(report: _Attribute) -> _Values:
        if len(report.content) < size:
            raise _cut()
        phase = _named(PHASES, report) if "{" in names[0][0] else ""
        values = []
        position = 0
        for name, octets, divide in names:
            signed = not name.endswith("_count")
            part = report.content[position : position + octets]
            raw = int.from_bytes(part, "big", signed=signed)
            shift = offset if name.startswith("frequency") else 0
            values.append((name.format(phase=phase), (raw + shift) / divide))
            position += octets
        return values

    return read


def _directions(name: str, unit: str) -> tuple[tuple[str, int, float], ...]:
    return tuple((f"{name}_{way}_{{phase}}_{unit}", 4, 1) for way in ("drawn", "injected"))


def _phases(active: str, reactive: str) -> tuple[tuple[str, int, float], ...]:
    return tuple(
        (name.replace("{}", phase), 4, 1) for phase in PHASES for name in (active, reactive)
    )


_LINE = (("voltage_{}_v", 10), ("current_{}_a", 10), ("phase_angle_{}_deg", 1))

_QUALITY = (
    ("frequency_hz", 2, 1_000),
    ("frequency_min_hz", 2, 1_000),
    ("frequency_max_hz", 2, 1_000),
    ("voltage_v", 2, 10),
    ("voltage_min_v", 2, 10),
    ("voltage_max_v", 2, 10),
    ("peak_voltage_v", 2, 10),
    ("peak_voltage_min_v", 2, 10),
    ("peak_voltage_max_v", 2, 10),
    ("overvoltage_count", 2, 1),
    ("sag_count", 2, 1),
    ("brownout_count", 2, 1),
)

_READERS: dict[int, dict[int, Callable[[_Attribute], _Values]]] = {
    0x0006: {0x0000: _boolean(*(f"output_{rank}_on" for rank in range(1, 5)))},
    0x000C: {0x0055: _analog},
    0x000F: {
        0x0055: _boolean(*_INPUTS),
        0x0402: _number(*(f"pulse_{rank}_total" for rank in range(1, INPUTS + 1))),
    },
    0x0013: {0x0055: _number("output_level")},
    0x0050: {0x0006: _power},
    0x0052: {
        0x0000: _fields(
            ("active_energy_wh", 3, 1),
            ("reactive_energy_varh", 3, 1),
            ("metering_samples_count", 2, 1),
            ("power_w", 2, 1),
            ("reactive_power_var", 2, 1),
        )
    },
    0x0400: {0x0000: _number("light_lux")},
    0x0402: {0x0000: _number("temperature_c", "temperature_2_c", divide=100, signed=True)},
    0x0403: {0x0000: _number("pressure_hpa", signed=True)},
    0x0405: {0x0000: _number("humidity_pct", "humidity_2_pct", divide=100)},
    0x0406: {0x0000: _boolean("occupied")},
    0x8005: {0x0000: _inputs},
    0x8008: {0x0000: _number("differential_pressure_pa", signed=True)},
    0x800A: {
        0x0000: _fields(
            *_directions("energy", "wh"),
            *_directions("reactive_energy", "varh"),
            *_directions("power", "w"),
            *_directions("reactive_power", "var"),
        )
    },
    0x800B: {
        0x0000: _fields(*((key.replace("{}", "{phase}"), 2, divide) for key, divide in _LINE))
    },
    0x800C: {0x0000: _number("tvoc_ppb", "co2_ppm")},
    0x800D: {
        0x0000: _fields(
            *(
                (key.replace("{}", phase), 2, divide)
                for phase in PHASES[:3]
                for key, divide in _LINE
            )
        )
    },
    0x8010: {
        0x0000: _fields(*_phases("active_energy_{}_wh", "reactive_energy_{}_varh")),
        0x0001: _fields(*_phases("power_{}_w", "reactive_power_{}_var")),
    },
    0x8052: {0x0000: _fields(*_QUALITY, offset=22_232)},
}


def is_batch(frame: Frame) -> bool:
    """Tell whether the first octet announces a batch."""
    return bool(frame.payload) and not frame.payload[0] & 0x01


def decode_with(layout: Layout, frame: Frame) -> tuple[Reading, ...]:
    """Read a standard report, or a batch of the given layout.

    Raises:
        DecodeError: the frame is neither.
    """
    if is_batch(frame):
        return decode_batch(frame.payload, layout=layout, received_at=frame.observed_at)
    present = frozenset(_INPUTS[: layout.inputs])
    return tuple(
        reading
        for reading in decode_standard(frame)
        if reading.measure not in _INPUTS or reading.measure in present
    )


def decode(frame: Frame) -> tuple[Reading, ...]:
    """Read a standard report of any model, or a batch that only one reading can explain.

    A batch does not say which model sent it. Every known layout is tried; when those that fit
    do not agree, the codec of the model must be chosen.

    Raises:
        DecodeError: the frame is not of this family, or its batch fits several models.
    """
    if not is_batch(frame):
        return decode_standard(frame)
    found: list[tuple[Reading, ...]] = []
    for layout, _models in LAYOUTS.values():
        try:
            readings = decode_with(layout, frame)
        except DecodeError:
            continue
        if readings not in found and _plausible(readings, layout):
            found.append(readings)
    if not found:
        raise DecodeError("The Watteco batch is of no known model.")
    if len(found) > 1:
        raise DecodeError(
            "The Watteco batch fits several models.",
            way_out="Choose the codec of the sensor's own model.",
        )
    return found[0]


def _plausible(readings: Sequence[Reading], layout: Layout) -> bool:
    """Tell whether values are what the sensors of a layout send: a wrong layout gives wild ones.

    They lie in usual ranges, and are whole numbers of the resolution that the sensor rounds to.
    """
    resolutions = {
        series.measure: series.resolution / series.divide for series in layout.series.values()
    }
    for reading in readings:
        low, high = _LIKELY.get(reading.measure, (-math.inf, math.inf))
        steps = reading.value / resolutions[reading.measure]
        if not low <= reading.value <= high or abs(steps - round(steps)) > 0.01:
            return False
    return bool(readings)


def recognises(frame: Frame) -> bool:
    """Tell whether the port is Watteco's and the frame a report that can be read."""
    if frame.f_port != _PORT:
        return False
    try:
        decode(frame)
    except DecodeError:
        return is_batch(frame)
    return True


def _family(key: str, layout: Layout, models: tuple[str, ...]) -> Codec:
    def decode_family(frame: Frame) -> tuple[Reading, ...]:
        return decode_with(layout, frame)

    def recognises_family(frame: Frame) -> bool:
        if frame.f_port != _PORT or not is_batch(frame):
            return False
        try:
            decode_with(layout, frame)
        except DecodeError:
            return False
        return True

    return Codec(
        key=f"watteco_{key}",
        label=f"Watteco {models[0]}",
        vendor="Watteco",
        models=models,
        decode=decode_family,
        recognises=recognises_family,
        source=_SOURCE,
    )


WATTECO = Codec(
    key="watteco",
    label="Watteco",
    vendor="Watteco",
    models=("In'O", "Clos'O", "Triphas'O", "TIC'O", "Smart Plug", "Pilot Wire", "Modb'O"),
    decode=decode,
    recognises=recognises,
    source=_SOURCE,
)
WATTECO_FAMILIES = tuple(_family(key, layout, models) for key, (layout, models) in LAYOUTS.items())
