"""How packed observations are written as octets, and read back bit for bit.

One packed row holds the observations of one stream: instants in milliseconds from the start of the
row's first day, values, flags. Each of the three is a column of whole numbers, stored as its
difference to a base, or to a straight line (what comes at regular instants costs nothing), in as
few octets as the largest difference needs; the octets of one weight stand together, the heaviest
first, so that PostgreSQL's own compression finds the runs among them: it gives up where a first
thousand octets have none. A value is stored as a whole number where
a decimal fraction *is* that value to the last bit, and as its own bits otherwise. Among those whole
numbers 0 stands for minus zero, and those from 0 on are one higher.

Layout, little-endian::

    form, value kind + 16 * exponent,                       1 octet each
    for instants, values, flags: width + 128 * line,        1 octet
                                 octets of base, of step    1 octet, 4 bits each
    for instants, values, flags: base, step                 zigzag, as many octets as said
    for flags, values, instants: width * n octets           the highest weight of all first

``series_points`` reads the same in SQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from beffroi.city.series.contracts import Flags, Floats, Integers, PackedDamaged

FORM = 1
BITS, SINGLE_BITS, DIVIDED, TIMES = range(4)
"""Kinds of values: 64 bits, 32 bits, ``m / 10^k``, ``m * 10^-k``."""

MOST_DECIMALS = 9
_LARGEST_EXACT = float(2**53)
_HEAD = 8
_LINE = 128
_SAMPLES = 3

Item = TypeVar("Item", bound=np.generic)
Octets = NDArray[np.uint8]
Naturals = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Where each row of flat columns begins, and how many items it has: no row is empty."""

    starts: Integers
    counts: Integers

    @classmethod
    def of_counts(cls, counts: Integers) -> Rows:
        """Return rows that follow each other."""
        return cls(np.cumsum(counts) - counts, counts)

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def total(self) -> int:
        """Return the number of items of all rows."""
        return int(self.counts.sum())

    def spread(self, per_row: NDArray[Item]) -> NDArray[Item]:
        """Give every item the value of its row."""
        return np.repeat(per_row, self.counts)

    def places(self) -> Integers:
        """Return the place of each item in its row."""
        return np.arange(self.total, dtype=np.int64) - np.repeat(self.starts, self.counts)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of whole numbers: what each row is measured from, and the differences."""

    line: NDArray[np.bool_]
    base: Integers
    step: Integers
    width: Integers
    rest: Naturals


def encoded(rows: Rows, *, at_ms: Integers, value: Floats, quality: Flags) -> list[bytes]:
    """Return the octets of each row; instants rise strictly within one.

    Args:
        rows: how the columns are cut.
        at_ms: instants from the start of the row's first day.
        value: any float64.
        quality: flags.
    """
    if len(rows) == 0:
        return []
    kind, exponent, whole = _whole_numbers(rows, value)
    columns = (
        _column(rows, at_ms, lines=np.ones(len(rows), dtype=np.bool_)),
        _column(rows, whole, lines=kind >= DIVIDED),
        _column(rows, quality.astype(np.int64), lines=np.zeros(len(rows), dtype=np.bool_)),
    )
    numbers = [part for column in columns for part in (_zigzag(column.base), _zigzag(column.step))]
    sizes = [_octets_needed(number) for number in numbers]
    widths = [column.width for column in columns]
    length = _HEAD + sum(sizes) + rows.counts * sum(widths)
    begin = np.cumsum(length) - length
    out = np.zeros(int(length.sum()), dtype=np.uint8)
    out[begin] = FORM
    out[begin + 1] = kind | (exponent << 4)
    for rank, column in enumerate(columns):
        out[begin + 2 + 2 * rank] = column.width | np.where(column.line, _LINE, 0)
        out[begin + 3 + 2 * rank] = sizes[2 * rank] | (sizes[2 * rank + 1] << 4)
    at = begin + _HEAD
    for number, size in zip(numbers, sizes, strict=True):
        for octet in range(int(size.max())):
            some = size > octet
            out[at[some] + octet] = (number[some] >> np.uint64(8 * octet)) & np.uint64(255)
        at = at + size
    places = rows.places()
    for column in reversed(columns):
        for octet, some in _weights(column.width):
            whither = at + (column.width - 1 - octet) * rows.counts
            rest, there = column.rest >> np.uint64(8 * octet), rows.spread(whither) + places
            if not some.all():
                kept = rows.spread(some)
                rest, there = rest[kept], there[kept]
            out[there] = rest.astype(np.uint8)
        at = at + column.width * rows.counts
    octets = out.tobytes()
    ends = (begin + length).tolist()
    return [octets[low:high] for low, high in zip(begin.tolist(), ends, strict=True)]


def decoded_rows(
    packed: Sequence[bytes],
    counts: Integers,
    *,
    between: tuple[Integers, Integers] | None = None,
) -> tuple[Rows, Integers, Floats, Flags]:
    """Return the columns that :func:`encoded` was given.

    Args:
        packed: octets of each row.
        counts: how many observations each row says it has.
        between: of each row the instants, from the first to before the second, that are wanted:
            what lies outside is left out where that spares work, and given otherwise.

    Raises:
        PackedDamaged: the octets are not what their own head says they are.
    """
    rows = Rows.of_counts(counts)
    if len(rows) == 0:
        return rows, np.empty(0, np.int64), np.empty(0), np.empty(0, np.int16)
    octets = np.frombuffer(b"".join(packed), dtype=np.uint8)
    length = np.fromiter(map(len, packed), dtype=np.int64, count=len(packed))
    begin = np.cumsum(length) - length
    if int(length.min()) < _HEAD:
        raise PackedDamaged("Packed observations are cut short.")
    head = octets[begin[:, None] + np.arange(_HEAD)].astype(np.int64)
    widths = [head[:, 2 + 2 * rank] & (_LINE - 1) for rank in range(3)]
    sizes = [
        size
        for rank in range(3)
        for size in (head[:, 3 + 2 * rank] & 15, head[:, 3 + 2 * rank] >> 4)
    ]
    expected = _HEAD + sum(sizes) + rows.counts * sum(widths)
    if (head[:, 0] != FORM).any() or (expected != length).any() or max(map(np.max, widths)) > 8:
        raise PackedDamaged("Packed observations are not what their head says.")
    at = begin + _HEAD
    numbers = []
    for size in sizes:
        number = np.zeros(len(rows), dtype=np.uint64)
        for octet in range(int(size.max())):
            some = size > octet
            number[some] |= octets[at[some] + octet].astype(np.uint64) << np.uint64(8 * octet)
        numbers.append(_from_zigzag(number))
        at = at + size
    sought = _Sought.of(rows)
    if between is not None:
        sought = _Sought.within(rows, between, head=head, numbers=numbers, widths=widths)
        if sought.rows.total == 0:
            return sought.rows, np.empty(0, np.int64), np.empty(0), np.empty(0, np.int16)
    columns: list[Integers] = [sought.places] * 3
    for rank in (2, 1, 0):
        width = widths[rank]
        rest = _rest(sought, octets, at=at, width=width, counts=rows.counts)
        line = head[:, 2 + 2 * rank] >= _LINE
        columns[rank] = _restored(
            sought,
            _Column(line, numbers[2 * rank], numbers[2 * rank + 1], width, rest),
        )
        at = at + width * rows.counts
    value = _values(sought.rows, columns[1], kind=head[:, 1] & 15, exponent=head[:, 1] >> 4)
    return sought.rows, columns[0], value, columns[2].astype(np.int16)


@dataclass(frozen=True, slots=True)
class _Sought:
    """Which items of each row are read: how many, and the place of each in its row."""

    rows: Rows
    places: Integers

    @classmethod
    def of(cls, rows: Rows) -> _Sought:
        return cls(rows, rows.places())

    @classmethod
    def within(
        cls,
        rows: Rows,
        between: tuple[Integers, Integers],
        *,
        head: Integers,
        numbers: Sequence[Integers],
        widths: Sequence[Integers],
    ) -> _Sought:
        """Find places by a division where instants are regular and values stand for themselves."""
        regular = (head[:, 2] >= _LINE) & (widths[0] == 0) & (numbers[1] > 0)
        regular &= (head[:, 4] < _LINE) | (widths[1] == 0)
        step = np.where(regular, numbers[1], 1)
        low, high = (-((numbers[0] - edge) // step) for edge in between)
        first = np.where(regular, np.clip(low, 0, rows.counts), 0)
        last = np.where(regular, np.clip(high, 0, rows.counts), rows.counts)
        cut = Rows.of_counts(np.maximum(last - first, 0))
        return cls(cut, cut.places() + np.asarray(cut.spread(first), dtype=np.int64))


def _column(rows: Rows, whole: Integers, *, lines: NDArray[np.bool_]) -> _Column:
    """Measure each row from its least number, or from a line where that is narrower."""
    base = np.minimum.reduceat(whole, rows.starts)
    span = (np.maximum.reduceat(whole, rows.starts) - base).view(np.uint64)
    width = _octets_needed(span)
    base = np.where(width == 8, 0, base)  # the bits themselves: no sum leaves 64 bits
    rest = whole - rows.spread(base)
    line = lines & (width > 0) & (rows.counts > 1)
    step = np.zeros(len(rows), dtype=np.int64)
    if line.any():
        growth = np.diff(whole, prepend=whole[:1])
        # The first of a row grows from nothing: it takes the growth of the second, then none.
        growth[rows.starts] = growth[np.minimum(rows.starts + 1, len(whole) - 1)]
        least = np.minimum.reduceat(growth, rows.starts)
        narrow = _octets_needed((np.maximum.reduceat(growth, rows.starts) - least).view(np.uint64))
        line &= narrow < width
        if line.any():
            growth -= rows.spread(least)
            growth[rows.starts] = 0
            rest = np.where(rows.spread(line), growth, rest)
            width = np.where(line, narrow, width)
            step = np.where(line, least, 0)
            base = np.where(line, whole[rows.starts], base)
    return _Column(line, base, step, width, rest.view(np.uint64))


def _rest(
    sought: _Sought, octets: Octets, *, at: Integers, width: Integers, counts: Integers
) -> Naturals:
    rows = sought.rows
    rest = np.zeros(rows.total, dtype=np.uint64)
    for octet, some in _weights(width):
        whence = rows.spread(at + (width - 1 - octet) * counts) + sought.places
        if some.all():
            rest |= octets[whence].astype(np.uint64) << np.uint64(8 * octet)
        else:
            kept = rows.spread(some)
            rest[kept] |= octets[whence[kept]].astype(np.uint64) << np.uint64(8 * octet)
    return rest


def _restored(sought: _Sought, column: _Column) -> Integers:
    rows, rest = sought.rows, column.rest.view(np.int64)
    if column.line.any():
        rising = column.line & (column.width > 0) & (rows.counts > 0)
        if rising.any():
            run = np.cumsum(rest)
            before = np.zeros(len(rows), dtype=np.int64)
            starts = rows.starts[rising]
            before[rising] = run[starts] - rest[starts]
            run -= rows.spread(before)
            rest = run if rising.all() else np.where(rows.spread(rising), run, rest)
        rest = rest + rows.spread(column.step) * sought.places
    return np.asarray(rows.spread(column.base) + rest, dtype=np.int64)


def _weights(width: Integers) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    for octet in range(int(width.max())):
        yield octet, width > octet


def _whole_numbers(
    rows: Rows, value: Floats
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Integers]:
    """Return, per row, the narrowest kind that is exact for all its values, and whole numbers."""
    kind = np.full(len(rows), BITS, dtype=np.uint8)
    exponent = np.zeros(len(rows), dtype=np.uint8)
    whole = value.view(np.int64).copy()
    left = np.arange(len(rows))
    # A look at three values of a row spares trying most of what would fail at all of them.
    sampled = value[
        rows.starts[:, None] + np.arange(_SAMPLES) * (rows.counts[:, None] - 1) // (_SAMPLES - 1)
    ]
    for candidate, power in _CANDIDATES:
        if len(left) == 0:
            break
        likely = left[_exact(sampled[left], candidate, power)[1].all(axis=1)]
        if len(likely) == 0:
            continue
        part, items = rows, np.empty(0, np.int64)
        if len(likely) == len(rows):
            numbers, good = _exact(value, candidate, power)
        else:
            part = Rows.of_counts(rows.counts[likely])
            items = part.spread(rows.starts[likely]) + part.places()
            numbers, good = _exact(value[items], candidate, power)
        whole_rows = np.logical_and.reduceat(good, part.starts)
        done = likely[whole_rows]
        kind[done], exponent[done] = candidate, power
        kept = part.spread(whole_rows)
        if part is rows:
            whole = np.where(kept, numbers, whole)
        else:
            whole[items[kept]] = numbers[kept]
        left = np.setdiff1d(left, done, assume_unique=True)
    return kind, exponent, whole


_CANDIDATES = (
    (DIVIDED, 0),
    *((kind, power) for power in range(1, 4) for kind in (DIVIDED, TIMES)),
    (SINGLE_BITS, 0),
    *((kind, power) for power in range(4, MOST_DECIMALS + 1) for kind in (DIVIDED, TIMES)),
)


def _exact(value: Floats, kind: int, power: int) -> tuple[Integers, NDArray[np.bool_]]:
    """Return whole numbers, and where they stand for the value to the last bit."""
    with np.errstate(all="ignore"):  # what overflows is not exact, and is found so below
        if kind == SINGLE_BITS:
            single = value.astype(np.float32)
            numbers = single.view(np.uint32).astype(np.int64)
        else:
            rounded = np.rint(value * _tens(power))
            numbers = np.where(np.abs(rounded) <= _LARGEST_EXACT, rounded, 0).astype(np.int64)
            numbers += (numbers > 0) | ((numbers == 0) & ~np.signbit(value))
    return numbers, _value(numbers, kind, power).view(np.int64) == value.view(np.int64)


def _value(numbers: Integers, kind: int, power: int) -> Floats:
    if kind in (DIVIDED, TIMES):
        value = (numbers - (numbers > 0)).astype(np.float64)
        value[numbers == 0] = -0.0
        return value / _tens(power) if kind == DIVIDED else value * float(f"1e-{power}")
    if kind == SINGLE_BITS:
        with np.errstate(invalid="ignore"):  # a signalling NaN turns quiet, and is told apart
            return numbers.astype(np.uint32).view(np.float32).astype(np.float64)
    return numbers.view(np.float64)


def _values(rows: Rows, whole: Integers, *, kind: Integers, exponent: Integers) -> Floats:
    forms = np.unique(kind * 16 + exponent)
    if int(forms.max()) >= (TIMES + 1) * 16:
        raise PackedDamaged("Packed observations have values of an unknown kind.")
    if len(forms) == 1:
        return _value(whole, int(forms[0]) // 16, int(forms[0]) % 16)
    value = np.empty(rows.total)
    of_item = rows.spread(kind * 16 + exponent)
    for form in forms.tolist():
        some = of_item == form
        value[some] = _value(whole[some], form // 16, form % 16)
    return value


def _tens(power: int) -> float:
    return float(f"1e{power}")


def _octets_needed(numbers: Naturals) -> Integers:
    needed = np.zeros(len(numbers), dtype=np.int64)
    for octet in range(8):
        needed += numbers > np.uint64((1 << (8 * octet)) - 1)
    return needed


def _zigzag(numbers: Integers) -> Naturals:
    return ((numbers << 1) ^ (numbers >> 63)).view(np.uint64)


def _from_zigzag(numbers: Naturals) -> Integers:
    return (numbers >> np.uint64(1)).view(np.int64) ^ -(numbers & np.uint64(1)).view(np.int64)
