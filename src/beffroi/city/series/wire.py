"""PostgreSQL arrays as they travel in binary, read by numpy without making Python objects."""

from __future__ import annotations

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


def binary_cursor() -> psycopg.Cursor[tuple[Any, ...]]:
    """Return a cursor of Django's connection that receives binary: in the open transaction."""
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)


def rows(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Run one statement on Django's connection, results in binary, and return every row."""
    with binary_cursor() as cursor:
        # Safe: statements are constants of this room; values travel apart as parameters.
        cursor.execute(statement.encode(), parameters, binary=True)
        return cursor.fetchall()
