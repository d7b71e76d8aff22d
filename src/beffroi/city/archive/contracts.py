"""What an archive is made of: months, manifests, reports, and why one is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Self

from beffroi.kernel.clock import PARIS
from beffroi.kernel.errors import BeffroiError, InvalidInput

SCHEMA_VERSION = 1
"""Version of the columns of a part; the import reads this one only."""

MANIFEST = "_manifest.json"
"""Spark, Trino and Arrow pass over names that begin so when they read a folder of Parquet."""

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


class Reason:
    """What is wrong with a file: an English sentence with fields, translated where it is told."""

    def __init__(self, message: str, **params: object) -> None:
        self.message = message
        self.params = params

    def __str__(self) -> str:
        """Return the English sentence."""
        return self.told(str)

    def told(self, translate: Callable[[str], str]) -> str:
        """Return the sentence in another language."""
        return translate(self.message).format_map(self.params)


class ArchiveRefused(InvalidInput):
    """An archive, or a request about one, that cannot be accepted; the message names the file."""

    code = "archive.refused"

    def told(self, translate: Callable[[str], str]) -> str:
        """Return the sentence with its reason in the same language."""
        kept = self.params
        self.params = {
            name: value.told(translate) if isinstance(value, Reason) else value
            for name, value in kept.items()
        }
        try:
            return super().told(translate)
        finally:
            self.params = kept


class ArchiveFailed(BeffroiError):
    """Some months could not be archived; everything else was."""

    code = "archive.failed"
    status = 500


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A civil month of Europe/Paris, which packed days add up to."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str, *, option: str = "--month") -> Self:
        """Read ``2026-05``.

        Raises:
            ArchiveRefused: the text is no month between 1970 and 2199.
        """
        match = _MONTH.fullmatch(text.strip())
        if match is None or not 1970 <= int(match[1]) <= 2199:
            raise ArchiveRefused(
                "{value} is not a month.",
                field=option,
                value=text,
                way_out="Write it as 2026-05.",
            )
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Self:
        """Return the month that holds a civil day."""
        return cls(day.year, day.month)

    def next(self) -> Month:
        """Return the month after this one."""
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def start(self) -> datetime:
        """Return the first instant, in UTC."""
        return datetime(self.year, self.number, 1, tzinfo=PARIS).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """Return the first instant after it, in UTC."""
        return self.next().start

    def __str__(self) -> str:
        """Return it as directories are named."""
        return f"{self.year:04}-{self.number:02}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFile:
    """One Parquet file of a month: what it must be to be believed."""

    name: str
    size: int
    sha256: str
    rows: int
    min_time: datetime
    max_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a month of a territory consists of.

    Attributes:
        content_sha256: digest of what was observed (streams, instants, values, flags), whatever
            the encoding: it tells whether a month has changed without comparing files.
        measures: measures it is limited to; empty for all.
    """

    territory: str
    month: Month
    rows: int
    streams: int
    content_sha256: str
    made_at: datetime
    measures: tuple[str, ...] = ()
    files: tuple[PartFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthExported:
    """What an export did for one month: ``written``, ``unchanged``, ``kept`` or ``empty``."""

    territory: str
    month: Month
    outcome: str
    rows: int = 0
    octets: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthImported:
    """What an import found and did for one month.

    Attributes:
        stored: observations that were not there.
        known: observations that were there already, and stay as they are.
        streams_made: streams created.
        orphans: assets that the territory does not have, by what the archive calls them; their
            observations were left out.
    """

    territory: str
    month: Month
    rows: int
    stored: int = 0
    known: int = 0
    streams_made: int = 0
    orphans: tuple[str, ...] = field(default=())
    rows_left_out: int = 0
