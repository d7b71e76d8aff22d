"""Batch reports of Watteco sensors: several values of several measures, compressed.

A batch is a stream of bits. It holds, per series, a first value with its time, then the
differences, coded by Huffman classes whose tables the vendor publishes; what a series
measures depends on the model and is given by a :class:`Layout`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from beffroi.kernel.errors import DecodeError
from beffroi.sdk.declarations import Reading

_RAW_CLASS = 15
"""Huffman class of a value or time written in full."""
_TIME_TABLE = 1
_OLDEST = timedelta(days=366)

# Published code words, class 0 to 15, for each of the three tables.
_CODE_WORDS: tuple[tuple[str, ...], ...] = (
    (
        "00", "01", "11", "101", "1001", "10001", "100001", "1000001", "10000001",
        "1000000000", "10000000010", "10000000011", "10000000100", "10000000101",
        "10000000110", "10000000111",
    ),
    (
        "1101111", "11010", "1100", "011", "111", "10", "00", "010", "110110",
        "110111011", "110111001", "1101110101", "1101110100", "1101110000",
        "11011100011", "11011100010",
    ),
    (
        "1001", "101", "00", "01", "11", "10001", "100001", "1000001", "10000001",
        "1000000000", "10000000010", "10000000011", "10000000100", "10000000101",
        "10000000110", "10000000111",
    ),
)  # fmt: skip
_CLASS_OF: tuple[Mapping[str, int], ...] = tuple(
    {word: rank for rank, word in enumerate(table)} for table in _CODE_WORDS
)
_LONGEST_WORD = 11


class Sample(Enum):
    """How a value is written in full: number of bits, sign, floating point."""

    BOOLEAN = (1, False, False)
    UNSIGNED_8 = (8, False, False)
    UNSIGNED_16 = (16, False, False)
    SIGNED_16 = (16, True, False)
    SIGNED_24 = (24, True, False)
    UNSIGNED_32 = (32, False, False)
    FLOAT = (32, False, True)

    def __init__(self, bits: int, signed: bool, floating: bool) -> None:  # noqa: FBT001 - Enum values are positional
        self.bits = bits
        self.signed = signed
        self.floating = floating


@dataclass(frozen=True, slots=True)
class Series:
    """What one tag of a model measures.

    ``resolution`` is the step of the coded differences, ``divide`` turns the coded value into
    the unit of the measure. An empty measure is read and left out.
    """

    measure: str
    sample: Sample
    resolution: float = 1
    divide: float = 1


@dataclass(frozen=True, slots=True)
class Layout:
    """The batch layout of a model: how many bits a tag has, and what each tag measures.

    ``inputs`` is how many of the inputs of a standard report the model has.
    """

    tag_bits: int
    series: Mapping[int, Series]
    inputs: int = 10


@dataclass(slots=True)
class _Bits:
    """Reads bits, least significant first within each octet."""

    octets: bytes
    position: int = 0

    def left(self) -> int:
        return 8 * len(self.octets) - self.position

    def bit(self) -> int:
        if self.left() < 1:
            raise DecodeError("The Watteco batch ends within a value.")
        value = (self.octets[self.position >> 3] >> (self.position & 7)) & 1
        self.position += 1
        return value

    def number(self, bits: int) -> int:
        """Read an unsigned number: octets from the most significant, bits from the least."""
        value = 0
        remaining = bits
        while remaining:
            chunk = remaining % 8 or 8
            part = sum(self.bit() << rank for rank in range(chunk))
            value = (value << 8) | part
            remaining -= chunk
        return value

    def sample(self, kind: Sample) -> float:
        value = self.number(kind.bits)
        if kind.floating:
            number: float = struct.unpack(">f", value.to_bytes(4, "big"))[0]
            if not math.isfinite(number):
                raise DecodeError("The Watteco batch holds a value that is not a number.")
            return number
        if kind.signed and value >> (kind.bits - 1):
            value -= 1 << kind.bits
        return float(value)

    def huffman(self, table: int) -> int:
        """Read one code word and return its class."""
        if table >= len(_CLASS_OF):
            raise DecodeError("The Watteco batch names a coding table that does not exist.")
        word = ""
        while len(word) < _LONGEST_WORD:
            word += "1" if self.bit() else "0"
            rank = _CLASS_OF[table].get(word)
            if rank is not None:
                return rank
        raise DecodeError("The Watteco batch holds a code word that does not exist.")

    def time_after(self, base: int, *, table: int = _TIME_TABLE) -> int:
        """Read a time in seconds: in full, or as a difference to the time before it."""
        rank = self.huffman(table)
        if rank == _RAW_CLASS:
            return self.number(32)
        return base if rank == 0 else base + self.number(rank) + (1 << rank) - 1


@dataclass(slots=True)
class _Track:
    """A series while it is read."""

    series: Series
    samples: list[tuple[int, float]]
    coding: int = 0
    table: int = 0
    repeated: bool = field(default=False)

    def next_value(self, bits: _Bits, rank: int) -> float:
        if rank == _RAW_CLASS:
            return bits.sample(self.series.sample)
        before = self.samples[-1][1]
        if rank == 0:
            return before
        step = bits.number(rank)
        span = (1 << rank) - 1
        if self.coding == 0:
            # Both signs: the lower half of the class is negative.
            signed = step if step >= 1 << (rank - 1) else step - span
            return before + signed * self.series.resolution
        if self.coding == 1:
            return before + (step + span) * self.series.resolution
        return before - (step + span) * self.series.resolution


def decode_batch(octets: bytes, *, layout: Layout, received_at: datetime) -> tuple[Reading, ...]:
    """Read a batch report; each reading carries its own time.

    The batch gives times relative to the clock of the sensor and ends with the moment it was
    sent, taken to be ``received_at``.

    Raises:
        DecodeError: the bits are not a batch of this layout.
    """
    bits = _Bits(octets)
    tracks, sent = _read(bits, layout)
    # Octets are filled up with zeros: more than that left over means another layout.
    if bits.left() >= 8 or bits.number(bits.left()):
        raise DecodeError("The Watteco batch is longer than its content.")
    readings = []
    for track in tracks:
        for at, value in track.samples:
            age = timedelta(seconds=sent - at)
            if not timedelta(0) <= age <= _OLDEST:
                raise DecodeError("The Watteco batch holds a value of an impossible time.")
            if track.series.measure:
                readings.append(
                    Reading(track.series.measure, value / track.series.divide, received_at - age)
                )
    return tuple(readings)


def _read(bits: _Bits, layout: Layout) -> tuple[list[_Track], int]:
    bits.number(1)
    common_times = bool(bits.number(1))
    has_samples = not bits.number(1)
    bits.number(1)
    count = bits.number(4)
    bits.number(3 + 1)  # the counter of batches and a reserved bit
    if count == 0:
        raise DecodeError("The Watteco batch holds no series.")
    tracks: dict[int, _Track] = {}
    clock = 0
    for _ in range(count):
        tag = bits.number(layout.tag_bits)
        series = _series_of(layout, tag)
        clock = bits.time_after(clock) if clock else bits.number(32)
        track = _Track(series, [(clock, bits.sample(series.sample))])
        if has_samples:
            track.coding, track.table = bits.number(2), bits.number(2)
        if tag in tracks:
            raise DecodeError("The Watteco batch names a series twice.")
        tracks[tag] = track
    if has_samples:
        read = _read_common if common_times else _read_separate
        clock = read(bits, layout, tracks, clock)
    sent = bits.time_after(clock) if clock else bits.number(32)
    return list(tracks.values()), sent


def _series_of(layout: Layout, tag: int) -> Series:
    series = layout.series.get(tag)
    if series is None:
        raise DecodeError(
            "The Watteco batch holds tag {tag}, which its model does not have.",
            params={"tag": tag},
        )
    return series


def _track_of(tracks: Mapping[int, _Track], tag: int) -> _Track:
    track = tracks.get(tag)
    if track is None:
        raise DecodeError("The Watteco batch goes on with a series that it did not start.")
    return track


def _read_common(bits: _Bits, layout: Layout, tracks: Mapping[int, _Track], clock: int) -> int:
    """Read samples that share one list of times."""
    del clock
    count = bits.number(8)
    table = bits.number(2)
    times: list[int] = []
    first_time = next(iter(tracks.values())).samples[0][0]
    for rank in range(count):
        word = bits.huffman(table)
        if word == _RAW_CLASS:
            times.append(bits.number(32))
        elif rank == 0:
            times.append(first_time)
        elif word == 0:
            times.append(times[-1])
        else:
            times.append(times[-1] + bits.number(word) + (1 << word) - 1)
    for _ in range(len(tracks)):
        track = _track_of(tracks, bits.number(layout.tag_bits))
        for at in times:
            if not bits.number(1):
                continue
            rank = bits.huffman(track.table)
            if rank == 0 and not track.repeated:
                # The first value of the series is written again as a null difference.
                track.repeated = True
                continue
            track.samples.append((at, track.next_value(bits, rank)))
    return times[-1] if times else 0


def _read_separate(bits: _Bits, layout: Layout, tracks: Mapping[int, _Track], clock: int) -> int:
    """Read samples whose series have times of their own."""
    for _ in range(len(tracks)):
        track = _track_of(tracks, bits.number(layout.tag_bits))
        count = bits.number(8)
        if not count:
            continue
        table = bits.number(2)
        for _sample in range(count):
            at = bits.time_after(track.samples[-1][0], table=table)
            clock = max(clock, at)
            rank = bits.huffman(track.table)
            track.samples.append((at, track.next_value(bits, rank)))
    return clock
