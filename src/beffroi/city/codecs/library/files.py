"""Reads the files of a repository that anybody may have written: none outside it, none huge."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from beffroi.kernel.errors import ParseError
from beffroi.sdk.declarations import translatable as _

MAX_FILE = 4 * 1024 * 1024
MAX_FILES = 100_000
MAX_DEPTH = 40
MAX_NODES = 300_000
"""Values of one file, each counted as often as an alias repeats it."""

_REAL = (
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_SKIPPED = frozenset({".git", "node_modules", ".hg", ".svn", "__pycache__"})


class Unreadable(ParseError):
    """A file of a repository cannot be used."""

    code = "library.unreadable"


class Tree:
    """The files under a folder. Symbolic links are neither followed nor read."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def files(self) -> Iterator[Path]:
        """Yield every ordinary file, in the order of their names.

        Raises:
            Unreadable: there are too many.
        """
        count = 0
        for folder, folders, names in os.walk(self.root, followlinks=False):
            folders[:] = sorted(name for name in folders if name not in _SKIPPED)
            for name in sorted(names):
                path = Path(folder, name)
                if path.is_symlink() or not path.is_file():
                    continue
                count += 1
                if count > MAX_FILES:
                    raise Unreadable(
                        _("There are more than {count} files."), params={"count": MAX_FILES}
                    )
                yield path

    def relative(self, path: Path) -> str:
        """Return a path as seen from the root."""
        return path.relative_to(self.root).as_posix()

    def beside(self, folder: Path, name: object) -> Path:
        """Return the path of a file that another file names.

        Raises:
            Unreadable: it is no name of a file under the root.
        """
        if not isinstance(name, str) or not name.strip() or "\x00" in name or len(name) > 300:
            raise Unreadable(_("The name of the script cannot be read."))
        path = Path(os.path.normpath(folder / name.strip()))
        if Path(name).is_absolute() or not path.is_relative_to(self.root):
            raise Unreadable(_("{name} lies outside the repository."), params={"name": name})
        return path

    def octets(self, path: Path) -> bytes:
        """Return what a file holds.

        Raises:
            Unreadable: it is missing, too large, or reached through a symbolic link.
        """
        name = self.relative(path)
        walked = self.root
        for part in path.relative_to(self.root).parts:
            walked /= part
            if walked.is_symlink():
                raise Unreadable(_("{name} is a symbolic link."), params={"name": name})
        try:
            if path.stat().st_size > MAX_FILE:
                raise Unreadable(_("{name} is too large."), params={"name": name})
            return path.read_bytes()
        except OSError:
            raise Unreadable(_("{name} is not there."), params={"name": name}) from None

    def text(self, path: Path) -> str:
        """Return a file as text, without its byte order mark."""
        octets = self.octets(path)
        try:
            return octets.decode("utf-8-sig")
        except UnicodeDecodeError:
            return octets.decode("cp1252", "replace")

    def data(self, path: Path) -> Any:
        """Return what a YAML, JSON or TOML file says, as JSON would.

        Raises:
            Unreadable: it is not of that form, too deep or too large.
        """
        text = self.text(path)
        try:
            match path.suffix.lower():
                case ".json":
                    value = json.loads(text)
                case ".toml":
                    value = tomllib.loads(text)
                case _:
                    value = yaml.load(text, Loader=_yaml_loader())  # noqa: S506 - derives from the safe one
        except (ValueError, yaml.YAMLError, RecursionError, OverflowError) as problem:
            raise Unreadable(
                _("{name} cannot be read: {problem}"),
                params={
                    "name": self.relative(path),
                    "problem": " ".join(str(problem).split())[:200],
                },
            ) from None
        return _plain(value, budget=[MAX_NODES], depth=0, name=self.relative(path))


def octets_of(value: object) -> list[int] | None:
    """Return octets written as a list, or as hexadecimal with or without separators."""
    if isinstance(value, list):
        if all(isinstance(item, int) and not isinstance(item, bool) for item in value):
            return [int(item) & 0xFF for item in value]
        return None
    if isinstance(value, str):
        digits = re.sub(r"0[xX]|[\s,:;_-]", "", value)
        if len(digits) % 2 == 0 and re.fullmatch(r"[0-9a-fA-F]*", digits):
            return list(bytes.fromhex(digits))
    return None


def _plain(value: Any, *, budget: list[int], depth: int, name: str) -> Any:
    """Copy a value as JSON has it, at most so deep and so large: an alias may repeat itself."""
    budget[0] -= 1
    if budget[0] < 0 or depth > MAX_DEPTH:
        raise Unreadable(_("{name} is nested too deep or too large."), params={"name": name})
    if isinstance(value, dict):
        return {
            _key(key): _plain(item, budget=budget, depth=depth + 1, name=name)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set):
        return [_plain(item, budget=budget, depth=depth + 1, name=name) for item in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _key(key: object) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)


@cache
def _yaml_loader() -> Any:
    """Return a safe loader of YAML 1.2, by which the repositories were written.

    PyYAML reads YAML 1.1, to which ``on`` is true, ``1:30`` is ninety and a date no text.
    """
    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]  # the C loader has no stubs
        yaml_implicit_resolvers: dict[str, Any] = {}

    digits = list("-+0123456789.")
    for tag, pattern, starts in (
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
        ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|0b[01]+", digits),
        (
            "float",
            _REAL,
            digits,
        ),
        ("merge", r"<<", ["<"]),
    ):
        Loader.add_implicit_resolver(
            f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), starts
        )
    Loader.add_constructor("tag:yaml.org,2002:int", _whole)
    Loader.add_constructor("tag:yaml.org,2002:float", _real)
    return Loader


def _whole(loader: Any, node: Any) -> int:
    text = loader.construct_scalar(node).replace("_", "")
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("+-")
    if len(text) > 40:
        raise ValueError("a number is too long")
    bases = {"0x": 16, "0o": 8, "0b": 2}
    base = bases.get(text[:2].lower(), 10)
    return sign * int(text[2:] if base != 10 else text, base)


def _real(loader: Any, node: Any) -> float:
    text = loader.construct_scalar(node).replace("_", "").lower()
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))
