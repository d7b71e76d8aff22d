from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL

from beffroi.foundation.database.api import (
    bytea_array,
    float8_array,
    int2_array,
    int8_array,
    jsonb_array,
    text_array,
    timestamptz_array,
)
from beffroi.foundation.database.testing import TestDatabase

pytestmark = pytest.mark.hypothesis

_TEXT = st.text(st.characters(blacklist_characters="\x00", blacklist_categories=["Cs"]))
_INSTANT = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)).map(  # noqa: DTZ001 - given UTC next
    lambda instant: instant.replace(tzinfo=UTC)
)
_KINDS: list[tuple[Callable[[Any], bytes], LiteralString, st.SearchStrategy[Any]]] = [
    (int8_array, "bigint", st.none() | st.integers(-(2**63), 2**63 - 1)),
    (int2_array, "smallint", st.integers(-(2**15), 2**15 - 1)),
    (float8_array, "float8", st.none() | st.floats(allow_nan=False)),
    (text_array, "text", st.none() | _TEXT),
    (bytea_array, "bytea", st.none() | st.binary()),
    (timestamptz_array, "timestamptz", _INSTANT),
]


def read_back(url: str, array: bytes, kind: LiteralString) -> list[Any]:
    with psycopg.connect(url) as connection:
        connection.execute("SET TimeZone TO 'UTC'")
        statement = SQL("SELECT * FROM unnest(%s::{}[])").format(SQL(kind))
        rows = connection.execute(statement, [array])
        return [row[0] for row in rows.fetchall()]


@pytest.mark.parametrize(("pack", "kind", "items"), _KINDS, ids=[kind for _, kind, _ in _KINDS])
def test_what_is_packed_is_read_back(
    test_database: TestDatabase,
    pack: Callable[[Sequence[Any]], bytes],
    kind: LiteralString,
    items: st.SearchStrategy[Any],
) -> None:
    @settings(max_examples=40, deadline=None)
    @given(st.lists(items, max_size=20))
    def check(values: list[Any]) -> None:
        assert read_back(test_database.urls.application, pack(values), kind) == values

    check()


def test_json_is_read_back(test_database: TestDatabase) -> None:
    packed = jsonb_array([b'{"a": [1, "\xc3\xa9"]}', None, b"null"])
    assert read_back(test_database.urls.application, packed, "jsonb") == [
        {"a": [1, "é"]},
        None,
        None,
    ]


def test_a_number_of_more_than_64_bits_is_refused_before_it_is_sent() -> None:
    with pytest.raises((OverflowError, struct.error)):
        int8_array([2**63])
