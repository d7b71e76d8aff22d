"""The page of components in a real browser: what every other page is made of."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import axe
import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from playwright.sync_api import Browser, Page, expect

WIDTHS = (1440, 390, 320)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the test says what went wrong."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with override_settings(ROOT_URLCONF="beffroi.foundation.web.tests.addresses"):
        application = StaticFilesHandler(WSGIHandler())
        with make_server("127.0.0.1", 0, application, _Server, _Quiet) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}/composants/"
            server.shutdown()
            thread.join()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(locale="fr-FR", viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def open_gallery(page: Page, address: str) -> list[str]:
    """Open the page, wait for its islands, and return what the console complained of."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    page.goto(address)
    page.locator("#map-sample [data-ready]").wait_for()
    page.locator("#chart-sample canvas").wait_for()
    return complaints


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    chromium: Browser, address: str, width: int, scheme: Any
) -> None:
    context = chromium.new_context(
        locale="fr-FR", viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page = context.new_page()
    complaints = open_gallery(page, address)
    found = axe.violations(page)
    assert not found, axe.told(found)
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    assert complaints == []
    context.close()


def test_axe_would_find_a_pale_text_and_a_field_without_label(page: Page, address: str) -> None:
    open_gallery(page, address)
    page.evaluate(
        """() => {
          document.querySelector("h1").style.color = "#cccccc";
          document.querySelector("main").insertAdjacentHTML("beforeend", "<input>");
        }"""
    )
    assert {"color-contrast", "label"} <= {one["rule"] for one in axe.violations(page)}


def test_the_policy_would_refuse_an_inline_script_and_say_so(page: Page, address: str) -> None:
    complaints = open_gallery(page, address)
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "document.title = 'pwned'";
          document.body.append(script);
        }"""
    )
    assert page.title() != "pwned"
    assert any("Content Security Policy" in text for text in complaints)


def test_a_table_sorts_without_reload_and_the_address_follows(page: Page, address: str) -> None:
    open_gallery(page, address)
    page.evaluate("() => { window.stillHere = true; }")
    page.locator("#results").get_by_role("link", name="Nom").click()
    expect(page.locator("#results tbody th").first).to_have_text("EP-1256")
    assert "tri=-name" in page.url
    page.get_by_label("Nom ou identifiant").fill("1203")
    expect(page.locator("#results")).to_contain_text("1 résultat")
    assert page.evaluate("() => window.stillHere")
    expect(page.locator("#announcer")).to_have_text("1 résultat")


def test_everything_is_read_without_script(chromium: Browser, address: str) -> None:
    context = chromium.new_context(locale="fr-FR", java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.locator("#results").get_by_role("link", name="Nom").click()
    expect(page.locator("#results tbody th").first).to_have_text("EP-1256")
    expect(page.locator("#map-sample noscript, #map-sample .map__fallback").first).to_be_attached()
    expect(page.locator("#charts")).to_contain_text("Lire en tableau")
    page.locator("summary", has_text="Affichage").click()
    page.get_by_role("button", name="Sombre").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    context.close()


def test_the_keyboard_reaches_the_content_first_and_reads_a_chart(page: Page, address: str) -> None:
    open_gallery(page, address)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Aller au contenu")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.locator("#chart-sample [data-chart-plot]").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    reading = page.locator("#chart-sample [data-chart-reading]")
    expect(reading).to_contain_text(" W")
    before = reading.text_content()
    page.keyboard.press("ArrowLeft")
    expect(reading).not_to_have_text(before or "")


def test_a_dialog_opens_takes_the_focus_and_gives_it_back(page: Page, address: str) -> None:
    open_gallery(page, address)
    opener = page.get_by_role("button", name="Retirer ce luminaire")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Retirer ce luminaire")
    expect(dialog).to_be_visible()
    assert page.evaluate("() => document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_the_theme_changes_at_once_and_stays_after_a_reload(page: Page, address: str) -> None:
    open_gallery(page, address)
    page.locator("summary", has_text="Affichage").click()
    with page.expect_response(lambda answer: "/apparence/" in answer.url):
        page.get_by_role("button", name="Sombre").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_a_message_is_announced_and_can_be_closed(page: Page, address: str) -> None:
    open_gallery(page, address)
    page.get_by_role("button", name="Montrer un message").click()
    message = page.get_by_role("status").filter(has_text="Enregistré")
    expect(message).to_be_visible()
    message.get_by_role("button", name="Fermer ce message").click()
    expect(message).to_have_count(0)


def test_focus_is_always_seen(page: Page, address: str) -> None:
    open_gallery(page, address)
    unseen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => {
              const element = document.activeElement;
              const style = getComputedStyle(element);
              const drawn = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
              return drawn || element === document.body ? "" : element.outerHTML.slice(0, 120);
            }"""
        )
        if seen:
            unseen.append(seen)
    assert unseen == []
