"""Errors of the whole house: one stable code each, translated once at the edge."""

from __future__ import annotations

from collections.abc import Callable, Mapping


class BeffroiError(Exception):
    """Base of every error that Beffroi raises on purpose.

    Attributes:
        code: stable machine name, never translated.
        message: English sentence with ``{name}`` fields; it is the gettext msgid at the edge.
        params: values of the fields.
        way_out: English sentence that tells a person what to do next, or an empty string.
    """

    code = "error"
    status = 400

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        way_out: str = "",
        params: Mapping[str, object] | None = None,
    ) -> None:
        self.message = message
        self.way_out = way_out
        self.params: dict[str, object] = dict(params or {})
        if code is not None:
            self.code = code
        super().__init__(str(self))

    def __str__(self) -> str:
        """Return the English sentence with its fields filled in, then the way out."""
        return self.told(str)

    def told(self, translate: Callable[[str], str]) -> str:
        """Return the sentence and the way out in another language: the edge gives gettext."""
        fields = _Missing(self.params)
        parts = (translate(text) for text in (self.message, self.way_out) if text)
        return " ".join(part.format_map(fields) for part in parts)


class _Missing(dict[str, object]):
    """Leave an unknown field as it is written: an error must never fail to be told."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


class InvalidInput(BeffroiError):
    """A value from outside cannot be accepted; ``field`` and ``value`` say which."""

    code = "invalid_input"
    status = 422

    def __init__(
        self,
        message: str,
        *,
        field: str,
        value: object = None,
        code: str | None = None,
        way_out: str = "",
        params: Mapping[str, object] | None = None,
    ) -> None:
        self.field = field
        self.value = value
        shown = repr(value)
        merged = {"field": field, "value": shown[:200], **(params or {})}
        super().__init__(message, code=code, way_out=way_out, params=merged)


class NotFound(BeffroiError):
    """The thing asked for does not exist, or may not be known to exist."""

    code = "not_found"
    status = 404


class Forbidden(BeffroiError):
    """The person is known and may not do this."""

    code = "forbidden"
    status = 403


class Conflict(BeffroiError):
    """The request contradicts what is stored."""

    code = "conflict"
    status = 409


class ConfigurationError(BeffroiError):
    """The installation is not in a state to do this; the administrator must act."""

    code = "configuration"
    status = 500


class ParseError(BeffroiError):
    """A network message does not have the form its connector knows."""

    code = "parse"
    status = 422


class DecodeError(BeffroiError):
    """A device payload does not have the form its codec knows."""

    code = "decode"
    status = 422
