"""The Python client, written from the document and driven against a server."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from mypy import api as mypy
from pytest_django.live_server_helper import LiveServer

from beffroi.interfaces.api.client_writer import MODULE, client_module, method_name
from beffroi.interfaces.api.declaring import DECLARED
from beffroi.interfaces.api.publication import openapi
from beffroi.interfaces.api.testing import make_key
from beffroi.interfaces.api.tests.conftest import make_town


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("client") / MODULE
    path.write_text(client_module(openapi()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def module(written: Path) -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("beffroi_client", written)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    yield made
    del sys.modules[spec.name]


def test_the_client_is_typed(written: Path) -> None:
    told, faults, status = mypy.run(["--strict", "--no-incremental", str(written)])
    assert (status, faults) == (0, ""), told


def test_a_client_with_a_wrong_type_is_found(written: Path) -> None:
    text = written.read_text(encoding="utf-8")
    wrong = written.with_name("wrong.py")
    wrong.write_text(text + "\nClient('x', 'y').list_assets(7)\n", encoding="utf-8")
    assert mypy.run(["--strict", "--no-incremental", str(wrong)])[2] == 1


def test_every_operation_has_its_method(module: ModuleType) -> None:
    for operation_id in DECLARED:
        assert callable(getattr(module.Client, method_name(operation_id)))


@pytest.mark.django_db(transaction=True)
def test_the_client_reads_pages_and_forms_and_tells_problems(
    live_server: LiveServer, module: ModuleType
) -> None:
    town = make_town("montpellier")
    client = module.Client(live_server.url, town.key)
    slug = town.territory.slug
    assert [one["slug"] for one in client.list_territories()] == [slug]
    assert client.get_territory(slug)["name"] == "Montpellier"
    assets = list(client.list_assets(slug, limit=2))
    assert len({one["id"] for one in assets}) == 6
    period = {"start": "2026-03-01T00:00:00Z", "end": "2026-04-01T00:00:00Z"}
    values = list(client.list_observations(slug, str(town.stream.uuid), limit=70, **period))
    assert len(values) == 200
    days = list(client.list_aggregates(slug, str(town.stream.uuid), step="day", **period))
    assert sum(one["n"] for one in days) == 200
    table = client.octets(f"api/v1/territories/{slug}/assets", accept="text/csv")
    assert table.count(b"\r\n") == 7
    with pytest.raises(module.Problem) as refused:
        list(client.list_assets(slug, fields="colour"))
    assert (refused.value.status, refused.value.field) == (422, "fields")
    with pytest.raises(module.Problem) as unknown:
        client.get_asset(slug, "../../x")
    assert unknown.value.status == 404


@pytest.mark.django_db(transaction=True)
def test_the_client_waits_as_long_as_it_is_told(
    live_server: LiveServer, module: ModuleType
) -> None:
    town = make_town("montpellier")
    key = make_key(town.territory, requests_per_minute=1)
    waits: list[float] = []
    client = module.Client(live_server.url, key, wait=waits.append)
    client.get_territory(town.territory.slug)
    with pytest.raises(module.Problem) as refused:
        client.get_territory(town.territory.slug)
    assert refused.value.status == 429
    assert len(waits) == module.TRIES - 1
    assert all(50 <= seconds <= 60 for seconds in waits)


def test_the_client_sends_its_key_nowhere_else(module: ModuleType) -> None:
    client = module.Client("https://ville.exemple.fr", "bff_x")
    with pytest.raises(ValueError, match="ailleurs"):
        client.octets("https://ailleurs.fr/api/v1/territories")
