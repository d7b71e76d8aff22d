"""Reads a repository of codecs, whatever its layout; it may mix several."""

from __future__ import annotations

from pathlib import Path

from beffroi.city.codecs.library.chirpstack import read_chirpstack
from beffroi.city.codecs.library.contracts import Repository
from beffroi.city.codecs.library.files import Tree
from beffroi.city.codecs.library.findings import Findings
from beffroi.city.codecs.library.thingpark import read_thingpark
from beffroi.city.codecs.library.ttn import read_ttn
from beffroi.kernel.errors import InvalidInput
from beffroi.sdk.declarations import translatable as _

LAYOUTS = (read_ttn, read_chirpstack, read_thingpark)
LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING")
_KNOWN = {
    "MIT License": "MIT",
    "Apache License": "Apache-2.0",
    "BSD 3-Clause": "BSD-3-Clause",
    "BSD 2-Clause": "BSD-2-Clause",
    "GNU GENERAL PUBLIC LICENSE": "GPL",
    "Mozilla Public License": "MPL-2.0",
}


def repository_read(path: Path, *, only: str = "") -> Repository:
    """Return the codecs, devices and unreadable files found at any depth under a folder.

    Args:
        path: the folder.
        only: ``<vendor>`` or ``<vendor>/<codec>``, by the names of their folders and files.

    Raises:
        InvalidInput: the path is no folder.
        Unreadable: the folder holds too many files.
    """
    if not path.is_dir():
        raise InvalidInput(_("{value} is not a folder."), field="PATH", value=str(path))
    tree = Tree(path)
    found = Findings(only)
    paths = list(tree.files())
    for read in LAYOUTS:
        read(tree, paths, found)
    return found.repository()


def licence_of(path: Path) -> str:
    """Return the licence that a repository's own file states, or an empty text."""
    for folder in (path.resolve(), *path.resolve().parents[:2]):
        for name in LICENCES:
            file = folder / name
            if file.is_file() and not file.is_symlink():
                head = file.read_bytes()[:2_000].decode("utf-8", "replace")
                return next((short for words, short in _KNOWN.items() if words in head), "")
    return ""
