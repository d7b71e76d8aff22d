"""A small town, served by all its processes, and a browser that has signed in to it."""

from __future__ import annotations

import gzip
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from installation import Installation
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from things import make_things, names_of

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "demo" / "montpellier"
CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
FILES = (
    ("VilleMTP_MTP_ParkingOuv.csv.gz", "car_park", ("--map", "NOM=@key")),
    ("AirLR_LR_StationAir.csv.gz", "air_station", ()),
    ("OSM_MTP_Recyclage.geojson.gz", "waste_container", ()),
)

# A wait is for a condition and ends with it; how long it may take is no promise of the product.
expect.set_options(timeout=60_000)


@dataclass(frozen=True, slots=True)
class Town:
    """The address of a running town, and who may sign in."""

    installation: Installation
    address: str
    source: tuple[str, str]
    state: dict[str, Any]

    def url(self, path: str) -> str:
        """Return the whole address of a page of the town."""
        return f"{self.address}/t/montpellier/{path}"

    def report(self, device: str, *, ago: timedelta = timedelta(0), **values: float) -> int:
        """Send one message of a device over HTTP and return the status."""
        path, secret = self.source
        at = (datetime.now(UTC) - ago).isoformat()
        message: dict[str, object] = {"device": device, "time": at, "values": values}
        return self.installation.post(path, secret, message)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def town(chromium: Browser) -> Iterator[Town]:
    with tempfile.TemporaryDirectory(prefix="beffroi-e2e-") as name:
        Path(name).chmod(0o755)
        folder = Path(name) / "data"
        folder.mkdir()
        installation = Installation(folder)
        # A webhook is tried where nobody listens.
        installation.environment["BEFFROI_WEBHOOK_NETWORKS"] = "127.0.0.0/8"
        boundary = unpacked("VilleMTP_MTP_LimiteCommune.geojson.gz", folder)
        districts = unpacked("VilleMTP_MTP_Quartiers.geojson.gz", folder)
        installation.run(
            "init",
            "--insee",
            "34172",
            "--admin",
            "premiere@example.org",
            "--boundary",
            str(boundary),
            "--areas",
            str(districts),
        )
        installation.run("basemap", "import", str(boundary), "--layer", "boundary")
        installation.run("basemap", "build")
        for file, kind, options in FILES:
            installation.run(
                "assets", "import", str(unpacked(file, folder)), "--type", kind, *options
            )
        installation.run(
            "people",
            "add",
            "montpellier",
            "agent@example.org",
            "--name",
            "Ana Agent",
            "--role",
            "administrator",
        )
        try:
            installation.start()
            source = installation.source()
            state = signed_in(chromium, installation)
            yield Town(installation, f"http://127.0.0.1:{installation.port}", source, state)
        finally:
            installation.stop()
            installation.wait_until_empty()


@pytest.fixture(scope="session")
def names(chromium: Browser, town: Town) -> dict[str, Any]:
    """Make one of each thing, and return what fills the parameters of an address."""
    context = chromium.new_context(locale="fr-FR", storage_state=town.state)
    make_things(context.new_page(), town)
    context.close()
    return names_of(town.installation.folder)


@pytest.fixture
def context(chromium: Browser, town: Town) -> Iterator[BrowserContext]:
    made = chromium.new_context(
        locale="fr-FR", viewport={"width": 1440, "height": 900}, storage_state=town.state
    )
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def sign_in_path(installation: Installation) -> str:
    out = installation.run("people", "sign-in-link", "agent@example.org")
    found = re.search(r"/compte/lien/\S+", out)
    assert found, out
    return found.group()


def signed_in(chromium: Browser, installation: Installation) -> dict[str, Any]:
    context = chromium.new_context(locale="fr-FR")
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{installation.port}{sign_in_path(installation)}")
    page.locator("main form button[type=submit]").click()
    page.wait_for_url("**/ville/**")
    state: dict[str, Any] = dict(context.storage_state())
    context.close()
    return state


def unpacked(name: str, folder: Path) -> Path:
    path = folder / name.removesuffix(".gz")
    if not path.exists():
        path.write_bytes(gzip.decompress((DEMO / name).read_bytes()))
    return path
