from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from beffroi.foundation.accounts.access import (
    access_from_session_key,
    agent,
    public,
    rule_of,
)
from beffroi.foundation.accounts.contracts import VERBS, RuleKind
from beffroi.foundation.accounts.models import Membership, User
from beffroi.foundation.accounts.services import account_deactivate
from beffroi.foundation.accounts.sessions import end_sessions
from beffroi.foundation.accounts.testing import (
    agent_client,
    make_access,
    make_agent,
    make_member,
    make_session,
    make_user,
    sign_in,
)
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_area

UUID = "019a0000-0000-7000-8000-000000000000"


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in resolver.url_patterns:
        route = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _patterns(one, route)
        else:
            yield route, one


def _undeclared() -> list[str]:
    return [route for route, one in _patterns(get_resolver()) if rule_of(one.callback) is None]


def _agent_urls(slug: str) -> list[str]:
    urls = []
    for route, one in _patterns(get_resolver()):
        rule = rule_of(one.callback)
        if rule is not None and rule.kind is RuleKind.AGENT:
            url = route.replace("<slug:territory>", slug)
            for name in ("person", "role", "department", "invitation"):
                url = url.replace(f"<uuid:{name}>", UUID)
            urls.append(f"/{url}")
    return urls


def test_every_address_declares_its_rule() -> None:
    assert _undeclared() == []


def test_an_address_without_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = get_resolver()
    bare = URLPattern(resolver.url_patterns[-1].pattern, lambda _request: None)
    monkeypatch.setattr(resolver, "url_patterns", [*resolver.url_patterns, bare])
    assert _undeclared() != []


def test_a_class_carries_its_rule_too() -> None:
    rules = {route: rule_of(one.callback) for route, one in _patterns(get_resolver())}
    edit = rules["t/<slug:territory>/modifier/"]
    assert edit is not None
    assert (edit.kind, edit.verb) == (RuleKind.AGENT, "assets.edit")


def test_a_verb_must_be_declared_and_a_public_page_give_its_reason() -> None:
    with pytest.raises(ValueError, match=r"assets\.paint"):
        agent("assets.paint")
    with pytest.raises(ValueError, match="why"):
        public(reason=" ")


@pytest.mark.django_db
def test_no_agent_page_opens_without_signing_in(town: Territory, client: Client) -> None:
    urls = _agent_urls(town.slug)
    assert len(urls) > 15
    for url in urls:
        for response in (client.get(url), client.post(url)):
            assert response.status_code == 302, url
            assert response["Location"].startswith("/compte/connexion/?next="), url


@pytest.mark.django_db
def test_no_agent_page_opens_without_second_factor(town: Territory, client: Client) -> None:
    user = make_user(second_factor=False)
    make_agent(town, user=user)
    sign_in(client, user, second_factor_shown=False)
    for url in _agent_urls(town.slug):
        for response in (client.get(url), client.post(url)):
            assert response.status_code == 302, url
            assert response["Location"].startswith("/compte/second-facteur/choisir/"), url


@pytest.mark.django_db
def test_a_password_alone_is_not_enough_once_a_factor_is_enrolled(
    town: Territory, client: Client
) -> None:
    user = make_agent(town)
    sign_in(client, user, second_factor_shown=False)
    response = client.get("/t/montpellier/ville/")
    assert response["Location"].startswith("/compte/connexion/")
    assert client.get("/moi/").status_code == 302  # that session is over


@pytest.mark.django_db
def test_a_factor_shown_and_removed_since_does_not_count(town: Territory, client: Client) -> None:
    user = make_agent(town, user=make_user(second_factor=False))
    sign_in(client, user, second_factor_shown=True)
    response = client.get("/t/montpellier/ville/")
    assert response["Location"].startswith("/compte/second-facteur/choisir/")


@pytest.mark.django_db
def test_an_agent_opens_pages_of_their_town_and_others_do_not_exist(
    town: Territory, neighbour: Territory
) -> None:
    client = agent_client(town)
    assert client.get("/t/montpellier/ville/").status_code == 200
    assert client.get("/t/nulle-part/ville/").status_code == 404
    for url in _agent_urls(neighbour.slug):
        assert client.get(url).status_code == 404, url
        assert client.post(url).status_code == 404, url


@pytest.mark.django_db
@pytest.mark.parametrize("verb", sorted(VERBS))
def test_the_matrix_of_verbs_and_pages(town: Territory, verb: str) -> None:
    """Each page opens with its verb alone, and is refused with every other."""
    client = agent_client(town, verbs=[verb])
    for route, one in _patterns(get_resolver()):
        rule = rule_of(one.callback)
        if rule is None or rule.kind is not RuleKind.AGENT:
            continue
        url = "/" + route.replace("<slug:territory>", town.slug)
        for name in ("person", "role", "department", "invitation"):
            url = url.replace(f"<uuid:{name}>", UUID)
        status = client.get(url).status_code
        if rule.verb == verb:
            assert status in {200, 404, 405}, url
        else:
            assert status == 403, url


@pytest.mark.django_db
def test_a_member_without_role_is_refused(town: Territory) -> None:
    client = agent_client(town, verbs=[])
    assert client.get("/t/montpellier/ville/").status_code == 403


@pytest.mark.django_db
def test_a_closed_membership_closes_the_town(town: Territory, client: Client) -> None:
    membership = make_member(town)
    sign_in(client, membership.user)
    assert client.get("/t/montpellier/ville/").status_code == 200
    with acting_for(town.pk):
        Membership.objects.filter(pk=membership.pk).update(is_active=False)
    assert client.get("/t/montpellier/ville/").status_code == 404


@pytest.mark.django_db
def test_what_is_streamed_is_read_as_the_agent(town: Territory, neighbour: Territory) -> None:
    from beffroi.foundation.accounts.models import Department  # noqa: PLC0415 - beside its use

    for territory, name in ((town, "Voirie"), (neighbour, "Secret")):
        with acting_for(territory.pk):
            Department.objects.create(territory=territory, name=name)
    response: Any = agent_client(town).get("/t/montpellier/flux/")
    assert b"".join(response.streaming_content) == b"Voirie"


@pytest.mark.django_db
def test_rights_limited_to_a_service_and_an_area(town: Territory) -> None:
    north = make_area(town)
    block = make_area(town, kind="sous_quartier", parent=north)
    access = make_access(
        town,
        verbs=["people.see"],
        grants=[("assets.edit", "street_lighting", None), ("assets.see", None, north.pk)],
    )
    assert access.verbs == {"people.see", "assets.edit", "assets.see"}
    assert access.can("assets.edit", domain="street_lighting", area_id=block.pk)
    assert not access.can("assets.edit", domain="waste", area_id=block.pk)
    assert not access.can("assets.edit")
    assert access.can("assets.see", domain="waste", area_id=block.pk)
    assert not access.can("assets.see", domain="waste")
    assert not access.can("assets.delete", domain="street_lighting")
    scope = access.scope("assets.see")
    assert not scope.everything
    assert scope.allowed == {(None, north.pk), (None, block.pk)}
    assert access.scope("people.see").everything


@pytest.mark.django_db
def test_the_live_server_asks_by_session_key(town: Territory, neighbour: Territory) -> None:
    user = make_agent(town, verbs=["assets.see"])
    key = make_session(user)

    def verbs(slug: str, verb: str) -> frozenset[str] | None:
        access = access_from_session_key(key, slug, verb=verb)
        return None if access is None else access.verbs

    assert verbs("montpellier", "assets.see") == frozenset({"assets.see"})
    assert verbs("montpellier", "assets.edit") is None
    assert verbs(neighbour.slug, "assets.see") is None
    assert verbs("nulle-part", "assets.see") is None
    assert access_from_session_key("x" * 32, "montpellier", verb="assets.see") is None
    weak = make_session(user, second_factor_shown=False)
    assert access_from_session_key(weak, "montpellier", verb="assets.see") is None
    end_sessions(user.pk)
    assert verbs("montpellier", "assets.see") is None


@pytest.mark.django_db
def test_a_disabled_account_loses_its_sessions_at_once(town: Territory, client: Client) -> None:
    user = make_agent(town)
    key = sign_in(client, user)
    account_deactivate(user)
    assert client.get("/t/montpellier/ville/").status_code == 302
    assert access_from_session_key(key, "montpellier", verb="assets.see") is None


@pytest.mark.django_db
def test_a_disabled_account_opens_nothing_even_with_a_session_left(town: Territory) -> None:
    user = make_agent(town)
    key = make_session(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert access_from_session_key(key, "montpellier", verb="assets.see") is None


@pytest.mark.django_db
def test_a_changed_password_ends_the_session(town: Territory) -> None:
    user = make_agent(town)
    key = make_session(user)
    user.set_password("une autre phrase de passe")
    user.save()
    assert access_from_session_key(key, "montpellier", verb="assets.see") is None


@pytest.mark.django_db
def test_the_cost_of_opening_a_page_is_known(
    town: Territory, django_assert_num_queries: Any
) -> None:
    client = agent_client(town)
    # Session, account, second factor, territory; savepoint (1), settings (1), access (1), back
    # to the former settings (1), release (1).
    with django_assert_num_queries(9):
        client.get("/t/montpellier/ville/")
