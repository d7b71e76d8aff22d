"""What can be told of a device from its name and from what it sends: to help, not to decide."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from beffroi.city.codecs.api import flattened
from beffroi.city.ingest.catalogue import Catalogue
from beffroi.city.ingest.contracts import CodecGuess, DeviceGuess
from beffroi.sdk.connectors import Uplink
from beffroi.sdk.declarations import Frame

log = logging.getLogger("beffroi.ingest")

VENDORS = {
    "0004a3": "Microchip",
    "000b57": "Silicon Laboratories",
    "00137a": "Netvox",
    "0018b2": "Adeunis",
    "0080e1": "STMicroelectronics",
    "24e124": "Milesight",
    "647fda": "Tektelic",
    "70b3d57ba": "Decentlab",
    "70b3d57ed": "The Things Industries",
    "70b3d5e75": "Watteco",
    "7076ff": "Kerlink",
    "a81758": "Elsys",
    "a84041": "Dragino",
    "ac1f09": "RAKwireless",
}
"""Beginning of an EUI-64 (IEEE OUI or 36-bit assignment) to who makes what bears it."""

MAX_FIELDS = 60


def vendor_of(identifier: str) -> str:
    """Return who was assigned the beginning of an EUI-64, or an empty text."""
    return next((VENDORS[identifier[:size]] for size in (9, 6) if identifier[:size] in VENDORS), "")


def device_guess(
    identifier: str, uplinks: Iterable[Uplink], *, installed: Catalogue
) -> DeviceGuess:
    """Look at some messages of a device: which codecs recognise them, which values they name."""
    recognised = dict.fromkeys(installed.codecs, 0)
    looked_at = 0
    fields: dict[str, None] = {}
    for uplink in uplinks:
        for name, _value in flattened(uplink.values):
            fields[name] = None
        for name, _number, _at in uplink.readings:
            fields[name] = None
        if not uplink.payload:
            continue
        looked_at += 1
        frame = Frame(payload=uplink.payload, f_port=uplink.f_port, observed_at=uplink.observed_at)
        for key, codec in installed.codecs.items():
            try:
                recognised[key] += bool(codec.recognises(frame))
            except Exception:
                log.exception("the codec %s failed to say whether it recognises a frame", key)
    vendor = vendor_of(identifier)
    codecs = [
        CodecGuess(
            codec_key=key,
            label=installed.codecs[key].label,
            recognised=count,
            looked_at=looked_at,
        )
        for key, count in recognised.items()
        if count
    ]
    codecs.sort(
        key=lambda guess: (
            installed.codecs[guess.codec_key].vendor.casefold() != vendor.casefold(),
            -guess.recognised,
            guess.codec_key,
        )
    )
    return DeviceGuess(vendor=vendor, codecs=tuple(codecs), fields=tuple(fields)[:MAX_FIELDS])
