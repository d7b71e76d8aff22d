"""Migrating as the owner over the same Django connection that serves as the application role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from beffroi.foundation.database import safety
from beffroi.foundation.database.application_role import serving_user
from beffroi.foundation.database.connection import django_database, from_environment
from beffroi.foundation.database.contracts import DatabaseError
from beffroi.foundation.database.rules import grant_declared, grant_third_party

_WHERE = ("NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")


@contextmanager
def connected_to(parameters: dict[str, Any]) -> Iterator[None]:
    """Point Django's default connection elsewhere within the block, then back.

    It changes the settings of the whole process: for commands and tests, never for a server.

    Raises:
        DatabaseError: a transaction is open.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    if wrapper.in_atomic_block:
        raise DatabaseError("The connection cannot change inside a transaction.")
    saved = {key: wrapper.settings_dict[key] for key in _WHERE}
    token = serving_user.set(serving_user.get() or saved["USER"])
    point_at(parameters)
    try:
        yield
    finally:
        point_at(saved)
        serving_user.reset(token)


def point_at(parameters: dict[str, Any]) -> None:
    """Close the default connection and give it other parameters for good."""
    wrapper = connections[DEFAULT_DB_ALIAS]
    wrapper.close()
    close_pool = getattr(wrapper, "close_pool", None)
    if close_pool is not None:
        close_pool()
    wrapper.settings_dict.update({key: parameters[key] for key in _WHERE})


@contextmanager
def as_owner() -> Iterator[None]:
    """Make Django's default connection the owner's within the block.

    The URL is ``settings.BEFFROI_DATABASE_OWNER_URL`` where that is set, else the environment's.

    Raises:
        DatabaseError: no owner's URL is known.
    """
    url = getattr(settings, "BEFFROI_DATABASE_OWNER_URL", None) or from_environment().owner
    if not url:
        raise DatabaseError(
            "The owner of the database is not known.",
            code="database.no_owner",
            way_out="Set DATABASE_OWNER_URL for this command, "
            "as `beffroi database prepare` printed it.",
        )
    with connected_to(django_database(str(url))):
        yield


def migrate(*, verbosity: int = 1) -> None:
    """Bring the tables to this version, as the owner, then grant the application its rights.

    Raises:
        DatabaseError: no owner's URL is known.
    """
    with as_owner():
        bring_up_to_date(verbosity=verbosity)


def bring_up_to_date(*, verbosity: int = 1) -> None:
    """Do what :func:`migrate` does, on a connection that is the owner's already."""
    call_command("migrate", verbosity=verbosity, interactive=False)
    call_command("createcachetable", verbosity=verbosity)
    after_migrate()


def after_migrate() -> None:
    """Grant what is declared, ours and libraries'; runs on the owner's connection."""
    grant_declared()
    grant_third_party()


def assert_safe(wrapper: BaseDatabaseWrapper) -> None:
    """Refuse to serve from a database that does not separate territories.

    Args:
        wrapper: Django's connection, made by the role that will serve.

    Raises:
        UnsafeDatabaseError: with everything that is wrong.
    """
    wrapper.ensure_connection()
    safety.assert_safe(wrapper.connection)
