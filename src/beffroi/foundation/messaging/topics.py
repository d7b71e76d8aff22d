"""Kinds of events, as each room declares them when it starts."""

from __future__ import annotations

from collections.abc import Iterable

from beffroi.foundation.messaging.contracts import Topic

_TOPICS: dict[str, Topic] = {}


def topics_declare(declared: Iterable[Topic]) -> None:
    """Name the events that a room writes to the outbox; called from ``AppConfig.ready``."""
    for topic in declared:
        _TOPICS[topic.key] = topic


def topics_all() -> tuple[Topic, ...]:
    """Return every declared topic, by key."""
    return tuple(_TOPICS[key] for key in sorted(_TOPICS))
