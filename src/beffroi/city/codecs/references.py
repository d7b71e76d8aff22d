"""How a codec is named where one is chosen: a key declared by a domain, or a script's address."""

from __future__ import annotations

from uuid import UUID

SCRIPT = "script:"
LIBRARY = "library:"


def script_reference(uuid: UUID) -> str:
    """Return how a script of the town is named."""
    return f"{SCRIPT}{uuid}"


def library_reference(uuid: UUID) -> str:
    """Return how a codec of the installation's library is named."""
    return f"{LIBRARY}{uuid}"


def is_script(reference: str) -> bool:
    """Tell whether a codec is a script, of the town or of the library, and not a domain's own."""
    return reference.startswith((SCRIPT, LIBRARY))


def uuid_of(reference: str) -> UUID | None:
    """Return the identifier that a reference to a script holds, or None."""
    try:
        return UUID(reference.partition(":")[2]) if is_script(reference) else None
    except ValueError:
        return None
