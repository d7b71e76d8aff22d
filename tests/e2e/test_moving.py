"""An asset is moved by mouse, by keys and by numbers, and stays where it was put."""

from __future__ import annotations

from conftest import Town
from playwright.sync_api import BrowserContext, Page, expect
from watching import complaints_of


def _degrees(page: Page, field: str) -> float:
    return float(page.locator(f"#id_{field}").input_value().replace(",", "."))


def test_an_asset_is_moved_in_three_ways(context: BrowserContext, town: Town) -> None:
    page = context.new_page()
    complaints = complaints_of(page)
    page.goto(town.url("ville/liste/?q=polygone"))
    page.locator("main table a[href*='/equipements/']").first.click()
    page.get_by_role("link", name="Modifier").click()
    mark = page.locator("[data-island=place] .maplibregl-marker")
    expect(mark).to_be_visible(timeout=60_000)
    first = _degrees(page, "lon"), _degrees(page, "lat")
    # Keys: one metre to the north, ten to the east.
    mark.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowRight")
    by_keys = _degrees(page, "lon"), _degrees(page, "lat")
    assert 8e-6 < by_keys[1] - first[1] < 10e-6
    assert 11e-5 < by_keys[0] - first[0] < 14e-5
    # Mouse: fifty pixels to the west.
    box = mark.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 50, y, steps=5)
    page.mouse.up()
    assert _degrees(page, "lon") < by_keys[0]
    # Numbers: the mark follows them.
    before = mark.bounding_box()
    page.locator("#id_lat").fill(f"{by_keys[1] + 0.0001:.7f}".replace(".", ","))
    expect(page.locator("#id_lat")).not_to_have_value("")
    assert mark.bounding_box() != before
    written = page.locator("#id_lon").input_value(), page.locator("#id_lat").input_value()
    page.get_by_role("button", name="Enregistrer").click()
    page.get_by_role("link", name="Modifier").click()
    kept = _degrees(page, "lon"), _degrees(page, "lat")
    assert kept == tuple(float(text.replace(",", ".")) for text in written)
    assert complaints == []
