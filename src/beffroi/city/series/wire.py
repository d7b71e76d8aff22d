"""PostgreSQL arrays as they travel in binary, read by numpy without making Python objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray

_HEADER_OCTETS = 20  # dimensions, null flag, element type, length, lower bound: five int32
_ELEMENTS = {
    "int2": np.dtype([("octets", ">i4"), ("value", ">i2")]),
    "int4": np.dtype([("octets", ">i4"), ("value", ">i4")]),
    "int8": np.dtype([("octets", ">i4"), ("value", ">i8")]),
    "float8": np.dtype([("octets", ">i4"), ("value", ">f8")]),
}
_POSTGRES_EPOCH_MS = 946_684_800_000
_POSTGRES_EPOCH_DAY = 730_120
"""1 January 2000, where PostgreSQL counts from: as milliseconds, and as an ordinal of a day."""


def decoded(octets: bytes | None, kind: str) -> NDArray[Any]:
    """Read what ``array_send`` gives for a one-dimensional array without nulls.

    None, and an array without a dimension, are read as empty. Returns a native-endian copy.

    Raises:
        KeyError: the kind is not int2, int4, int8 or float8.
    """
    dtype = _ELEMENTS[kind]
    if octets is None or len(octets) <= _HEADER_OCTETS:
        return np.empty(0, dtype=dtype["value"].newbyteorder("="))
    read = np.frombuffer(octets, dtype=dtype, offset=_HEADER_OCTETS)["value"]
    return read.astype(read.dtype.newbyteorder("="))


def decoded_many(arrays: Sequence[bytes | None], kind: str) -> NDArray[Any]:
    """Read many arrays one after the other, as :func:`decoded` reads one."""
    dtype = _ELEMENTS[kind]
    parts = [
        np.frombuffer(octets, dtype=dtype, offset=_HEADER_OCTETS)["value"]
        for octets in arrays
        if octets is not None and len(octets) > _HEADER_OCTETS
    ]
    native = dtype["value"].newbyteorder("=")
    return np.concatenate(parts).astype(native) if parts else np.empty(0, dtype=native)


def lengths(arrays: Sequence[bytes | None], kind: str) -> NDArray[np.int64]:
    """Return how many items each array has."""
    size = _ELEMENTS[kind].itemsize
    return np.array(
        [max(len(octets or b"") - _HEADER_OCTETS, 0) // size for octets in arrays], dtype=np.int64
    )


def epoch_ms(timestamps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return milliseconds since 1970 of timestamps as they travel: microseconds since 2000."""
    return timestamps // 1000 + _POSTGRES_EPOCH_MS


def ordinals(dates: NDArray[Any]) -> NDArray[np.int64]:
    """Return ordinals of days, of dates as they travel: days since 2000."""
    return dates.astype(np.int64) + _POSTGRES_EPOCH_DAY


def binary_cursor() -> psycopg.Cursor[tuple[Any, ...]]:
    """Return a cursor of Django's connection that receives binary: in the open transaction."""
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)


def rows(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Run one statement on Django's connection, results in binary, and return every row."""
    with connection.wrap_database_errors, binary_cursor() as cursor:
        # Safe: statements are constants of this room; values travel apart as parameters.
        cursor.execute(statement.encode(), parameters, binary=True)
        return cursor.fetchall()


def done(statement: str, parameters: dict[str, Any]) -> int:
    """Run one statement that returns no row; return how many it touched."""
    with connection.wrap_database_errors, binary_cursor() as cursor:
        cursor.execute(statement.encode(), parameters)
        return cursor.rowcount


def done_many(statement: str, parameters: Sequence[dict[str, Any]]) -> None:
    """Run one statement for each set of parameters."""
    with connection.wrap_database_errors, binary_cursor() as cursor:
        cursor.executemany(statement.encode(), parameters)
