from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import connection, transaction

from beffroi.foundation.database.contracts import TerritoryContextError

CONTEXT_SQL = (
    "SELECT set_config('beffroi.territory', %s, true),"
    " set_config('beffroi.user', %s, true),"
    " set_config('beffroi.source', %s, true)"
)


@dataclass(frozen=True, slots=True)
class _Acting:
    territory_id: int | None = None
    user_id: int | None = None
    source_key: str | None = None


_NOBODY = _Acting()
_acting: ContextVar[_Acting] = ContextVar("beffroi_acting", default=_NOBODY)


def context_parameters(
    territory_id: int | None, *, user_id: int | None = None, source_key: str | None = None
) -> tuple[str, str, str]:
    """Return the parameters of :data:`CONTEXT_SQL`, for code that holds a psycopg connection.

    The statement must run inside the transaction it is for: the settings end with it, so that
    nothing leaks through a pool.
    """
    return (
        "" if territory_id is None else str(int(territory_id)),
        "" if user_id is None else str(int(user_id)),
        source_key or "",
    )


@contextmanager
def acting_for(
    territory_id: int | None, *, user_id: int | None = None, source_key: str | None = None
) -> Iterator[None]:
    """Open a transaction in which the rows of one territory, and only they, are visible.

    What is not given is not set: a nested block inherits neither the user nor the source of the
    outer one, and the outer block has its own again afterwards. ``territory_id`` may be ``None``
    to read what a person or a source may see before the territory is known (a person's
    memberships, a source by its key).

    Raises:
        TypeError: an identifier is not a number.
    """
    acting = _Acting(territory_id, user_id, source_key)
    with transaction.atomic():
        _tell(acting)
        token = _acting.set(acting)
        try:
            yield
        finally:
            _acting.reset(token)
        # An error, or a rollback asked for, undoes the settings with the savepoint; only a block
        # that ends well has to put the former ones back.
        if not connection.needs_rollback:
            _tell(_acting.get())


def current_territory_id() -> int | None:
    """Return the territory this code acts for, or ``None`` outside :func:`acting_for`."""
    return _acting.get().territory_id


def current_user_id() -> int | None:
    """Return the person this code acts for, or ``None``."""
    return _acting.get().user_id


def required_territory_id() -> int:
    """Return the territory this code acts for.

    Raises:
        TerritoryContextError: the code runs outside :func:`acting_for`.
    """
    territory_id = _acting.get().territory_id
    if territory_id is None:
        raise TerritoryContextError(
            "No territory is set.", way_out="Open acting_for(territory_id) around this code."
        )
    return territory_id


def _tell(acting: _Acting) -> None:
    parameters = context_parameters(
        acting.territory_id, user_id=acting.user_id, source_key=acting.source_key
    )
    with connection.cursor() as cursor:
        cursor.execute(CONTEXT_SQL, parameters)
