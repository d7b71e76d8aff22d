from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from beffroi.city.assets import api, pulse, tasks
from beffroi.city.assets.models import Asset, AssetChange, ImportUpload
from beffroi.city.assets.tests.samples import geojson
from beffroi.foundation.accounts.testing import agent_client
from beffroi.foundation.audit.models import AuditRecord
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


def test_the_map_of_a_file_holds_what_is_taken_and_the_columns_of_places_are_told() -> None:
    town = make_territory("ville-import")
    client = agent_client(town, verbs=["assets.import"])
    content = b"nom;latitude;longitude\nUn;43.61;3.87\nDeux;99.2;3.88\nTrois;43.62;3.88\n"
    file = SimpleUploadedFile("lampes.csv", content)
    check = client.post(URL, {"type_key": "car_park", "file": file})["Location"]
    page = client.get(check).content.decode()
    config = page.partition('id="import-map-config" type="application/json">')[2]
    west, south, east, north = json.loads(config.partition("</script>")[0])["bounds"]
    assert 43 < south < north < 44
    assert 3 < west < east < 4
    assert page.count('<option value="@ignore" selected>Position</option>') == 2


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
    upload = UUID(check.rstrip("/").rpartition("/")[2])
    with acting_for(town.pk):
        owner = ImportUpload.objects.get().user_id
    with frozen_at(later), acting_for(town.pk, user_id=owner), pytest.raises(api.ImportNotFound):
        api.upload_get(upload)
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


def _import(client: Client, content: bytes, **choices: str) -> str:
    check = _send(client, content)["Location"]  # type: ignore[index]  # a response
    done = client.post(check, {"action": "import", **choices})
    assert done.status_code == 302, done.content.decode()
    return str(done["Location"])


ONE = geojson((3.88, 43.61, {"identifiant": "P1", "nom": "Comédie", "nb_places": 800}))


def test_what_the_file_no_longer_names_is_shown_before_it_is_removed() -> None:
    town = make_territory("ville-import")
    client = agent_client(town, verbs=["assets.import", "assets.delete", "assets.see"])
    _import(client, CONTENT, attribution="Ville", licence="ODbL 1.0", origin="real")
    with acting_for(town.pk):
        assert Asset.objects.first().attribution == "Ville, ODbL 1.0"  # type: ignore[union-attr]  # there are two
    check = _send(client, ONE)["Location"]  # type: ignore[index]  # a response
    # The choices of the last import are proposed again.
    assert 'value="ODbL 1.0"' in client.get(check).content.decode()
    report = client.post(check, {"action": "import", "absent": "remove"})["Location"]
    shown = client.get(report).content.decode()
    assert "Rien n’est encore écrit" in shown
    assert "Foch" in shown
    with acting_for(town.pk):
        assert not Asset.objects.filter(removed_at__isnull=False).exists()
    done = client.post(report)
    assert done.status_code == 302
    with acting_for(town.pk):
        assert Asset.objects.get(removed_at__isnull=False).external_key == "P3"
    assert client.post(report).status_code == 200  # the file is gone: said, not done twice
    trials = client.get(URL).content.decode()
    assert report not in trials


def test_only_who_may_delete_is_offered_to_remove() -> None:
    town = make_territory("ville-import")
    _import(agent_client(town, verbs=["assets.import"]), CONTENT)
    client = agent_client(town, verbs=["assets.import"])
    check = _send(client, ONE)["Location"]  # type: ignore[index]  # a response
    assert 'value="check"' in client.get(check).content.decode()
    assert 'value="remove"' not in client.get(check).content.decode()
    refused = client.post(check, {"action": "import", "absent": "remove"})
    assert refused.status_code == 200
    with acting_for(town.pk):
        assert not Asset.objects.filter(removed_at__isnull=False).exists()


def test_a_large_file_is_imported_behind_the_page() -> None:
    town = make_territory("ville-import")
    client = agent_client(town, verbs=["assets.import"])
    rows = [
        (3.80 + rank / 100_000, 43.61, {"identifiant": f"P{rank}", "remarque": "x" * 500})
        for rank in range(1_000)
    ]
    report = _import(client, geojson(*rows))
    waiting = client.get(report).content.decode()
    assert 'hx-trigger="every 2s"' in waiting
    with acting_for(town.pk):
        assert not Asset.objects.exists()
    run = report.rstrip("/").rpartition("/")[2]
    for _ in range(2):  # a job may be run twice
        tasks.file_import(territory_id=town.pk, run=run, mapping={})
    done = client.get(report).content.decode()
    assert 'hx-trigger="every 2s"' not in done
    with acting_for(town.pk):
        assert Asset.objects.count() == 1_000
        assert AuditRecord.objects.filter(verb="assets.imported").count() == 1
        assert set(AssetChange.objects.values_list("user_id", flat=True)) != {None}


def test_a_large_file_that_is_refused_behind_the_page_says_why() -> None:
    town = make_territory("ville-import")
    client = agent_client(town, verbs=["assets.import"])
    rows = [(3.80, 43.61, {"identifiant": f"P{rank}", "r": "x" * 500}) for rank in range(1_000)]
    check = _send(client, geojson(*rows))["Location"]  # type: ignore[index]  # a response
    report = client.post(check, {"action": "import"})["Location"]
    run = report.rstrip("/").rpartition("/")[2]
    tasks.file_import(territory_id=town.pk, run=run, mapping={"absente": "@key"})
    page = client.get(report).content.decode()
    assert "Le fichier n’a pas été importé" in page
    assert "absente" in page
    with acting_for(town.pk):
        assert not Asset.objects.exists()


def test_a_place_that_was_doubted_is_imported_and_told() -> None:
    town = make_territory("ville-import")
    client = agent_client(town, verbs=["assets.import"])
    bowtie = {
        "type": "Polygon",
        "coordinates": [[[3.88, 43.6], [3.89, 43.61], [3.89, 43.6], [3.88, 43.61], [3.88, 43.6]]],
    }
    feature = {"type": "Feature", "properties": {"identifiant": "P9"}, "geometry": bowtie}
    page = client.get(_import(client, json.dumps(feature).encode())).content.decode()
    assert "Importés, à regarder" in page
    with acting_for(town.pk):
        assert Asset.objects.count() == 1
