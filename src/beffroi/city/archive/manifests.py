"""The manifest of a month: written last, believed only as far as it is verified."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from beffroi.city.archive.contracts import (
    MANIFEST,
    SCHEMA_VERSION,
    ArchiveRefused,
    Manifest,
    Month,
    PartFile,
    Reason,
)
from beffroi.city.archive.places import Place
from beffroi.kernel.clock import parse_instant
from beffroi.sdk.declarations import translatable as _

FORMAT = "beffroi.archive"
_LONGEST = 4 << 20
_MOST_FILES = 10_000
_MOST_ROWS = 10**11
_NAME = re.compile(r"part-\d{4}-[0-9a-f]{16}\.parquet", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)
_MEASURE = re.compile(r"[A-Za-z0-9_.:-]{1,63}", re.ASCII)


def month_folder(place: Place, *, territory: str, month: Month) -> Place:
    """Return where a month lies, named as Hive names partitions."""
    return place.folder(f"territory={territory}", f"month={month}")


def part_name(rank: int, *, sha256: str) -> str:
    """Return the name of a part: its rank and the beginning of its digest."""
    return f"part-{rank:04}-{sha256[:16]}.parquet"


def months_listed(place: Place) -> list[tuple[str, Month]]:
    """Return the territories and months that a place has a folder for, in order."""
    found = []
    for folder in place.names():
        slug = folder.removeprefix("territory=")
        if slug == folder or not _SLUG.fullmatch(slug):
            continue
        for name in place.folder(folder).names():
            text = name.removeprefix("month=")
            if text != name and re.fullmatch(r"\d{4}-\d{2}", text, re.ASCII):
                found.append((slug, Month.parse(text)))
    return found


def manifest_write(folder: Place, manifest: Manifest, *, spool: Path) -> None:
    """Put the manifest in its place: from then on the month is what it says."""
    draft = spool / MANIFEST
    draft.write_text(json.dumps(_written(manifest), indent=1) + "\n", encoding="utf-8")
    folder.put(draft, MANIFEST)


def manifest_read(folder: Place, *, territory: str, month: Month) -> Manifest | None:
    """Return the manifest of a month, checked word by word; None where there is none.

    Raises:
        ArchiveRefused: it is not one, or speaks of another month or territory.
    """
    octets = folder.read(MANIFEST, at_most=_LONGEST)
    if octets is None:
        return None
    where = folder.path(MANIFEST)
    try:
        manifest = _read(json.loads(octets))
    except _Faulty as problem:
        raise _no_manifest(where, problem.reason) from problem
    except (ValueError, TypeError, RecursionError, ArchiveRefused) as problem:
        said = str(problem).splitlines()[0][:200]
        raise _no_manifest(where, Reason("{said}", said=said)) from problem
    except KeyError as problem:
        reason = Reason(_("it has no {field}"), field=problem.args[0])
        raise _no_manifest(where, reason) from problem
    if (manifest.territory, manifest.month) != (territory, month):
        raise ArchiveRefused(
            "{file} is the manifest of {territory}, {month}.",
            field="manifest",
            value=where,
            way_out="Put the folder back where it was exported to.",
            params={"file": where, "territory": manifest.territory, "month": str(manifest.month)},
        )
    return manifest


def files_verify(folder: Place, manifest: Manifest) -> None:
    """Hold every file to its length and its checksum.

    Raises:
        ArchiveRefused: naming the first that is absent or not what the manifest says.
    """
    for part in manifest.files:
        path = folder.path(part.name)
        size = folder.size(part.name)
        if size is None:
            raise _refusal("{file} is missing.", path)
        if size != part.size:
            raise _refusal(
                "{file} is {size} octets long instead of {expected}.",
                path,
                size=size,
                expected=part.size,
            )
        if folder.digest(part.name) != part.sha256:
            raise _refusal("{file} is not what was exported: its checksum differs.", path)


class _Faulty(Exception):
    """A field that is not of its form."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _no_manifest(where: str, reason: Reason) -> ArchiveRefused:
    return ArchiveRefused(
        "{file} is not the manifest of an archive: {reason}.",
        field="manifest",
        value=where,
        params={"file": where, "reason": reason},
    )


def _refusal(message: str, path: str, **params: object) -> ArchiveRefused:
    return ArchiveRefused(
        message,
        field="file",
        value=path,
        way_out="Fetch it again from where the archive was copied.",
        params={"file": path, **params},
    )


def _written(manifest: Manifest) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "territory": manifest.territory,
        "month": str(manifest.month),
        "time_zone": "Europe/Paris",
        "from": _told(manifest.month.start),
        "until": _told(manifest.month.end),
        "measures": list(manifest.measures) or None,
        "rows": manifest.rows,
        "streams": manifest.streams,
        "min_time": _told(min(part.min_time for part in manifest.files)),
        "max_time": _told(max(part.max_time for part in manifest.files)),
        "content_sha256": manifest.content_sha256,
        "made_at": _told(manifest.made_at),
        "files": [
            {
                "name": part.name,
                "size": part.size,
                "sha256": part.sha256,
                "rows": part.rows,
                "min_time": _told(part.min_time),
                "max_time": _told(part.max_time),
            }
            for part in manifest.files
        ],
    }


def _read(document: Any) -> Manifest:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _Faulty(Reason(_("its format has another name")))
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise _Faulty(
            Reason(
                _("its schema version is {version}, and only {known} is read"),
                version=str(version)[:40],
                known=SCHEMA_VERSION,
            )
        )
    files = document["files"]
    if not isinstance(files, list) or not 1 <= len(files) <= _MOST_FILES:
        raise _Faulty(Reason(_("it lists no file, or too many")))
    parts = tuple(_part(entry) for entry in files)
    if len({part.name for part in parts}) < len(parts):
        raise _Faulty(Reason(_("it names a file twice")))
    rows = _count(document["rows"], "rows")
    if rows != sum(part.rows for part in parts):
        raise _Faulty(Reason(_("its rows are not those of its files")))
    month = Month.parse(_matching(document["month"], re.compile(r"\d{4}-\d{2}", re.ASCII), "month"))
    for part in parts:
        if not month.start <= part.min_time <= part.max_time < month.end:
            raise _Faulty(
                Reason(_("{name} holds other instants than those of the month"), name=part.name)
            )
    measures = document.get("measures") or []
    if not isinstance(measures, list) or len(measures) > 1_000:
        raise _Faulty(Reason(_("its measures are no list")))
    return Manifest(
        territory=_matching(document["territory"], _SLUG, "territory"),
        month=month,
        rows=rows,
        streams=_count(document["streams"], "streams"),
        content_sha256=_matching(document["content_sha256"], _DIGEST, "content_sha256"),
        made_at=parse_instant(str(document["made_at"])[:40]),
        measures=tuple(_matching(text, _MEASURE, "measures") for text in measures),
        files=parts,
    )


def _part(entry: Any) -> PartFile:
    if not isinstance(entry, dict):
        raise _Faulty(Reason(_("a file is no object")))
    sha256 = _matching(entry["sha256"], _DIGEST, "sha256")
    # A name is never a path: what is read lies in the month's own folder.
    name = _matching(entry["name"], _NAME, "name")
    if sha256[:16] not in name:
        raise _Faulty(Reason(_("{name} does not carry its checksum"), name=name))
    return PartFile(
        name=name,
        size=_count(entry["size"], "size"),
        sha256=sha256,
        rows=_count(entry["rows"], "rows"),
        min_time=parse_instant(str(entry["min_time"])[:40]),
        max_time=parse_instant(str(entry["max_time"])[:40]),
    )


def _count(value: Any, what: str) -> int:
    if type(value) is not int or not 0 < value <= _MOST_ROWS:
        raise _Faulty(Reason(_("{field} is {value}"), field=what, value=str(value)[:40]))
    return value


def _matching(value: Any, form: re.Pattern[str], what: str) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise _Faulty(Reason(_("{field} is {value}"), field=what, value=repr(str(value)[:80])))
    return value


def _told(instant: datetime) -> str:
    rounded = instant.astimezone(UTC)
    if rounded.microsecond % 1000:
        rounded -= timedelta(microseconds=rounded.microsecond % 1000)
    return rounded.isoformat(timespec="milliseconds").replace("+00:00", "Z")
