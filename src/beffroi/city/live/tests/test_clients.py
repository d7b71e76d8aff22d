from __future__ import annotations

import json

from beffroi.city.live.clients import MOST_WAITING, Client, change_event
from beffroi.city.live.contracts import Changes, View, merge

ALL = View(everything=True)


def changes(uuid: str = "a", value: float = 1.0, at: int = 1, area: int | None = 1) -> Changes:
    return {uuid: ("lighting", area, {"power_w": (value, at, 1)})}


def offered(client: Client, mark: int, part: Changes) -> None:
    client.offer(mark, change_event(mark, part), part)


def data_of(event: bytes) -> object:
    return json.loads(event.decode().split("data: ", 1)[1])


def test_a_client_that_keeps_up_gets_each_event_with_its_mark() -> None:
    client = Client(ALL)
    client.begin(1, {})
    offered(client, 7, changes())
    assert list(client.events()) == [
        b'event: change\nid: 7\ndata: [["a",{"power_w":[1.0,1,1]}]]\n\n'
    ]
    assert list(client.events()) == []


def test_a_client_that_lags_gets_one_event_with_the_latest_reading_of_each_asset() -> None:
    client = Client(ALL)
    client.begin(1, {})
    for mark in range(2, 10):
        offered(client, mark, changes(value=mark, at=mark))
    offered(client, 10, changes("b"))
    offered(client, 11, changes(value=-1.0, at=3))
    (event,) = client.events()
    assert b"id: 11\n" in event
    assert data_of(event) == [
        ["a", {"power_w": [9.0, 9, 1]}],
        ["b", {"power_w": [1.0, 1, 1]}],
    ]


def test_what_waits_is_bounded_and_the_page_is_told_to_start_again() -> None:
    client = Client(ALL)
    client.begin(1, {})
    for number in range(MOST_WAITING + 2):
        offered(client, number, changes(str(number)))
    events = list(client.events())
    assert events[0].startswith(b"event: reset\n")
    assert sum(len(event) for event in events) < 1_000


def test_nothing_is_sent_before_what_was_missed() -> None:
    client = Client(ALL)
    offered(client, 5, changes(value=5.0, at=5))
    assert not client.ready.is_set()
    client.begin(4, {**changes(value=4.0, at=4), **changes("b", value=2.0)})
    (event,) = client.events()
    assert data_of(event) == [
        ["a", {"power_w": [5.0, 5, 1]}],
        ["b", {"power_w": [2.0, 1, 1]}],
    ]


def test_a_view_shows_only_its_domains_areas_and_assets() -> None:
    everywhere: Changes = {
        **changes("a", area=1),
        **changes("b", area=2),
        **changes("c", area=None),
    }
    one_area = View(everything=False, allowed=frozenset({("lighting", 1)}))
    assert set(one_area.of_changes(everywhere)) == {"a"}
    one_domain = View(everything=False, allowed=frozenset({("lighting", None)}))
    assert set(one_domain.of_changes(everywhere)) == {"a", "b", "c"}
    other = View(everything=False, allowed=frozenset({("waste", None)}))
    assert other.of_changes(everywhere) == {}
    nowhere = View(everything=False)
    assert nowhere.of_changes(everywhere) == {}
    page = View(everything=False, allowed=frozenset({(None, 2)}), assets=frozenset({"a", "b"}))
    assert set(page.of_changes(everywhere)) == {"b"}


def test_merging_does_not_change_what_others_hold() -> None:
    shared = changes()
    mine: Changes = {}
    merge(mine, shared)
    merge(mine, changes(value=2.0, at=2))
    assert shared == changes()
