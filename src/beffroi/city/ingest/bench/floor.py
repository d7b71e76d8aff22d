"""The floor: the same server, whose callable only copies what came and commits.

No authentication, no parsing, no key, no index: what any door must do that acknowledges after
the disk. Started by the benchmark as a process of its own.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import MutableMapping
from typing import Any

import uvicorn
from psycopg import AsyncConnection

from beffroi.city.ingest.bench.messages import VALUES_OF_A_FRAME
from beffroi.city.ingest.servers import spare_the_collector

TABLES = """
CREATE TABLE IF NOT EXISTS bench_message (raw bytea);
CREATE TABLE IF NOT EXISTS bench_observation (stream_id bigint, at bigint, value float8);
"""
_WINDOW_S = 0.002
_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TAIL = b"\xff\xff"
_VALUE = struct.Struct(">hiqiqid").pack(3, 8, 1, 8, 1, 8, 1.0)


class Floor:
    """An ASGI callable that copies bodies, two milliseconds of them in one transaction."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "lifespan":
            await receive()
            self._task = asyncio.create_task(self._write())
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self._task.cancel()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if body:
            done = asyncio.get_running_loop().create_future()
            self._waiting.append((body, done))
            self._arrived.set()
            await done
        headers = [(b"content-length", b"2"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    async def _write(self) -> None:
        connection = await AsyncConnection.connect(self._url, autocommit=True)
        cursor = connection.cursor()
        while True:
            await self._arrived.wait()
            await asyncio.sleep(_WINDOW_S)
            group, self._waiting = self._waiting, []
            self._arrived.clear()
            await connection.execute("BEGIN")
            async with cursor.copy("COPY bench_message FROM STDIN (FORMAT binary)") as copy:
                rows = [struct.pack(">hi", 1, len(body)) + body for body, _ in group]
                await copy.write(_HEAD + b"".join(rows) + _TAIL)
            async with cursor.copy("COPY bench_observation FROM STDIN (FORMAT binary)") as copy:
                await copy.write(_HEAD + _VALUE * (VALUES_OF_A_FRAME * len(group)) + _TAIL)
            await connection.execute("COMMIT")
            for _, done in group:
                done.set_result(None)


def main() -> None:
    """Serve on the port of the first argument, with the database of the second."""
    spare_the_collector()
    config = uvicorn.Config(
        Floor(sys.argv[2]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
