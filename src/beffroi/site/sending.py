"""Sends to the ingest door over HTTP, as any network server would."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from urllib.parse import urlsplit

from beffroi.kernel.errors import BeffroiError, InvalidInput

BATCH = 1_000
TRIES = 8
LONGEST_WAIT_S = 30.0


class DeliveryFailed(BeffroiError):
    """The ingest door did not take a message."""

    code = "sending.refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One source's address and secret."""

    connector: str
    key: str
    secret: str
    content_type: str = "application/json"
    header: bytes = b""
    """First line of every body, for CSV, with its line end."""

    def with_header(self, header: bytes) -> Door:
        """Return the same door with a first line for every body."""
        return replace(self, header=header + b"\n")


def door_of(address: str, *, secret: str, is_csv: bool) -> tuple[str, Door]:
    """Return the server's address and the door of ``https://…/ingest/connector/source``.

    Raises:
        InvalidInput: the address has another form.
    """
    parts = urlsplit(address)
    words = parts.path.strip("/").split("/")
    if parts.scheme not in {"http", "https"} or len(words) != 3 or words[0] != "ingest":
        raise InvalidInput(
            "{value} is not the address of a source.",
            field="address",
            value=address,
            way_out="Copy it from the source's page: it ends in /ingest/connector/source.",
        )
    return f"{parts.scheme}://{parts.netloc}", Door(
        connector=words[1],
        key=words[2],
        secret=secret,
        content_type="text/csv" if is_csv else "application/json",
    )


class Sender:
    """One connection to the ingest door, opened again when it is lost.

    ``totals`` adds up what the door answered: ``accepted``, ``duplicates``, ``refused_count``…
    """

    def __init__(self, base_url: str, *, wait: Callable[[float], None] = time.sleep) -> None:
        parts = urlsplit(base_url)
        self._host = parts.hostname or "127.0.0.1"
        self._tls = parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        self._connection: http.client.HTTPConnection | None = None
        self._wait = wait
        self.totals: Counter[str] = Counter()

    def send(self, door: Door, lines: Sequence[bytes]) -> dict[str, int]:
        """Send lines in one body and return the counts of the answer.

        A door that is busy or away is tried again, when it says or later and later; messages carry
        their own keys, so that what was taken the first time is not taken twice.

        Raises:
            DeliveryFailed: the door refuses, or stays away.
        """
        body = door.header + b"\n".join(lines) + b"\n"
        last = ""
        for attempt in range(TRIES):
            pause = min(5.0, 0.2 * 2**attempt)
            try:
                status, answer, asked_s = self._post(door, body)
            except (OSError, http.client.HTTPException) as problem:
                self.close()
                last = str(problem)
            else:
                if status == http.client.OK:
                    counts = {key: n for key, n in answer.items() if isinstance(n, int)}
                    self.totals.update(counts)
                    return counts
                last = f"{status} {answer}"
                if status not in {429, 502, 503, 504}:
                    break
                pause = max(pause, asked_s)
            if attempt + 1 < TRIES:
                self._wait(min(pause, LONGEST_WAIT_S))
        raise DeliveryFailed(
            "The ingest door did not take what was sent: {reason}.", params={"reason": last[:300]}
        )

    def send_all(
        self,
        door: Door,
        lines: Iterable[bytes],
        *,
        batch: int = BATCH,
        progress: Callable[[int], None] = lambda _done: None,
    ) -> int:
        """Send lines in batches and return how many were sent."""
        done = 0
        for group in in_groups(lines, size=batch):
            self.send(door, group)
            done += len(group)
            progress(done)
        return done

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _post(self, door: Door, body: bytes) -> tuple[int, dict[str, object], float]:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._tls else http.client.HTTPConnection
            self._connection = kind(self._host, self._port, timeout=60)
        self._connection.request(
            "POST",
            f"/ingest/{door.connector}/{door.key}",
            body=body,
            headers={
                "Authorization": f"Bearer {door.secret}",
                "Content-Type": door.content_type,
            },
        )
        response = self._connection.getresponse()
        content = response.read()
        try:
            answer = json.loads(content)
        except ValueError:
            answer = {"text": content[:300].decode("utf-8", "replace")}
        asked = response.getheader("Retry-After", "")
        return (
            response.status,
            answer if isinstance(answer, dict) else {},
            float(asked) if asked.isdigit() else 0.0,
        )


def in_groups(lines: Iterable[bytes], *, size: int) -> Iterator[list[bytes]]:
    """Cut lines into groups."""
    iterator = iter(lines)
    while group := list(islice(iterator, size)):
        yield group
