"""A tiny connector and codec, sources, and servers on loopback, for the tests of any room."""

from __future__ import annotations

import asyncio
import http.client
import importlib
import json
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import uvicorn

from beffroi.city.ingest.asgi import IngestApplication
from beffroi.city.ingest.catalogue import catalogue
from beffroi.city.ingest.intake import Intake
from beffroi.city.ingest.models import Source
from beffroi.city.ingest.postgres import application_conninfo
from beffroi.city.ingest.requests import BODY_TIME_S
from beffroi.city.ingest.sealing import unseal
from beffroi.city.ingest.services import source_create
from beffroi.foundation.database.api import acting_for
from beffroi.kernel.clock import parse_instant
from beffroi.kernel.errors import DecodeError, ParseError
from beffroi.kernel.units import Unit
from beffroi.sdk import registry
from beffroi.sdk.connectors import (
    Authentication,
    Connector,
    Delivery,
    Notice,
    NoticeKind,
    Parsed,
    Radio,
    Reception,
    Refusal,
    SourceSetting,
    Uplink,
)
from beffroi.sdk.declarations import AssetType, Codec, Domain, Frame, Measure, Pillar, Reading

LIMIT_S = 20.0
"""How long a test waits for anything at all."""

_numbers = count(1)


class HasId(Protocol):
    """A territory, as far as a factory needs one."""

    id: int


def tiny_parse(delivery: Delivery) -> Sequence[Parsed]:
    """Read ``{"device", "key", "at", …}`` or a list of them; the test's own format."""
    try:
        content = json.loads(delivery.body)
    except ValueError as problem:
        raise ParseError("The body is not JSON.", code="json") from problem
    items = content if isinstance(content, list) else [content]
    return [_tiny_item(index, item) for index, item in enumerate(items)]


def _tiny_item(index: int, item: dict[str, Any]) -> Parsed:
    raw = json.dumps(item).encode()
    if "device" not in item:
        return Refusal(index=index, code="device.none", message="Item {index} is nameless.",
                       params={"index": index}, raw=raw)  # fmt: skip
    at = parse_instant(item["at"])
    if "notice" in item:
        return Notice(device=item["device"], key=item["key"], kind=NoticeKind(item["notice"]),
                      observed_at=at, raw=raw)  # fmt: skip
    receptions = tuple(
        Reception(gateway=str(rank), rssi_dbm=rssi, snr_db=7.5)
        for rank, rssi in enumerate(item.get("rssi", ()))
    )
    return Uplink(
        device=item["device"],
        key=item["key"],
        observed_at=at,
        payload=bytes.fromhex(item["hex"]) if "hex" in item else None,
        f_port=item.get("port", 1),
        values=item.get("values", {}),
        readings=[(name, value, None) for name, value in item.get("readings", {}).items()],
        radio=Radio(receptions=receptions) if receptions else None,
        name=item.get("name", ""),
        simulated=item.get("simulated", False),
        lon=item.get("lon"),
        lat=item.get("lat"),
        raw=raw,
    )


def tiny_verify(delivery: Delivery, shared_key: str) -> bool:
    """Believe a delivery whose query repeats the shared key; no network is so trusting."""
    as_received = f"token={shared_key.replace(' ', '+')}" in delivery.query_string
    return as_received and delivery.query.get("token") == shared_key


def tiny_decode(frame: Frame) -> list[Reading]:
    """Read octets 0-1 as tenths of a degree, octet 2 as battery per cent, 3 as an hour ago."""
    if frame.payload[:1] == b"\xff":
        raise DecodeError("The frame begins with {octet}.", params={"octet": "ff"})
    readings = [Reading("temperature", int.from_bytes(frame.payload[:2], "big") / 10)]
    if len(frame.payload) > 2:
        readings.append(Reading("battery_pct", frame.payload[2]))
    if len(frame.payload) > 3:
        earlier = frame.observed_at - timedelta(hours=1)
        readings.append(Reading("temperature", frame.payload[3] / 10, earlier))
    return readings


STATION = AssetType(
    key="tiny_station",
    label="Tiny station",
    label_plural="Tiny stations",
    ngsi_type="Device",
    measures=(
        Measure(
            key="temperature",
            label="Temperature",
            unit=Unit.CELSIUS,
            valid=(-40, 60),
            source="a test",
        ),
    ),
)
CODEC = Codec(
    key="tiny",
    label="Tiny",
    vendor="Elsys",
    models=("T1",),
    decode=tiny_decode,
    recognises=lambda frame: len(frame.payload) in {2, 3, 4},
    source="a test",
)
CONNECTOR = Connector(
    key="tiny",
    label="Tiny network",
    parse=tiny_parse,
    authentication=(Authentication.SECRET, Authentication.SIGNATURE),
    verify=tiny_verify,
    settings=(SourceSetting(key="room", label="Room"),),
    help="Send JSON.",
)
DOMAIN = Domain(
    key="tiny",
    label="Tiny service",
    description="A service of the tests.",
    pillar=Pillar.RESOURCES,
    asset_types=(STATION,),
    codecs=(CODEC,),
)

_ENTRY_POINTS = f"""
[{registry.DOMAIN_GROUP}]
tiny = {__name__}:DOMAIN
[{registry.CONNECTOR_GROUP}]
tiny = {__name__}:CONNECTOR
"""


@contextmanager
def tiny_installed() -> Iterator[None]:
    """Install the tiny domain and connector for the block, as a package of a city would be."""
    with TemporaryDirectory(prefix="beffroi-tiny-") as folder:
        package = Path(folder) / "beffroi_tiny-1.dist-info"
        package.mkdir()
        package.joinpath("METADATA").write_text("Name: beffroi-tiny\nVersion: 1\n")
        package.joinpath("entry_points.txt").write_text(_ENTRY_POINTS)
        sys.path.insert(0, folder)
        _look_again()
        try:
            yield
        finally:
            sys.path.remove(folder)
            _look_again()


def _look_again() -> None:
    importlib.invalidate_caches()
    for cached in (
        registry.domains,
        registry.connectors,
        registry.codecs,
        registry.asset_types,
        registry.domain_of,
        registry.measures,
        catalogue,
    ):
        cached.cache_clear()


@dataclass(frozen=True, slots=True)
class MadeSource:
    """A source and the secret that opens it."""

    row: Source
    secret: str

    @property
    def path(self) -> str:
        """Return where it posts to."""
        return f"/ingest/{self.row.connector_key}/{self.row.key}"

    @property
    def headers(self) -> dict[str, str]:
        """Return what opens the door."""
        return {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}


def make_source(
    territory: HasId, *, connector: str = "tiny", default_codec: str = "", shared_key: str = ""
) -> MadeSource:
    """Add a source to a territory."""
    with acting_for(territory.id):
        row, issued = source_create(
            connector,
            name=f"Source {next(_numbers)}",
            default_codec=default_codec,
            shared_key=shared_key,
        )
    return MadeSource(row, "" if issued is None else issued.secret)


def tiny_message(device: str, at: datetime, **fields: Any) -> dict[str, Any]:
    """Return one message of the tiny network; its key is made up when it is not given."""
    return {"device": device, "key": f"k{next(_numbers)}", "at": at.isoformat(), **fields}


def make_application(**options: Any) -> IngestApplication:
    """Return an ingest process on the test's database."""
    conninfo = application_conninfo()
    body_time_s = options.pop("body_time_s", BODY_TIME_S)
    intake = Intake(url=lambda: conninfo, unseal=_unseal, **options)
    return IngestApplication(intake, body_time_s=body_time_s)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, *, before_stop: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._before_stop = before_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._before_stop is not None:
            self._before_stop()
        await super().shutdown(sockets)


@contextmanager
def serving(
    application: Callable[..., Awaitable[None]],
    *,
    before_stop: Callable[[], None] | None = None,
) -> Iterator[tuple[int, uvicorn.Server]]:
    """Serve an ASGI application on loopback in a thread; yields its port.

    ``before_stop`` is called in the server's own loop: it ends answers that never end.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
    )
    server = _Server(config, before_stop=before_stop)
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True
    )
    thread.start()
    try:
        yield listening.getsockname()[1], server
    finally:
        server.should_exit = True
        thread.join(LIMIT_S)
        listening.close()
        if thread.is_alive():
            raise AssertionError("the server does not stop")


def post(
    port: int, path: str, body: Any, *, headers: Mapping[str, str]
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Post a body (JSON unless it is octets already); return status, answer and headers."""
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    try:
        connection.request("POST", path, body=octets, headers=dict(headers))
        response = connection.getresponse()
        content = json.loads(response.read() or b"{}")
        return (
            response.status,
            content,
            {key.lower(): value for key, value in response.getheaders()},
        )
    finally:
        connection.close()


def _unseal(sealed: bytes, source: Any) -> str:
    from django.conf import settings  # noqa: PLC0415 - read when a source is, not on import

    return unseal(sealed, source=source, secret_keys=(settings.SECRET_KEY,))
