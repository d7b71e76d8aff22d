"""Every address and every table declares who may reach it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.urls import URLPattern, URLResolver, get_resolver, path

from beffroi.foundation.accounts.access import agent, rule_of
from beffroi.foundation.accounts.contracts import RuleKind
from beffroi.foundation.database.api import check_rules, declared_rules, undeclared_tables
from beffroi.foundation.database.testing import TestDatabase


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from patterns(entry, prefix + str(entry.pattern))
        else:
            yield prefix + str(entry.pattern), entry


def undeclared(resolver: URLResolver) -> list[str]:
    return [route for route, entry in patterns(resolver) if rule_of(entry.callback) is None]


def test_every_address_declares_its_rule() -> None:
    assert undeclared(get_resolver()) == []


def test_an_address_without_rule_is_caught() -> None:
    def planted(request: Any) -> Any:
        raise NotImplementedError

    class Planted:
        urlpatterns = [path("planted/", planted), path("declared/", agent("assets.see")(planted))]

    assert undeclared(URLResolver(path("", planted).pattern, Planted)) == ["planted/"]


def test_addresses_of_a_territory_are_for_its_agents() -> None:
    public = [
        route
        for route, entry in patterns(get_resolver())
        if route.startswith("t/<slug:territory>/")
        and (rule := rule_of(entry.callback)) is not None
        and rule.kind is not RuleKind.AGENT
    ]
    assert public == ["t/<slug:territory>/couleurs.css"]


@pytest.mark.django_db
def test_every_table_declares_its_rule() -> None:
    assert list(undeclared_tables()) == []
    assert list(check_rules()) == []
    assert len(declared_rules()) > 30


@pytest.mark.django_db(transaction=True)
def test_a_table_without_rule_is_caught(test_database: TestDatabase) -> None:
    with psycopg.connect(test_database.administrator, autocommit=True) as administrator:
        administrator.execute("CREATE TABLE planted (territory_id integer)")
        try:
            assert "planted" in list(undeclared_tables())
        finally:
            administrator.execute("DROP TABLE planted")
