from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from beffroi.city.ingest.batches import Batch, decode_batch, sort_out
from beffroi.city.ingest.catalogue import catalogue
from beffroi.city.ingest.directory import SourceEntry
from beffroi.city.ingest.testing import CONNECTOR
from beffroi.city.ingest.verdicts import verdicts_of, wants_verdicts
from beffroi.sdk.connectors import Note, Parsed, Refusal, Uplink

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def uplink(device: str, *, key: str = "", at: datetime = NOW, note: str = "") -> Uplink:
    return Uplink(
        device=device,
        key=key or device,
        observed_at=at,
        readings=(("temperature", 1.0, None),),
        notes=(Note(note, {"value": "12"}),) if note else (),
    )


def batch(*parsed: Parsed) -> Batch:
    source = SourceEntry(
        id=1,
        territory_id=1,
        uuid=uuid4(),
        key="k",
        connector=CONNECTOR,
        authentication="secret",
        secret_hashes=(),
        shared_key="",
        settings={},
        default_codec="",
    )
    made = sort_out(parsed, source=source, received_at=NOW, content_type="application/json")
    decode_batch(made, {}, installed=catalogue())
    return made


def stored(made: Batch, *new: str) -> Batch:
    """Return a batch as a flush leaves it to which so many of its messages were new."""
    for item in made.items:
        item.new = item.key in new
    return made


def test_each_row_has_its_verdict_at_its_place() -> None:
    made = batch(
        uplink("a"),
        Refusal(index=1, code="parse", message="{field} is wrong.", params={"field": "x"}),
        uplink("a"),
        uplink("known"),
        uplink("ahead", at=NOW + timedelta(hours=3)),
        uplink("", key="nameless"),
        uplink("told", note="{value} is odd."),
    )
    found = verdicts_of(stored(made, "a", "ahead", "told"))
    assert [row["index"] for row in found] == list(range(7))
    assert [row["verdict"] for row in found] == [
        "unclaimed", "refused", "duplicate", "duplicate", "quarantined", "refused", "unclaimed",
    ]  # fmt: skip
    assert found[1]["message"] == "x is wrong."
    assert found[4]["code"] == "time"
    assert found[6]["notes"] == ["12 is odd."]


def test_a_row_that_the_database_takes_in_no_transaction_is_refused() -> None:
    made = batch(uplink("a"), uplink("b"))
    part = made.halves()[1]
    made.refusals += part.give_up()
    assert [row["verdict"] for row in verdicts_of(stored(made, "a"))] == ["unclaimed", "refused"]


@pytest.mark.parametrize(
    ("prefer", "query", "wanted"),
    [
        ("", "", False),
        ("return=minimal", "", False),
        ("return=representation", "", True),
        ('respond-async, return="representation"; x=1', "", True),
        ("xreturn=representation", "", False),
        ("", "verdicts=all", True),
        ("", "a=1&verdicts=all", True),
        ("", "verdicts=", False),
    ],
)
def test_who_asks_gets_them(prefer: str, query: str, *, wanted: bool) -> None:
    assert wants_verdicts({"prefer": prefer} if prefer else {}, query=query) is wanted
