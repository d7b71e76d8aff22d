"""Runs a command while a throw-away PostgreSQL 15 of Debian serves the tests.

``tools/with_postgresql_15.py pytest …`` sets ``BEFFROI_TEST_DATABASE_ADMIN_URL`` and returns what
the command returns.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

BINARIES = Path("/usr/lib/postgresql/15/bin")
ACCOUNT = "postgres"


def main() -> int:
    """Make a cluster, start it, run the command, stop and remove it."""
    if not (BINARIES / "initdb").exists():
        sys.stderr.write("PostgreSQL 15 is not installed: apt-get install postgresql-15\n")
        return 1
    folder = Path(tempfile.mkdtemp(prefix="pg15-"))
    as_account = {}
    if os.geteuid() == 0:
        account = pwd.getpwnam(ACCOUNT)
        os.chown(folder, account.pw_uid, account.pw_gid)
        as_account = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    password = folder / "password"
    password.write_text(secrets.token_urlsafe(24))
    password.chmod(0o644)
    try:
        subprocess.run(  # noqa: S603 - Debian's own program
            [
                str(BINARIES / "initdb"),
                "--pgdata=data",
                "--username=administrator",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            **as_account,
        )
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=200"
        control = [str(BINARIES / "pg_ctl"), "--pgdata=data", "--wait"]
        subprocess.run(  # noqa: S603 - same
            [*control, "--log=log", f"--options={options}", "start"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            **as_account,
        )
        try:
            url = (
                f"postgresql://administrator:{quote(password.read_text())}@/postgres?host={folder}"
            )
            environment = {**os.environ, "BEFFROI_TEST_DATABASE_ADMIN_URL": url}
            done = subprocess.run(sys.argv[1:], env=environment, check=False)  # noqa: S603 - the caller's
            return done.returncode
        finally:
            subprocess.run(  # noqa: S603 - same
                [*control, "--mode=fast", "stop"],
                cwd=folder,
                check=True,
                stdout=subprocess.DEVNULL,
                **as_account,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
