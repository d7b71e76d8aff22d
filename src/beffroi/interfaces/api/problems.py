"""Errors as a program reads them: problem details (RFC 9457), never a page."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import psycopg
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from ninja.errors import ValidationError

from beffroi.interfaces.api.contracts import (
    FormRefused,
    MethodRefused,
    NoSuchResource,
    ScopeMissing,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from beffroi.kernel.errors import BeffroiError, InvalidInput

PROBLEM = "application/problem+json"
DOCUMENTATION = "/api/v1/docs"
RETRY_DATABASE_S = 5

TITLES = {
    400: _("The request cannot be read"),
    401: _("Nobody is signed in"),
    403: _("Not allowed"),
    404: _("There is no such thing"),
    405: _("This method is not for this address"),
    406: _("This form is not given here"),
    409: _("The request contradicts what is stored"),
    422: _("A value cannot be accepted"),
    429: _("Too many requests"),
    500: _("The server failed"),
    503: _("The server is not ready"),
}
_SERVER_FAILED = _("The server failed; this is not your request’s fault.")
_TELL = _("Ask again; if it stays, tell the administrator of the town at what time.")
_logger = logging.getLogger("beffroi.api")


class ServerFailed(BeffroiError):
    """Something that is our fault; it says nothing of how."""

    code = "api.failed"
    status = 500


def problem_of(error: Exception) -> BeffroiError:
    """Return what is told of an error; what nobody foresaw is logged and told without detail."""
    match error:
        case BeffroiError():
            return error if error.status < 500 or isinstance(error, Unavailable) else _failed(error)
        case ValidationError():
            return _invalid(error.errors)
        case Http404():
            return NoSuchResource(
                _("There is nothing at this address."), way_out=_("See /api/v1/openapi.json.")
            )
        case PermissionDenied():
            return ScopeMissing(_("This is not allowed."))
        case BadRequest() | SuspiciousOperation():
            return BeffroiError(_("The request cannot be read."), code="api.bad_request")
        case _:
            return _ours(error)


def _ours(error: Exception) -> BeffroiError:
    if isinstance(error, OperationalError | InterfaceError | psycopg.OperationalError):
        _logger.warning("the database does not answer: %s", error)
        return Unavailable(
            _("The database does not answer."), way_out=_("Ask again in a few seconds.")
        )
    return _failed(error)


def refusal(status: int) -> BeffroiError:
    """Return what is told of a request that Django refused before the edge saw it."""
    match status:
        case 403:
            return problem_of(PermissionDenied())
        case 404:
            return problem_of(Http404())
        case _:
            return problem_of(BadRequest())


def server_failed() -> BeffroiError:
    """Return what is told of a failure outside the edge, which Django has logged."""
    return ServerFailed(_SERVER_FAILED, way_out=_TELL)


def problem_response(request: HttpRequest, error: BeffroiError) -> HttpResponse:
    """Return the answer that tells an error."""
    status = error.status
    body: dict[str, Any] = {
        "type": f"{DOCUMENTATION}#{error.code.replace('.', '-')}",
        "title": gettext(TITLES.get(status, TITLES[400])),
        "status": status,
        "detail": error.told(gettext),
        "code": error.code,
        "instance": request.path[:500],
    }
    if isinstance(error, InvalidInput):
        body |= {"field": error.field, "value": _shown(error.value)}
    if error.way_out:
        body["way_out"] = gettext(error.way_out).format_map(_Known(error.params))
    response = HttpResponse(msgspec.json.encode(body), content_type=PROBLEM, status=status)
    response.headers["Cache-Control"] = "no-store"
    # A program's mistake is its own: only what is ours is logged, and that is done already.
    setattr(response, "_has_been_logged", True)  # noqa: B010 - how Django is told
    match error:
        case Unauthenticated():
            response.headers["WWW-Authenticate"] = 'Bearer realm="beffroi"'
        case MethodRefused():
            response.headers["Allow"] = error.allowed
        case TooManyRequests():
            response.headers["Retry-After"] = str(error.retry_after_s)
            for name, value in error.standing.items():
                response.headers[name] = value
        case Unavailable():
            response.headers["Retry-After"] = str(RETRY_DATABASE_S)
        case FormRefused():
            response.headers["Vary"] = "Accept"
    return response


class _Known(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def _shown(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:200]


def _failed(error: Exception) -> BeffroiError:
    if isinstance(error, DatabaseError):
        # The statement may hold what the caller wrote; the class and the server's word are enough.
        _logger.error("%s: %s", type(error).__name__, str(error).splitlines()[0])
    _logger.error("an answer could not be made", exc_info=error)
    return server_failed()


_SAID = {
    "missing": _("{field} is missing."),
    "greater_than_equal": _("{value} is less than {ge}."),
    "less_than_equal": _("{value} is more than {le}."),
    "int_parsing": _("{value} is not a whole number."),
    "int_parsing_size": _("{value} is not a whole number."),
    "int_type": _("{value} is not a whole number."),
    "float_parsing": _("{value} is not a number."),
    "finite_number": _("{value} is not a number."),
    "uuid_parsing": _("{value} is not an identifier (UUID)."),
    "enum": _("{value} is not one of {expected}."),
    "literal_error": _("{value} is not one of {expected}."),
    "string_too_long": _("{field} is longer than {max_length} characters."),
}


def _invalid(errors: list[dict[str, Any]]) -> InvalidInput:
    first = errors[0]
    field = str(first["loc"][-1] if first["loc"] else "")
    if field.isdecimal() and len(first["loc"]) > 1:
        field = str(first["loc"][-2])
    value = first.get("input")
    params = {"value": str(value)[:200], "field": field, **first.get("ctx", {})}
    return InvalidInput(
        _SAID.get(first["type"], _("{value} cannot be read as {field}.")),
        field=field,
        value=None if first["type"] == "missing" else value,
        way_out=_("The documentation says what it may be: /api/v1/docs."),
        params=params,
    )
