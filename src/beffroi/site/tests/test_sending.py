from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from beffroi.site.sending import TRIES, DeliveryFailed, Door, Sender, door_of

Answer = tuple[int, dict[str, object], dict[str, str]]
DOOR = Door(connector="plain_json", key="k" * 20, secret="s")
TAKEN: Answer = (200, {"accepted": 2, "duplicates": 1, "refused": [], "refused_count": 1}, {})


class Network:
    """A door that answers what it is told to, and remembers what it was sent."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers = answers
        self.bodies: list[bytes] = []
        self.waits: list[float] = []
        self.url = ""

    def sender(self) -> Sender:
        return Sender(self.url, wait=self.waits.append)


@contextmanager
def answering(*answers: Answer) -> Iterator[Network]:
    network = Network(list(answers))

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            network.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            status, content, headers = network.answers.pop(0)
            body = json.dumps(content).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    network.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield network
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_lines_go_in_bodies_that_each_have_their_header_and_counts_add_up() -> None:
    with answering(TAKEN, TAKEN) as network:
        sender = network.sender()
        door = DOOR.with_header(b"device;time")
        assert sender.send_all(door, [b"1", b"2", b"3"], batch=2) == 3
        sender.close()
    assert network.bodies == [b"device;time\n1\n2\n", b"device;time\n3\n"]
    assert (sender.totals["accepted"], sender.totals["refused_count"]) == (4, 2)


def test_a_busy_door_is_asked_again_when_it_says() -> None:
    busy: Answer = (503, {"code": "database.away"}, {"Retry-After": "5"})
    with answering(busy, (429, {}, {"Retry-After": "60"}), TAKEN) as network:
        sender = network.sender()
        assert sender.send(DOOR, [b"{}"])["accepted"] == 2
        sender.close()
    assert network.bodies == [b"{}\n"] * 3
    assert network.waits == [5.0, 30.0]


def test_a_door_that_refuses_is_not_asked_again() -> None:
    with answering((401, {"code": "secret.wrong"}, {})) as network:
        sender = network.sender()
        with pytest.raises(DeliveryFailed, match=r"secret\.wrong"):
            sender.send(DOOR, [b"{}"])
        sender.close()
    assert network.waits == []


def test_a_door_that_stays_away_is_given_up() -> None:
    with answering() as network:
        sender = network.sender()
    with pytest.raises(DeliveryFailed):
        sender.send(DOOR, [b"{}"])
    assert len(network.waits) == TRIES - 1
    assert network.waits == sorted(network.waits)


def test_an_address_is_read_as_the_page_shows_it() -> None:
    base, door = door_of("https://x.example/ingest/csv_history/abc", secret="s", is_csv=True)
    assert (base, door.connector, door.key) == ("https://x.example", "csv_history", "abc")
    assert door.content_type == "text/csv"
