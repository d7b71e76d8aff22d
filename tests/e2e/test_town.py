"""A town in a real browser: what each person came to do, with a keyboard, on a telephone, live."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import axe
import pytest
from conftest import Town, sign_in_path
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

PAGES = (
    "ville/",
    "ville/liste/",
    "ville/liste/?q=com%C3%A9die",
    "ville/recherche/?q=com%C3%A9die",
    "domaines/",
    "domaines/parking/",
    "domaines/air_quality/",
    "equipements/importer/",
    "sources/",
    "sources/nouvelle/",
    "appareils/",
    "personnes/",
    "personnes/inviter/",
    "roles/",
    "services/",
    "journal/",
    "reglages/",
    "nulle-part/",
)
ACCOUNT_PAGES = ("/compte/", "/compte/sessions/", "/compte/second-facteur/")
SIGNED_OUT_PAGES = ("/compte/connexion/", "/compte/mot-de-passe/oublie/")


TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll('body *')]
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => one.tagName + '.' + one.getAttribute('class')).slice(0, 8)"""
"""What reaches beyond the window, when the page scrolls sideways."""


def complaints_of(page: Page) -> list[str]:
    """Gather what the console says against the page's policy, and its scripts' errors."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on(
        "console",
        lambda message: (
            found.append(message.text)
            if message.type == "error" and "404" not in message.text
            else None
        ),
    )
    return found


def first_asset(page: Page, town: Town, text: str) -> str:
    page.goto(town.url(f"ville/liste/?q={text}"))
    link = page.locator("main table a[href*='/equipements/']").first
    return str(link.get_attribute("href"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_passes_axe_and_keeps_its_policy(
    chromium: Browser, town: Town, path: str, scheme: Any
) -> None:
    context = chromium.new_context(locale="fr-FR", storage_state=town.state, color_scheme=scheme)
    page = context.new_page()
    complaints = complaints_of(page)
    page.goto(town.url(path))
    page.wait_for_load_state("networkidle") if path != "ville/" else page.wait_for_timeout(500)
    found = [one for one in axe.violations(page) if one["impact"] in {"serious", "critical"}]
    assert not found, axe.told(found)
    assert complaints == []
    assert page.locator("html").get_attribute("lang") == "fr"
    context.close()


@pytest.mark.parametrize("path", ACCOUNT_PAGES)
def test_account_pages_pass_axe(page: Page, town: Town, path: str) -> None:
    page.goto(town.address + path)
    found = [one for one in axe.violations(page) if one["impact"] in {"serious", "critical"}]
    assert not found, axe.told(found)


@pytest.mark.parametrize("path", SIGNED_OUT_PAGES)
def test_signed_out_pages_pass_axe(chromium: Browser, town: Town, path: str) -> None:
    context = chromium.new_context(locale="fr-FR")
    page = context.new_page()
    page.goto(town.address + path)
    found = [one for one in axe.violations(page) if one["impact"] in {"serious", "critical"}]
    assert not found, axe.told(found)
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_nothing_scrolls_sideways_at_320_pixels(chromium: Browser, town: Town, path: str) -> None:
    context = chromium.new_context(
        locale="fr-FR", storage_state=town.state, viewport={"width": 320, "height": 640}
    )
    page = context.new_page()
    page.goto(town.url(path))
    try:
        # What the live state says while it connects has a width of its own for an instant.
        page.wait_for_function(
            "() => document.documentElement.scrollWidth <= innerWidth", timeout=5_000
        )
    except PlaywrightTimeout:
        assert page.evaluate(TOO_WIDE) == []
    context.close()


def test_the_list_works_without_scripts(chromium: Browser, town: Town) -> None:
    context = chromium.new_context(
        locale="fr-FR", storage_state=town.state, java_script_enabled=False
    )
    page = context.new_page()
    page.goto(town.url("ville/liste/"))
    rows = page.locator("main table tbody tr")
    assert rows.count() > 20
    page.goto(town.url("ville/liste/?q=polygone"))
    expect(rows).to_have_count(1)
    page.locator("main table a[href*='/equipements/']").first.click()
    expect(page.locator("h1")).to_contain_text("Polygone")
    context.close()


def test_nobody_signed_in_sees_nothing(chromium: Browser, town: Town) -> None:
    context = chromium.new_context(locale="fr-FR")
    page = context.new_page()
    for path in PAGES[:-1]:
        page.goto(town.url(path))
        assert "/compte/connexion/" in page.url, path
    tile = context.request.get(town.url("tuiles/equipements/12/2092/1494.mvt"))
    assert b"cells" not in tile.body()
    context.close()


def test_from_sign_in_to_a_chart_with_the_keyboard_alone(chromium: Browser, town: Town) -> None:
    path, secret = town.source
    device = "clavier-1"
    for minute in range(5):
        message = {
            "device": device,
            "time": datetime.now(UTC).replace(microsecond=0, second=minute).isoformat(),
            "values": {"no2_ugm3": 20 + minute},
        }
        assert town.installation.post(path, secret, message) == 200
    context = chromium.new_context(locale="fr-FR", viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(town.address + sign_in_path(town.installation))
    press_until(page, "main form button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ville/**")
    press_until(page, "a[href$='/ville/liste/'], a[href*='/ville/liste/?']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ville/liste/**")
    press_until(page, "main input[name=q]")
    page.keyboard.type("arènes")
    page.keyboard.press("Enter")
    expect(page.locator("main table tbody tr")).to_have_count(1)
    press_until(page, "main table a[href*='/equipements/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/equipements/**")
    expect(page.locator("h1")).to_contain_text("Arènes")
    context.close()


def press_until(page: Page, selector: str, *, most: int = 80) -> None:
    """Press Tab until the focus is on what is wanted, seeing that it is visible each time."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            outline = page.evaluate(
                "() => getComputedStyle(document.activeElement).outlineStyle !== 'none'"
                " || getComputedStyle(document.activeElement).boxShadow !== 'none'"
            )
            assert outline, f"the focus on {selector} cannot be seen"
            return
    raise AssertionError(f"{selector} is not reached by Tab")


def test_map_draws_and_follows_its_address(context: BrowserContext, town: Town) -> None:
    page = context.new_page()
    complaints = complaints_of(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(town.url("ville/"))
    page.wait_for_selector("[data-island=map][data-ready]", timeout=30_000)
    assert any("/tuiles/equipements/" in one for one in asked)
    assert any("/tuiles/fond/" in one for one in asked)
    outside = [one for one in asked if not one.startswith((town.address, "data:", "blob:"))]
    assert outside == []
    assert complaints == []


def test_a_device_nobody_knows_is_listed(page: Page, town: Town) -> None:
    path, secret = town.source
    device = "courbe-1"
    for hour in range(6):
        message = {
            "device": device,
            "time": (datetime.now(UTC) - timedelta(hours=hour)).isoformat(),
            "values": {"occupancy_pct": 40 + 5 * hour},
        }
        assert town.installation.post(path, secret, message) == 200
    page.goto(town.url(f"appareils/?etat=inconnus&q={device}"))
    expect(page.locator("main")).to_contain_text(device)
