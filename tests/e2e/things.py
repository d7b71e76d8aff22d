"""One of each thing that an address can name, made in the running town or found there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from playwright.sync_api import Page, expect

from beffroi.foundation.database.api import CONTEXT_SQL, context_parameters
from beffroi.foundation.database.embedded import EmbeddedServer

FOUND = {
    "asset": "SELECT a.uuid FROM assets_asset a JOIN series_stream s ON s.asset_id = a.id"
    " WHERE s.measure_key = 'no2_ugm3'",
    "stream": "SELECT uuid FROM series_stream WHERE measure_key = 'no2_ugm3'",
    "source": "SELECT uuid FROM ingest_source",
    "device": "SELECT uuid FROM assets_device",
    "person": "SELECT uuid FROM accounts_membership",
    "role": "SELECT uuid FROM accounts_role",
    "department": "SELECT uuid FROM accounts_department",
    "invitation": "SELECT uuid FROM accounts_invitation WHERE used_at IS NULL",
    "run": "SELECT uuid FROM assets_import_run",
    "upload": "SELECT uuid FROM assets_import_upload",
}
FIXED = {
    "territory": "montpellier",
    "domain": "parking",
    "measure": "no2_ugm3",
    "z": 14,
    "x": 8368,
    "y": 5982,
    "pk": 1,
    "token": "jamais-donne",
    "uidb36": "1",
    "key": "jamais-donne",
}


def application_connection(data_directory: Path) -> psycopg.Connection[Any]:
    """Connect to the town's database as the application does."""
    return psycopg.connect(EmbeddedServer(data_directory).urls().application, autocommit=False)


def names_of(data_directory: Path) -> dict[str, Any]:
    """Return what fills each parameter of an address.

    Raises:
        AssertionError: the town has none of something.
    """
    names: dict[str, Any] = dict(FIXED)
    with application_connection(data_directory) as connection:
        row = connection.execute(
            "SELECT id FROM territories_territory WHERE slug = %s", [FIXED["territory"]]
        ).fetchone()
        assert row is not None
        connection.execute(CONTEXT_SQL, context_parameters(row[0]))
        for name, query in FOUND.items():
            found = connection.execute(f"{query} LIMIT 1").fetchone()
            assert found is not None, name
            names[name] = found[0]
    return names


def make_things(page: Page, town: Any) -> None:
    """Make, through the pages, what a town does not have from the start."""
    page.goto(town.url("services/nouveau/"))
    page.locator("main [name=name]").fill("Voirie")
    page.locator("main form button[type=submit]").click()
    page.wait_for_url("**/services/**")
    page.goto(town.url("personnes/inviter/"))
    page.locator("main [name=email]").fill("nouvelle@example.org")
    page.locator("main [name=roles]").first.check()
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main")).to_contain_text("/compte/invitation/")
    page.goto(town.url("equipements/importer/"))
    page.locator("main [name=type_key][value=car_park], main select[name=type_key]").first.evaluate(
        """(field) => { if (field.tagName === "SELECT") field.value = "car_park";
          else field.checked = true; }"""
    )
    page.locator("main [name=file]").set_input_files(
        {
            "name": "parcs.csv",
            "mimeType": "text/csv",
            "buffer": b"identifiant;nom;lon;lat\nX1;Parc d'essai;3.88;43.61\n",
        }
    )
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_url("**/equipements/importer/*/")
    claim(page, town, device="sonde-arenes", asset="Arènes", values={"no2_ugm3": 21.0})


def claim(page: Page, town: Any, *, device: str, asset: str, values: dict[str, float]) -> None:
    """Send a message of a device that nobody knows, and say what it is."""
    assert town.report(device, **values) == 200
    page.goto(town.url(f"appareils/?etat=inconnus&q={device}"))
    page.get_by_role("link", name=device).click()
    page.locator("main input[name=q]").fill(asset)
    page.keyboard.press("Enter")
    page.get_by_role("radio", name=asset).first.check()
    page.locator("button[value=rattacher]").click()
    expect(page.locator("h1")).to_contain_text(device)
