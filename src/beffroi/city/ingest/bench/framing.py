"""Files of octets, each behind its length in four octets, big-endian."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def write_framed(path: Path, items: Iterable[bytes]) -> None:
    """Write items."""
    with path.open("wb") as stream:
        for item in items:
            stream.write(len(item).to_bytes(4, "big") + item)


def read_framed(path: Path) -> list[bytes]:
    """Read the items of a file."""
    octets, at, found = path.read_bytes(), 0, []
    while at < len(octets):
        length = int.from_bytes(octets[at : at + 4], "big")
        found.append(octets[at + 4 : at + 4 + length])
        at += 4 + length
    return found
