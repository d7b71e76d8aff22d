"""Writes Watteco batches, so that what is read can be compared with what was meant."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from beffroi.domains.air_quality.codecs.watteco_batch import _CODE_WORDS, Layout, Sample

_RAW = 15


@dataclass
class Writer:
    bits: list[int] = field(default_factory=list)

    def number(self, value: int, bits: int) -> None:
        chunks = []
        remaining = bits
        while remaining:
            chunk = remaining % 8 or 8
            remaining -= chunk
            chunks.append((value >> remaining & (1 << chunk) - 1, chunk))
        for part, chunk in chunks:
            self.bits.extend(part >> rank & 1 for rank in range(chunk))

    def word(self, table: int, rank: int) -> None:
        self.bits.extend(int(mark) for mark in _CODE_WORDS[table][rank])

    def sample(self, value: float, kind: Sample) -> None:
        raw = (
            int.from_bytes(struct.pack(">f", value), "big")
            if kind.floating
            else int(value) & (1 << kind.bits) - 1
        )
        self.number(raw, kind.bits)

    def later(self, time: int, *, after: int, table: int = 1) -> None:
        """Write a time as the smallest class of differences that holds it."""
        gap = time - after
        rank = (gap + 1).bit_length() - 1
        if rank >= _RAW:
            self.word(table, _RAW)
            self.number(time, 32)
            return
        self.word(table, rank)
        if rank:
            self.number(gap - (1 << rank) + 1, rank)

    def step(self, steps: int, *, table: int, raw: float, kind: Sample) -> None:
        """Write a difference of so many resolutions, both signs allowed."""
        rank = abs(steps).bit_length()
        if rank >= _RAW:
            self.word(table, _RAW)
            self.sample(raw, kind)
            return
        self.word(table, rank)
        if rank:
            self.number(steps if steps > 0 else steps + (1 << rank) - 1, rank)

    def octets(self) -> bytes:
        padded = self.bits + [0] * (-len(self.bits) % 8)
        return bytes(
            sum(bit << rank for rank, bit in enumerate(padded[start : start + 8]))
            for start in range(0, len(padded), 8)
        )


Track = tuple[int, Sequence[tuple[int, int]]]
"""A tag and its samples: seconds on the sensor's clock, and value in coded units."""


def write_batch(layout: Layout, tracks: Sequence[Track], *, sent: int) -> bytes:
    """Write a batch whose series have times of their own."""
    writer = Writer()
    several = any(len(samples) > 1 for _tag, samples in tracks)
    for bit in (0, 0, int(not several), 0):
        writer.number(bit, 1)
    writer.number(len(tracks), 4)
    writer.number(0, 4)
    clock = 0
    for tag, samples in tracks:
        series = layout.series[tag]
        writer.number(tag, layout.tag_bits)
        at, value = samples[0]
        if clock:
            writer.later(at, after=clock)
        else:
            writer.number(at, 32)
        clock = at
        writer.sample(value, series.sample)
        if several:
            writer.number(0, 2)
            writer.number(1, 2)
    if several:
        for tag, samples in tracks:
            series = layout.series[tag]
            writer.number(tag, layout.tag_bits)
            writer.number(len(samples) - 1, 8)
            if len(samples) == 1:
                continue
            writer.number(2, 2)
            for (before_at, before), (at, value) in pairwise(samples):
                writer.later(at, after=before_at, table=2)
                steps = round((value - before) / series.resolution)
                writer.step(steps, table=1, raw=value, kind=series.sample)
                clock = max(clock, at)
    writer.later(sent, after=clock)
    return writer.octets()
