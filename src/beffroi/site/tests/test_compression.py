"""What is compressed, by whom, and what never is."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from beffroi.foundation.accounts.testing import agent_client
from beffroi.foundation.territories.testing import make_territory

BOTH = {"accept-encoding": "gzip, br"}


def content(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def built(entry: str) -> str:
    manifest = json.loads(settings.VITE_MANIFEST.read_text(encoding="utf-8"))
    return f"/static/built/{manifest[entry]['file']}"


@pytest.mark.parametrize(
    "entry",
    [
        "src/base.ts",
        "src/map.ts",
        "src/styles.css",
        "node_modules/maplibre-gl/dist/maplibre-gl-worker.mjs",
    ],
)
def test_what_is_built_is_sent_compressed_and_kept_for_ever(client: Client, entry: str) -> None:
    url = built(entry)
    plain = client.get(url)
    whole = content(plain)
    assert "Content-Encoding" not in plain.headers
    packed = {name: client.get(url, headers={"accept-encoding": name}) for name in ("gzip", "br")}
    octets = {name: content(response) for name, response in packed.items()}
    assert gzip.decompress(octets["gzip"]) == whole
    assert len(octets["br"]) < len(octets["gzip"]) < len(whole) / 2
    for name, response in packed.items():
        assert response["Content-Encoding"] == name
        assert "Accept-Encoding" in response["Vary"]
        assert "immutable" in response["Cache-Control"]
    again = client.get(url, headers={**BOTH, "if-none-match": plain["ETag"]})
    assert again.status_code == 304


def test_pages_are_compressed_for_who_can_read_it_and_those_of_an_account_never() -> None:
    town = make_territory("ville-compacte")
    client = agent_client(town, verbs=["assets.see"])
    page = client.get("/t/ville-compacte/ville/", headers=BOTH)
    assert page["Content-Encoding"] == "gzip"
    assert b"</html>" in gzip.decompress(page.content)
    assert "Accept-Encoding" in page["Vary"]
    assert "Content-Encoding" not in client.get("/t/ville-compacte/ville/").headers
    assert "Content-Encoding" not in client.get("/compte/connexion/", headers=BOTH).headers
    assert "Content-Encoding" not in Client().get("/compte/connexion/", headers=BOTH).headers


def test_the_length_of_a_page_tells_nothing_twice() -> None:
    town = make_territory("ville-muette")
    client = agent_client(town, verbs=["assets.see"])
    lengths = {len(client.get("/t/ville-muette/ville/", headers=BOTH).content) for _ in range(12)}
    assert len(lengths) > 1
