"""Each import contract holds, and a planted violation of each is caught."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = ROOT / ".importlinter"
PACKAGE = ROOT / "src" / "beffroi"

PLANTED = {
    "layers": ("foundation/files/planted.py", "import beffroi.modules.control_room"),
    "plain_python": ("domains/waste/planted.py", "import django"),
    "declared": ("city/assets/planted.py", "import beffroi.domains.waste"),
    "domains": ("domains/waste/planted.py", "import beffroi.domains.parking"),
    "connectors": ("connectors/helium/planted.py", "import beffroi.connectors.chirpstack"),
    "foundation": ("foundation/files/planted.py", "import beffroi.foundation.web"),
    "city": ("city/assets/planted.py", "import beffroi.city.ingest"),
}


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [str(program), "--config", str(CONFIGURATION), "--no-cache"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )


def skeleton(tree: Path) -> None:
    """Write the packages of the house, empty, so that only what is planted is imported."""
    for folder in PACKAGE.glob("**/"):
        depth = len(folder.relative_to(PACKAGE).parts)
        if depth <= 2 and (folder / "__init__.py").exists():
            target = tree / "beffroi" / folder.relative_to(PACKAGE)
            target.mkdir(parents=True, exist_ok=True)
            (target / "__init__.py").touch()


def contracts() -> list[str]:
    parser = configparser.ConfigParser()
    parser.read(CONFIGURATION)
    prefix = "importlinter:contract:"
    return [name.removeprefix(prefix) for name in parser.sections() if name.startswith(prefix)]


def test_the_house_keeps_its_contracts() -> None:
    done = lint(ROOT / "src")
    assert done.returncode == 0, done.stdout


def test_an_empty_house_keeps_them_too(tmp_path: Path) -> None:
    skeleton(tmp_path)
    done = lint(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_contract_has_a_planted_violation() -> None:
    assert sorted(PLANTED) == sorted(contracts())


@pytest.mark.parametrize("contract", sorted(PLANTED))
def test_planted_violation_is_caught(contract: str, tmp_path: Path) -> None:
    skeleton(tmp_path)
    where, statement = PLANTED[contract]
    (tmp_path / "beffroi" / where).write_text(f"{statement}\n")
    names = configparser.ConfigParser()
    names.read(CONFIGURATION)
    title = names[f"importlinter:contract:{contract}"]["name"]
    done = lint(tmp_path)
    assert done.returncode != 0
    assert f"{title} BROKEN" in done.stdout
