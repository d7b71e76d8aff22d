"""Builds the wheel, installs it alone in an empty environment, and uses it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".uv" / "uv"
NEEDED = (
    "beffroi/foundation/web/static/built/manifest.json",
    "beffroi/foundation/web/static/built/third-party-licenses.md",
    "beffroi/foundation/web/locale/fr/LC_MESSAGES/django.mo",
    "beffroi/domains/street_lighting/README.md",
)


def main() -> int:
    """Return 0 when the wheel does what a town's first hour asks of it."""
    with tempfile.TemporaryDirectory(prefix="beffroi-wheel-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        run(str(UV), "build", "--wheel", "--quiet", "--out-dir", str(folder), str(ROOT))
        (wheel,) = folder.glob("*.whl")
        missing = sorted(set(NEEDED) - set(zipfile.ZipFile(wheel).namelist()))
        if missing:
            sys.stderr.write(f"the wheel lacks {missing}\n")
            return 1
        run(str(UV), "venv", "--quiet", str(folder / "venv"))
        run(str(UV), "pip", "install", "--quiet", "--python", str(folder / "venv"), str(wheel))
        beffroi = str(folder / "venv" / "bin" / "beffroi")
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("BEFFROI")},
            "BEFFROI_DATA_DIR": str(folder / "data"),
        }
        out = run(
            beffroi, "init", "--insee", "59350", "--admin", "a@example.org", environment=environment
        )
        run(beffroi, "assets", "types", environment=environment)
        run(beffroi, "database", "check", environment=environment)
        if "/compte/invitation/" not in out:
            sys.stderr.write(f"no invitation in:\n{out}\n")
            return 1
        size = wheel.stat().st_size / 1e6
        sys.stdout.write(f"{wheel.name}: {size:.1f} MB, installed, a town opened with it\n")
        sys.stdout.write("1 passed, 0 failed\n")
    return 0


def run(*command: str, environment: dict[str, str] | None = None) -> str:
    """Run a command and return what it printed; a failure ends the check."""
    done = subprocess.run(  # noqa: S603 - commands of this file
        command, capture_output=True, text=True, check=False, env=environment, cwd="/"
    )
    if done.returncode:
        sys.stderr.write(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        raise SystemExit(1)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
