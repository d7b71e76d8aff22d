"""What the installed urban services declare, with a refusal in words."""

from __future__ import annotations

from beffroi.kernel.errors import InvalidInput
from beffroi.sdk.declarations import AssetType
from beffroi.sdk.registry import asset_types, domain_of


def declared_type(type_key: str) -> AssetType:
    """Return the declaration of a type.

    Raises:
        InvalidInput: no installed domain declares it.
    """
    found = asset_types().get(type_key)
    if found is None:
        raise InvalidInput(
            "No installed urban service knows the type {value}.",
            field="type_key",
            value=type_key,
            way_out="The known types are: {known}.",
            params={"value": type_key, "known": ", ".join(sorted(asset_types()))},
        )
    return found


def domain_key_of(type_key: str) -> str:
    """Return the key of the domain that declares a type.

    Raises:
        InvalidInput: no installed domain does.
    """
    return domain_of(declared_type(type_key).key).key
