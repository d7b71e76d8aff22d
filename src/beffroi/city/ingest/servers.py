"""Starts the ingest server in this process."""

from __future__ import annotations

import gc

import uvicorn


def run_ingest(host: str = "127.0.0.1", port: int = 8002, *, uds: str | None = None) -> None:
    """Serve until SIGTERM or SIGINT; deliveries that have begun are finished first."""
    spare_the_collector()
    uvicorn.Server(server_config(host=host, port=port, uds=uds)).run()


def spare_the_collector() -> None:
    """Let the cyclic collector look seldom, and only at what came since the start.

    A message is a hundred objects that refer to nothing in a circle; looking through all that
    Django loaded at every few of them took a third of the time of a message.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1_000)


def server_config(*, host: str, port: int, uds: str | None) -> uvicorn.Config:
    """Return how the server runs: its own log lines, no line per request."""
    return uvicorn.Config(
        "beffroi.city.ingest.asgi:application",
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
        timeout_graceful_shutdown=10,
    )
