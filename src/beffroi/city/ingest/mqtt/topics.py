"""Topics as a subscription declares them: a filter in which levels may have names.

``t/{device}/up`` subscribes to ``t/+/up`` and reads the device in the second level. ``device``,
``measure`` and ``event`` say something to the reading of a message; other names only document.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from beffroi.city.ingest.mqtt.contracts import BrokerRefused

MAX_TOPIC = 250
DEVICE, MEASURE, EVENT = "device", "measure", "event"
_NAMED = re.compile(r"\{([a-z_]{1,30})\}")


@dataclass(frozen=True, slots=True)
class Topic:
    """One declared topic, checked."""

    text: str
    filter: str
    pattern: re.Pattern[str]

    def read(self, topic: str) -> Mapping[str, str] | None:
        """Return the named levels of a topic that matches; None for another."""
        found = self.pattern.fullmatch(topic)
        return None if found is None else found.groupdict()


@lru_cache(maxsize=4_096)
def topic_of(text: str) -> Topic:
    """Check a declared topic.

    Raises:
        BrokerRefused: it is no filter of MQTT, or two levels have one name.
    """
    if not text or len(text) > MAX_TOPIC or not text.isprintable():
        raise _refused("A topic has at most {limit} printable characters.", text)
    if text.startswith(("$share/", "$queue/")):
        raise _refused("The group of a shared subscription is declared on the broker.", text)
    levels = text.split("/")
    if "#" in levels[:-1]:
        raise _refused("In {value}, # is not the last level.", text)
    names = [found[1] for level in levels if (found := _NAMED.fullmatch(level))]
    if len(names) != len(set(names)):
        raise _refused("In {value}, two levels have the same name.", text)
    parts = [_part(level, text) for level in levels if level != "#"]
    # A wildcard in the first place does not match the broker's own topics ($SYS/…).
    head = r"(?!\$)" if levels[0][:1] in {"+", "#", "{"} else ""
    body = "/".join(parts)
    if levels[-1] == "#":
        body = f"{body}(?:/.*)?" if parts else ".*"
    return Topic(text, _NAMED.sub("+", text), re.compile(head + body))


def _part(level: str, text: str) -> str:
    if level == "+":
        return "[^/]*"
    named = _NAMED.fullmatch(level)
    if named is not None:
        return f"(?P<{named[1]}>[^/]+)"
    if set(level) & set("+#{}"):
        raise _refused(
            "In {value}, the level {level} is neither a word, nor +, nor a name in braces.",
            text,
            level=level,
        )
    return re.escape(level)


def shared(filter_: str, *, group: str) -> str:
    """Return what is asked of the broker: the filter, in a group that shares its messages."""
    return f"$share/{group}/{filter_}" if group else filter_


def _refused(message: str, text: str, **params: str) -> BrokerRefused:
    return BrokerRefused(
        message,
        field="topic",
        value=text,
        way_out="Write it as v3/{{application}}/devices/{{device}}/up.",
        params={"value": text[:80], "limit": MAX_TOPIC, **params},
    )
