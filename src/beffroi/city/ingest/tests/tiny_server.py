"""An ingest process of its own, on a socket it inherits: what a test may kill."""

from __future__ import annotations

import asyncio
import socket
import sys

import django
import uvicorn

django.setup()

from beffroi.city.ingest.asgi import application  # noqa: E402 - models need Django to be set up
from beffroi.city.ingest.testing import tiny_installed  # noqa: E402 - same

with tiny_installed(), socket.socket(fileno=int(sys.argv[1])) as listening:
    config = uvicorn.Config(application, http="httptools", ws="none", log_config=None)
    asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))
