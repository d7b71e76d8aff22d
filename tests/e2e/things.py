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
    "broker": "SELECT uuid FROM ingest_broker",
    "subscription": "SELECT uuid FROM ingest_subscription",
    "account": "SELECT uuid FROM ingest_broker_account",
    "person": "SELECT uuid FROM accounts_membership",
    "role": "SELECT uuid FROM accounts_role",
    "department": "SELECT uuid FROM accounts_department",
    "invitation": "SELECT uuid FROM accounts_invitation WHERE used_at IS NULL",
    "run": "SELECT uuid FROM assets_import_run",
    "upload": "SELECT uuid FROM assets_import_upload",
    "webhook": "SELECT uuid FROM messaging_webhook",
    "delivery": "SELECT uuid FROM messaging_delivery",
    "script": "SELECT uuid FROM codecs_script",
    "model": "SELECT uuid FROM codecs_model",
    "library_model": "SELECT uuid FROM codecs_library_model",
}
FIXED = {
    "rest": "nulle-part",
    "api_key": "01910000-0000-7000-8000-000000000000",
    "indicator": "car_park_occupancy",
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
        fill_library(connection)
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
    try_webhook(page, town)
    add_broker(page, town)
    add_codec(page, town)


SCRIPT = "function decodeUplink(input) { return { data: { no2: input.bytes[0] } }; }"


def add_codec(page: Page, town: Any) -> None:
    """Paste a script with an example, and describe a device model that is read with it."""
    page.goto(town.url("codecs/nouveau/"))
    page.locator("main [name=name]").fill("Sonde")
    page.locator("main [name=source]").fill(SCRIPT)
    page.locator("main [name=examples]").fill(
        '[{"name": "vingt", "input": {"bytes": "14", "fPort": 1}, "expected": {"no2": 20}}]'
    )
    page.get_by_role("button", name="Enregistrer le script").click()
    expect(page.locator("main")).to_contain_text("Réussi")
    page.goto(town.url("appareils/modeles/nouveau/"))
    page.locator("main [name=name]").fill("Sonde d’air")
    page.locator("main [name=codec_key]").select_option(label="Sonde")
    page.locator("main form button[type=submit]").click()
    page.locator("main [name=q]").fill("sonde")
    page.get_by_role("button", name="Les compter").click()
    page.get_by_role("button", name="Leur donner ce modèle").click()
    expect(page.locator("main")).to_contain_text("sonde-arenes")


def fill_library(connection: psycopg.Connection[Any]) -> None:
    """Put one model in the library, as the command that imports repositories would."""
    if connection.execute("SELECT 1 FROM codecs_library_model").fetchone() is not None:
        return
    connection.execute(
        """
        WITH codec AS (
            INSERT INTO codecs_library_codec (uuid, key, repository, vendor, name, source, sha256,
                dialect, functions, f_ports, licence, origin, examples, passed, failed, imported_at)
            VALUES (gen_random_uuid(), 'essai/essai/sonde', 'essai', 'Essai', 'sonde', %(source)s,
                encode(sha256(convert_to(%(source)s, 'UTF8')), 'hex'), '', '["decodeUplink"]',
                '[1]', 'MIT', '', '[]', 0, 0, now())
            RETURNING id
        )
        INSERT INTO codecs_library_model (uuid, key, vendor, name, description, codec_id)
        SELECT gen_random_uuid(), 'essai/essai/sonde', 'Essai', 'Sonde 1', '', id FROM codec
        """,
        {"source": SCRIPT},
    )
    connection.commit()


def add_broker(page: Page, town: Any) -> None:
    """Describe an MQTT broker where nobody listens, a topic of it and a user."""
    page.goto(town.url("sources/"))
    page.locator("main tbody th a").first.click()
    page.get_by_role("link", name="MQTT", exact=True).click()
    page.get_by_role("link", name="Ajouter un serveur MQTT").click()
    for name, value in (("name", "Essai"), ("host", "127.0.0.1"), ("port", "1")):
        page.locator(f"main [name={name}]").fill(value)
    page.locator("main [name=tls]").uncheck()
    page.locator("main form button[type=submit]").click()
    page.wait_for_url("**/mqtt/")
    page.locator("main [name=topic]").fill("essai/{device}/up")
    page.get_by_role("button", name="Recevoir par ce sujet").click()
    expect(page.locator("main")).to_contain_text("essai/{device}/up")
    page.get_by_role("link", name="Comptes sur Essai").click()
    page.locator("main [name=username]").fill("lampe-1")
    page.get_by_role("button", name="Donner un mot de passe").click()
    expect(page.locator("main")).to_contain_text("t/lampe-1/#")


def try_webhook(page: Page, town: Any) -> None:
    """Add a webhook where nobody listens, and send it a test: a delivery with its failure."""
    page.goto(town.url("webhooks/nouveau/"))
    page.locator("main [name=name]").fill("Écran du hall")
    page.locator("main [name=url]").fill("http://127.0.0.1:9/essai")
    page.locator("main [name=topics]").first.check()
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main")).to_contain_text("whsec_")
    page.locator("main a[href*='/webhooks/']").last.click()
    page.locator("main form[action$='/essayer/'] button").click()
    expect(page.locator("main")).to_contain_text("injoignable")


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
