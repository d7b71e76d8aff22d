"""Writes and finds the codecs of the installation's library."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from beffroi.city.codecs.library.contracts import Example, FoundCodec, FoundModel, Tried, Verdict
from beffroi.city.codecs.library_models import LibraryCodec, LibraryModel
from beffroi.kernel.clock import now
from beffroi.kernel.errors import Conflict, NotFound

PIECE = 200
CODEC_FIELDS = (
    "repository",
    "vendor",
    "name",
    "source",
    "sha256",
    "dialect",
    "functions",
    "f_ports",
    "licence",
    "origin",
    "examples",
    "passed",
    "failed",
    "imported_at",
)
MODEL_FIELDS = ("vendor", "name", "description", "codec")
"""What a new import replaces; the identifiers stay, by which devices are read."""


class LibraryCodecNotFound(NotFound):
    """No codec of the library has this name."""

    code = "library.not_found"


class LibraryNameUnclear(Conflict):
    """Several codecs of the library have this name."""

    code = "library.unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryCard:
    """A codec of the library as a list or a command shows it."""

    uuid: UUID
    key: str
    vendor: str
    name: str
    functions: tuple[str, ...]
    f_ports: tuple[int, ...]
    licence: str
    passed: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryText:
    """What running a codec of the library takes."""

    key: str
    source: str
    dialect: str


def library_write(
    tried: Iterable[tuple[FoundCodec, Sequence[Tried]]],
    models: Sequence[FoundModel],
    *,
    licence: str = "",
) -> tuple[int, int]:
    """Write codecs and devices under their keys, replacing what these keys held.

    Codecs without a script are left out, and the devices that name them. What an earlier import
    brought and this one does not stays: devices of a town may be read with it.

    Returns:
        How many codecs and devices were written.
    """
    kept = [(codec, results) for codec, results in tried if not codec.missing]
    with transaction.atomic():
        LibraryCodec.objects.bulk_create(
            [_codec_row(codec, results, licence=licence) for codec, results in kept],
            batch_size=PIECE,
            update_conflicts=True,
            unique_fields=["key"],
            update_fields=CODEC_FIELDS,
        )
        numbers = dict(
            LibraryCodec.objects.filter(key__in=[codec.key for codec, _ in kept]).values_list(
                "key", "id"
            )
        )
        rows = [
            LibraryModel(
                key=model.key,
                vendor=_text(model.vendor, 120),
                name=_text(model.name, 200),
                description=_text(model.description, 400),
                codec_id=numbers[model.codec_key],
            )
            for model in models
            if model.codec_key in numbers
        ]
        LibraryModel.objects.bulk_create(
            rows,
            batch_size=PIECE,
            update_conflicts=True,
            unique_fields=["key"],
            update_fields=MODEL_FIELDS,
        )
    return len(kept), len(rows)


def library_list(*, vendor: str = "") -> list[LibraryCard]:
    """Return the codecs of the library, all or a vendor's, by vendor and name."""
    rows = LibraryCodec.objects.order_by("vendor", "name", "key").defer("source", "examples")
    if vendor:
        rows = rows.filter(vendor__iexact=vendor) | rows.filter(key__contains=f"/{vendor}/")
    return [
        LibraryCard(
            uuid=row.uuid,
            key=row.key,
            vendor=row.vendor,
            name=row.name,
            functions=tuple(row.functions),
            f_ports=tuple(row.f_ports),
            licence=row.licence,
            passed=row.passed,
            failed=row.failed,
        )
        for row in rows
    ]


def library_text(name: str) -> LibraryText:
    """Return a codec by its key, or by the end of its key where only one ends so.

    Raises:
        LibraryCodecNotFound: none has this name.
        LibraryNameUnclear: several do.
    """
    rows = list(
        LibraryCodec.objects.filter(Q(key=name) | Q(key__endswith=f"/{name}"))
        .order_by("key")
        .values_list("key", "source", "dialect")[:6]
    )
    exact = [row for row in rows if row[0] == name]
    rows = exact or rows
    if not rows:
        raise LibraryCodecNotFound("The library has no codec {name}.", params={"name": name})
    if len(rows) > 1:
        raise LibraryNameUnclear(
            "Several codecs are called {name}.",
            way_out="Give one of them in full: {names}.",
            params={"name": name, "names": ", ".join(row[0] for row in rows)},
        )
    key, source, dialect = rows[0]
    return LibraryText(key=key, source=source, dialect=dialect)


def _codec_row(codec: FoundCodec, results: Sequence[Tried], *, licence: str) -> LibraryCodec:
    source = codec.source.replace("\x00", "")
    ports = {example.input.get("fPort") for example in codec.examples}
    passed = sum(result.verdict is Verdict.PASSED for result in results)
    return LibraryCodec(
        key=codec.key,
        repository=codec.layout.value,
        vendor=_text(codec.vendor, 120),
        name=_text(codec.name, 200),
        source=source,
        sha256=hashlib.sha256(source.encode()).hexdigest(),
        dialect=codec.dialect,
        functions=list(codec.functions),
        f_ports=sorted(port for port in ports if isinstance(port, int) and 0 <= port <= 255),
        licence=_text(codec.licence or licence, 80),
        origin=_text(codec.origin, 400),
        examples=[_example(example) for example in codec.examples],
        passed=passed,
        failed=len(results) - passed,
        imported_at=now(),
    )


def _example(example: Example) -> dict[str, Any]:
    given = dict(example.input)
    octets = given.get("bytes")
    if isinstance(octets, list):
        given["bytes"] = bytes(octets).hex()
    return {
        "name": _text(example.name, 200),
        "function": example.function,
        "input": _storable(given),
        "expected": _storable(example.expected),
    }


def _storable(value: Any) -> Any:
    """Return a value that PostgreSQL takes as JSON."""
    if isinstance(value, str):
        return _text(value, len(value))
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, Mapping):
        return {_text(str(key), 1_000): _storable(item) for key, item in value.items()}
    return value


def _text(text: str, most: int) -> str:
    plain = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return " ".join(plain.split())[:most] if most <= 400 else plain[:most]
