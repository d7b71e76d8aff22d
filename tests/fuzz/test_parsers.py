"""A moment of every target in the ordinary suite; ``make fuzz`` searches for longer."""

from __future__ import annotations

import time
from itertools import islice

import pytest
from contracts_of_parsers import NOW, BrokenContract, check_parsed, check_refusal
from mutation import mutations
from run import outcome_of
from targets import Target, targets

from beffroi.kernel.errors import ParseError
from beffroi.sdk import registry
from beffroi.sdk.connectors import Uplink

CPU_S = 0.5
"""Processor time of each target: all of them stay within twenty seconds."""

MOST = 2_000
LEAST = 20
TARGETS = targets()


def executions(target: Target, *, most: int = MOST) -> int:
    """Run a target until its time is over; return how often it ran."""
    began, count = time.process_time(), 0
    inputs = mutations(target.seeds(), dictionary=target.dictionary)
    for octets in islice(inputs, LEAST if target.slow else most):
        if count >= LEAST and time.process_time() - began > CPU_S:
            break
        target.run(octets)
        count += 1
    return count


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_refuses_or_keeps_its_contract(name: str) -> None:
    assert executions(TARGETS[name]) >= LEAST


@pytest.mark.parametrize("name", TARGETS)
def test_a_search_begins_with_what_is_read(name: str) -> None:
    """One that began with refusals alone would not get far."""
    target = TARGETS[name]
    assert any(map(target.run, target.seeds()))


def test_every_connector_has_a_target() -> None:
    assert {f"connector-{key}" for key in registry.connectors()} <= set(TARGETS)


def planted(octets: bytes) -> bool:
    """A parser with a fault behind a condition that a good input nearly meets."""
    if ";;" in octets.decode("utf-8", "replace"):
        raise ZeroDivisionError
    return True


def test_a_planted_fault_is_found() -> None:
    seeds = [b"device;time;a\nd;2026-03-02T07:31:22Z;1\n"]
    target = Target("planted", planted, lambda: seeds, ())
    with pytest.raises(ZeroDivisionError):
        executions(target)


def test_a_broken_contract_is_found() -> None:
    for wrong in (
        {"readings": (("x", float("nan"), None),)},
        {"device": ""},
        {"raw": b"x" * 10_000},
    ):
        good = {"device": "d", "key": "k", "observed_at": NOW}
        with pytest.raises(BrokenContract):
            check_parsed([Uplink(**{**good, **wrong})], body=b"{}")


def test_a_refusal_without_way_out_is_found() -> None:
    with pytest.raises(BrokenContract):
        check_refusal(ParseError("It is wrong."))


SAID = "#12 INITED cov: 80 ft: 90\n#99 DONE cov: 95 ft: 99\nstat::number_of_executed_units: 99\n"


def test_what_a_search_printed_is_read() -> None:
    found = outcome_of("x", SAID, status=0, seeds=3)
    assert (found.executions, found.covered_at_first, found.covered, found.fault) == (
        99,
        80,
        95,
        "",
    )


@pytest.mark.parametrize(("said", "status"), [(SAID, 77), ("", 0), (SAID[:20], 0), (SAID, -1)])
def test_a_search_that_ended_badly_or_ran_nothing_is_a_fault(said: str, status: int) -> None:
    assert outcome_of("x", said, status=status, seeds=3).fault
