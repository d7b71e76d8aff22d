"""What is packed is read back bit for bit, by numpy and by SQL."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from django.db import connection
from django.db.utils import DatabaseError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from beffroi.city.series.contracts import PackedDamaged
from beffroi.city.series.packed_form import Rows, decoded_rows, encoded
from beffroi.city.series.points import Points, checksum

Row = list[tuple[int, float, int]]

MONTH_MS = 31 * 86_400_000
decimals = st.builds(
    lambda whole, power: whole / 10**power, st.integers(-(2**53), 2**53), st.integers(0, 9)
)
multiples = st.builds(lambda whole, power: whole * 10.0**-power, st.integers(-9_999, 9_999),
                      st.integers(0, 9))  # fmt: skip
singles = st.floats(width=32, allow_nan=False, allow_infinity=False)
of_table = st.floats(min_value=-1e18, max_value=1e18)
special = st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1e18, -1e18, 0.1])
flags = st.sampled_from([1, 2, 3, 4, 9])


def row_of(values: st.SearchStrategy[float]) -> st.SearchStrategy[Row]:
    instants = st.one_of(
        st.lists(st.integers(0, MONTH_MS), min_size=1, max_size=30, unique=True).map(sorted),
        st.builds(lambda n, step, first: [first + step * i for i in range(n)], st.integers(1, 30),
                  st.integers(1, 900_000), st.integers(0, 900_000)),
    )  # fmt: skip
    return instants.flatmap(
        lambda at: st.tuples(
            st.lists(values, min_size=len(at), max_size=len(at)),
            st.one_of(st.just([1] * len(at)), st.lists(flags, min_size=len(at), max_size=len(at))),
        ).map(lambda drawn: list(zip(at, *drawn, strict=True)))
    )


one_row = st.one_of(
    *(row_of(values) for values in (decimals, multiples, singles, of_table, special)),
    row_of(st.one_of(decimals, special, of_table)),
)


def columns(rows: list[Row]) -> tuple[Rows, np.ndarray, np.ndarray, np.ndarray]:
    every = [item for row in rows for item in row]
    at, value, quality = zip(*every, strict=True)
    return (
        Rows.of_counts(np.array([len(row) for row in rows])),
        np.array(at, dtype=np.int64),
        np.array(value, dtype=np.float64),
        np.array(quality, dtype=np.int16),
    )


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


@settings(max_examples=300, deadline=None)
@given(st.lists(one_row, min_size=1, max_size=6))
@example([[(0, -0.0, 1), (5, 0.0, 1)], [(7, 1e-5, 9)]])
def test_every_bit_comes_back(drawn: list[Row]) -> None:
    rows, at, value, quality = columns(drawn)
    packed = encoded(rows, at_ms=at, value=value, quality=quality)
    back_rows, back_at, back_value, back_quality = decoded_rows(packed, rows.counts)
    assert np.array_equal(back_rows.starts, rows.starts)
    assert np.array_equal(back_at, at)
    assert value.tobytes() == back_value.tobytes()
    assert np.array_equal(back_quality, quality)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(one_row, min_size=1, max_size=4), st.integers(0, MONTH_MS), st.integers(0, MONTH_MS)
)
def test_a_part_is_what_lies_in_it(drawn: list[Row], one: int, other: int) -> None:
    low, high = sorted([one, other])
    rows, at, value, quality = columns(drawn)
    packed = encoded(rows, at_ms=at, value=value, quality=quality)
    edges = (np.full(len(drawn), low), np.full(len(drawn), high))
    part, part_at, part_value, part_quality = decoded_rows(packed, rows.counts, between=edges)
    inside = (part_at >= low) & (part_at < high)
    found = list(
        zip(
            part.spread(np.arange(len(drawn)))[inside].tolist(),
            part_at[inside].tolist(),
            map(bits, part_value[inside].tolist()),
            part_quality[inside].tolist(),
            strict=True,
        )
    )
    assert found == [
        (rank, ms, bits(v), flag)
        for rank, row in enumerate(drawn)
        for ms, v, flag in row
        if low <= ms < high
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(), min_size=1, max_size=20))
@example([float("nan"), float("inf"), -float("inf"), -0.0])
def test_even_what_is_no_number_comes_back(values: list[float]) -> None:
    rows, at, value, quality = columns([[(rank, v, 1) for rank, v in enumerate(values)]])
    packed = encoded(rows, at_ms=at, value=value, quality=quality)
    assert decoded_rows(packed, rows.counts)[2].tobytes() == value.tobytes()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(drawn=one_row)
@example(drawn=[(0, 9007199254740994.0, 1), (1, 0.0, 1), (2, -5e-324, 4)])
@example(drawn=[(0, 1.17549435e-38, 1), (9, 1.401298464324817e-45, 1), (10, 3.4e38 / 1e21, 1)])
def test_sql_reads_what_numpy_wrote(db: None, drawn: Row) -> None:
    del db
    rows, at, value, quality = columns([drawn])
    packed = encoded(rows, at_ms=at, value=value, quality=quality)[0]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ms, float8send(value), quality FROM series_points(%s, %s)", [packed, len(drawn)]
        )
        found = [(ms, bytes(sent)[::-1], flag) for ms, sent, flag in cursor.fetchall()]
    assert found == [(ms, bits(v), flag) for ms, v, flag in drawn]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(drawn=row_of(st.one_of(of_table, special)), stream=st.integers(1, 10**12))
def test_numpy_and_the_database_agree_on_the_checksum(db: None, drawn: Row, stream: int) -> None:
    del db
    _rows, at, value, quality = columns([drawn])
    ours = checksum(Points(np.full(len(at), stream), at, value, quality))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bit_xor(series_checksum("
            "%s, 'epoch'::timestamptz + ms * interval '1 millisecond', value, quality))"
            " FROM unnest(%s::bigint[], %s::float8[], %s::smallint[]) AS p (ms, value, quality)",
            [stream, at.tolist(), value.tolist(), quality.tolist()],
        )
        assert cursor.fetchone() == (ours,)


@pytest.mark.parametrize("changed", [(0, 1.0, 1), (5, -0.0, 1), (5, 0.0, 2), (6, 0.0, 1)])
def test_the_checksum_sees_any_change(changed: tuple[int, float, int]) -> None:
    """Negative control: an instant, the sign of a zero, a flag."""
    _rows, at, value, quality = columns([[(5, 0.0, 1)]])
    other = columns([[changed]])[1:]
    one = np.array([7])
    assert checksum(Points(one, at, value, quality)) != checksum(Points(one, *other))


def test_a_value_each_quarter_of_an_hour_takes_little_more_than_its_digits() -> None:
    day = [(rank * 900_000, round(20 + (rank * 7919 % 97) / 10, 1), 1) for rank in range(96)]
    rows, at, value, quality = columns([day])
    packed = encoded(rows, at_ms=at, value=value, quality=quality)[0]
    assert len(packed) < 96 + 20


@pytest.mark.parametrize("damage", [b"", b"\x01", b"\x02" + bytes(40), b"\x01\x07" + bytes(6)])
def test_damaged_octets_are_told_and_not_read(damage: bytes) -> None:
    with pytest.raises(PackedDamaged):
        decoded_rows([damage], np.array([3]))


def test_octets_cut_short_are_told_by_both(db: None) -> None:
    del db
    rows, at, value, quality = columns([[(1, 2.5, 1), (2, 3.5, 1)]])
    packed = encoded(rows, at_ms=at, value=value, quality=quality)[0][:-1]
    with pytest.raises(PackedDamaged):
        decoded_rows([packed], rows.counts)
    with (
        connection.cursor() as cursor,
        pytest.raises(DatabaseError, match=r"cut short|out of valid range"),
    ):
        cursor.execute("SELECT * FROM series_points(%s, 2)", [packed])
