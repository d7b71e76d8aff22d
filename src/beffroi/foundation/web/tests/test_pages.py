from __future__ import annotations

import re
from http import HTTPStatus

import pytest
from django.test import Client, RequestFactory

from beffroi.foundation.web.contracts import NavigationItem, Section
from beffroi.foundation.web.menu import as_item, items, navigation
from beffroi.foundation.web.sorting import ordering
from beffroi.foundation.web.theme import Theme, chosen_theme

pytestmark = pytest.mark.urls("beffroi.foundation.web.tests.addresses")


class Person:
    slug = "montpellier"
    verbs = frozenset({"assets.see"})


def entry(key: str, url_name: str, *, verb: str = "", section: str = "watch") -> NavigationItem:
    return NavigationItem(
        key=key, label=key, url_name=url_name, verb=verb, section=Section(section)
    )


def test_the_navigation_shows_what_a_person_may_do_and_where_they_are() -> None:
    declared = [
        entry("a.colours", "web:town_colours", verb="assets.see"),
        entry("b.hidden", "web:town_colours", verb="people.manage"),
        entry("c.absent", "nowhere:at_all"),
    ]
    groups = navigation(Person(), path="/t/montpellier/couleurs.css", declared=declared)
    assert [item.label for group in groups for item in group.entries] == ["a.colours"]
    assert groups[0].entries[0].current
    elsewhere = navigation(Person(), path="/t/montpellier/", declared=declared)
    assert not elsewhere[0].entries[0].current


def test_rooms_declare_entries_as_mappings() -> None:
    item = as_item({"key": "x.y", "label": "X", "url_name": "x:y", "verb": "", "section": "run"})
    assert item.section is Section.RUN
    with pytest.raises(ValueError, match="attic"):
        as_item({"key": "x.y", "label": "X", "url_name": "x:y", "verb": "", "section": "attic"})


def test_every_declared_entry_has_its_own_key() -> None:
    keys = [item.key for item in items()]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("query", "expected"),
    [("", "name"), ("?tri=-power", "-power_w"), ("?tri=power_w", "name"), ("?tri=;drop", "name")],
)
def test_only_an_allowed_order_reaches_the_database(query: str, expected: str) -> None:
    request = RequestFactory().get(f"/{query}")
    allowed = {"name": "name", "power": "power_w"}
    assert ordering(request, allowed=allowed, default="name") == expected


def test_the_gallery_opens_without_anything_inline() -> None:
    answer = Client().get("/composants/")
    assert answer.status_code == HTTPStatus.OK
    html = answer.content.decode()
    assert not re.search(r"<[^>]+\s(style|on\w+)=", html)
    scripts = re.findall(r"<script([^>]*)>", html)
    assert scripts
    assert all("src=" in script or "application/json" in script for script in scripts)
    identifiers = re.findall(r'\sid="([^"]+)"', html)
    assert len(identifiers) == len(set(identifiers))


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    answer = Client().get("/composants/")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "script-src 'self'" in policy
    assert "default-src 'none'" in policy
    assert "geolocation=(self)" in answer.headers["Permissions-Policy"]


def test_a_theme_is_remembered_and_written_by_the_server() -> None:
    client = Client()
    answer = client.post("/apparence/", {"theme": "dark", "next": "/composants/"})
    assert answer.status_code == HTTPStatus.FOUND
    assert answer.headers["Location"] == "/composants/"
    assert 'data-theme="dark"' in client.get("/composants/").content.decode()
    client.post("/apparence/", {"theme": "auto"})
    assert "data-theme=" not in client.get("/composants/").content.decode().split("<body")[0]


def test_a_script_that_changes_the_theme_gets_no_page() -> None:
    answer = Client().post("/apparence/", {"theme": "dark"}, headers={"hx-request": "true"})
    assert answer.status_code == HTTPStatus.NO_CONTENT


@pytest.mark.parametrize(
    "address", ["https://ailleurs.example/", "//ailleurs.example/", "javascript:x"]
)
def test_a_crafted_link_sends_nobody_elsewhere(address: str) -> None:
    answer = Client().post("/apparence/", {"theme": "dark", "next": address})
    assert answer.headers["Location"] == "/"


def test_an_unknown_theme_in_a_cookie_is_the_automatic_one() -> None:
    request = RequestFactory().get("/")
    request.COOKIES["beffroi_theme"] = '"><script>'
    assert chosen_theme(request) is Theme.AUTO


def test_a_language_is_remembered() -> None:
    client = Client()
    assert "Composants" in client.get("/composants/").content.decode()
    client.post("/langue/", {"language": "en"})
    assert "<h1>Components" in client.get("/composants/").content.decode()


def test_the_table_of_the_gallery_sorts_filters_and_pages_without_script() -> None:
    client = Client()
    assert "EP-1256" in client.get("/composants/?tri=-name").content.decode()
    found = client.get("/composants/?q=1203").content.decode()
    assert "1 résultat" in found
    nothing = client.get("/composants/?q=zzz").content.decode()
    assert "Rien ne correspond" in nothing
