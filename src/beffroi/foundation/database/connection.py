"""Connection URLs and Django's DATABASES; imported by settings, so free of Django."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from beffroi.foundation.database.contracts import (
    DEFAULT_APPLICATION_ROLE,
    DatabaseError,
    DatabaseUrls,
)

CONNECT_TIMEOUT_S = 10
REPLICA_TIMEOUT_S = 2
"""A replica that is away is given up sooner: the primary can be read."""


def data_directory(environ: Mapping[str, str] | None = None) -> Path:
    """Return the directory of the installation's data.

    It is ``BEFFROI_DATA_DIR``; without it, root's data goes to ``/var/lib/beffroi`` and a
    person's to ``$XDG_DATA_HOME/beffroi``.
    """
    environ = os.environ if environ is None else environ
    named = environ.get("BEFFROI_DATA_DIR")
    if named:
        return Path(named).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/beffroi")
    home = environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "beffroi"


def from_environment(environ: Mapping[str, str] | None = None) -> DatabaseUrls:
    """Return the URLs this process must use.

    ``DATABASE_URL`` is the application role's, ``DATABASE_OWNER_URL`` the owner's, and
    ``DATABASE_REPLICA_URL`` leads the application role to a server that follows. Without the
    first, the database is the embedded one of ``BEFFROI_DATA_DIR``; nothing is started or written
    here, and before its first start the URLs have no password.

    Raises:
        DatabaseError: only the owner's URL is set.
    """
    environ = os.environ if environ is None else environ
    application = environ.get("DATABASE_URL") or None
    owner = environ.get("DATABASE_OWNER_URL") or None
    if application is not None:
        replica = environ.get("DATABASE_REPLICA_URL") or None
        return DatabaseUrls(application=application, owner=owner, replica=replica)
    if owner is not None:
        raise DatabaseError(
            "DATABASE_OWNER_URL is set without DATABASE_URL.",
            code="database.incomplete_urls",
            way_out="Set DATABASE_URL to the application role's URL; "
            "`beffroi database prepare` prints both.",
        )
    # Imported here: a process that talks to a real server never needs the bundled binaries.
    from beffroi.foundation.database.embedded import EmbeddedServer  # noqa: PLC0415 - it imports us

    return EmbeddedServer(data_directory(environ)).urls()


def is_embedded(environ: Mapping[str, str] | None = None) -> bool:
    """Tell whether the environment asks for the embedded server."""
    environ = os.environ if environ is None else environ
    return not environ.get("DATABASE_URL")


def make_url(
    *,
    user: str,
    password: str | None,
    database: str,
    host: str,
    port: int | str | None = None,
    options: Mapping[str, str] | None = None,
) -> str:
    """Write a PostgreSQL URL; ``host`` may be the directory of a Unix socket."""
    credentials = quote(user, safe="")
    if password is not None:
        credentials += ":" + quote(password, safe="")
    query = {"host": host, **({} if port is None else {"port": str(port)}), **(options or {})}
    return f"postgresql://{credentials}@/{quote(database, safe='')}?{urlencode(query)}"


def url_with(url: str, **changed: str | None) -> str:
    """Return the URL with other libpq parameters (``user``, ``password``, ``dbname``, …)."""
    parts = {**_parsed(url), **changed}
    return make_url(
        user=str(parts.pop("user", None) or DEFAULT_APPLICATION_ROLE),
        password=_text(parts.pop("password", None)),
        database=str(parts.pop("dbname", None) or ""),
        host=str(parts.pop("host", None) or ""),
        port=_text(parts.pop("port", None)),
        options={key: str(value) for key, value in parts.items() if value is not None},
    )


def user_of(url: str) -> str:
    """Return the role a URL connects as.

    Raises:
        DatabaseError: the URL cannot be read or names no role.
    """
    user = _parsed(url).get("user")
    if not user:
        raise DatabaseError(
            "The database URL names no role.",
            code="database.bad_url",
            way_out="Write it as postgresql://role:password@host/database.",
        )
    return str(user)


def django_database(url: str) -> dict[str, Any]:
    """Translate one PostgreSQL URL to the parameters of one Django database.

    Everything libpq understands is accepted: percent-encoding, ``?host=/socket/dir``, ``sslmode``,
    several hosts. What Django has no key for goes to ``OPTIONS``.

    Raises:
        DatabaseError: the URL cannot be read.
    """
    parts = _parsed(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": str(parts.pop("dbname", None) or ""),
        "USER": str(parts.pop("user", None) or ""),
        "PASSWORD": str(parts.pop("password", None) or ""),
        "HOST": str(parts.pop("host", None) or ""),
        "PORT": str(parts.pop("port", None) or ""),
        "OPTIONS": {"connect_timeout": CONNECT_TIMEOUT_S, **parts},
    }


def django_databases(urls: DatabaseUrls, *, conn_max_age: int = 600) -> dict[str, dict[str, Any]]:
    """Return Django's DATABASES: one database, reached as the application role.

    Where a replica is named, it is the alias ``replica``, which may only be read; nothing goes
    there but what :func:`beffroi.foundation.database.api.reading_from_replica` encloses. The owner
    is not a second alias: migrations of libraries write through the default one, so
    :func:`beffroi.foundation.database.api.as_owner` changes who that is while they run.
    """
    kept = {"CONN_MAX_AGE": conn_max_age, "CONN_HEALTH_CHECKS": True}
    databases = {"default": {**django_database(urls.application), **kept}}
    if urls.replica is not None:
        databases["replica"] = {**replica_database(urls.replica), **kept}
    return databases


def replica_database(url: str) -> dict[str, Any]:
    """Return Django's parameters of a replica: whatever the server is, nothing is written."""
    parameters = django_database(url)
    options = parameters["OPTIONS"]
    told = f"{options.get('options', '')} -c default_transaction_read_only=on".strip()
    parameters["OPTIONS"] = {**options, "connect_timeout": REPLICA_TIMEOUT_S, "options": told}
    # The tests of Django never make a second database for it.
    parameters["TEST"] = {"MIRROR": "default"}
    return parameters


def _parsed(url: str) -> dict[str, Any]:
    try:
        return conninfo_to_dict(url)
    except ProgrammingError:
        # libpq quotes the part it stumbles on, which may be a password: it is not repeated.
        raise DatabaseError(
            "The database URL cannot be read.",
            code="database.bad_url",
            way_out="Write it as postgresql://role:password@host/database, "
            "with special characters percent-encoded.",
        ) from None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
