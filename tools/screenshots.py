"""Takes pictures of the screens of a running town, and the README's.

``tools/screenshots.py LINK`` takes an address that ``beffroi people sign-in-link`` prints, signs in
once, and writes ``screenshots/NAME-WIDTH-SCHEME.png`` and ``docs/images/city.png``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
PAGES = {
    "city": "ville/",
    "street": "ville/#16/43.6107/3.8767",
    "list": "ville/liste/",
    "domains": "domaines/",
    **{
        key: f"domaines/{key}/"
        for key in (
            "street_lighting",
            "parking",
            "traffic",
            "air_quality",
            "weather",
            "waste",
            "public_space",
        )
    },
    "sources": "sources/",
    "devices": "appareils/",
    "import": "equipements/importer/",
    "people": "personnes/",
    "roles": "roles/",
    "journal": "journal/",
    "missing": "nulle-part/",
}
SIZES = ((1440, 900), (390, 844), (320, 640))
SETTLED_MS = 3_500


def main() -> int:
    """Sign in, then take every page at every size, light and dark."""
    if len(sys.argv) != 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    link = sys.argv[1]
    base = "{0.scheme}://{0.netloc}".format(urlsplit(link))
    folder = ROOT / "screenshots"
    folder.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        state, home = sign_in(browser, link)
        town = home.rpartition("/ville/")[0]
        pages = {**PAGES, **asset_pages(browser, state, town)}
        for width, height in SIZES:
            for scheme in ("light", "dark"):
                context = browser.new_context(
                    locale="fr-FR",
                    viewport={"width": width, "height": height},
                    color_scheme=scheme,
                    storage_state=state,
                )
                page = context.new_page()
                for name, path in pages.items():
                    page.goto(f"{town}/{path}")
                    page.wait_for_timeout(SETTLED_MS if name in {"city", "street"} else 600)
                    page.screenshot(path=folder / f"{name}-{width}-{scheme}.png")
                    if (name, width, scheme) == ("street", 1440, "light"):
                        (ROOT / "docs" / "images").mkdir(exist_ok=True)
                        page.screenshot(path=ROOT / "docs" / "images" / "city.png")
                context.close()
        browser.close()
    sys.stdout.write(f"{base}: {len(pages) * len(SIZES) * 2} pictures in {folder}\n")
    return 0


def asset_pages(browser: Browser, state: Any, town: str) -> dict[str, str]:
    """Return the page of the first asset of some types, by type."""
    context = browser.new_context(
        locale="fr-FR",
        java_script_enabled=False,
        storage_state=state,
    )
    page = context.new_page()
    found: dict[str, str] = {}
    for kind in ("light_point", "car_park", "air_station", "sensor_node", "tree"):
        page.goto(f"{town}/ville/liste/?type={kind}")
        link = page.locator("main table a[href*='/equipements/']").first
        if link.count():
            found[kind] = str(link.get_attribute("href")).partition("/t/")[2].partition("/")[2]
    context.close()
    return found


def sign_in(browser: Browser, link: str) -> tuple[Any, str]:
    """Use the link, and return the browser's state and the address of the town's map."""
    context = browser.new_context(locale="fr-FR")
    page = context.new_page()
    page.goto(link)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/ville/**")
    page.wait_for_timeout(SETTLED_MS)
    state = context.storage_state()
    home = page.url.partition("#")[0].partition("?")[0]
    context.close()
    return state, home


if __name__ == "__main__":
    sys.exit(main())
