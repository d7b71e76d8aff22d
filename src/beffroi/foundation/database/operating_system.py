"""The server's own account on the machine, and the life and death of its processes."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from beffroi.foundation.database.contracts import ServerError

ACCOUNT_NAME = "beffroi"
SYSTEM_DIRECTORY = Path("/var/lib/beffroi")
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account of the operating system.

    Attributes:
        name: its name, for messages.
        uid: number of the user.
        gid: number of its main group.
    """

    name: str
    uid: int
    gid: int


def is_root() -> bool:
    """Tell whether this process has root's rights, which PostgreSQL refuses."""
    return os.geteuid() == 0


def current_account() -> Account:
    """Return the account this process runs as."""
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's arbitrary number
        name = str(uid)
    return Account(name=name, uid=uid, gid=os.getegid())


def service_account() -> Account:
    """Return the account the server runs as: this one, or ``beffroi`` when this one is root.

    ``beffroi`` is created on the first use; where that is impossible it is ``nobody``.

    Raises:
        ServerError: root has no unprivileged account to lend.
    """
    if not is_root():
        return current_account()
    found = _named(ACCOUNT_NAME)
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if found is None and useradd is not None:
        subprocess.run(  # noqa: S603 - constant arguments
            [
                *(useradd, "--system", "--user-group", "--no-create-home"),
                *("--home-dir", str(SYSTEM_DIRECTORY), "--shell", "/usr/sbin/nologin"),
                ACCOUNT_NAME,
            ],
            check=False,
            capture_output=True,
        )
        found = _named(ACCOUNT_NAME)
    found = found or _named("nobody")
    if found is None:
        raise ServerError(
            "PostgreSQL refuses to run as root, and no other account could be made.",
            code="database.no_account",
            way_out="Create a system account named beffroi, or run this command as a plain user.",
        )
    return found


def account_of(path: Path) -> Account:
    """Return the account that owns a file."""
    found = path.stat()
    try:
        name = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        name = str(found.st_uid)
    return Account(name=name, uid=found.st_uid, gid=found.st_gid)


def can_reach(path: Path, *, account: Account) -> bool:
    """Tell whether an account can enter a directory, or run a file, through all its parents."""
    if account.uid == os.geteuid():
        return os.access(path, os.X_OK)
    # Asked of the system itself, which knows access lists and mounts that the mode does not show.
    return (
        subprocess.run(  # noqa: S603 - no shell
            ["/usr/bin/test", "-x", str(path)],
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            check=False,
        ).returncode
        == 0
    )


def open_directory(path: Path) -> None:
    """Make a directory, and those above, that every user can enter; leave alone what exists."""
    if not path.exists():
        open_directory(path.parent)
        path.mkdir(exist_ok=True)
        path.chmod(0o755)  # whatever the umask is


def private_directory(path: Path, *, account: Account) -> Path:
    """Make a directory that only ``account`` may enter, or verify the one that is there.

    Raises:
        ServerError: somebody else owns it or may enter it.
    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        if is_root():
            os.chown(path, account.uid, account.gid)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid:
        raise ServerError(
            "{path} does not belong to {account}.",
            code="database.foreign_directory",
            way_out="Remove it, or give it to {account}.",
            params={"path": path, "account": account.name},
        )
    if found.st_mode & 0o077:
        path.chmod(0o700)
    return path


def start_process(
    command: Sequence[str | Path], *, account: Account, log: int, dies_with_parent: bool
) -> subprocess.Popen[bytes]:
    """Start a child as ``account``, away from the terminal, with a clean environment.

    Args:
        command: program and arguments.
        account: who runs it; another than this process's only when this one is root.
        log: file descriptor that receives what it writes.
        dies_with_parent: ask the kernel to send it SIGINT (a fast shutdown, for PostgreSQL) when
            the thread that calls this ends, however it ends.
    """
    other = account.uid != os.geteuid()
    return subprocess.Popen(  # noqa: S603 - our own programs, no shell
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        env={"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"},
        # A Ctrl-C in the terminal reaches the parent alone, which stops its children in order.
        start_new_session=True,
        user=account.uid if other else None,
        group=account.gid if other else None,
        extra_groups=[] if other else None,
        umask=0o077,
        # Safe: it only makes two system calls, prepared before the fork.
        preexec_fn=_death_wish(signal.SIGINT) if dies_with_parent else None,  # noqa: PLW1509 - no threads yet
    )


def die_with_parent(sent: signal.Signals) -> None:
    """Ask the kernel to send this process a signal when its parent ends, however it ends."""
    _death_wish(sent, parent=os.getppid())()


def processes_inside(directory: Path) -> list[int]:
    """Return the processes whose working directory is ``directory``: a cluster's, for PostgreSQL.

    A process number found in a file says nothing after a reboot; the working directory does.
    """
    wanted = str(directory.resolve())
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            inside = str((entry / "cwd").readlink())
        except OSError:  # ended meanwhile, a zombie, or somebody else's
            continue
        if inside == wanted:
            found.append(int(entry.name))
    return sorted(found)


def _named(name: str) -> Account | None:
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name=name, uid=found.pw_uid, gid=found.pw_gid)


def _death_wish(sent: signal.Signals, *, parent: int | None = None) -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True)
    number = int(sent)
    expected = os.getpid() if parent is None else parent

    def wish() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != expected:  # the parent ended before the wish was made
            os._exit(1)

    return wish
