"""Importing a file again: what it no longer names, and what it must never change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.city.assets import api
from beffroi.city.assets.models import Asset, AssetChange, Attachment
from beffroi.city.assets.testing import make_asset, make_device
from beffroi.city.assets.tests.samples import geojson
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.testing import make_territory

pytestmark = pytest.mark.django_db
TYPE = "car_park"


def _file(*keys: str, column: str = "identifiant", places: int = 10) -> bytes:
    rows = (
        (3.80 + (sum(map(ord, key)) % 90) / 1000, 43.61, {column: key, "nb_places": places})
        for key in keys
    )
    return geojson(*rows)


def _import(content: bytes, *, name: str = "parkings.geojson", **given: Any) -> api.ImportReport:
    options = api.ImportOptions(**given.pop("options", {}))
    return api.import_run(content, name=name, type_key=TYPE, options=options, **given)


def _in_service() -> set[str]:
    return set(Asset.objects.filter(removed_at=None).values_list("external_key", flat=True))


def test_what_a_file_no_longer_names_is_kept_marked_or_removed_as_chosen() -> None:
    town = make_territory()
    with acting_for(town.pk):
        _import(_file("A", "B", "C"))
        make_asset(town, type_key=TYPE, domain_key="parking", external_key="à la main")
        assert _import(_file("A")).absent == api.AbsentAssets()
        trial = _import(_file("A"), options={"absent": api.Absent.REMOVE}, dry_run=True)
        assert trial.absent == api.AbsentAssets(count=2, first=("B", "C"))
        assert _in_service() == {"A", "B", "C", "à la main"}

        marked = _import(_file("A", "B"), options={"absent": api.Absent.CHECK})
        assert marked.absent.first == ("C",)
        page = api.assets_page(api.AssetFilter(to_check=True), scope=api.WHOLE)
        assert [row.external_key for row in page.rows] == ["C"]
        detail = api.asset_get(page.rows[0].uuid, scope=api.WHOLE)
        assert detail.absent_from == "parkings.geojson"
        told = AssetChange.objects.count()
        _import(_file("A", "B"), options={"absent": api.Absent.CHECK})
        assert AssetChange.objects.count() == told  # said once
        back = _import(_file("C", "B"), options={"absent": api.Absent.REMOVE})
        assert back.absent.first == ("A",)
        assert not api.assets_page(api.AssetFilter(to_check=True), scope=api.WHOLE).total
        assert _in_service() == {"B", "C", "à la main"}
        again = _import(_file("A", "B", "C"))
        assert (again.counts.restored, again.counts.created) == (1, 0)


def test_removing_the_absent_frees_their_devices() -> None:
    town = make_territory()
    with acting_for(town.pk):
        _import(_file("A", "B"))
        gone = Asset.objects.get(external_key="B")
    make_device(town, asset=gone, identifier="0011")
    with acting_for(town.pk):
        _import(_file("A"), options={"absent": api.Absent.REMOVE})
        assert not Attachment.objects.filter(attached_until__isnull=True).exists()
        lines = api.asset_history(gone.uuid, scope=api.WHOLE)
        assert {line.kind.value for line in lines} == {"created", "detached", "removed"}
        assert lines[0].import_file == "parkings.geojson"


def test_a_row_that_is_refused_does_not_make_its_asset_absent() -> None:
    town = make_territory()
    with acting_for(town.pk):
        _import(_file("A", "B"))
        content = geojson((3.88, 43.61, {"identifiant": "A"}), (None, 0, {"identifiant": "B"}))
        report = _import(content, options={"absent": api.Absent.REMOVE})
        assert (report.refused, report.absent.count) == (1, 0)
        assert _in_service() == {"A", "B"}


def test_the_files_of_other_quarters_are_left_alone_when_one_is_chosen() -> None:
    town = make_territory()
    with acting_for(town.pk):
        _import(_file("N1", "N2"), name="nord.geojson")
        _import(_file("S1", "S2"), name="sud.geojson")
        assert api.files_of_type(TYPE) == ["sud.geojson", "nord.geojson"]
        options = {"absent": api.Absent.REMOVE, "absent_of": "nord.geojson"}
        report = _import(_file("N1"), name="nord.geojson", options=options)
        assert report.absent.first == ("N2",)
        prefixed = {"absent": api.Absent.REMOVE, "prefix": "S"}
        assert _import(_file("1"), name="s.geojson", options=prefixed).absent.first == ("S2",)
        assert _in_service() == {"N1", "S1"}


def test_a_register_that_changed_since_the_trial_stops_the_import() -> None:
    town = make_territory()
    with acting_for(town.pk):
        _import(_file("A", "B", "C"))
        options = {"absent": api.Absent.REMOVE}
        with pytest.raises(api.ImportRefused) as refused, transaction.atomic():
            _import(_file("A"), options=options, expected_absent=1)
        assert refused.value.way_out
        assert _in_service() == {"A", "B", "C"}
        assert _import(_file("A"), options=options, expected_absent=2).absent.count == 2


KEYS = st.lists(st.sampled_from("ABCDEFG"), min_size=1, max_size=12)


def _isolated(body: Callable[[], None]) -> None:
    with transaction.atomic():
        body()
        transaction.set_rollback(True)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(keys=KEYS, data=st.data())
def test_the_same_rows_in_any_order_change_nothing_and_are_never_twice(
    db: None, keys: list[str], data: st.DataObject
) -> None:
    del db
    town = make_territory()

    def body() -> None:
        report = _import(_file(*keys))
        assert report.counts.created == len(set(keys))
        assert report.refused == len(keys) - len(set(keys))
        told = AssetChange.objects.count()
        again = _import(_file(*data.draw(st.permutations(keys))), options={"absent": "check"})
        assert again.counts.unchanged == again.counts.total == len(set(keys))
        assert again.absent.count == 0
        assert AssetChange.objects.count() == told

    with acting_for(town.pk):
        _isolated(body)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(before=KEYS, after=KEYS)
def test_a_key_that_changes_is_another_asset_and_the_former_one_is_absent(
    db: None, before: list[str], after: list[str]
) -> None:
    del db
    town = make_territory()

    def body() -> None:
        _import(_file(*before))
        report = _import(_file(*after), options={"absent": api.Absent.REMOVE})
        assert set(report.absent.first) == set(before) - set(after)
        assert report.counts.created == len(set(after) - set(before))
        assert _in_service() == set(after)
        # The way back: the same assets, not new ones.
        back = _import(_file(*before), options={"absent": api.Absent.REMOVE})
        assert back.counts.created == 0
        assert _in_service() == set(before)

    with acting_for(town.pk):
        _isolated(body)
