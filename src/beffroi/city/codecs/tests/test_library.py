"""Repositories in the three layouts, written for these tests in ``repositories``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.city.codecs.engine.runner import ScriptRunner
from beffroi.city.codecs.library.comparison import same_answer, same_value
from beffroi.city.codecs.library.contracts import Repository, Verdict
from beffroi.city.codecs.library.files import Tree, Unreadable, octets_of
from beffroi.city.codecs.library.reading import repository_read
from beffroi.city.codecs.library.trying import tried_all
from beffroi.city.codecs.library_records import (
    LibraryCodecNotFound,
    LibraryNameUnclear,
    library_list,
    library_text,
    library_write,
)
from beffroi.city.codecs.models import LibraryCodec, LibraryModel
from beffroi.kernel.errors import InvalidInput

LOWEST = float("-inf")
REPOSITORIES = Path(__file__).parent / "repositories"


@pytest.fixture(scope="module")
def runner() -> Iterator[ScriptRunner]:
    with ScriptRunner() as started:
        yield started


def verdicts(repository: Repository, runner: ScriptRunner) -> dict[str, list[Verdict]]:
    return {
        codec.key: [item.verdict for item in tried]
        for codec, tried in tried_all(repository.codecs, runner=runner)
    }


def test_three_layouts_are_found_at_any_depth_and_their_examples_run(runner: ScriptRunner) -> None:
    repository = repository_read(REPOSITORIES)
    good = Verdict.PASSED
    assert verdicts(repository, runner) == {
        "ttn/clocher/lost-codec": [Verdict.NO_SCRIPT],
        "ttn/clocher/tower-codec": [good, good, Verdict.DIFFERENT, good, good],
        "chirpstack/clocher/porch": [good, good],
        "thingpark/clocher/bell": [good, good],
        "thingpark/clocher/carillon": [good, good],
        "thingpark/clocher/gong": [good],
    }
    assert {model.key: model.codec_key for model in repository.models} == {
        "ttn/clocher/tower": "ttn/clocher/tower-codec",
        "chirpstack/clocher/porch": "chirpstack/clocher/porch",
        "thingpark/clocher/bell": "thingpark/clocher/bell",
    }
    assert {codec.vendor for codec in repository.codecs} == {"Clocher et fils"}
    assert repository.refused == ()


@pytest.mark.parametrize(
    ("only", "count"),
    [("clocher", 6), ("CLOCHER", 6), ("clocher/bell", 1), ("nobody", 0), ("clocher/none", 0)],
)
def test_one_vendor_or_one_codec_is_taken_when_asked(only: str, count: int) -> None:
    assert len(repository_read(REPOSITORIES, only=only).codecs) == count


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        repository_read(tmp_path / "nothing")


def copied(tmp_path: Path) -> Path:
    shutil.copytree(REPOSITORIES / "town_devices", tmp_path / "copy")
    return tmp_path / "copy/vendor/clocher"


@pytest.mark.parametrize("name", ["../../../secret.js", "/etc/passwd", "a\0b", "", "x" * 400])
def test_a_script_outside_the_repository_is_not_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.js").write_text("// planted-secret")
    vendor = copied(tmp_path)
    (vendor / "evil.yaml").write_text(
        json.dumps({"uplinkDecoder": {"fileName": name, "examples": []}}).replace(
            "\\\\0", "\\u0000"
        )
    )
    repository = repository_read(tmp_path / "copy", only="clocher/evil")
    assert [codec.source for codec in repository.codecs] == [""]
    assert repository.codecs[0].missing


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.js").write_text("// planted-secret")
    vendor = copied(tmp_path)
    (vendor / "tower.js").unlink()
    (vendor / "tower.js").symlink_to(tmp_path / "secret.js")
    (vendor / "linked").symlink_to("/etc")
    (vendor / "tower.yaml").unlink()
    (vendor / "tower.yaml").symlink_to(tmp_path / "secret.js")
    repository = repository_read(tmp_path / "copy")
    assert "planted-secret" not in repr(repository)


def test_a_linked_folder_on_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/x.js").write_text("1")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside/link").symlink_to(tmp_path / "outside")
    tree = Tree(tmp_path / "inside")
    with pytest.raises(Unreadable):
        tree.text(tree.beside(tree.root, "link/x.js"))


LAUGHS = "\n".join(
    ["uplinkDecoder: {fileName: tower.js}", "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
)


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        "uplinkDecoder: {fileName: tower.js}\nx: &x [*x]",
        "uplinkDecoder: " + "[" * 5_000,
        "uplinkDecoder: !!python/object/apply:os.system ['true']",
        "uplinkDecoder: {fileName: [}",
        "uplinkDecoder: " + "1" * 5_000,
    ],
)
def test_yaml_that_means_harm_is_refused_and_the_others_are_read(tmp_path: Path, text: str) -> None:
    vendor = copied(tmp_path)
    (vendor / "evil.yaml").write_text(text)
    repository = repository_read(tmp_path / "copy")
    assert [item.path for item in repository.refused] == ["vendor/clocher/evil.yaml"]
    assert "ttn/clocher/tower-codec" in {codec.key for codec in repository.codecs}


def test_yaml_is_read_as_its_version_1_2(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(
        "on: off\nyes: [no, 010, 0x1F, 0o17, 1e3, 1:30, 2026-01-02, ~, .5, -.inf, 'on', True, 1_0]"
    )
    assert Tree(tmp_path).data(tmp_path.resolve() / "x.yaml") == {
        "on": "off",
        "yes": [
            "no",
            10,
            31,
            15,
            1000.0,
            "1:30",
            "2026-01-02",
            None,
            0.5,
            LOWEST,
            "on",
            True,
            "1_0",
        ],
    }


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_text_as_a_file_is_read_or_refused(tmp_path_factory: Any, text: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name in ("driver.yaml", "package.json", "examples.json", "model.yaml", "vendor.toml"):
        (folder / name).write_text(text, encoding="utf-8", errors="replace")
    (folder / "codec.yaml").write_text("uplinkDecoder: " + text, encoding="utf-8", errors="replace")
    repository_read(folder)


@pytest.mark.parametrize(
    ("written", "octets"),
    [
        ("01 ff", [1, 255]),
        ("0x01,0xFF", [1, 255]),
        ("01:FF", [1, 255]),
        ("", []),
        ([1, -1, 300], [1, 255, 44]),
        ("abc", None),
        ("zz", None),
        ([1, "2"], None),
        (None, None),
        ([True], None),
    ],
)
def test_octets_are_read_however_they_are_written(written: Any, octets: list[int] | None) -> None:
    assert octets_of(written) == octets


@pytest.mark.parametrize(
    ("expected", "given_", "same"),
    [
        (0.3, 0.1 + 0.2, True),
        (1, 1.0, True),
        (1, True, False),
        (True, 1, False),
        (1, 1.001, False),
        ("SKIP_NUMBER", 4.2, True),
        ("SKIP_NUMBER", "4.2", True),
        ("SKIP_NUMBER", "four", False),
        ("SKIP_NUMBER", True, False),
        ("XXXX-XX-XXTXX:XX:XX.XXXZ", "2026-01-02T03:04:05.678Z", True),
        ("XXXX-XX-XXTXX:XX:XX.XXXZ", "yesterday", False),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z", True),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:06.000Z", False),
        ([1, 2], [1, 2, 3], False),
        ({"a": None}, {}, False),
        (float("nan"), None, True),
        (None, None, True),
        (None, 0, False),
    ],
)
def test_values_are_compared_in_full(expected: Any, given_: Any, *, same: bool) -> None:
    assert same_value(expected, given_) is same


def test_answers_are_compared_without_their_empty_lists() -> None:
    assert same_answer({"data": {"a": 1}}, {"data": {"a": 1}, "errors": [], "warnings": []})
    assert same_answer({"errors": ["no"]}, {"data": {}, "errors": ["no"]})
    assert same_answer({"bytes": "01ff"}, {"bytes": [1, 255]})
    assert same_answer({"a": 1}, {"data": {"a": 1}})
    assert not same_answer({"data": {"a": 1}}, {"data": {"a": 1}, "errors": ["no"]})
    assert not same_answer({"data": {}}, {"data": {"a": 1}})


@pytest.mark.django_db
def test_an_import_writes_codecs_and_devices_and_a_second_one_replaces_them(
    runner: ScriptRunner,
) -> None:
    repository = repository_read(REPOSITORIES)
    tried = list(tried_all(repository.codecs, runner=runner))
    assert library_write(tried, repository.models, licence="MIT") == (5, 3)
    before = dict(LibraryCodec.objects.values_list("key", "uuid"))
    tower = LibraryCodec.objects.get(key="ttn/clocher/tower-codec")
    assert (tower.passed, tower.failed, tower.licence) == (4, 1, "MIT")
    assert tower.examples[0]["input"] == {"fPort": 2, "bytes": "083401"}
    assert tower.f_ports == [2, 9]
    assert library_write(tried, repository.models, licence="Apache-2.0") == (5, 3)
    assert dict(LibraryCodec.objects.values_list("key", "uuid")) == before
    assert LibraryCodec.objects.get(key=tower.key).licence == "Apache-2.0"
    assert LibraryModel.objects.count() == 3


@pytest.mark.django_db
def test_a_codec_is_named_by_the_end_of_its_key(runner: ScriptRunner) -> None:
    repository = repository_read(REPOSITORIES)
    library_write(list(tried_all(repository.codecs, runner=runner)), repository.models)
    assert library_text("clocher/bell").key == "thingpark/clocher/bell"
    assert library_text("porch").dialect == ""
    assert [card.name for card in library_list(vendor="clocher")][:2] == ["bell", "carillon"]
    LibraryCodec.objects.create(
        key="ttn/other/porch", repository="ttn", vendor="o", name="porch", source="", sha256=""
    )
    with pytest.raises(LibraryNameUnclear):
        library_text("porch")
    with pytest.raises(LibraryCodecNotFound):
        library_text("nobody")
