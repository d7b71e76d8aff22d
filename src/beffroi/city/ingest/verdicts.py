"""What became of each row of a delivery, for senders that ask: pure, from the batch alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

from beffroi.city.ingest.batches import Batch, Item
from beffroi.city.ingest.contracts import Status
from beffroi.kernel.errors import BeffroiError
from beffroi.sdk.connectors import Note, Uplink

_PREFERS = re.compile(r'(?:^|[,;])\s*return\s*=\s*"?representation"?\s*(?:$|[,;])', re.IGNORECASE)


class Verdict(StrEnum):
    """What became of one row."""

    ACCEPTED = "accepted"
    """Stored; it gave measurements, or nothing in it is declared as one."""
    DUPLICATE = "duplicate"
    """Stored before, or twice in this delivery: it counts once."""
    UNCLAIMED = "unclaimed"
    UNDECODABLE = "undecodable"
    QUARANTINED = "quarantined"
    REFUSED = "refused"
    """Not stored as a message; ``code`` and ``message`` say why."""


_OF_STATUS = {
    Status.UNCLAIMED: Verdict.UNCLAIMED,
    Status.UNDECODABLE: Verdict.UNDECODABLE,
    Status.QUARANTINED: Verdict.QUARANTINED,
}


def wants_verdicts(headers: Mapping[str, str], *, query: str) -> bool:
    """Tell whether a sender asks for the verdict of each row.

    It does so by ``Prefer: return=representation`` (RFC 7240) or by ``?verdicts=all``; header
    names are in lower case, the query is as received.
    """
    if _PREFERS.search(headers.get("prefer", "")):
        return True
    return "verdicts" in query and "all" in parse_qs(query, max_num_fields=100).get("verdicts", ())


def verdicts_of(batch: Batch) -> list[dict[str, Any]]:
    """Return one verdict per row, in the order of the delivery, once the batch is stored.

    Each has ``index`` and ``verdict``; ``device`` and ``time`` where the row was read; ``code``
    and ``message`` where there is something to say; ``notes`` where the reading had a doubt.
    """
    told: dict[int, dict[str, Any]] = {}
    for item in batch.items:
        told[item.index] = _of_item(item)
    for refusal in batch.refusals:
        problem = BeffroiError(refusal.message, way_out=refusal.way_out, params=refusal.params)
        told[refusal.index] = {
            "index": refusal.index,
            "verdict": Verdict.REFUSED.value,
            "code": refusal.code,
            "message": str(problem),
        }
    # A message that stands twice in a delivery is kept of it once: its second place is the gap.
    for index in range(len(told) + batch.repeated):
        if index not in told:
            told[index] = {"index": index, "verdict": Verdict.DUPLICATE.value}
    return [told[index] for index in sorted(told)]


def _of_item(item: Item) -> dict[str, Any]:
    decoded = item.decoded
    verdict = _OF_STATUS.get(decoded.status, Verdict.ACCEPTED) if item.new else Verdict.DUPLICATE
    row: dict[str, Any] = {
        "index": item.index,
        "verdict": verdict.value,
        "device": item.identifier,
        "time": item.message.observed_at.isoformat(),
    }
    if item.new and decoded.error:
        row["code"] = decoded.error_code
        row["message"] = str(BeffroiError(decoded.error, params=decoded.error_params))
    if isinstance(item.message, Uplink) and item.message.notes:
        row["notes"] = [told_note(note) for note in item.message.notes]
    return row


def told_note(note: Note) -> str:
    """Return a note in English with its fields filled in."""
    return str(BeffroiError(note.message, params=note.params))
