from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from beffroi.city.assets import api, pulse
from beffroi.city.assets.models import Asset, ImportUpload
from beffroi.city.assets.tests.samples import geojson
from beffroi.foundation.accounts.testing import agent_client
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.clock import frozen_at, now

pytestmark = pytest.mark.django_db
URL = "/t/ville-import/equipements/importer/"
CONTENT = geojson(
    (3.88, 43.61, {"identifiant": "P1", "nom": "Comédie", "nb_places": 800}),
    (3.89, 43.61, {"identifiant": "P1", "nom": "=2+3", "nb_places": 10}),
    (3.90, 43.61, {"identifiant": "P3", "nom": "Foch", "nb_places": "beaucoup"}),
)


def _send(client: Client, content: bytes = CONTENT, *, type_key: str = "car_park") -> object:
    file = SimpleUploadedFile("parkings.geojson", content)
    return client.post(URL, {"type_key": type_key, "file": file})


def test_a_file_is_chosen_checked_imported_and_its_refusals_downloaded() -> None:
    town = make_territory("ville-import")
    client = agent_client(town, verbs=["assets.import"])
    assert client.get(URL).status_code == 200
    sent = _send(client)
    assert sent.status_code == 302  # type: ignore[attr-defined]  # a response
    check = sent["Location"]  # type: ignore[index]  # a response
    page = client.get(check).content.decode()
    assert "Comédie" in page
    assert "beaucoup" in page
    with acting_for(town.pk):
        assert not Asset.objects.exists()
    # Checking again with another choice writes nothing either.
    again = client.post(check, {"action": "check", "colonne-0": "@ignore"})
    assert again.status_code == 200
    assert "beaucoup" in again.content.decode()
    done = client.post(check, {"action": "import", "attribution": "Ville"})
    assert done.status_code == 302
    report = client.get(done["Location"])
    assert report.status_code == 200
    with acting_for(town.pk):
        assert set(Asset.objects.values_list("external_key", "attribution")) == {
            ("P1", "Ville"),
            ("P3", "Ville"),
        }
        assert not ImportUpload.objects.exists()
    table = client.get(f"{done['Location']}refus.csv")
    assert table["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig")), delimiter=";"))
    assert [row[0] for row in rows[1:]] == ["2", "3"]
    assert rows[2][2] == "beaucoup"
    assert client.get(check).status_code == 404


def test_a_file_that_cannot_be_read_is_told_about_on_the_form() -> None:
    town = make_territory("ville-import")
    client = agent_client(town, verbs=["assets.import"])
    for content, name in ((b"%PDF-1.4", "x.pdf"), (b"a;b\n1;2\n", "x.csv")):
        file = SimpleUploadedFile(name, content)
        answer = client.post(URL, {"type_key": "car_park", "file": file})
        assert answer.status_code == 200
        assert name in answer.content.decode()
    with acting_for(town.pk):
        assert not ImportUpload.objects.exists()


def test_a_role_limited_to_a_service_imports_nothing_else() -> None:
    town = make_territory("ville-import")
    client = agent_client(town, verbs=[], grants=[("assets.import", "parking", None)])
    page = client.get(URL).content.decode()
    assert 'value="car_park"' in page
    assert 'value="light_point"' not in page
    assert _send(client, type_key="light_point").status_code == 200  # type: ignore[attr-defined]  # a response
    with acting_for(town.pk):
        assert not ImportUpload.objects.exists()
    assert _send(client).status_code == 302  # type: ignore[attr-defined]  # a response


def test_nobody_else_reaches_an_upload_or_the_pages() -> None:
    town, neighbour = make_territory("ville-import"), make_territory("ville-voisine")
    owner = agent_client(town, verbs=["assets.import"])
    colleague = agent_client(town, verbs=["assets.import"])
    stranger = agent_client(neighbour, verbs=["assets.import"])
    reader = agent_client(town, verbs=["assets.see"])
    check = _send(owner)["Location"]  # type: ignore[index]  # a response
    assert owner.get(check).status_code == 200
    assert colleague.get(check).status_code == 404
    assert stranger.get(check).status_code == 404
    assert stranger.get(check.replace("ville-import", "ville-voisine")).status_code == 404
    assert reader.get(URL).status_code == 403
    assert Client().get(URL).status_code == 302


def test_uploads_are_gone_after_a_day() -> None:
    town = make_territory("ville-import")
    client = agent_client(town, verbs=["assets.import"])
    check = _send(client)["Location"]  # type: ignore[index]  # a response
    later = now() + timedelta(hours=25)
    with frozen_at(later):
        assert client.get(check).status_code == 404
    purge = next(beat for beat in pulse.BEATS if beat.key == "assets.uploads")
    assert purge.run(now()) == ""
    assert purge.run(later) != ""
    with acting_for(town.pk):
        assert not ImportUpload.objects.exists()


def test_a_file_of_nothing_or_too_much_is_not_kept() -> None:
    town = make_territory("ville-import")
    with acting_for(town.pk):
        for content in (b"", bytes(api.MAX_UPLOAD + 1)):
            with pytest.raises(api.ImportRefused):
                api.upload_keep(content, name="x.csv", type_key="car_park")
