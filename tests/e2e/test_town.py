"""A town in a real browser: who may come in, the list without scripts, the map."""

from __future__ import annotations

from conftest import Town
from playwright.sync_api import Browser, BrowserContext, Page, expect
from watching import complaints_of

AGENT_PAGES = ("ville/", "ville/liste/", "domaines/parking/", "sources/", "personnes/", "journal/")


def test_the_list_is_filtered_and_paged_without_scripts(chromium: Browser, town: Town) -> None:
    context = chromium.new_context(
        locale="fr-FR", storage_state=town.state, java_script_enabled=False
    )
    page = context.new_page()
    page.goto(town.url("ville/liste/"))
    rows = page.locator("main table tbody tr")
    first = rows.first.inner_text()
    shown = rows.count()
    assert shown > 20
    page.locator("main a[rel=next]").click()
    expect(rows.first).not_to_have_text(first)
    page.locator("main a[rel=prev]").click()
    assert rows.first.inner_text() == first
    # A sorted column, a filter sent by its own button, a whole category.
    page.locator("main thead a").first.click()
    expect(rows).to_have_count(shown)
    page.locator("main input[name=q]").fill("polygone")
    page.locator("main form:has(input[name=q]) button[type=submit]").first.click()
    expect(rows).to_have_count(1)
    assert "q=polygone" in page.url
    page.locator("main table a[href*='/equipements/']").first.click()
    expect(page.locator("h1")).to_contain_text("Polygone")
    context.close()


def test_nobody_signed_in_sees_nothing(chromium: Browser, town: Town) -> None:
    context = chromium.new_context(locale="fr-FR")
    page = context.new_page()
    for path in AGENT_PAGES:
        page.goto(town.url(path))
        assert "/compte/connexion/" in page.url, path
    tile = context.request.get(town.url("tuiles/equipements/12/2092/1494.mvt"))
    assert b"cells" not in tile.body()
    context.close()


def test_map_draws_and_follows_its_address(context: BrowserContext, town: Town) -> None:
    page: Page = context.new_page()
    complaints = complaints_of(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(town.url("ville/"))
    page.wait_for_selector("[data-island=map][data-ready]", timeout=60_000)
    assert any("/tuiles/equipements/" in one for one in asked)
    assert any("/tuiles/fond/" in one for one in asked)
    outside = [one for one in asked if not one.startswith((town.address, "data:", "blob:"))]
    assert outside == []
    assert complaints == []
