"""What an e-mail address must be before anything is kept of it."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from beffroi.kernel.errors import InvalidInput


def checked_address(text: str) -> str:
    """Return the address as it is kept: without spaces around it, in lower case.

    Raises:
        InvalidInput: it is no e-mail address.
    """
    address = text.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise InvalidInput(
            "{value} is not an e-mail address.",
            field="email",
            value=text,
            way_out="Write it as firstname.name@town.fr.",
        ) from error
    return address
