"""The messages of the benchmark: frames of room sensors, and rows of weather stations."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from beffroi.city.ingest.bench.framing import write_framed

TYPE_KEY = "indoor_sensor"
CODEC_KEY = "elsys"
STATION_TYPE_KEY = "weather_station"
STATION_MEASURES = (
    "temperature_c",
    "humidity_pct",
    "pressure_hpa",
    "wind_speed_ms",
    "wind_gust_ms",
    "wind_direction_deg",
    "rain_mm",
    "solar_radiation_wm2",
)
VALUES_OF_A_FRAME = 3
"""A temperature from the payload, and how strong and how clear it was heard."""


def frame(device: str, *, counter: int, at: datetime) -> bytes:
    """Return one uplink as ChirpStack v4 posts it: about 900 octets, a temperature inside."""
    payload = b"\x01" + (150 + counter % 100).to_bytes(2, "big")
    return msgspec.json.encode(
        {
            "deduplicationId": f"{counter:08x}-5a3c-4b1e-9c57-0c5f3e2d1b0a",
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "deviceInfo": {
                "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
                "tenantName": "Ville",
                "applicationId": "ca739e26-7b67-4f14-b69e-d568c22a5a75",
                "applicationName": "Salles",
                "deviceProfileId": "605d08d4-65f5-4d2c-8a5a-3d2457662f79",
                "deviceProfileName": "ERS Lite",
                "deviceName": f"Salle {device[-4:]}",
                "devEui": device,
                "tags": {"site": "ecole"},
            },
            "devAddr": "00189440",
            "adr": True,
            "dr": 5,
            "fCnt": counter % 65_536,
            "fPort": 5,
            "confirmed": False,
            "data": base64.b64encode(payload).decode(),
            "rxInfo": [
                {
                    "gatewayId": "0016c001f153a14c",
                    "uplinkId": 4_217_106_255,
                    "rssi": -60 - counter % 50,
                    "snr": 7.5,
                    "channel": 2,
                    "rfChain": 1,
                    "location": {"latitude": 43.61, "longitude": 3.87, "altitude": 42},
                    "context": "E3OWOQ==",
                    "metadata": {"region_common_name": "EU868", "region_config_id": "eu868"},
                }
            ],
            "txInfo": {
                "frequency": 868_100_000,
                "modulation": {
                    "lora": {"bandwidth": 125_000, "spreadingFactor": 7, "codeRate": "CR_4_5"}
                },
            },
        }
    )


def frames(devices: Sequence[str], *, count: int, first: int, at: datetime) -> Iterator[bytes]:
    """Return uplinks of the devices in turn, one each millisecond up to an instant."""
    began = at - timedelta(milliseconds=count)
    for rank in range(count):
        instant = began + timedelta(milliseconds=rank)
        yield frame(devices[rank % len(devices)], counter=first + rank, at=instant)


def station_rows(
    devices: Sequence[str], *, count: int, rows: int, first: int, at: datetime
) -> Iterator[bytes]:
    """Return bodies of so many rows each, a row being eight measures of one station."""
    began = at - timedelta(milliseconds=count * rows)
    for body in range(count):
        items: list[dict[str, Any]] = []
        for rank in range(body * rows, (body + 1) * rows):
            instant = began + timedelta(milliseconds=rank)
            items.append(
                {
                    "device": devices[rank % len(devices)],
                    "time": instant.isoformat(timespec="milliseconds"),
                    "values": {
                        name: 1 + (first + rank) % 90 / 10 + place
                        for place, name in enumerate(STATION_MEASURES)
                    },
                }
            )
        yield msgspec.json.encode(items)


def write_requests(path: Path, bodies: Iterable[bytes], *, target: str, secret: str) -> None:
    """Write whole HTTP requests to a file."""
    head = (
        f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {secret}\r\n"
        "Content-Type: application/json\r\nUser-Agent: Go-http-client/1.1\r\n"
        "Accept-Encoding: gzip\r\nContent-Length: "
    ).encode()
    write_framed(path, (head + str(len(body)).encode() + b"\r\n\r\n" + body for body in bodies))
