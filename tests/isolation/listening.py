"""A browser's side of the stream of live changes, kept as it came."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from marked_town import MarkedTown

from beffroi.city.ingest.testing import LIMIT_S


class Heard:
    """One open stream, and everything it has said."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self.text = ""

    def until(self, wanted: str, *, times: int = 1) -> str:
        """Read lines until something is said, and return all that was said."""
        while self.text.count(wanted) < times:
            line = self._response.readline().decode()
            if not line:
                raise AssertionError(f"the stream ended before {wanted!r}: {self.text}")
            self.text += line
        return self.text


@contextmanager
def listening(
    port: int, town: MarkedTown, *, slug: str = "", query: str = "", mark: int = 0
) -> Iterator[Heard]:
    """Open the stream of a town (one's own unless ``slug`` says another's) as its agent.

    Raises:
        ConnectionRefusedError: the server opens no stream; the text is its status.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    name = settings.SESSION_COOKIE_NAME
    asked = {"Cookie": f"{name}={town.client.cookies[name].value}"}
    if mark:
        asked["Last-Event-ID"] = str(mark)
    try:
        connection.request("GET", f"/live/{slug or town.territory.slug}{query}", headers=asked)
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise ConnectionRefusedError(str(response.status))
        yield Heard(response)
    finally:
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()
