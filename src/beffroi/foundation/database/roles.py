"""The two roles of an installation on any PostgreSQL, made and verified."""

from __future__ import annotations

import secrets
from typing import Any

import psycopg
from psycopg import sql

from beffroi.foundation.database.connection import url_with
from beffroi.foundation.database.contracts import (
    DEFAULT_APPLICATION_ROLE,
    DEFAULT_DATABASE,
    DEFAULT_OWNER_ROLE,
    MINIMUM_VERSION,
    DatabaseError,
    DatabaseUrls,
)
from beffroi.foundation.database.safety import assert_safe, check, too_old

__all__ = ["EXTENSIONS", "assert_safe", "check", "prepare"]

_PREPARATION_LOCK = 0x0BEFF202
EXTENSIONS = ("pg_trgm", "btree_gist", "unaccent")

Connection = psycopg.Connection[Any]


def prepare(
    admin_url: str,
    *,
    database: str = DEFAULT_DATABASE,
    owner: str = DEFAULT_OWNER_ROLE,
    application: str = DEFAULT_APPLICATION_ROLE,
    owner_password: str | None = None,
    application_password: str | None = None,
) -> DatabaseUrls:
    """Create or repair the roles, the database and its grants; safe to repeat.

    Args:
        admin_url: URL of a role that may create roles and databases.
        database: name of the database, made when absent.
        owner: role that owns it and migrates.
        application: role that serves; owns nothing.
        owner_password: set when given; made up when the role is new.
        application_password: the same, for the other role.

    Returns:
        The two URLs. A password that was neither given nor made up is not known, and absent.

    Raises:
        DatabaseError: the server is too old, cannot be reached, or refuses.
    """
    try:
        with psycopg.connect(admin_url, autocommit=True) as admin:
            _require_version(admin)
            # Roles belong to the whole server: two who alter one at once fail. Ends with the
            # connection.
            admin.execute("SELECT pg_advisory_lock(%s)", [_PREPARATION_LOCK])
            owner_password = _ensure_role(admin, owner, password=owner_password)
            application_password = _ensure_role(admin, application, password=application_password)
            _leave_owner(admin, application=application, owner=owner)
            _ensure_database(admin, database, owner=owner)
            inside = url_with(admin_url, dbname=database)
            with psycopg.connect(inside, autocommit=True) as conn:
                _ensure_grants(conn, database, owner=owner, application=application)
    except psycopg.Error as error:
        raise DatabaseError(
            "The database could not be prepared: {reason}",
            code="database.prepare",
            way_out="Give the URL of an administrator who may create roles and databases.",
            params={"reason": str(error).strip()},
        ) from error
    return DatabaseUrls(
        application=url_with(
            admin_url, user=application, password=application_password, dbname=database
        ),
        owner=url_with(admin_url, user=owner, password=owner_password, dbname=database),
    )


def _require_version(conn: Connection) -> None:
    if conn.info.server_version < MINIMUM_VERSION * 10_000:
        raise DatabaseError(
            too_old(conn).message,
            code="database.version",
            way_out="Upgrade the server.",
            params=too_old(conn).params,
        )


def _ensure_role(conn: Connection, role: str, *, password: str | None) -> str | None:
    name = sql.Identifier(role)
    found = conn.execute(
        "SELECT rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
        " FROM pg_roles WHERE rolname = %s",
        [role],
    ).fetchone()
    if found is None:
        conn.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        password = password or secrets.token_urlsafe(32)
    else:
        words = ("LOGIN", "SUPERUSER", "BYPASSRLS", "CREATEROLE", "CREATEDB", "REPLICATION")
        # Only what differs: an administrator who is no superuser may not even repeat the rest.
        wrong = ["LOGIN"] if not found[0] else []
        wrong += [f"NO{word}" for word, on in zip(words[1:], found[1:], strict=True) if on]
        if wrong:
            changes = sql.SQL(" ").join(map(_keyword, wrong))
            conn.execute(sql.SQL("ALTER ROLE {} {}").format(name, changes))
    if password is not None:
        # The server and its log only ever see the verifier.
        verifier = conn.pgconn.encrypt_password(
            password.encode(), role.encode(), b"scram-sha-256"
        ).decode()
        conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(verifier)))
    return password


def _leave_owner(conn: Connection, *, application: str, owner: str) -> None:
    memberships = conn.execute(
        "SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid"
        " JOIN pg_roles u ON u.oid = m.member WHERE u.rolname = %s"
        " AND (g.rolname = %s OR g.rolsuper OR g.rolbypassrls)",
        [application, owner],
    ).fetchall()
    for (group,) in memberships:
        conn.execute(
            sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(group), sql.Identifier(application))
        )


def _ensure_database(conn: Connection, database: str, *, owner: str) -> None:
    names = {"database": sql.Identifier(database), "owner": sql.Identifier(owner)}
    superuser = conn.execute(
        "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if superuser == (False,):
        # To give a database away one must be a member of who receives it.
        conn.execute(sql.SQL("GRANT {owner} TO CURRENT_USER").format(**names))
    found = conn.execute(
        "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding) FROM pg_database"
        " WHERE datname = %s",
        [database],
    ).fetchone()
    if found is None:
        _create_database(conn, names)
        return
    if found[1] != "UTF8":
        raise DatabaseError(
            "Database {database} is encoded in {encoding}.",
            code="database.encoding",
            way_out="Create it again in UTF8.",
            params={"database": database, "encoding": found[1]},
        )
    if found[0] != owner:
        conn.execute(sql.SQL("ALTER DATABASE {database} OWNER TO {owner}").format(**names))


def _create_database(conn: Connection, names: dict[str, sql.Identifier]) -> None:
    # Order by code point, the same on every server and after every upgrade of the system.
    for locale in ("C.UTF-8", "C"):
        try:
            conn.execute(
                sql.SQL(
                    "CREATE DATABASE {database} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'"
                    " LC_COLLATE {locale} LC_CTYPE {locale}"
                ).format(locale=sql.Literal(locale), **names)
            )
        except (psycopg.errors.WrongObjectType, psycopg.errors.InvalidParameterValue):
            if locale == "C":
                raise
        else:
            return


def _ensure_grants(conn: Connection, database: str, *, owner: str, application: str) -> None:
    names = {
        "database": sql.Identifier(database),
        "owner": sql.Identifier(owner),
        "application": sql.Identifier(application),
    }
    for extension in EXTENSIONS:
        conn.execute(
            sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA public").format(
                sql.Identifier(extension)
            )
        )
    for statement in (
        "ALTER DATABASE {database} SET timezone TO 'UTC'",
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
        "REVOKE ALL ON DATABASE {database} FROM {application}",
        # Temporary tables: what is read in bulk is staged there.
        "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {application}",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "REVOKE ALL ON SCHEMA public FROM {application}",
        "GRANT USAGE ON SCHEMA public TO {application}",
        "GRANT ALL ON SCHEMA public TO {owner}",
    ):
        conn.execute(sql.SQL(statement).format(**names))


def _keyword(word: str) -> sql.SQL:
    return sql.SQL(word)
