"""Open archives without trusting them: nothing is written to disk, everything is counted."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import zipfile
import zlib
from pathlib import PurePosixPath

from beffroi.foundation.files.reading.contracts import FileRefused, Limits

FAILURES = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    ValueError,
    KeyError,
    RuntimeError,
    NotImplementedError,
    struct.error,
)
"""What the standard library raises on a damaged archive."""

_BLOCK = 1 << 20
_ENCRYPTED = 0x1


def open_archive(content: bytes, *, name: str, limits: Limits) -> zipfile.ZipFile:
    """Open a zip archive and check what it declares.

    Raises:
        FileRefused: it is damaged, encrypted, or declares too much.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = archive.infolist()
    except FAILURES as error:
        raise FileRefused("archive_broken", name=name) from error
    if len(members) > limits.archive_members:
        raise FileRefused("archive_too_many", name=name, limit=limits.archive_members)
    if sum(member.file_size for member in members) > limits.unpacked_bytes:
        raise FileRefused("archive_too_large", name=name, limit_mb=limits.unpacked_bytes >> 20)
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise FileRefused("archive_encrypted", name=name)
    return archive


def read_member(
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    *,
    name: str,
    limits: Limits,
    budget: int,
) -> bytes:
    """Read one member, counting what really comes out, whatever the archive declares.

    Raises:
        FileRefused: it is damaged, or gives more than the budget.
    """
    parts: list[bytes] = []
    size = 0
    try:
        with archive.open(member) as stream:
            while block := stream.read(_BLOCK):
                size += len(block)
                if size > budget:
                    raise FileRefused(
                        "archive_too_large", name=name, limit_mb=limits.unpacked_bytes >> 20
                    )
                parts.append(block)
    except FAILURES as error:
        raise FileRefused("archive_broken", name=name) from error
    return b"".join(parts)


def gunzip(content: bytes, *, name: str, limits: Limits, budget: int) -> bytes:
    """Unpack a gzip file within the limits.

    Raises:
        FileRefused: it is damaged, or gives too much.
    """
    parts: list[bytes] = []
    size = 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            while block := stream.read(_BLOCK):
                size += len(block)
                if size > budget:
                    raise FileRefused(
                        "archive_too_large", name=name, limit_mb=limits.unpacked_bytes >> 20
                    )
                parts.append(block)
    except (OSError, EOFError, zlib.error) as error:
        raise FileRefused("archive_broken", name=name) from error
    return b"".join(parts)


def shown_path(member: str) -> str:
    """Return the name of a member for people: no drive, no ``..``, no control character."""
    parts = [part for part in PurePosixPath(member.replace("\\", "/")).parts if part not in "/.."]
    name = "/".join(parts) or "?"
    return "".join(letter for letter in name if letter.isprintable())[:200]
