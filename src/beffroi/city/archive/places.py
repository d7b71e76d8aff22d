"""Where archives lie: a directory, or a prefix of a bucket. Small names, whole files."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import fs

from beffroi.city.archive.contracts import ArchiveRefused

_BLOCK = 1 << 20
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_SPOOL = ".making"


class Place:
    """Files under one root. Names are relative, made of our own words, never of a manifest's."""

    def __init__(self, filesystem: Any, root: str, *, local: bool) -> None:
        self._filesystem = filesystem
        self._root = root.rstrip("/")
        self._local = local

    @property
    def name(self) -> str:
        """Return the root as messages tell it."""
        return self._root if self._local else f"s3://{self._root}"

    def folder(self, *names: str) -> Place:
        """Return the place under this one."""
        return Place(self._filesystem, "/".join((self._root, *names)), local=self._local)

    def read(self, name: str, *, at_most: int) -> bytes | None:
        """Return a small file, or None where there is none.

        Raises:
            ArchiveRefused: it is longer than ``at_most`` octets.
        """
        size = self.size(name)
        if size is None:
            return None
        if size > at_most:
            raise ArchiveRefused(
                "{file} is {size} octets long, more than the {most} that one may be.",
                field="file",
                value=self.path(name),
                params={"file": self.path(name), "size": size, "most": at_most},
            )
        with self.opened(name) as stream:
            return bytes(stream.read())

    def size(self, name: str) -> int | None:
        """Return the length of a file in octets, or None where there is none."""
        info = self._filesystem.get_file_info(self.path(name))
        return int(info.size) if info.type == fs.FileType.File else None

    @contextmanager
    def opened(self, name: str) -> Iterator[Any]:
        """Open a file for reading at any offset."""
        with self._filesystem.open_input_file(self.path(name)) as stream:
            yield stream

    def digest(self, name: str) -> str:
        """Return the SHA-256 of a file, read block by block."""
        digest = hashlib.sha256()
        with self.opened(name) as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest()

    def names(self) -> list[str]:
        """Return the names of files and folders directly under the root; none where it is not."""
        selector = fs.FileSelector(self._root, allow_not_found=True)
        return sorted(info.base_name for info in self._filesystem.get_file_info(selector))

    @contextmanager
    def spool(self) -> Iterator[Path]:
        """Give a folder on disk in which files are made, and from which they are put here."""
        if not self._local:
            with tempfile.TemporaryDirectory(prefix="beffroi-archive-") as folder:
                yield Path(folder)
            return
        # On the same disk, so that a finished file is put in its place by renaming it.
        Path(self._root).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_SPOOL, dir=self._root) as folder:
            yield Path(folder)

    def put(self, source: Path, name: str) -> None:
        """Move a finished file here; nobody ever sees a part of it."""
        if self._local:
            target = Path(self._root) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with source.open("rb") as stream:
                os.fsync(stream.fileno())
            source.replace(target)
            _sync_folder(target.parent)
            return
        # An object appears whole when its upload is completed.
        with (
            source.open("rb") as stream,
            self._filesystem.open_output_stream(self.path(name)) as sink,
        ):
            _copy(stream, sink)

    def remove(self, name: str) -> None:
        """Delete one file."""
        self._filesystem.delete_file(self.path(name))

    def path(self, name: str) -> str:
        """Return the whole name of a file."""
        return f"{self._root}/{name}"


def place_open(text: str, *, environ: Mapping[str, str] | None = None) -> Place:
    """Return a directory, or ``s3://bucket/prefix`` with the usual ``AWS_*`` variables.

    ``AWS_ENDPOINT_URL_S3`` or ``AWS_ENDPOINT_URL`` leads to any server that speaks S3;
    ``AWS_REGION`` or ``AWS_DEFAULT_REGION`` names its region.

    Raises:
        ArchiveRefused: the text is neither.
    """
    if "://" not in text:
        folder = Path(text).expanduser().absolute()
        return Place(fs.LocalFileSystem(), str(folder), local=True)
    parts = urlsplit(text)
    if parts.scheme != "s3" or not _BUCKET.fullmatch(parts.netloc) or parts.query:
        raise ArchiveRefused(
            "{value} is neither a directory nor a bucket.",
            field="place",
            value=text,
            way_out="Write a path, or s3://bucket/prefix.",
        )
    prefix = [name for name in parts.path.split("/") if name]
    if any(name in {".", ".."} for name in prefix):
        raise ArchiveRefused(
            "{value} is neither a directory nor a bucket.",
            field="place",
            value=text,
            way_out="Write a path, or s3://bucket/prefix.",
        )
    environ = os.environ if environ is None else environ
    return Place(_s3(environ), "/".join((parts.netloc, *prefix)), local=False)


def _s3(environ: Mapping[str, str]) -> Any:
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or ""
    options: dict[str, Any] = {
        "region": environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1",
        "connect_timeout": 10,
        "request_timeout": 60,
    }
    if environ.get("AWS_ACCESS_KEY_ID"):
        options |= {
            "access_key": environ["AWS_ACCESS_KEY_ID"],
            "secret_key": environ.get("AWS_SECRET_ACCESS_KEY", ""),
            "session_token": environ.get("AWS_SESSION_TOKEN") or None,
        }
    if endpoint:
        address = urlsplit(endpoint)
        options |= {
            "endpoint_override": address.netloc,
            "scheme": address.scheme or "https",
            "force_virtual_addressing": False,
        }
    try:
        return fs.S3FileSystem(**options)
    except (pa.ArrowException, OSError) as problem:
        raise ArchiveRefused(
            "The bucket cannot be reached: {reason}.",
            field="place",
            params={"reason": str(problem).splitlines()[0]},
        ) from problem


def _copy(source: BinaryIO, sink: Any) -> None:
    while block := source.read(_BLOCK):
        sink.write(block)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
