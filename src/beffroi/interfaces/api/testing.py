"""Keys for the tests of other rooms."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any, Protocol

from beffroi.foundation.database.api import acting_for
from beffroi.interfaces.api.contracts import KEY_VERBS, NewKey
from beffroi.interfaces.api.keys import key_create

_numbers = count(1)


class HasId(Protocol):
    """A territory, as far as a factory needs one."""

    id: int


def make_key(territory: HasId, *, verbs: Iterable[str] = KEY_VERBS, **fields: Any) -> str:
    """Make a key and return it in clear."""
    name = fields.pop("name", f"Clé {next(_numbers)}")
    with acting_for(territory.id):
        return key_create(NewKey(name=name, verbs=tuple(verbs), **fields)).key


def bearer(key: str, **headers: str) -> dict[str, str]:
    """Return the headers of a request that shows a key."""
    return {"Authorization": f"Bearer {key}", **headers}
