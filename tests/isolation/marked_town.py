"""A town full of data that carries its mark, made by the same steps whatever the mark."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

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
from beffroi.city.codecs.models import CodecTrouble, LibraryModel, Script
from beffroi.city.codecs.testing import make_library_model
from beffroi.city.ingest.mqtt.contracts import BrokerDescription
from beffroi.city.ingest.mqtt.models import BrokerAccount, BrokerState
from beffroi.city.ingest.mqtt.services import account_issue, broker_create, subscription_add
from beffroi.city.ingest.services import source_create
from beffroi.city.ingest.testing import make_application, post, serving
from beffroi.city.series.api import KeptDays, retention_set
from beffroi.city.series.models import Stream
from beffroi.city.series.testing import make_partitions, record
from beffroi.foundation.accounts.journal import SIGNED_IN
from beffroi.foundation.accounts.models import Department, Invitation, Role, User
from beffroi.foundation.accounts.testing import make_agent, make_user, sign_in
from beffroi.foundation.audit.api import Actor, Subject, audit_record
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.messaging.api import Filters, deliveries_page
from beffroi.foundation.messaging.fan_out import fan_out
from beffroi.foundation.messaging.testing import make_webhook
from beffroi.foundation.territories.api import areas_list
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_area, make_territory
from beffroi.interfaces.api.models import ApiKey

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
    api_key: str = ""
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
    _codecs(town, at=at)
    _old_days(town, at=at)
    _webhooks(town, at=at)
    _key(town)
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
    _mqtt(town, source.uuid, at=at)
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


def _webhooks(town: MarkedTown, *, at: datetime) -> None:
    """Have a receiver told of what happened: a delivery waits, and an event is not yet in one."""
    with acting_for(town.territory.pk):
        area = areas_list()[0].id
    issued = make_webhook(
        town.territory,
        name=f"Récepteur {town.word}",
        url=f"http://127.0.0.1:9/{town.word}",
        topics=["asset.changed", "observations"],
        filters=Filters(domains=("street_lighting",), areas=(area,)),
    )
    for name in (f"Coffret {town.word}", f"Armoire {town.word}"):
        fan_out(town.territory.pk, at=at)
        with acting_for(town.territory.pk, user_id=town.agent.pk):
            asset_update(UUID(town.asset), scope=WHOLE, changes={"name": name}, why=Why.EDIT)
    with acting_for(town.territory.pk):
        (delivery,) = deliveries_page(issued.uuid).deliveries
    town.names |= {"webhook": issued.uuid, "delivery": delivery.uuid}


def _codecs(town: MarkedTown, *, at: datetime) -> None:
    """Add a script that went wrong, a device model, and a reading again of its messages."""
    word, territory_id = town.word, town.territory.pk
    script = _page(
        town,
        "codecs/nouveau/",
        {
            "name": f"Script {word}",
            "source": f"function decodeUplink(input) {{ return {{ data: {{ {word}: 1 }} }}; }}",
            "examples": json.dumps([{"name": f"Trame {word}", "input": {"bytes": "00"}}]),
            "faire": "garder",
        },
    )
    uuid = script["Location"].rstrip("/").rpartition("/")[2]
    model = _page(
        town,
        "appareils/modeles/nouveau/",
        {"name": f"Modèle {word}", "vendor": f"Fabricant {word}", "codec_key": f"script:{uuid}"},
    )
    path = model["Location"].removeprefix(f"/t/{town.territory.slug}/")
    _page(town, f"{path}appareils/", {"q": town.device, "faire": "donner"})
    asked = {"lignes": "0", "nouveau-path": f"champ_{word}", "nouveau-measure": "-"}
    _page(town, f"{path}valeurs/", {**asked, "faire": "relire"})
    kept = PurePosixPath(path).name
    with acting_for(territory_id):
        CodecTrouble.objects.create(
            territory_id=territory_id,
            codec_key=f"script:{uuid}",
            sha256=Script.objects.get(uuid=uuid).sha256,
            code="codec.timeout",
            error={"message": "The script {script} failed: {detail}", "params": {"script": word}},
            last_at=at,
            held_until=at + timedelta(hours=1),
        )
    library = LibraryModel.objects.first() or make_library_model()
    town.names |= {"script": UUID(uuid), "model": UUID(kept), "library_model": library.uuid}


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
        kept = KeptDays(raw=200, hourly=2_000, daily=4_000)
        retention_set(measure_key="energy_kwh", kept=kept, reason=f"Délibération {town.word}")
        town.names["stream"] = stream.uuid
    make_partitions(at - timedelta(days=12), at)
    # Of its hours and days alone, of a month, of days and of rows.
    ages = (300, 120, 11, 10, 1)
    record(stream, [(at - timedelta(days=age), float(town.number - age)) for age in ages])


def _mqtt(town: MarkedTown, source: UUID, *, at: datetime) -> None:
    word, territory_id = town.word, town.territory.pk
    with acting_for(territory_id, user_id=town.agent.pk):
        broker = broker_create(
            BrokerDescription(
                name=f"Serveur {word}",
                host="127.0.0.1",
                port=1,  # nobody listens: a page that tries it is answered at once
                tls=False,
                username=f"beffroi-{word}",
                password=f"motdepasse-{word}",
            )
        )
        subscription = subscription_add(source, broker.uuid, topic=f"{word}/{{device}}/up")
        account_issue(broker.uuid, f"lampe-{word}")
        account = BrokerAccount.objects.get(broker=broker)
        BrokerState.objects.create(
            territory_id=territory_id,
            broker=broker,
            process=f"machine-{word}",
            updated_at=at,
            connected_since=at,
            error={"message": "{host} cannot be reached: {reason}.", "params": {"host": word}},
            error_at=at,
        )
    town.names |= {
        "broker": broker.uuid,
        "subscription": subscription.uuid,
        "account": account.uuid,
    }


def _key(town: MarkedTown) -> None:
    made = _page(
        town,
        "cles-api/nouvelle/",
        {
            "name": f"Clé {town.word}",
            "verbs": ["assets.see", "series.export", "sources.see"],
            "origins": f"https://{town.word}.example",
            "requests_per_minute": "60000",
            "rows_per_minute": "100000000",
        },
    )
    town.api_key = re.findall(r"bff_[\w-]{43}", made.content.decode())[0]
    with acting_for(town.territory.pk):
        row = ApiKey.objects.get()
    town.names |= {
        "api_key": row.uuid,
        "indicator": "energy_per_light_point",
        "rest": "nulle-part",
    }
