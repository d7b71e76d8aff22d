"""The edge of the API: around every address, whatever the operation does.

Who asks is found out, counted, and acts for one territory; HEAD and OPTIONS are answered; pages of
declared origins may read; and every error leaves as a problem.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_noop as _

from beffroi.foundation.accounts.api import public
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.api import TerritoryNotFound, territory_by_slug
from beffroi.interfaces.api.callers import calling
from beffroi.interfaces.api.contracts import MethodRefused, NoSuchResource
from beffroi.interfaces.api.keys import origins_declared
from beffroi.interfaces.api.problems import problem_of, problem_response
from beffroi.kernel.errors import InvalidInput

View = Callable[..., HttpResponseBase]

LANGUAGES = {"fr", "en"}
EXPOSED = (
    "ETag, Link, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset,"
    " RateLimit-Policy, Content-Disposition"
)
ALLOWED_HEADERS = "Authorization, X-API-Key, Accept, Accept-Language, If-None-Match, Content-Type"
PREFLIGHT_KEPT_S = 600


def edge(view: View, *, methods: frozenset[str], parameters: frozenset[str] | None) -> View:
    """Return the callback of an address.

    Args:
        view: answers, within the territory of the address if it has one.
        methods: that it knows, besides HEAD (where there is GET) and OPTIONS.
        parameters: names of its query; None where it looks at them itself.
    """
    allowed = sorted({*methods, "OPTIONS", *({"HEAD"} if "GET" in methods else ())})

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with translation.override(language_of(request)):
            try:
                response = _answer(
                    view, request, args, kwargs, allowed=allowed, parameters=parameters
                )
            except Exception as error:  # noqa: BLE001 - the edge: nothing leaves as a page
                response = problem_response(request, problem_of(error))
            return _finished(request, response)

    declared = public(
        reason="programs show a key, agents their session: the edge asks before anything is read"
    )(answered)
    declared.csrf_exempt = True  # type: ignore[attr-defined]  # keys need no cookie; a session only reads
    return declared


def language_of(request: HttpRequest) -> str:
    """Return English to who prefers it in ``Accept-Language``, French to everybody else."""
    for part in request.headers.get("Accept-Language", "")[:200].split(","):
        name = part.partition(";")[0].strip().lower()[:2]
        if name in LANGUAGES:
            return name
    return "fr"


def _answer(
    view: View,
    request: HttpRequest,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    allowed: list[str],
    parameters: frozenset[str] | None,
) -> HttpResponseBase:
    method = request.method or ""
    if method == "OPTIONS":
        return _options(request, kwargs.get("territory"), allowed=allowed)
    if method not in allowed:
        raise MethodRefused(
            _("This address does not answer to {method}."),
            allowed=", ".join(allowed),
            params={"method": method[:20], "allowed": ", ".join(allowed)},
        )
    is_head = method == "HEAD"
    if is_head:
        request.method = "GET"
    slug = kwargs.get("territory")
    if slug is None:
        _check(request, parameters)
        response = view(request, *args, **kwargs)
    else:
        with calling(request, slug=slug) as caller:
            request.caller = caller  # type: ignore[attr-defined]  # read by the operations
            _check(request, parameters)
            response = view(request, *args, **kwargs)
    return _without_body(response) if is_head else response


def _check(request: HttpRequest, parameters: frozenset[str] | None) -> None:
    """Refuse what no operation can mean, before any of it reaches the database."""
    for name in request.GET:
        if parameters is not None and name not in parameters:
            raise InvalidInput(
                _("This address has no parameter {field}."),
                field=name[:60],
                value=request.GET[name][:200],
                way_out=_("It has: {known}."),
                params={"known": ", ".join(sorted(parameters)) or "–"},
            )
        if any("\x00" in value for value in request.GET.getlist(name)):
            raise InvalidInput(_("A value holds a character that no text has."), field=name)


def _options(request: HttpRequest, slug: str | None, *, allowed: list[str]) -> HttpResponse:
    response = HttpResponse(status=204)
    response.headers["Allow"] = ", ".join(allowed)
    origin = request.headers.get("Origin", "")
    if origin and "Access-Control-Request-Method" in request.headers:
        # A preflight carries no key: it is answered to the origins that the town's keys declare.
        # Without a town nothing is said that the answer itself would not refuse again.
        if slug is None or origin in _declared(slug):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Methods"] = ", ".join(allowed)
            response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
            response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_KEPT_S)
        patch_vary_headers(response, ("Access-Control-Request-Method",))
    return response


def _declared(slug: str) -> frozenset[str]:
    try:
        territory = territory_by_slug(slug)
    except TerritoryNotFound:
        return frozenset()
    with acting_for(territory.id):
        return origins_declared()


def _finished(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    origin = request.headers.get("Origin", "")
    if origin and origin in getattr(request, "api_origins", ()):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
    for name, value in getattr(request, "api_standing", {}).items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "private, no-cache")
    response.headers["Content-Language"] = translation.get_language() or ""
    patch_vary_headers(
        response,
        ("Origin", "Accept", "Accept-Language", "Authorization", "X-API-Key", "Cookie"),
    )
    return response


def _without_body(response: HttpResponseBase) -> HttpResponseBase:
    bare = HttpResponse(status=response.status_code)
    for name, value in response.headers.items():
        bare.headers[name] = value
    if isinstance(response, HttpResponse):
        bare.headers["Content-Length"] = str(len(response.content))
    response.close()
    return bare


@public(reason="says in a problem that nothing is here; reads nothing")
def nowhere(request: HttpRequest, rest: str = "") -> HttpResponseBase:
    """Answer every other address below ``/api/``."""
    del rest
    with translation.override(language_of(request)):
        error = NoSuchResource(
            _("There is nothing at this address."), way_out=_("See /api/v1/openapi.json.")
        )
        return _finished(request, problem_response(request, error))


nowhere.csrf_exempt = True  # type: ignore[attr-defined]  # any method is told the same
