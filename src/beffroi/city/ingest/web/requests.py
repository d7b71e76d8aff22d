"""What the access decorator left on a request, and what pages of this room share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypedDict, cast

from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext

from beffroi.city.codecs.api import is_script, script_text, scripts_list, uuid_of
from beffroi.city.ingest.contracts import MessageView, Status
from beffroi.foundation.accounts.api import actor_of, client_address
from beffroi.foundation.accounts.contracts import Access
from beffroi.foundation.audit.api import Actor
from beffroi.sdk.registry import codecs, measures

SHOWN_OCTETS = 256
SHOWN_TEXT = 4_000

TONES = {
    Status.DECODED: "ok",
    Status.STORED: "neutral",
    Status.UNCLAIMED: "attention",
    Status.UNDECODABLE: "alarm",
    Status.QUARANTINED: "alarm",
    Status.SIMULATED: "info",
    Status.NOTICE: "info",
}


class Who(TypedDict):
    """Who does it, as services take it."""

    actor: Actor
    ip: str


def access_of(request: HttpRequest) -> Access:
    """Return what the agent may do."""
    return cast("Access", request.access)  # type: ignore[attr-defined]  # set by @agent


def who(request: HttpRequest) -> Who:
    """Return who does it, for the audit log."""
    return {"actor": actor_of(access_of(request)), "ip": client_address(request)}


def codec_choices(*, scripts: bool = True, chosen: str = "") -> list[tuple[str, Any]]:
    """Return the codecs to choose from: those declared, the scripts of the town.

    ``chosen`` is in the list whatever it is: a codec of the library has thousands beside it.
    """
    named = sorted((codec.vendor, gettext(codec.label), codec.key) for codec in codecs().values())
    found: list[tuple[str, Any]] = [("", gettext("None: the source sends values"))]
    own = [(script.reference, script.name) for script in scripts_list()] if scripts else []
    if own:
        found.append((gettext("Scripts of the town"), own))
    if is_script(chosen) and chosen not in dict(own):
        found.append((gettext("Library"), [(chosen, codec_label(chosen))]))
    return [*found, *_labelled(named)]


def codec_label(reference: str) -> str:
    """Return what a codec is called, or its reference when it is gone."""
    if is_script(reference):
        script = script_text(reference)
        return gettext("A script that is gone") if script is None else script.name
    codec = codecs().get(reference)
    return reference if codec is None else gettext(codec.label)


def codec_url(territory: str, reference: str) -> str:
    """Return the address of the page of a script of the town, or an empty text."""
    uuid = uuid_of(reference) if reference == f"script:{uuid_of(reference)}" else None
    if uuid is None:
        return ""
    return reverse("codecs:script", kwargs={"territory": territory, "script": uuid})


def message_lines(
    messages: Iterable[MessageView], *, claim_at: Callable[[str], str] | None = None
) -> list[dict[str, Any]]:
    """Return messages as a table shows them.

    ``claim_at`` gives the address where a device that nobody knows is claimed.
    """
    return [
        {
            "message": message,
            "status_label": status_label(message.status),
            "tone": TONES[message.status],
            "claim_url": claim_at(message.device_identifier)
            if claim_at is not None and message.status is Status.UNCLAIMED
            else "",
            "hex": hex_of(message.payload),
            "raw": text_of(message.raw),
            "readings": shown_readings(
                (name, value, taken) for name, value, _at, taken in message.decoded
            ),
        }
        for message in messages
    ]


def shown_readings(readings: Iterable[tuple[str, Any, bool]]) -> list[tuple[str, str, bool]]:
    """Return values as they are read: those that were taken first, without false precision.

    What was taken has the name of its measure; what was not keeps the one that its sender gave.
    """
    rows = [
        (measure_label(name) if taken else name, _value(value), taken)
        for name, value, taken in readings
    ]
    return sorted(rows, key=lambda row: not row[2])


def measure_label(key: str) -> str:
    """Return the name of a measure in the reader's language, or its key when none declares it."""
    measure = measures().get(key)
    return key if measure is None else gettext(measure.label)


def _value(value: Any) -> str:
    """Three decimals are more than any of these sensors measures."""
    if isinstance(value, float):
        return number_format(round(value, 3) + 0.0)
    return str(value)


def status_label(status: Status) -> str:
    """Return what became of a message, in words."""
    return {
        Status.DECODED: gettext("Decoded"),
        Status.STORED: gettext("Kept"),
        Status.UNCLAIMED: gettext("Device not claimed"),
        Status.UNDECODABLE: gettext("Could not be decoded"),
        Status.QUARANTINED: gettext("Impossible time"),
        Status.SIMULATED: gettext("Test of the network"),
        Status.NOTICE: gettext("Network notice"),
    }[status]


def hex_of(octets: bytes | None) -> str:
    """Return octets in hexadecimal, in pairs, cut to what a page can show."""
    if octets is None:
        return ""
    shown = octets[:SHOWN_OCTETS].hex(" ")
    return shown if len(octets) <= SHOWN_OCTETS else f"{shown} …"


def text_of(octets: bytes) -> str:
    """Return octets as text when they are text, else in hexadecimal."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return hex_of(octets)
    return text if len(text) <= SHOWN_TEXT else f"{text[:SHOWN_TEXT]} …"


def _labelled(named: Iterable[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return [(key, f"{vendor} · {label}" if vendor else label) for vendor, label, key in named]
