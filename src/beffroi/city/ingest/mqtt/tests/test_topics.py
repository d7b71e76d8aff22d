from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.city.ingest.mqtt.contracts import BrokerRefused
from beffroi.city.ingest.mqtt.topics import shared, topic_of

LEVELS = st.lists(st.sampled_from(["a", "b", "", "$SYS", "c d"]), min_size=1, max_size=4)
FILTERS = st.lists(st.sampled_from(["a", "b", "", "+"]), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("declared", "asked", "topic", "names"),
    [
        ("t/{device}/up", "t/+/up", "t/lampe-7/up", {"device": "lampe-7"}),
        ("t/{device}/up", "t/+/up", "t/lampe-7/down", None),
        ("t/{device}/up", "t/+/up", "t//up", None),
        ("{device}/{measure}", "+/+", "a/b", {"device": "a", "measure": "b"}),
        ("{device}/{measure}", "+/+", "$SYS/uptime", None),
        ("v3/{app}/devices/{device}/#", "v3/+/devices/+/#", "v3/a@t/devices/d/down/ack",
         {"app": "a@t", "device": "d"}),
        ("v3/{app}/#", "v3/+/#", "v3/a", {"app": "a"}),
        ("#", "#", "anything/at/all", {}),
        ("#", "#", "$SYS/broker", None),
        ("fifo/essai", "fifo/essai", "fifo/essai", {}),
        ("a.b/+", "a.b/+", "axb/c", None),
    ],
)  # fmt: skip
def test_a_declared_topic_is_a_filter_that_reads(
    declared: str, asked: str, topic: str, names: dict[str, str] | None
) -> None:
    found = topic_of(declared)
    assert found.filter == asked
    assert found.read(topic) == names


@pytest.mark.parametrize(
    "text", ["", "a/#/b", "a+", "{a", "a/{device}x", "{d}/{d}", "$share/g/a", "a\0b", "x" * 251]
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(BrokerRefused):
        topic_of(text)


def test_a_group_shares() -> None:
    assert shared("t/+/up", group="ville") == "$share/ville/t/+/up"
    assert shared("t/+/up", group="") == "t/+/up"


@given(FILTERS, LEVELS, st.booleans())
def test_it_matches_what_the_standard_says(
    filter_: list[str],
    topic: list[str],
    everything: bool,  # noqa: FBT001 - given by Hypothesis
) -> None:
    """MQTT 5, section 4.7: level by level; ``$`` is reserved to the broker."""
    text = "/".join([*filter_, "#"] if everything else filter_)
    if not text or not "/".join(topic):
        return
    expected = (
        all(want in ("+", got) for want, got in zip(filter_, topic, strict=False))
        and (len(topic) >= len(filter_) if everything else len(topic) == len(filter_))
        and not (filter_[0] == "+" and topic[0].startswith("$"))
    )
    assert (topic_of(text).read("/".join(topic)) is not None) == expected
