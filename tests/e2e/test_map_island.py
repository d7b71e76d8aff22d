"""The map on tiles made for the test: what an operator does with it, and what it never does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from socketserver import ThreadingMixIn
from typing import Any
from uuid import UUID
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import axe
import mapbox_vector_tile
import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import override_settings
from django.urls import include, path
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

MVT = "application/vnd.mapbox-vector-tile"
STREET_ZOOM = 15
ASSETS = 80
BIN_EVERY = 4
ALARM = 2
LEFT_BEHIND = 44
"""Seen close, this asset is of a service that is not installed any more."""

DOMAINS = [
    {
        "key": "street_lighting",
        "label": "Éclairage public",
        "icon": "lamp",
        "alarms": 1,
    },
    {"key": "waste", "label": "Déchets", "icon": "bin", "alarms": 0},
]
BOTH = ["street_lighting", "waste"]
PAGE = """{% extends "base.html" %}{% load ui %}{% block title %}Carte{% endblock %}
{% block header %}<h1>Carte</h1>{% endblock %}
{% block content %}{% map_panel config id="carte" label="Carte de la ville" list_url="/liste/" %}
{% domain_toggles config.domains active=config.active %}
<a href="#x" data-centre="3.8767,43.6112">Comédie</a>
{% endmap_panel %}{% endblock %}"""


def uuid_of(number: int) -> str:
    return str(UUID(int=(7 << 76) | (2 << 62) | number))


def page_view(request: HttpRequest) -> HttpResponse:
    active = [key for key in request.GET.get("domaines", "").split(",") if key]
    config = {
        "active": active,
        "asset_tiles": "/tuiles/{z}/{x}/{y}.mvt",
        "bounds": [3.86, 43.6, 3.89, 43.62],
        "domains": DOMAINS,
        "preview_url": "/equipements/__uuid__/apercu/",
        "attribution": "Ville d’essai",
    }
    template = engines["django"].from_string(PAGE)
    return HttpResponse(template.render({"config": config}, request))


def tile_view(request: HttpRequest, z: int, x: int, y: int) -> HttpResponse:
    """Give every tile assets of its own at the same places; one lamp of each is in alarm."""
    asked = request.GET.get("domaines")
    domains = BOTH if asked is None else asked.split(",")
    features: list[dict[str, Any]] = []
    for number in range(ASSETS):
        domain = "street_lighting" if number % BIN_EVERY else "waste"
        if domain not in domains:
            continue
        place = (x * 7919 + y * 104_729) * 100 + number
        features.append(
            {
                "geometry": f"POINT({200 + number % 10 * 400} {200 + number // 10 * 480})",
                "id": place,
                "properties": {
                    "uuid": uuid_of(place),
                    "domain": "gone" if z > STREET_ZOOM and number == LEFT_BEHIND else domain,
                    "type": "thing",
                    "state": ALARM if number == 1 else 0,
                },
            }
        )
    if not features:
        return HttpResponse(status=204)
    layer = {"name": "assets", "features": features}
    if z < STREET_ZOOM:
        cell = {"n": len(features), "alarm": 1, "warn": 0, "domain": domains[0]}
        layer = {
            "name": "cells",
            "features": [{"geometry": "POINT(2048 2048)", "properties": cell}],
        }
    content = mapbox_vector_tile.encode([layer], default_options={"y_coord_down": True})
    return HttpResponse(content, content_type=MVT, headers={"Cache-Control": "max-age=5"})


def preview_view(_request: HttpRequest, uuid: str) -> HttpResponse:
    return HttpResponse(f"<h2>Luminaire</h2><p>{uuid}</p>")


urlpatterns = [
    path("", include("beffroi.foundation.web.urls")),
    path("carte/", page_view),
    path("tuiles/<int:z>/<int:x>/<int:y>.mvt", tile_view),
    path("equipements/<str:uuid>/apercu/", preview_view),
]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the test says what went wrong."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with override_settings(ROOT_URLCONF=__name__):
        application = StaticFilesHandler(WSGIHandler())
        with make_server("127.0.0.1", 0, application, _Server, _Quiet) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}/carte/"
            server.shutdown()
            thread.join()


def is_ours(message: ConsoleMessage) -> bool:
    """Tell whether something is wrong with a page; what the graphics driver says is not."""
    return message.type in {"error", "warning"} and not message.text.startswith("[.WebGL")


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page whose errors and warnings fail the test that ends."""
    context = chromium.new_context(locale="fr-FR", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: errors.append(message.text) if is_ours(message) else None,
    )
    yield page
    context.close()
    assert errors == []


def open_map(page: Page, address: str, *, view: str = "") -> None:
    page.goto(address + view)
    page.locator("[data-island='map'][data-ready]").wait_for()


def until_idle(page: Page) -> None:
    page.evaluate(
        """() => new Promise((done) => {
          const map = document.querySelector("[data-island='map']").beffroiMap;
          map.once("idle", done);
          map.triggerRepaint();
        })"""
    )


STREET = "#15.5/43.6112/3.8767"
CLOSE = "#17.5/43.6112/3.8767"
SHOWN = """() => {
  const map = document.querySelector("[data-island='map']").beffroiMap;
  const found = map.queryRenderedFeatures({ layers: ["assets-point"] });
  return [...new Set(found.map((one) => one.properties.domain))].sort();
}"""


def until_shown(page: Page, domains: list[str]) -> None:
    """Wait for the map to show assets of these domains and of no other."""
    page.wait_for_function(
        """(wanted) => {
          const map = document.querySelector("[data-island='map']").beffroiMap;
          if (!map.areTilesLoaded()) return false;
          try {
            const found = map.queryRenderedFeatures({ layers: ["assets-point"] });
            const domains = [...new Set(found.map((one) => one.properties.domain))].sort();
            return JSON.stringify(domains) === JSON.stringify(wanted);
          } catch {
            return false; // a tile is being replaced
          }
        }""",
        arg=domains,
    )


def test_axe_finds_nothing_on_a_page_with_its_map(page: Page, address: str) -> None:
    open_map(page, address)
    found = axe.violations(page)
    assert not found, axe.told(found)


def test_far_away_squares_are_shown_and_near_by_the_assets(page: Page, address: str) -> None:
    open_map(page, address)
    cells = """() => document.querySelector("[data-island='map']").beffroiMap
      .queryRenderedFeatures({ layers: ["cells"] }).length"""
    assert page.evaluate(cells) > 0
    page.goto(address + STREET)
    page.reload()
    page.locator("[data-island='map'][data-ready]").wait_for()
    assert page.evaluate(cells) == 0
    assert page.evaluate(SHOWN) == BOTH


def test_a_toggle_changes_the_map_the_address_and_the_list(page: Page, address: str) -> None:
    open_map(page, address, view=STREET)
    page.get_by_label("Éclairage public").uncheck()
    until_shown(page, ["waste"])
    assert "domaines=waste" in page.url
    list_link = page.get_by_role("link", name="Voir en liste")
    assert "domaines=waste" in (list_link.get_attribute("href") or "")
    page.get_by_label("Déchets").uncheck()
    until_shown(page, [])
    assert "domaines=aucun" in page.url
    assert "domaines=aucun" in (list_link.get_attribute("href") or "")
    page.reload()
    page.locator("[data-island='map'][data-ready]").wait_for()
    expect(page.get_by_label("Éclairage public")).not_to_be_checked()
    expect(page.get_by_label("Déchets")).not_to_be_checked()
    until_shown(page, [])
    page.get_by_label("Éclairage public").check()
    page.get_by_label("Déchets").check()
    until_shown(page, BOTH)
    assert "domaines" not in page.url


@pytest.mark.parametrize("view", ["", STREET, "#13.2/43.62/3.9"])
def test_the_page_asks_for_the_first_tiles_that_its_map_will_want(
    page: Page, address: str, view: str
) -> None:
    wanted: list[str] = []
    page.on(
        "request",
        lambda request: wanted.append(request.url) if "/tuiles/" in request.url else None,
    )
    open_map(page, address, view=view)
    early = page.evaluate(
        """() => performance.getEntriesByType("resource")
          .map((entry) => entry.name).filter((name) => name.includes("/tuiles/"))"""
    )
    # Each twice: by the page, over the network, then by the map, from the browser's cache.
    assert early
    assert sorted(wanted) == sorted([*early, *early])


def test_symbols_are_drawn_for_every_asset_even_of_a_service_that_is_gone(
    page: Page, address: str
) -> None:
    open_map(page, address, view=CLOSE)
    images = """() => document.querySelector("[data-island='map']").beffroiMap.listImages()"""
    assert {"domain-gone", "domain-waste"} <= set(page.evaluate(images))


def test_a_click_on_a_square_goes_down_to_the_assets(page: Page, address: str) -> None:
    open_map(page, address, view=f"#{STREET_ZOOM - 0.7}/43.6112/3.8767")
    page.evaluate(
        """() => {
          const map = document.querySelector("[data-island='map']").beffroiMap;
          const [square] = map.querySourceFeatures("assets", { sourceLayer: "cells" });
          map.jumpTo({ center: square.geometry.coordinates });
        }"""
    )
    until_idle(page)
    page.locator(".maplibregl-canvas").click()
    page.wait_for_function(
        """(zoom) => {
          const map = document.querySelector("[data-island='map']").beffroiMap;
          return map.getZoom() >= zoom && !map.isMoving();
        }""",
        arg=STREET_ZOOM,
    )
    until_shown(page, BOTH)


def test_changes_while_tiles_are_replaced_break_nothing(page: Page, address: str) -> None:
    open_map(page, address, view=STREET)
    page.evaluate(
        """() => {
          const uuids = document.querySelector("[data-island='map']").beffroiMap
            .queryRenderedFeatures({ layers: ["assets-point"] }).map((one) => one.properties.uuid);
          window.beating = setInterval(() => document.dispatchEvent(new CustomEvent(
            "beffroi:change", { detail: uuids.map((uuid) => [uuid, {}]) })), 30);
        }"""
    )
    for label, left in (
        ("Éclairage public", ["waste"]),
        ("Déchets", []),
        ("Éclairage public", ["street_lighting"]),
        ("Déchets", BOTH),
    ):
        page.get_by_label(label).click()
        until_shown(page, left)
    page.evaluate("() => document.dispatchEvent(new CustomEvent('beffroi:reset'))")
    until_idle(page)
    drawn = page.evaluate(
        """() => {
          const canvas = document.querySelector(".map__rings");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return data.some((value) => value > 0);
        }"""
    )
    assert drawn
    page.evaluate("() => clearInterval(window.beating)")


def test_the_keyboard_opens_an_asset_and_comes_back(page: Page, address: str) -> None:
    open_map(page, address, view=STREET)
    page.evaluate(
        """() => {
          const map = document.querySelector("[data-island='map']").beffroiMap;
          const one = map.queryRenderedFeatures({ layers: ["assets-point"] })[0];
          map.jumpTo({ center: one.geometry.coordinates });
        }"""
    )
    until_idle(page)
    canvas = page.locator(".maplibregl-canvas")
    canvas.focus()
    page.keyboard.press("Enter")
    detail = page.get_by_role("complementary", name="Équipement choisi")
    expect(detail).to_contain_text("Luminaire")
    expect(detail).to_be_focused()
    assert "equipement=" in page.url
    page.keyboard.press("Escape")
    expect(detail).to_be_hidden()
    expect(canvas).to_be_focused()
    assert "equipement=" not in page.url


def test_an_address_opens_the_same_view_again(page: Page, address: str) -> None:
    chosen = uuid_of(1)
    open_map(page, address, view=f"?equipement={chosen}{STREET}")
    expect(page.locator("[data-map-detail]")).to_contain_text(chosen)
    zoom = "() => document.querySelector(\"[data-island='map']\").beffroiMap.getZoom()"
    assert page.evaluate(zoom) == pytest.approx(15.5)


def test_a_result_of_the_search_centres_the_map(page: Page, address: str) -> None:
    open_map(page, address)
    page.get_by_role("link", name="Comédie").click()
    until_idle(page)
    centre = """() => {
      const map = document.querySelector("[data-island='map']").beffroiMap;
      return [map.getCenter().lng, map.getCenter().lat, map.getZoom()];
    }"""
    lon, lat, zoom = page.evaluate(centre)
    assert (lon, lat) == (pytest.approx(3.8767, abs=1e-3), pytest.approx(43.6112, abs=1e-3))
    assert zoom >= STREET_ZOOM


def test_the_theme_redraws_the_map_without_losing_the_view(page: Page, address: str) -> None:
    open_map(page, address, view=STREET)
    land = """() => document.querySelector("[data-island='map']").beffroiMap
      .getPaintProperty("land", "background-color")"""
    before = page.evaluate(land)
    page.locator("summary", has_text="Affichage").click()
    page.get_by_role("button", name="Sombre").click()
    until_idle(page)
    assert page.evaluate(land) != before
    assert page.evaluate(SHOWN) == BOTH
