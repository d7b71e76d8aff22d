"""Where the demo's files are, and what of them has been done."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from beffroi.kernel.errors import InvalidInput


class DemoFolder:
    """The demo's data as the repository carries them, and the state kept beside the database."""

    def __init__(self, data: Path, *, state: Path) -> None:
        if not (data / "montpellier").is_dir():
            raise InvalidInput(
                "{value} does not hold the demo's data.",
                field="--data",
                value=str(data),
                way_out="Run the command in a clone of the project, or name its folder demo.",
            )
        self._data = data
        self._scratch = state / "demo-files"
        self._state_path = state / "demo.json"

    def file(self, name: str) -> Path:
        """Return a file ready to be read, decompressed once if it was compressed."""
        path = self._data / name
        if path.suffix != ".gz":
            return path
        plain = self._scratch / Path(name).stem
        if not plain.exists() or plain.stat().st_mtime < path.stat().st_mtime:
            self._scratch.mkdir(parents=True, exist_ok=True)
            partial = plain.with_suffix(".part")
            partial.write_bytes(gzip.decompress(path.read_bytes()))
            partial.replace(plain)
        return plain

    def content(self, name: str) -> bytes:
        """Return the octets of a file, decompressed."""
        content = (self._data / name).read_bytes()
        return gzip.decompress(content) if name.endswith(".gz") else content

    def state(self) -> dict[str, Any]:
        """Return what earlier runs have kept."""
        try:
            return dict(json.loads(self._state_path.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError):
            return {}

    def keep(self, **values: Any) -> None:
        """Keep values for later runs; readable by this account alone, for some are secrets."""
        merged = {**self.state(), **values}
        partial = self._state_path.with_suffix(".part")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(merged, stream)
        partial.replace(self._state_path)

    def is_done(self, step: str, *, version: str) -> bool:
        """Tell whether a step was done by an earlier run with the same inputs."""
        return bool(self.state().get("steps", {}).get(step) == version)

    def done(self, step: str, *, version: str) -> None:
        """Remember that a step is done."""
        self.keep(steps={**self.state().get("steps", {}), step: version})

    def version_of(self, *names: str, salt: object = "") -> str:
        """Return a digest of files and of what else a step depends on."""
        digest = hashlib.blake2b(repr(salt).encode(), digest_size=12)
        for name in names:
            digest.update((self._data / name).read_bytes())
        return digest.hexdigest()
