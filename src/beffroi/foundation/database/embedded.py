"""The bundled PostgreSQL, started, watched and stopped as our own child. Free of Django."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import threading
import time
from io import BufferedWriter
from pathlib import Path

import psycopg

from beffroi.foundation.database.binaries import Binaries, binaries_for
from beffroi.foundation.database.cluster import (
    Place,
    ensure_secret,
    known_place,
    read_secret,
    settle,
)
from beffroi.foundation.database.connection import make_url
from beffroi.foundation.database.contracts import (
    DEFAULT_APPLICATION_ROLE,
    DEFAULT_DATABASE,
    DEFAULT_OWNER_ROLE,
    AlreadyServedError,
    DatabaseUrls,
    ServerError,
    ServerState,
    ServerStatus,
)
from beffroi.foundation.database.operating_system import (
    Account,
    is_root,
    processes_inside,
    start_process,
)
from beffroi.foundation.database.roles import prepare

ADMINISTRATOR = "postgres"
LOG_FILE = "postgres.log"
LOCK_FILE = "postgres.lock"
LARGEST_LOG_BYTES = 10_000_000
SHOWN_LOG_LINES = 15
POLL_S = 0.02
FAST_STOP_S = 60
IMMEDIATE_STOP_S = 15
ORPHANS_END_S = 20

# For two cores and a small machine that serves the application too.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "synchronous_commit": "on",
    "wal_compression": "pglz",
    "max_wal_size": "1GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_destination": "stderr",
    "logging_collector": "off",
    "cluster_name": "beffroi",
}
# A crash of the machine loses everything: for throw-away clusters.
UNSAFE_FAST_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "120",
}


class EmbeddedServer:
    """The PostgreSQL server of one data directory.

    The process that calls :meth:`start` is the server's parent: it must stay, and reap it with
    :meth:`stop` or :meth:`wait`. If that process is killed, the kernel asks the server to shut
    down. The server listens on a Unix socket in a private directory, with SCRAM passwords that
    are kept in ``data_dir/secrets``; it never listens on the network.

    Args:
        data_dir: directory of the installation's data; made when absent.
        unsafe_fast: trade durability for speed, for tests.
    """

    def __init__(self, data_dir: Path, *, unsafe_fast: bool = False) -> None:
        self.data_dir = data_dir.absolute().resolve()
        self.unsafe_fast = unsafe_fast
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None

    def start(self) -> DatabaseUrls:
        """Start the server, after making the cluster, its roles and its database at first.

        Recovery after a crash takes the time it takes: there is no time-out while the server
        lives and works.

        Returns:
            The URLs of the application's role and of the owner.

        Raises:
            AlreadyServedError: another process serves this directory; see :meth:`attach`.
            ServerError: the server does not start; the message ends with its last log lines.
        """
        if self._process is not None and self._process.poll() is None:
            return self.urls()
        if threading.current_thread() is not threading.main_thread():
            # The kernel ends the server with the thread that started it, not with the process.
            raise ServerError("The database server must be started from the main thread.")
        place, account = settle(self.data_dir)
        self._take_lock(place)
        try:
            binaries = binaries_for(account)
            self._end_leftovers(place)
            self._ensure_cluster(place, account, binaries)
            self._launch(place, account, binaries)
            return prepare(
                self.administrator_url(),
                owner_password=ensure_secret(self.data_dir, "owner"),
                application_password=ensure_secret(self.data_dir, "application"),
            )
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server that this object started, in order, and reap it."""
        process, self._process = self._process, None
        if process is not None:
            for sent, patience_s in (
                (signal.SIGINT, FAST_STOP_S),  # ends sessions, writes everything
                (signal.SIGQUIT, IMMEDIATE_STOP_S),  # recovers at the next start
                (signal.SIGKILL, None),
            ):
                process.send_signal(sent)
                try:
                    process.wait(timeout=patience_s)
                except subprocess.TimeoutExpired:
                    continue
                break
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def wait(self, *, timeout_s: float | None = None) -> int | None:
        """Wait for the server to end; return its exit code, or ``None`` when time is up."""
        if self._process is None:
            return None
        try:
            return self._process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def attach(self, *, timeout_s: float = 0) -> DatabaseUrls:
        """Return the URLs of the server that another process runs for this directory.

        Args:
            timeout_s: how long to wait for it to accept connections.

        Raises:
            ServerError: none answers.
        """
        limit = time.monotonic() + timeout_s
        while True:
            urls = self.urls()
            try:
                psycopg.connect(urls.application, connect_timeout=5).close()
            except psycopg.OperationalError as error:
                if time.monotonic() >= limit:
                    raise ServerError(
                        "No database server answers for {data_dir}: {reason}",
                        code="database.not_running",
                        way_out="Start it with `beffroi serve`.",
                        params={"data_dir": self.data_dir, "reason": str(error).strip()},
                    ) from error
                time.sleep(POLL_S)
            else:
                return urls

    def status(self) -> ServerStatus:
        """Say whether the cluster exists, whether its server runs, and whose child it is."""
        cluster = known_place(self.data_dir).cluster
        version = _cluster_version(cluster)
        if self._process is not None and self._process.poll() is None:
            return ServerStatus(ServerState.RUNNING_HERE, self._process.pid, version)
        pid = _live_postmaster(cluster)
        if pid is not None:
            return ServerStatus(ServerState.RUNNING_ELSEWHERE, pid, version)
        state = ServerState.ABSENT if version is None else ServerState.STOPPED
        return ServerStatus(state, None, version)

    def urls(self) -> DatabaseUrls:
        """Return the two URLs, whether the server runs or not; no password before its start."""
        return DatabaseUrls(
            application=self._url(DEFAULT_APPLICATION_ROLE, "application", DEFAULT_DATABASE),
            owner=self._url(DEFAULT_OWNER_ROLE, "owner", DEFAULT_DATABASE),
        )

    def administrator_url(self) -> str:
        """Return the superuser's URL: for preparation, back-ups and tests, never to serve."""
        return self._url(ADMINISTRATOR, "administrator", "postgres")

    def log_tail(self) -> str:
        """Return the last lines the server wrote."""
        try:
            written = (self.data_dir / LOG_FILE).read_bytes()[-20_000:]
        except OSError:
            return ""
        lines = written.decode("utf-8", errors="replace").splitlines()
        return "\n".join(lines[-SHOWN_LOG_LINES:])

    def _url(self, role: str, secret: str, database: str) -> str:
        return make_url(
            user=role,
            password=read_secret(self.data_dir, secret),
            database=database,
            host=str(known_place(self.data_dir).sockets),
        )

    def _take_lock(self, place: Place) -> None:
        if self._lock is not None:
            return
        # The kernel lets go of it with the process, however that ends.
        lock = os.open(self.data_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise _already_served(self.data_dir, _live_postmaster(place.cluster)) from error
        self._lock = lock

    def _end_leftovers(self, place: Place) -> None:
        """Wait for processes of a killed supervisor to end, so that the files are ours."""
        limit = time.monotonic() + ORPHANS_END_S
        pressed = False
        while leftovers := processes_inside(place.cluster):
            postmaster = _live_postmaster(place.cluster)
            if postmaster is not None and _postmaster_line(place.cluster, 7) == "ready":
                # Told to stop with its parent, it would say so; this one serves somebody.
                if time.monotonic() > limit - ORPHANS_END_S + 2:
                    raise _already_served(self.data_dir, postmaster)
            elif postmaster is None and not pressed:
                # Sessions without a postmaster notice at their next wait; this is quicker.
                pressed = True
                for pid in leftovers:
                    _send(pid, signal.SIGQUIT)
            if time.monotonic() > limit:
                raise ServerError(
                    "Processes {pids} of a former server do not end.",
                    code="database.leftovers",
                    way_out="Wait for them or end them, then start again.",
                    params={"pids": ", ".join(map(str, leftovers))},
                )
            time.sleep(POLL_S)
        # Nobody has this directory open, so a lock file can only be stale. PostgreSQL would
        # believe it if its process number had been given to another program since.
        (place.cluster / "postmaster.pid").unlink(missing_ok=True)

    def _ensure_cluster(self, place: Place, account: Account, binaries: Binaries) -> None:
        version = _cluster_version(place.cluster)
        if version is None:
            self._initialise(place, account, binaries)
        elif version != binaries.major:
            raise ServerError(
                "The database was written by PostgreSQL {found}; version {bundled} is bundled.",
                code="database.version",
                way_out="Run the former version of Beffroi, dump the database, and restore it.",
                params={"found": version, "bundled": binaries.major},
            )
        elif read_secret(self.data_dir, "administrator") is None:
            raise ServerError(
                "The password of the database in {cluster} is missing from {data_dir}.",
                code="database.no_secret",
                way_out="Put the folder secrets back, or move {cluster} away to begin anew.",
                params={"cluster": place.cluster, "data_dir": self.data_dir},
            )

    def _initialise(self, place: Place, account: Account, binaries: Binaries) -> None:
        # Beside, then renamed: an interruption leaves nothing that looks like a database.
        fresh = place.cluster.with_name("postgres.new")
        password_file = place.sockets / "password"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password_file.write_text(
            ensure_secret(self.data_dir, "administrator") + "\n", encoding="ascii"
        )
        password_file.chmod(0o600)
        if is_root():
            os.chown(fresh, account.uid, account.gid)
            os.chown(password_file, account.uid, account.gid)
        command = [
            *(binaries.program("initdb"), "--pgdata", fresh, "--username", ADMINISTRATOR),
            *("--auth", "scram-sha-256", "--pwfile", password_file, "--encoding", "UTF8"),
            *("--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            *("--set", "timezone=UTC", "--no-instructions"),
            *(("--no-sync",) if self.unsafe_fast else ()),
        ]
        try:
            with self._open_log() as log:
                process = start_process(
                    command, account=account, log=log.fileno(), dies_with_parent=True
                )
                code = process.wait()
        finally:
            password_file.unlink(missing_ok=True)
        if code != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise self._failure("The database could not be created (exit code {code}).", code)
        fresh.rename(place.cluster)

    def _launch(self, place: Place, account: Account, binaries: Binaries) -> None:
        settings = {
            **SETTINGS,
            **(UNSAFE_FAST_SETTINGS if self.unsafe_fast else {}),
            "unix_socket_directories": str(place.sockets),
        }
        command: list[str | Path] = [binaries.program("postgres"), "-D", place.cluster]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self._open_log() as log:
            process = start_process(
                command, account=account, log=log.fileno(), dies_with_parent=True
            )
        self._process = process
        # The eighth line of its lock file says when it accepts connections.
        while not (
            _postmaster_line(place.cluster, 0) == str(process.pid)
            and _postmaster_line(place.cluster, 7) == "ready"
        ):
            try:
                code = process.wait(timeout=POLL_S)
            except subprocess.TimeoutExpired:
                continue
            self._process = None
            raise self._failure("The database server ended at once (exit code {code}).", code)

    def _open_log(self) -> BufferedWriter:
        path = self.data_dir / LOG_FILE
        if path.exists() and path.stat().st_size > LARGEST_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path.open("ab")

    def _failure(self, message: str, code: int) -> ServerError:
        return ServerError(
            message + "\n{log}\n",
            code="database.start",
            way_out="The whole log is in {path}.",
            params={"code": code, "log": self.log_tail(), "path": self.data_dir / LOG_FILE},
        )


def _already_served(data_dir: Path, pid: int | None) -> AlreadyServedError:
    return AlreadyServedError(
        "Another process already serves the database of {data_dir} (server: {pid}).",
        way_out="Connect to it, or stop it first.",
        params={"data_dir": data_dir, "pid": pid or "starting"},
    )


def _cluster_version(cluster: Path) -> int | None:
    try:
        return int((cluster / "PG_VERSION").read_text(encoding="ascii"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise ServerError(
            "{cluster} belongs to another account.",
            code="database.other_account",
            way_out="Run this command as root or as the account that owns it.",
            params={"cluster": cluster},
        ) from error


def _postmaster_line(cluster: Path, index: int) -> str | None:
    try:
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return lines[index].strip() if index < len(lines) else None


def _live_postmaster(cluster: Path) -> int | None:
    told = _postmaster_line(cluster, 0)
    if told is None or not told.isdigit() or int(told) not in processes_inside(cluster):
        return None
    return int(told)


def _send(pid: int, sent: signal.Signals) -> None:
    try:
        os.kill(pid, sent)
    except ProcessLookupError:
        return
