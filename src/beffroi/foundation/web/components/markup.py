"""Attributes that a component lets through to its HTML element."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from beffroi.kernel.errors import ConfigurationError

_ALLOWED_PREFIXES = ("hx_", "data_", "aria_")
_ALLOWED = frozenset(
    {"title", "id", "role", "target", "rel", "autofocus", "commandfor", "command", "lang"}
)


def attributes(given: Mapping[str, object]) -> SafeString:
    """Write keyword arguments as attributes: ``hx_get="/x"`` becomes ``hx-get="/x"``.

    ``True`` writes the bare attribute; ``None``, ``False`` and the empty text write nothing.

    Raises:
        ConfigurationError: the attribute is not one that the security policy leaves safe.
    """
    for key in given:
        if not (key in _ALLOWED or key.startswith(_ALLOWED_PREFIXES)) or key.startswith("hx_on"):
            raise ConfigurationError(
                "A component takes no argument {name}.",
                params={"name": key},
                code="unknown_argument",
            )
    return format_html_join(
        "",
        ' {}="{}"',
        (
            (key.replace("_", "-"), "" if value is True else value)
            for key, value in given.items()
            if value is not None and value is not False and value != ""
        ),
    )
