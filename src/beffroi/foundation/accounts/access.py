"""Who may open a page: three decorators, and what they find out about a person.

Every view carries exactly one of them; it is found on the view as ``beffroi_rule``, and a test
walks the URLs and fails on a view without.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.template.response import SimpleTemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from beffroi.foundation.accounts.contracts import VERBS, Access, Rule, RuleKind
from beffroi.foundation.accounts.models import Membership, User
from beffroi.foundation.accounts.sessions import (
    has_second_factor,
    is_strong,
    user_of_session,
)
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.api import (
    TerritoryCard,
    TerritoryNotFound,
    areas_within,
    territory_by_slug,
)

View = TypeVar("View", bound=Callable[..., Any])
_Body = Callable[..., HttpResponseBase]

RULE_ATTRIBUTE = "beffroi_rule"
SECOND_FACTOR_URL = "account_second_factor"


class PartsResponse(StreamingHttpResponse):
    """A stream whose parts are each read in a transaction of their own.

    Somebody who downloads slowly then holds no lock of the database between two parts. What is
    read with a cursor that outlives a part needs the ordinary response.
    """


def agent(verb: str) -> Callable[[View], View]:
    """Open a page of a territory to its members who hold the verb somewhere in it.

    The URL has the keyword ``territory`` (a slug), which the view receives like the others. The
    view runs within ``acting_for``; it finds ``request.access`` and ``request.territory``. Nobody
    signed in is sent to the sign-in page; without second factor, to its enrolment; for a person
    who is no member the page does not exist (404); a member without the verb is refused (403).

    Raises:
        ValueError: the verb is not declared.
    """
    if verb not in VERBS:
        raise ValueError(f"{verb!r} is not a declared verb")

    def check(view: _Body) -> _Body:
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user = request.user
            if not isinstance(user, User):
                return redirect_to_login(request.get_full_path())
            if not is_strong(request.session, user_id=user.pk):
                return _to_second_factor(request)
            territory = _territory_or_404(kwargs["territory"])
            with acting_for(territory.id, user_id=user.pk):
                access = access_load(user, territory=territory)
                if access is None:
                    raise Http404
                if verb not in access.verbs:
                    raise PermissionDenied
                request.access = access  # type: ignore[attr-defined]  # read by pages and views
                request.territory = territory  # type: ignore[attr-defined]  # same
                response = view(request, *args, **kwargs)
                return _finished(response, territory_id=territory.id, user_id=user.pk)

        return checked

    return _decorator(Rule(RuleKind.AGENT, verb=verb), check)


def signed_in(view: View) -> View:
    """Open a page to whoever has signed in, second factor or not: their own account, nothing else.

    The view runs within ``acting_for`` without territory: a person sees their own memberships.
    """

    def check(body: _Body) -> _Body:
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user = request.user
            if not isinstance(user, User):
                return redirect_to_login(request.get_full_path())
            with acting_for(None, user_id=user.pk):
                response = body(request, *args, **kwargs)
                return _finished(response, territory_id=None, user_id=user.pk)

        return checked

    return _decorator(Rule(RuleKind.SIGNED_IN), check)(view)


def public(*, reason: str) -> Callable[[View], View]:
    """Open a page to anybody, and say why.

    Raises:
        ValueError: no reason is given.
    """
    if not reason.strip():
        raise ValueError("a public page says why it is")

    def check(body: _Body) -> _Body:
        return body

    return _decorator(Rule(RuleKind.PUBLIC, reason=reason), check)


def rule_of(callback: Any) -> Rule | None:
    """Return the rule that a URL's callback declares, or ``None``."""
    rule = getattr(callback, RULE_ATTRIBUTE, None)
    return rule if isinstance(rule, Rule) else None


def access_load(user: User, *, territory: TerritoryCard) -> Access | None:
    """Return what the person may do in the territory, or ``None`` when they are no member.

    Runs within ``acting_for(territory.id)``: one query, and one more when a grant names an area.
    """
    rows = list(
        Membership.objects.filter(
            user_id=user.pk, territory_id=territory.id, is_active=True, user__is_active=True
        ).values_list(
            "department_id",
            "roles__grants__verb",
            "roles__grants__domain",
            "roles__grants__area_id",
        )
    )
    if not rows:
        return None
    named = {area_id for *_head, area_id in rows if area_id is not None}
    below = areas_within(named) if named else {}
    grants = frozenset(
        (verb, domain or None, inner)
        for _department, verb, domain, area_id in rows
        if verb is not None
        for inner in (below.get(area_id, frozenset({area_id})) if area_id else (None,))
    )
    return Access(
        user_id=user.pk,
        user_name=str(user),
        territory_id=territory.id,
        slug=territory.slug,
        department_id=rows[0][0],
        verbs=frozenset(verb for verb, _domain, _area in grants),
        grants=grants,
    )


def access_from_session_key(session_key: str, slug: str, *, verb: str) -> Access | None:
    """Return the access of a browser's session, outside any request.

    For servers that are not Django views: they ask again each minute, so that an ended session, a
    disabled account or a withdrawn role closes what is open. ``None`` means no.
    """
    found = user_of_session(session_key)
    if found is None:
        return None
    user, session = found
    if not is_strong(session, user_id=user.pk):
        return None
    try:
        territory = territory_by_slug(slug)
    except TerritoryNotFound:
        return None
    with acting_for(territory.id, user_id=user.pk):
        access = access_load(user, territory=territory)
    return access if access is not None and verb in access.verbs else None


def _decorator(rule: Rule, check: Callable[[_Body], _Body]) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        if isinstance(view, type):
            # as_view() copies what is set on dispatch() to the function that URLs call.
            dispatch = cast("_Body", view.dispatch)  # type: ignore[attr-defined]  # a View's
            view.dispatch = _checked_method(dispatch, rule, check)  # type: ignore[attr-defined]  # a view class has it
            return cast("View", view)
        checked = wraps(view)(check(cast("_Body", view)))
        setattr(checked, RULE_ATTRIBUTE, rule)
        return cast("View", checked)

    return decorate


def _checked_method(dispatch: _Body, rule: Rule, check: Callable[[_Body], _Body]) -> _Body:
    @wraps(dispatch)
    def checked(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        def body(inner: HttpRequest, *a: Any, **k: Any) -> HttpResponseBase:
            return dispatch(self, inner, *a, **k)

        return check(body)(request, *args, **kwargs)

    setattr(checked, RULE_ATTRIBUTE, rule)
    return checked


def _finished(
    response: HttpResponseBase, *, territory_id: int | None, user_id: int
) -> HttpResponseBase:
    """Make sure that what the response still has to read is read as the same person."""
    if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
        return response.render()
    if isinstance(response, StreamingHttpResponse) and not response.is_async:
        parts = cast("Iterator[bytes]", response.streaming_content)
        read = _streamed_apart if isinstance(response, PartsResponse) else _streamed
        response.streaming_content = read(parts, territory_id=territory_id, user_id=user_id)
    return response


def _streamed(parts: Iterator[bytes], *, territory_id: int | None, user_id: int) -> Iterator[bytes]:
    with acting_for(territory_id, user_id=user_id):
        yield from parts


def _streamed_apart(
    parts: Iterator[bytes], *, territory_id: int | None, user_id: int
) -> Iterator[bytes]:
    try:
        while True:
            with acting_for(territory_id, user_id=user_id):
                part = next(parts, None)
            if part is None:
                return
            yield part
    finally:
        if isinstance(parts, Generator):
            parts.close()


def _territory_or_404(slug: str) -> TerritoryCard:
    try:
        return territory_by_slug(slug)
    except TerritoryNotFound as error:
        raise Http404 from error


def _to_second_factor(request: HttpRequest) -> HttpResponseRedirect:
    user_id = cast("int", request.user.pk)
    if has_second_factor(user_id):
        # A session older than the factor: it proves nothing, the person signs in again.
        request.session.flush()
        return redirect_to_login(request.get_full_path())
    query = urlencode({"next": request.get_full_path()})
    return HttpResponseRedirect(f"{reverse(SECOND_FACTOR_URL)}?{query}")
