"""What an installation is made of and under which licences, read from what is installed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import metadata

from django.conf import settings

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Component:
    """A library that is used, and the licence that its authors state."""

    name: str
    version: str
    licence: str


@cache
def components() -> tuple[Component, ...]:
    """Return the libraries that the package asks for, in alphabetical order."""
    found: dict[str, Component] = {}
    for requirement in metadata.requires("beffroi") or ():
        match = _NAME.match(requirement)
        name = match.group() if match else requirement
        try:
            about = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue
        licence = licence_of(about) or _heading_of_text(name)
        found[name.lower()] = Component(name, about["Version"], licence)
    return tuple(found[name] for name in sorted(found))


def licence_of(about: metadata.PackageMetadata) -> str:
    """Return the licence that a package states: its expression, its field, or its classifier."""
    stated = about.get_all("License-Expression") or about.get_all("License") or [""]
    first = str(stated[0]).strip().partition("\n")[0]
    if first and len(first) <= _LONGEST:
        return first
    classifiers = (str(text) for text in about.get_all("Classifier") or ())
    kinds = [text.rpartition(" :: ")[2] for text in classifiers if text.startswith("License")]
    return ", ".join(kind for kind in kinds if kind != "OSI Approved")


def _heading_of_text(name: str) -> str:
    """Return the first line of the licence that a package carries, where its metadata say none."""
    for path in metadata.files(name) or ():
        if path.parent.name == "licenses" and path.name.startswith("LICEN"):
            heading = path.read_text(encoding="utf-8").strip().partition("\n")[0].strip()
            return heading if len(heading) <= _LONGEST else ""
    return ""


def browser_licences() -> str:
    """Return the licences of the libraries inside the scripts, as the build gathered them."""
    path = settings.VITE_MANIFEST.parent / "third-party-licenses.md"
    return path.read_text(encoding="utf-8") if path.exists() else ""
