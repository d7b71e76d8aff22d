"""Starts the live server in this process."""

from __future__ import annotations

import socket

import uvicorn


class LiveServer(uvicorn.Server):
    """A server whose endless answers end when it is told to stop."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams first: nothing else would."""
        from beffroi.city.live.asgi import application  # noqa: PLC0415 - after Django is set up

        application.end_streams()
        await super().shutdown(sockets)


def run_live(host: str = "127.0.0.1", port: int = 8003, *, uds: str | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    LiveServer(
        uvicorn.Config(
            "beffroi.city.live.asgi:application",
            host=host,
            port=port,
            uds=uds,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=3,
        )
    ).run()
