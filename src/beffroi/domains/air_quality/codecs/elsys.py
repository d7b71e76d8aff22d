"""Payloads of the Elsys sensors (ERS, EMS, ELT, ESM): a list of types and values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from beffroi.kernel.errors import DecodeError
from beffroi.sdk.declarations import Codec, Frame, Reading

_SOURCE = "Elsys AB, payload format of the ELS and ERS families (open document and decoder)"
_GRID_PIXELS = 64
_SETTINGS = 0x3E
_OFFSET_BITS = 0xC0
"""The two high bits of a type tell how many octets of a time offset follow the value."""
_EXTERNAL_PROBES = tuple(f"external_temperature_{rank}_c" for rank in range(2, 6))

_Values = Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class _Field:
    """One type of the list: how many octets follow, and what they say."""

    size: int
    read: Callable[[bytes], _Values]


def _unsigned(measure: str, *, size: int, divide: float = 1) -> _Field:
    return _Field(size, lambda octets: ((measure, int.from_bytes(octets, "big") / divide),))


def _signed(measure: str, *, size: int = 2, divide: float = 10) -> _Field:
    return _Field(
        size,
        lambda octets: ((measure, int.from_bytes(octets, "big", signed=True) / divide),),
    )


def _acceleration(octets: bytes) -> _Values:
    """Read the three axes, in counts of which 63 make 1 g."""
    return tuple(
        (f"acceleration_{axis}", float(int.from_bytes(octets[rank : rank + 1], signed=True)))
        for rank, axis in enumerate("xyz")
    )


def _position(octets: bytes) -> _Values:
    """Read latitude and longitude: three octets each, little-endian, 1/10 000 degree.

    So do the newer copies of the vendor's decoder; older ones read big-endian counts.
    """
    return (
        ("latitude_deg", int.from_bytes(octets[:3], "little", signed=True) / 10_000),
        ("longitude_deg", int.from_bytes(octets[3:], "little", signed=True) / 10_000),
    )


def _infrared(octets: bytes) -> _Values:
    return (
        ("ir_internal_temperature_c", int.from_bytes(octets[:2], "big", signed=True) / 10),
        ("ir_external_temperature_c", int.from_bytes(octets[2:], "big", signed=True) / 10),
    )


def _thermal_image(octets: bytes) -> _Values:
    """Sum up an 8×8 thermal image: each pixel is the reference plus a tenth of its octet."""
    reference = octets[0]
    pixels = [reference + octet / 10 for octet in octets[1:]]
    return (
        ("thermal_reference_c", float(reference)),
        ("thermal_min_c", min(pixels)),
        ("thermal_mean_c", round(sum(pixels) / len(pixels), 2)),
        ("thermal_max_c", max(pixels)),
    )


def _sound(octets: bytes) -> _Values:
    return (("sound_peak_db", float(octets[0])), ("sound_mean_db", float(octets[1])))


def _nothing(octets: bytes) -> _Values:
    del octets
    return ()


_FIELDS: dict[int, _Field] = {
    0x01: _signed("temperature_c"),
    0x02: _unsigned("humidity_pct", size=1),
    0x03: _Field(3, _acceleration),
    0x04: _unsigned("light_lux", size=2),
    0x05: _unsigned("motion_count", size=1),
    0x06: _unsigned("co2_ppm", size=2),
    0x07: _unsigned("battery_v", size=2, divide=1_000),
    0x08: _unsigned("analog_1_mv", size=2),
    0x09: _Field(6, _position),
    0x0A: _unsigned("pulse_1_count", size=2),
    0x0B: _unsigned("pulse_1_total", size=4),
    0x0C: _signed("external_temperature_c"),
    0x0D: _unsigned("input_1_state", size=1),
    0x0E: _unsigned("distance_mm", size=2),
    0x0F: _unsigned("vibration_count", size=1),
    0x10: _Field(4, _infrared),
    0x11: _unsigned("occupancy_state", size=1),
    0x12: _unsigned("water_leak_level", size=1),
    0x13: _Field(1 + _GRID_PIXELS, _thermal_image),
    0x14: _unsigned("pressure_hpa", size=4, divide=1_000),
    0x15: _Field(2, _sound),
    0x16: _unsigned("pulse_2_count", size=2),
    0x17: _unsigned("pulse_2_total", size=4),
    0x18: _unsigned("analog_2_mv", size=2),
    0x19: _signed(_EXTERNAL_PROBES[0]),
    0x1A: _unsigned("input_2_state", size=1),
    0x1B: _signed("bridge_mv", size=4, divide=1_000),
    0x1C: _unsigned("tvoc_ppb", size=2),
    0x3D: _Field(4, _nothing),
}


def decode(frame: Frame) -> tuple[Reading, ...]:
    """Read the values of one uplink, each in the unit of its measure.

    A type that is not known ends the list, since its length is not known either; what came
    before it is kept. A frame of settings carries no measure and gives no reading.

    Raises:
        DecodeError: the payload is empty, is cut within a value, starts with an unknown type, or
            queues older values with time offsets.
    """
    octets = frame.payload
    if not octets:
        raise DecodeError("An Elsys payload cannot be empty.")
    values: dict[str, float] = {}
    position = 0
    while position < len(octets):
        kind = octets[position]
        if kind == _SETTINGS:
            break
        field = _FIELDS.get(kind)
        if field is None:
            if kind & _OFFSET_BITS and kind & ~_OFFSET_BITS in _FIELDS:
                raise DecodeError(
                    "Elsys type 0x{kind} has a time offset, which is not read: "
                    "set QOffset to 0 in the sensor.",
                    params={"kind": f"{kind:02x}"},
                )
            if position == 0:
                raise DecodeError(
                    "Elsys type 0x{kind} is not known.", params={"kind": f"{kind:02x}"}
                )
            break
        start = position + 1
        position = start + field.size
        if position > len(octets):
            raise DecodeError(
                "Elsys type 0x{kind} wants {wanted} octets and {present} are left.",
                params={
                    "kind": f"{kind:02x}",
                    "wanted": field.size,
                    "present": len(octets) - start,
                },
            )
        for measure, value in field.read(octets[start:position]):
            values[_free_probe(measure, values)] = value
    return tuple(Reading(measure, value) for measure, value in values.items())


def _free_probe(measure: str, values: dict[str, float]) -> str:
    """Give each repetition of the second external probe a measure of its own."""
    if measure != _EXTERNAL_PROBES[0]:
        return measure
    return next((probe for probe in _EXTERNAL_PROBES if probe not in values), measure)


def recognises(frame: Frame) -> bool:
    """Tell whether the whole payload reads as Elsys types, with at least one measure."""
    position = 0
    while position < len(frame.payload):
        field = _FIELDS.get(frame.payload[position])
        if field is None:
            return False
        position += 1 + field.size
    return position == len(frame.payload) and position > 1


ELSYS = Codec(
    key="elsys",
    label="Elsys",
    vendor="Elsys",
    models=(
        "ERS",
        "ERS CO2",
        "ERS CO2 Lite",
        "ERS Eye",
        "ERS Lite",
        "ERS Sound",
        "ERS VOC",
        "ERS2",
        "ERS2 CO2",
        "ELT-2",
        "ELT Lite",
        "ELT Ultrasonic",
        "EMS",
        "EMS Desk",
        "EMS Door",
        "EMS Lite",
        "ESM5k",
    ),
    decode=decode,
    recognises=recognises,
    source=_SOURCE,
)
