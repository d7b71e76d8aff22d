"""A town full of data that carries its mark, made by the same steps whatever the mark."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from shapely.geometry import LineString

from beffroi.city.assets.api import Why, asset_update, cells_rebuild
from beffroi.city.assets.contracts import NewAsset
from beffroi.city.assets.models import Asset
from beffroi.city.assets.scopes import WHOLE
from beffroi.city.assets.services import asset_create
from beffroi.city.assets.testing import make_device
from beffroi.city.basemap.api import (
    NewAddress,
    NewFeature,
    basemap_addresses_replace,
    basemap_build,
    basemap_features_replace,
)
from beffroi.city.ingest.services import source_create
from beffroi.city.ingest.testing import make_application, post, serving
from beffroi.city.series.api import retention_set
from beffroi.city.series.models import Stream
from beffroi.city.series.testing import make_partitions, record
from beffroi.foundation.accounts.journal import SIGNED_IN
from beffroi.foundation.accounts.models import Department, Invitation, Role, User
from beffroi.foundation.accounts.testing import make_agent, make_user, sign_in
from beffroi.foundation.audit.api import Actor, Subject, audit_record
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_area, make_territory

CENTRE = (3.8796, 43.6085)
"""Both towns stand on the same square: what leaks is on the same tile and in the same list."""


@dataclass(kw_only=True)
class MarkedTown:
    """A town, who works there, and what stands for it in an address."""

    word: str
    number: int
    territory: Territory
    agent: User
    client: Client
    secret: str = ""
    ingest_path: str = ""
    asset: str = ""
    device: str = ""
    names: dict[str, Any] = field(default_factory=dict)
    """What fills each parameter of an address."""


def make_marked_town(word: str, *, number: int, at: datetime) -> MarkedTown:
    """Fill a town through its doors: pages where an agent would use one, messages over HTTP.

    Args:
        word: in every text of the town, and in no other text.
        number: eight figures, the index of its electricity meter.
        at: now.
    """
    territory = make_territory(f"ville-{word}", name=f"Ville {word}")
    agent = make_agent(
        territory, user=make_user(f"agent@{word}.example", full_name=f"Agent {word}")
    )
    client = Client()
    sign_in(client, agent)
    town = MarkedTown(
        word=word, number=number, territory=territory, agent=agent, client=client,
        device=f"compteur-{word}",
    )  # fmt: skip
    with acting_for(territory.pk, user_id=agent.pk):
        _people(town)
        _places(town)
        _assets(town)
    _import(town)
    _messages(town, at=at)
    _old_days(town, at=at)
    return town


def _page(town: MarkedTown, path: str, fields: dict[str, Any]) -> HttpResponse:
    answer = town.client.post(f"/t/{town.territory.slug}/{path}", fields)
    if answer.status_code not in {200, 302} or b"error-summary" in answer.content:
        raise AssertionError(f"{path}: {answer.status_code} {answer.content.decode()[:3000]}")
    return answer  # type: ignore[no-any-return]  # the client's own answer


def _people(town: MarkedTown) -> None:
    word = town.word
    _page(town, "services/nouveau/", {"name": f"Service {word}"})
    _page(town, "roles/nouveau/", {"name": f"Rôle {word}", "description": f"Pour {word}"})
    role, department = Role.objects.get(name__contains=word), Department.objects.get()
    _page(
        town,
        "personnes/inviter/",
        {
            "email": f"invitation@{word}.example",
            "roles": [str(role.uuid)],
            "department": str(department.uuid),
        },
    )
    colleague = make_agent(
        town.territory, user=make_user(f"voisin@{word}.example", full_name=f"Voisin {word}")
    )
    passkey = Authenticator.objects.create(
        user=town.agent, type=Authenticator.Type.WEBAUTHN, data={"name": f"Clé {word}"}
    )
    # The line of a sign-in belongs to the installation, whose chain no town owns.
    audit_record(
        SIGNED_IN,
        actor=Actor(colleague.pk, str(colleague)),
        subject=Subject("person", colleague.uuid, str(colleague)),
        territory_id=None,
    )
    town.names |= {
        "territory": town.territory.slug,
        "role": role.uuid,
        "department": department.uuid,
        "invitation": Invitation.objects.get().uuid,
        "person": colleague.memberships.get().uuid,
        "pk": passkey.pk,
    }


def _places(town: MarkedTown) -> None:
    lon, lat = CENTRE
    make_area(
        town.territory,
        name=f"Quartier {town.word}",
        code=f"q-{town.word}",
        bounds=(lon - 0.01, lat - 0.01, lon + 0.01, lat + 0.01),
    )
    street = LineString([(lon - 0.002, lat), (lon + 0.002, lat)])
    basemap_features_replace(
        [NewFeature(geometry=street, name=f"Rue {town.word}")],
        layer="street",
        source=f"voirie {town.word}",
        attribution=f"Ville {town.word}",
    )
    basemap_addresses_replace(
        [NewAddress(number="7", street=f"Rue {town.word}", lon=lon, lat=lat)],
        source=f"adresses {town.word}",
    )
    basemap_build()


def _assets(town: MarkedTown) -> None:
    word = town.word
    lon, lat = CENTRE
    cabinet = asset_create(
        NewAsset(
            external_key=f"A-{word}",
            lon=lon,
            lat=lat,
            name=f"Armoire {word}",
            properties={"address": f"7 rue {word}", "note": word},
        ),
        type_key="lighting_cabinet",
        department_id=Department.objects.get().pk,
        attribution=f"Ville {word}",
        origin="simulated",
    )
    lamp = asset_create(
        NewAsset(external_key=f"L-{word}", lon=lon + 1e-4, lat=lat, name=f"Lampe {word}"),
        type_key="light_point",
        parent_id=cabinet.pk,
    )
    asset_update(lamp.uuid, scope=WHOLE, changes={"name": f"Lanterne {word}"}, why=Why.EDIT)
    cells_rebuild(["street_lighting"])
    town.asset = str(cabinet.uuid)
    town.names |= {
        "asset": cabinet.uuid,
        "child": lamp.uuid,
        "measure": "energy_kwh",
        "domain": "street_lighting",
    }


def _import(town: MarkedTown) -> None:
    lon, lat = CENTRE
    text = (
        "identifiant;nom;nb_places;lon;lat\n"
        f"P1-{town.word};Parking {town.word};120;{lon};{lat}\n"
        f"P2-{town.word};Parc {town.word};beaucoup {town.word};{lon};{lat}\n"
    )

    def sent() -> str:
        file = SimpleUploadedFile(f"parkings-{town.word}.csv", text.encode())
        answer = _page(town, "equipements/importer/", {"type_key": "car_park", "file": file})
        return answer["Location"].removeprefix(f"/t/{town.territory.slug}/")

    report = _page(town, sent(), {"action": "import", "attribution": f"Ville {town.word}"})
    town.names["run"] = report["Location"].rstrip("/").rpartition("/")[2]
    town.names["upload"] = sent().rstrip("/").rpartition("/")[2]


def _messages(town: MarkedTown, *, at: datetime) -> None:
    word = town.word
    with acting_for(town.territory.pk, user_id=town.agent.pk):
        source, issued = source_create("plain_json", name=f"Source {word}")
    assert issued is not None
    town.secret, town.ingest_path = issued.secret, f"/ingest/plain_json/{source.key}"
    device = make_device(
        town.territory, identifier=town.device, source_id=source.pk, model=f"Modèle {word}"
    )
    with acting_for(town.territory.pk):
        device.attachments.create(
            territory=town.territory,
            asset=Asset.objects.get(uuid=town.asset),
            attached_from=at - timedelta(days=30),
        )
    town.names |= {"source": source.uuid, "device": device.uuid}
    bodies: tuple[bytes, ...] = (
        message(town.device, at, energy_kwh=town.number, power_w=1_000),
        message(f"inconnu-{word}", at, energy_kwh=town.number),
        message(town.device, at + timedelta(seconds=1), unheard_of=f"mot {word}"),
        f"<{word}>".encode(),
    )
    with serving(make_application()) as (door, _server):
        statuses = [post(door, town.ingest_path, body, headers=headers(town))[0] for body in bodies]
    assert statuses[0] == 200, statuses


def message(device: str, at: datetime, **values: float | str) -> bytes:
    """Write one message of a device."""
    content = {"device": device, "time": at.isoformat(), "values": values}
    return json.dumps(content).encode()


def headers(town: MarkedTown) -> dict[str, str]:
    """Return what opens the ingest door for the town's source."""
    return {"Authorization": f"Bearer {town.secret}", "Content-Type": "application/json"}


def _old_days(town: MarkedTown, *, at: datetime) -> None:
    with acting_for(town.territory.pk):
        stream = Stream.objects.get(asset__uuid=town.asset, measure_key="energy_kwh")
        retention_set(measure_key="power_w", keep_days=4_000, reason=f"Délibération {town.word}")
        town.names["stream"] = stream.uuid
    make_partitions(at - timedelta(days=12), at)
    record(stream, [(at - timedelta(days=age), float(town.number - age)) for age in (11, 10, 1)])
