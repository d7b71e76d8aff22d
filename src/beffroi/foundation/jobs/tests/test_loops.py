from __future__ import annotations

from beffroi.foundation.jobs.api import declared_loops


def test_loops_of_every_room_are_found() -> None:
    keys = [loop.key for loop in declared_loops()]
    assert "messaging.sender" in keys
    assert keys == sorted(set(keys))
