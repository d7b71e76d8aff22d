from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from beffroi.foundation.database.embedded import EmbeddedServer


@contextmanager
def reachable_directory() -> Iterator[Path]:
    """A short path that the server's own account can enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="beffroi-"))
    folder.chmod(0o711)
    try:
        yield folder / "data"
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with reachable_directory() as folder:
        yield folder


@pytest.fixture(scope="module")
def running_server() -> Iterator[EmbeddedServer]:
    """One started server for the tests that only look at it."""
    with reachable_directory() as folder:
        embedded = EmbeddedServer(folder, unsafe_fast=True)
        embedded.start()
        yield embedded
        embedded.stop()


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedServer]:
    embedded = EmbeddedServer(data_dir, unsafe_fast=True)
    yield embedded
    embedded.stop()


@pytest.fixture
def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has to give its rights up")
