"""Every page of the URLconf as a person gets it: axe, both themes, the console, a small telephone.

The addresses come from the resolver: a new page is looked at without a line here.
"""

from __future__ import annotations

from typing import Any

import axe
import pytest
from conftest import Town
from playwright.sync_api import Browser, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from walking import PARTS, Route, routes
from watching import complaints_of

QUERIES = {
    "ville/": "?q=com%C3%A9die",
    "ville/liste/": "?q=com%C3%A9die",
    "ville/recherche/": "?q=com%C3%A9die",
    "appareils/": "?etat=inconnus",
    "sources/nouvelle/": "?connecteur=plain_json",
    "equipements/<uuid:asset>/": "?periode=annee",
}
"""Addresses that are looked at with a question too."""

SIGNED_OUT = (
    "/compte/connexion/",
    "/compte/mot-de-passe/oublie/",
    "/compte/invitation/jamais-donne/",
    "/compte/lien/jamais-donne/",
)
BETWEEN = {"compte/deconnexion/", "compte/lien/<str:token>/"}
"""What ends or changes the session that the other pages are read with."""

NOWHERE = {"api/", "api/<path:rest>"}
"""What answers that nothing is here, in the words of programs."""

SCHEMES = ("light", "dark")
FITS = "() => document.documentElement.scrollWidth <= innerWidth"
TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll('body *')]
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => one.tagName + '.' + one.getAttribute('class')).slice(0, 8)"""
"""What reaches beyond the window, when the page scrolls sideways."""

ROUTES = [
    route
    for route in routes()
    if route.page not in PARTS
    and route.pattern not in BETWEEN | NOWHERE
    and "sante/" not in route.pattern
]
LOOKED_AT = [
    pytest.param(route, query, id=route.pattern + query)
    for route in ROUTES
    for query in dict.fromkeys(("", QUERIES.get(route.page, "")))
]


@pytest.mark.parametrize(("route", "query"), LOOKED_AT)
def test_every_page_of_an_agent(
    chromium: Browser, town: Town, names: dict[str, Any], route: Route, query: str
) -> None:
    url = town.address + route.filled(names) + query
    context = chromium.new_context(locale="fr-FR", storage_state=town.state)
    answer = context.request.get(url)
    if answer.status in {204, 405} or b"<html" not in answer.body()[:400]:
        # Not a page: a form's target, a part of a page, a tile, a file: others' to test.
        assert answer.status in {200, 204, 400, 405, 422}, answer.status
        context.close()
        return
    look_at(context.new_page(), url, status=answer.status)
    context.close()


@pytest.mark.parametrize("path", SIGNED_OUT)
def test_every_page_before_signing_in(chromium: Browser, town: Town, path: str) -> None:
    context = chromium.new_context(locale="fr-FR")
    url = town.address + path
    look_at(context.new_page(), url, status=context.request.get(url).status)
    context.close()


def test_a_page_that_does_not_exist(page: Page, town: Town) -> None:
    look_at(page, town.url("nulle-part/"), status=404)


def test_what_is_wrong_with_a_page_is_found(page: Page, town: Town) -> None:
    complaints = complaints_of(page)
    page.goto(town.url("domaines/"))
    page.evaluate(
        """() => {
          document.querySelector("h1").style.cssText = "color: #cccccc; width: 3000px";
          document.querySelector("main").insertAdjacentHTML("beforeend", "<input>");
          console.warn("planted");
          const script = document.createElement("script");
          script.textContent = "document.title = 'planted'";
          document.body.append(script);
        }"""
    )
    assert {"color-contrast", "label"} <= {one["rule"] for one in serious(page)}
    assert page.evaluate(TOO_WIDE) != []
    assert any("planted" in text for text in complaints)
    assert any("Content Security Policy" in text for text in complaints)


def look_at(page: Page, url: str, *, status: int) -> None:
    """Open a page once, and check it in both themes, wide and as narrow as a small telephone."""
    complaints = complaints_of(page, status=status)
    page.goto(url, wait_until="load")
    page.wait_for_function("() => ![...document.querySelectorAll('.is-loading')].length")
    assert page.locator("html").get_attribute("lang") == "fr"
    assert page.locator("h1").count() == 1, "one title per page"
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its literals
        found = serious(page)
        assert not found, f"{scheme}: {axe.told(found)}"
    page.set_viewport_size({"width": 320, "height": 640})
    try:
        # What the live state says while it connects has a width of its own for an instant.
        page.wait_for_function(FITS, timeout=10_000)
    except PlaywrightTimeout:
        assert page.evaluate(TOO_WIDE) == []
    assert complaints == []


def serious(page: Page) -> list[dict[str, Any]]:
    """Return what axe holds against a page and nobody may leave."""
    return [one for one in axe.violations(page) if one["impact"] in {"serious", "critical"}]
