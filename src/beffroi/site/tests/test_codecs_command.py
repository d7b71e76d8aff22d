from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from beffroi.site.cli.program import main

REPOSITORIES = Path(__file__).parents[2] / "city/codecs/tests/repositories"
TOWER = REPOSITORIES / "town_devices/vendor/clocher/tower.js"
DOWNLINK = REPOSITORIES / "town_devices/vendor/clocher/tower-downlink.js"


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LANGUAGE", "en")
    monkeypatch.setenv("BEFFROI_DATA_DIR", str(tmp_path))


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_check_says_what_passes_by_vendor_and_why_the_rest_does_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["codecs", "import", str(REPOSITORIES), "--check", "--verbose"]) == 0
    out = capsys.readouterr().out
    assert "uplinks 6/8, commands written 4/4, commands read 1/1" in out
    assert "another value than the one published" in out
    assert "tower-codec decodeUplink A stale example" in out
    assert '"temperature": 22' in out
    assert "lost.js" in out
    assert "nothing was written" in out


def test_a_check_prints_the_same_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["codecs", "import", str(REPOSITORIES), "--check", "--json", "--verbose"]) == 0
    told = printed(capsys)
    assert told["all"]["decodeUplink"] == {"passed": 6, "run": 8}
    assert (told["all"]["passed"], told["all"]["run"]) == (11, 13)
    assert told["verdicts"] == {"passed": 11, "different": 1, "no_script": 1}
    assert [failure["verdict"] for failure in told["failures"]] == ["no_script", "different"]
    assert told["written"] is None


def test_a_folder_without_codecs_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["codecs", "import", str(tmp_path), "--check"]) == 2
    assert "No codec was found" in capsys.readouterr().err


def test_a_frame_is_decoded_by_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["codecs", "run", "--codec", str(TOWER), "--fport", "2", "--hex", "08 34 00"]
    assert main(arguments) == 0
    assert printed(capsys) == {
        "data": {"temperature": 21, "bell": "off"},
        "warnings": [],
        "errors": [],
    }


def test_commands_go_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    named = ["codecs", "run", "--codec", str(DOWNLINK)]
    assert main([*named, "--encode", '{"ring": 3}']) == 0
    assert printed(capsys)["bytes"] == [1, 3]
    assert main([*named, "--downlink", "--hex", "0103"]) == 0
    assert printed(capsys)["data"] == {"ring": 3}


def test_what_a_script_refuses_or_lacks_is_printed_and_told_by_the_status(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["codecs", "run", "--codec", str(TOWER), "--fport", "9", "--hex", "00"]) == 1
    assert printed(capsys)["errors"] == ["unknown port"]
    assert main(["codecs", "run", "--codec", str(DOWNLINK), "--hex", "00"]) == 1
    assert printed(capsys)["problem"] == "missing_function"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--codec", str(TOWER), "--hex", "xyz"], "not hexadecimal"),
        (["--codec", str(TOWER), "--encode", "{"], "not JSON"),
        (["--codec", "nowhere.js", "--hex", "00"], "does not exist"),
    ],
)
def test_what_cannot_be_read_is_refused(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["codecs", "run", *words]) == 2
    assert said in capsys.readouterr().err
