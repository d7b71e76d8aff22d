"""How an operation is declared: its address, what it gives, in which forms, with which right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ninja import Router

from beffroi.interfaces.api.negotiation import Form
from beffroi.interfaces.api.resources import Resource

Operation = TypeVar("Operation", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the documentation says of an operation beside its parameters.

    Attributes:
        is_list: it gives pages of the resource, and not one thing.
        verb: what a key must hold; empty when any key will do.
    """

    operation_id: str
    resource: Resource
    is_list: bool
    forms: tuple[Form, ...]
    verb: str


DECLARED: dict[str, Declared] = {}


def operation(
    router: Router,
    path: str,
    *,
    id: str,  # noqa: A002 - the word of OpenAPI
    resource: Resource,
    summary: str,
    is_list: bool = True,
    forms: Sequence[Form] = (Form.JSON,),
    verb: str = "",
) -> Callable[[Operation], Operation]:
    """Declare a reading operation; its docstring is its description.

    Raises:
        ValueError: another operation has this identifier.
    """
    if id in DECLARED:
        raise ValueError(f"two operations are called {id}")
    DECLARED[id] = Declared(
        operation_id=id, resource=resource, is_list=is_list, forms=tuple(forms), verb=verb
    )

    def declare(view: Operation) -> Operation:
        return router.get(path, operation_id=id, summary=summary, url_name=id)(view)

    return declare
