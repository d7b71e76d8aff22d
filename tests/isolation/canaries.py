"""What betrays a town: everything the database holds of it and of no other, and how to find it."""

from __future__ import annotations

import datetime as dt
import gzip
import html
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import mapbox_vector_tile
import psycopg
import pyarrow.parquet
from django.http.response import HttpResponseBase
from psycopg import sql

UUID_FORM = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
OPAQUE = re.compile(r"[0-9A-Za-z_]{12,}")
# A sum or a row's number is written with spaces between thousands, which are not the same in
# HTML, CSV and JSON.
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s\u00a0\u202f](?=\d{3})")

Row = dict[str, Any]


@dataclass(frozen=True)
class Canaries:
    """What is looked for in an answer.

    Attributes:
        word: in every text of the town.
        uuids: of its rows, without dashes.
        opaque: its secrets, keys, hashes.
        numbers: a pattern of its rows' numbers and of its measured values.
    """

    word: str
    uuids: frozenset[str]
    opaque: frozenset[str]
    numbers: re.Pattern[str]

    def found(self, text: str, *, asked: str = "") -> set[str]:
        """Return what of the town is in a text, but for what the question itself said."""
        seen = {self.word} if self.word in text.lower() else set()
        seen |= {bare(one) for one in UUID_FORM.findall(text)} & self.uuids
        seen |= set(OPAQUE.findall(text)) & self.opaque
        seen |= set(self.numbers.findall(_BETWEEN_DIGITS.sub("", text)))
        known = bare(asked.lower())
        return {one for one in seen if one.lower() not in known}


def bare(text: str) -> str:
    """Write an identifier without its dashes."""
    return text.replace("-", "").lower()


def canaries_of(word: str, *, numbers: str, rows: Iterable[Row], others: Iterable[Row]) -> Canaries:
    """Gather what is in the rows of a town and in no row of the others."""
    mine, theirs = list(_leaves(rows)), set(_leaves(others))
    own = [leaf for leaf in mine if leaf not in theirs]
    words = {token for leaf in theirs for token in OPAQUE.findall(leaf)}
    return Canaries(
        word=word,
        uuids=frozenset(bare(leaf) for leaf in own if UUID_FORM.fullmatch(leaf)),
        opaque=frozenset(
            token
            for leaf in own
            if not UUID_FORM.fullmatch(leaf)
            for token in OPAQUE.findall(leaf)
            if token not in words and not token.isdigit() and re.search(r"\d", token)
        ),
        numbers=re.compile(numbers),
    )


def _leaves(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        for value in row.values():
            yield from _texts(value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str | UUID):
        yield str(value)
    elif isinstance(value, bytes):
        yield value.hex()
        yield value.decode("latin-1")
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def rows_of(
    connection: psycopg.Connection[Any], table: str, *, column: str, territory_id: int
) -> list[Row]:
    """Return the rows of a territory that a connection sees in a table."""
    cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
    cursor.execute(
        sql.SQL("SELECT * FROM {} WHERE {} = %s").format(
            sql.Identifier(table), sql.Identifier(column)
        ),
        [territory_id],
    )
    return cursor.fetchall()


def legible(answer: HttpResponseBase) -> str:
    """Return everything an answer says as text: its headers, its cookies, its body unpacked."""
    head = "\n".join(f"{name}: {value}" for name, value in answer.items())
    cookies = answer.cookies.output()
    body = b"".join(answer) if answer.streaming else answer.content  # type: ignore[attr-defined,arg-type]  # one or the other
    if answer.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return f"{head}\n{cookies}\n{_unpacked(body, answer.get('Content-Type', ''))}"


def _unpacked(body: bytes, kind: str) -> str:
    if "parquet" in kind and body:
        table = pyarrow.parquet.read_table(io.BytesIO(body))
        return f"{table.schema}\n{json.dumps(table.to_pylist(), default=_written)}"
    if "vector-tile" in kind:
        return str(mapbox_vector_tile.decode(body))
    if "json" in kind and body:
        return json.dumps(json.loads(body), ensure_ascii=False)
    return html.unescape(body.decode("utf-8", "replace"))


def _written(value: Any) -> str:
    return value.isoformat() if isinstance(value, dt.datetime | dt.date) else str(value)
