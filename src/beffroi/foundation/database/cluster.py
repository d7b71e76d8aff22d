"""Where the embedded server keeps its files, and its secrets."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from beffroi.foundation.database.contracts import ServerError
from beffroi.foundation.database.operating_system import (
    SYSTEM_DIRECTORY,
    Account,
    account_of,
    can_reach,
    current_account,
    is_root,
    open_directory,
    private_directory,
    service_account,
)

SOCKET_FILE = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 107  # sun_path holds 108 bytes, the last one zero
NOTE = "postgres.json"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one data directory has its cluster.

    Attributes:
        cluster: PostgreSQL's own directory.
        sockets: private directory of its Unix socket.
    """

    cluster: Path
    sockets: Path


def digest_of(data_dir: Path) -> str:
    """Return a short name for a data directory, for what must live elsewhere."""
    return hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]


def known_place(data_dir: Path) -> Place:
    """Return the place of the cluster as last started, or where it would most likely be."""
    note = data_dir / NOTE
    if note.is_file():
        told = json.loads(note.read_text(encoding="utf-8"))
        return Place(cluster=Path(told["cluster"]), sockets=Path(told["sockets"]))
    return Place(cluster=data_dir / "postgres", sockets=_socket_directory(data_dir, data_dir))


def settle(data_dir: Path) -> tuple[Place, Account]:
    """Decide where the cluster is and who runs it, make the directories, and note it down.

    Raises:
        ServerError: the directories cannot be made, or belong to somebody else.
    """
    try:
        return _settle(data_dir)
    except OSError as error:
        raise ServerError(
            "{path} cannot be written: {reason}",
            code="database.unwritable",
            way_out="Choose a directory of your own with BEFFROI_DATA_DIR.",
            params={"path": error.filename or data_dir, "reason": error.strerror or error},
        ) from error


def _settle(data_dir: Path) -> tuple[Place, Account]:
    if not data_dir.exists():
        # The server's account has to pass through; what is secret below is private by itself.
        data_dir.mkdir(parents=True, mode=0o711 if is_root() else 0o700)
    cluster = known_place(data_dir).cluster
    if cluster.exists():
        # Whoever made the cluster runs it, also when root starts what a person had begun.
        account = account_of(cluster)
        _verify_owner(cluster, account)
        base = cluster.parent
    else:
        account = service_account()
        base = data_dir
        if not can_reach(data_dir, account=account):
            base = SYSTEM_DIRECTORY / digest_of(data_dir)
            open_directory(base)
            if not can_reach(base, account=account):
                raise ServerError(
                    "{account} can enter neither {data_dir} nor {base}.",
                    code="database.unreachable",
                    way_out="Choose a directory that every user can enter with BEFFROI_DATA_DIR.",
                    params={"account": account.name, "data_dir": data_dir, "base": base},
                )
        cluster = base / "postgres"
        if cluster.exists():
            raise ServerError(
                "{data_dir} is new, and {cluster} holds the database of a former one.",
                code="database.forgotten_cluster",
                way_out="Put the former directory back, or move {cluster} away.",
                params={"data_dir": data_dir, "cluster": cluster},
            )
    place = Place(cluster=cluster, sockets=_socket_directory(data_dir, base))
    open_directory(place.sockets.parent)
    private_directory(place.sockets, account=account)
    note = {
        "about": "Where PostgreSQL keeps the data of this directory. Do not edit.",
        "cluster": str(place.cluster),
        "sockets": str(place.sockets),
        "account": account.name,
    }
    _write(data_dir / NOTE, json.dumps(note, indent=2) + "\n", mode=0o644)
    return place, account


def _verify_owner(cluster: Path, account: Account) -> None:
    if account.uid == 0:
        raise ServerError(
            "{cluster} belongs to root, and PostgreSQL refuses to run as root.",
            code="database.no_account",
            way_out="Give it to an unprivileged account with chown -R.",
            params={"cluster": cluster},
        )
    if not is_root() and account.uid != os.geteuid():
        raise ServerError(
            "{cluster} belongs to {account}, and this command runs as {current}.",
            code="database.other_account",
            way_out="Run it as root or as {account}, or choose another BEFFROI_DATA_DIR.",
            params={
                "cluster": cluster,
                "account": account.name,
                "current": current_account().name,
            },
        )
    if not can_reach(cluster.parent, account=account):
        raise ServerError(
            "{account} can no longer enter {path}.",
            code="database.unreachable",
            way_out="Let it pass again: chmod o+x on the directory and on those above.",
            params={"account": account.name, "path": cluster.parent},
        )


def _socket_directory(data_dir: Path, base: Path) -> Path:
    near = base / "postgres-socket"
    if len(os.fsencode(near / SOCKET_FILE)) <= LONGEST_SOCKET_PATH:
        return near
    if is_root():
        return Path("/run/beffroi") / digest_of(data_dir)
    return Path("/tmp") / f"beffroi-{os.geteuid()}-{digest_of(data_dir)}"  # noqa: S108 - verified private


def read_secret(data_dir: Path, name: str) -> str | None:
    """Return one password of the installation, or ``None`` before it is made."""
    try:
        return (data_dir / "secrets" / name).read_text(encoding="ascii").strip() or None
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise ServerError(
            "{path} cannot be read by {account}.",
            code="database.other_account",
            way_out="Run this command as the user who started the database.",
            params={"path": data_dir / "secrets" / name, "account": current_account().name},
        ) from error


def ensure_secret(data_dir: Path, name: str) -> str:
    """Return one password of the installation, made up and kept in a private file at first."""
    found = read_secret(data_dir, name)
    if found is not None:
        return found
    folder = data_dir / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    _write(folder / name, secrets.token_urlsafe(32) + "\n", mode=0o600)
    return ensure_secret(data_dir, name)


def _write(path: Path, text: str, *, mode: int) -> None:
    # Whole or not at all, and never readable before its mode is set.
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        os.fchmod(descriptor, mode)
        file.flush()
        os.fsync(descriptor)
    fresh.replace(path)
