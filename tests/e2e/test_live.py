"""A measurement from its device to an operator's eyes: claimed, decoded, drawn, live, exported."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from conftest import Town, sign_in_path
from playwright.sync_api import Browser, Page, expect
from things import application_connection
from watching import complaints_of

PATIENCE_MS = 60_000
"""How long a change may take on a machine with other things to do; it is not a promise."""

NO2 = "no2_ugm3"
STATES = """() => {
  window.liveStates = [document.documentElement.dataset.live];
  window.stillHere = true;
  document.addEventListener("beffroi:live-state", (event) => window.liveStates.push(event.detail));
}"""
PIXELS = """(canvas) => {
  const probe = document.createElement("span");
  probe.style.color = "var(--town-primary-text)";
  document.body.append(probe);
  const [red, green, blue] = getComputedStyle(probe).color.match(/[0-9.]+/g).map(Number);
  probe.remove();
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) {
    const far = Math.abs(data[at] - red) + Math.abs(data[at + 1] - green)
      + Math.abs(data[at + 2] - blue);
    if (data[at + 3] > 128 && far < 40) count += 1;
  }
  return count;
}"""
"""How many points of a chart have the colour of its line."""


@pytest.fixture(scope="module")
def measured(chromium: Browser, town: Town, names: dict[str, Any]) -> str:
    """The page of a station that has measured for some hours."""
    del chromium
    for hour in range(1, 9):
        assert town.report("sonde-arenes", ago=timedelta(hours=hour), no2_ugm3=20.0 + hour) == 200
    return town.url(f"equipements/{names['asset']}/")


def value_on(page: Page) -> Any:
    """Return the place of the latest value of nitrogen dioxide."""
    return page.locator(f"#valeurs [data-live-measure={NO2}]").first


def test_a_device_nobody_knows_is_claimed_and_what_it_sent_is_decoded(
    page: Page, town: Town
) -> None:
    complaints = complaints_of(page)
    assert town.report("inconnue-7", ago=timedelta(hours=2), occupancy_pct=41.0) == 200
    assert town.report("inconnue-7", ago=timedelta(hours=1), occupancy_pct=43.0) == 200
    page.goto(town.url("appareils/?etat=inconnus"))
    page.get_by_role("link", name="inconnue-7").click()
    # What is guessed of it: the fields that it sends.
    expect(page.locator("main")).to_contain_text("occupancy_pct")
    page.locator("main input[name=q]").fill("Polygone")
    page.keyboard.press("Enter")
    page.get_by_role("radio", name="Polygone").first.check()
    page.locator("button[value=essayer]").click()
    expect(page.locator("main table").first).to_contain_text("43")
    page.locator("button[value=rattacher]").click()
    expect(page.locator("h1")).to_contain_text("inconnue-7")
    page.goto(town.url("ville/liste/?q=polygone"))
    page.locator("main table a[href*='/equipements/']").first.click()
    expect(page.locator("#valeurs [data-live-measure=occupancy_pct]").first).to_contain_text("43")
    page.goto(town.url("appareils/?etat=inconnus&q=inconnue-7"))
    expect(page.get_by_role("link", name="inconnue-7")).to_have_count(0)
    assert complaints == []


def test_a_value_changes_while_one_looks(page: Page, town: Town, measured: str) -> None:
    complaints = complaints_of(page)
    page.goto(measured)
    page.evaluate(STATES)
    expect(page.locator("html")).to_have_attribute("data-live", "live", timeout=PATIENCE_MS)
    assert town.report("sonde-arenes", no2_ugm3=87.6) == 200
    expect(value_on(page)).to_contain_text("87,6", timeout=PATIENCE_MS)
    assert page.evaluate("() => window.stillHere")
    assert complaints == []


def test_a_cut_and_a_delay_are_said_and_nothing_is_missed(
    page: Page, town: Town, measured: str
) -> None:
    page.goto(measured)
    page.evaluate(STATES)
    expect(page.locator("html")).to_have_attribute("data-live", "live", timeout=PATIENCE_MS)
    assert town.installation.kill("live") == 1
    until_said(page, "offline")
    assert town.report("sonde-arenes", no2_ugm3=64.2) == 200
    # The supervisor starts it again, the browser comes back and gets what it missed.
    expect(page.locator("html")).to_have_attribute("data-live", "live", timeout=PATIENCE_MS)
    expect(value_on(page)).to_contain_text("64,2", timeout=PATIENCE_MS)
    end_listener(town)
    until_said(page, "late")
    expect(page.locator("html")).to_have_attribute("data-live", "live", timeout=PATIENCE_MS)
    words = page.locator("[data-live-state]").first
    expect(words).to_have_text("En direct")
    assert page.evaluate("() => window.stillHere")


def test_a_telephone_without_network_says_so_and_comes_back(page: Page, measured: str) -> None:
    page.goto(measured)
    expect(page.locator("html")).to_have_attribute("data-live", "live", timeout=PATIENCE_MS)
    page.context.set_offline(True)
    expect(page.locator("html")).to_have_attribute("data-live", "offline", timeout=PATIENCE_MS)
    page.context.set_offline(False)
    expect(page.locator("html")).to_have_attribute("data-live", "live", timeout=PATIENCE_MS)


def until_said(page: Page, state: str) -> None:
    """Wait until the page has told a state, however short."""
    page.wait_for_function(
        "(state) => window.liveStates.includes(state)", arg=state, timeout=PATIENCE_MS
    )


def end_listener(town: Town) -> None:
    """End the connection by which the live server hears of changes."""
    with application_connection(town.installation.folder) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'beffroi listen'"
        ).fetchall()
    assert (True,) in ended


def test_a_chart_has_its_values(page: Page, measured: str) -> None:
    page.goto(measured)
    canvas = page.locator("#courbe canvas").first
    canvas.wait_for(timeout=PATIENCE_MS)
    assert canvas.evaluate(PIXELS) > 200
    page.locator("#courbe summary").first.click()
    cells = page.locator("#courbe details table tbody td").all_inner_texts()
    assert "27" in {text.replace(",0", "") for text in cells}
    # Negative control: the same count on a chart whose line is rubbed out.
    canvas.evaluate("(one) => one.getContext('2d').clearRect(0, 0, one.width, one.height)")
    assert canvas.evaluate(PIXELS) == 0


def test_a_chart_without_values_says_so(page: Page, measured: str) -> None:
    page.goto(f"{measured}?periode=jour&de=2020-01-01&a=2020-01-02")
    expect(page.locator("#courbe .chart__message").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#courbe canvas")).to_have_count(0)


def test_the_measurements_are_taken_away_as_a_table(page: Page, measured: str) -> None:
    page.goto(measured)
    with page.expect_download() as download:
        page.locator("#courbe a[href*='export.csv']").last.click()
    text = download.value.path().read_text("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))
    assert len(rows) > 8
    assert any("27" in cell for row in rows for cell in row)
    assert download.value.suggested_filename.endswith(".csv")


def test_from_sign_in_to_a_chart_with_the_keyboard_alone(
    chromium: Browser, town: Town, measured: str
) -> None:
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
    page.wait_for_url(f"**{measured.partition('/equipements')[2]}**")
    page.locator("#courbe canvas").first.wait_for(timeout=PATIENCE_MS)
    press_until(page, "[data-chart-plot]")
    page.keyboard.press("End")
    reading = page.locator("#courbe [data-chart-reading]").first
    expect(reading).to_contain_text("µg/m³")
    before = reading.inner_text()
    page.keyboard.press("ArrowLeft")
    expect(reading).not_to_have_text(before)
    press_until(page, "#courbe details.chart__table summary")
    page.keyboard.press("Enter")
    expect(page.locator("#courbe details table").first).to_be_visible()
    context.close()


def press_until(page: Page, selector: str, *, most: int = 120) -> None:
    """Press Tab until the focus is on what is wanted, seeing that it is visible."""
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
