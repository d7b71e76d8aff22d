"""The schema can be spread by territory with Citus; what Citus refuses is caught here.

No server with Citus is needed: the statements that change keys and references are run on a copy
of the migrated database, whose catalogue is then held to the rules, and the application works on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection
from django.db.utils import ProgrammingError

from beffroi.city.assets.api import WHOLE, AssetFilter, assets_page
from beffroi.city.assets.models import Asset, AssetChange, Attachment, Device
from beffroi.city.assets.testing import make_asset, make_device
from beffroi.city.series.api import (
    NewObservation,
    latest_of_assets,
    observations_record,
    streams_ensure,
    values_read,
)
from beffroi.foundation.database.api import acting_for, application_role, connected_to
from beffroi.foundation.database.api import declared_rules as rules_declared
from beffroi.foundation.database.catalogue import catalogue_read
from beffroi.foundation.database.citus import (
    CitusRefused,
    Plan,
    citus_plan,
    citus_run,
    distributed_tables,
    violations,
)
from beffroi.foundation.database.connection import django_database
from beffroi.foundation.database.contracts import TableRule
from beffroi.foundation.database.testing import Blocker, TestDatabase, TestServer
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import uuid7

NOON = datetime.fromisoformat("2026-11-02T12:00:00+01:00")


@pytest.fixture(scope="module")
def rules(test_database: TestDatabase, django_db_blocker: Blocker) -> dict[str, TableRule]:
    assert test_database
    with django_db_blocker.unblock():
        return rules_declared()


@pytest.fixture
def copy(database_server: TestServer, test_database: TestDatabase) -> Iterator[TestDatabase]:
    assert test_database
    found = database_server.copy_database(f"beffroi_test_{database_server.run}_template")
    yield found
    database_server.drop_database(found)


@pytest.fixture
def admin(copy: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(copy.administrator, autocommit=True) as conn:
        yield conn


@pytest.fixture
def plan(admin: psycopg.Connection[Any], rules: dict[str, TableRule]) -> Plan:
    return citus_plan(admin, rules=rules, application=application_role())


def run_plain(admin: psycopg.Connection[Any], plan: Plan) -> None:
    with admin.transaction():
        for item in plan.statements:
            if not item.needs_citus:
                admin.execute(item.text.encode())


def test_every_rule_of_citus_holds_once_the_plan_is_run(
    admin: psycopg.Connection[Any], plan: Plan, rules: dict[str, TableRule]
) -> None:
    assert plan.problems == ()
    assert violations(catalogue_read(admin), rules) != []  # keys of one server are one column
    run_plain(admin, plan)
    assert violations(catalogue_read(admin), rules) == []


def test_every_table_is_placed_and_the_big_ones_are_spread(
    admin: psycopg.Connection[Any], plan: Plan, rules: dict[str, TableRule]
) -> None:
    placed = (*plan.distributed, *plan.reference, *plan.local)
    assert sorted(placed) == sorted(catalogue_read(admin))
    assert len(set(placed)) == len(placed)
    assert {"assets_asset", "series_observation", "series_segment", "series_latest",
            "ingest_message", "basemap_tile"} <= set(plan.distributed)  # fmt: skip
    assert {"territories_territory", "accounts_department", "ingest_source"} <= set(plan.reference)
    assert {"django_session", "procrastinate_jobs", "audit_auditrecord"} <= set(plan.local)
    assert distributed_tables(catalogue_read(admin), rules)[0] == "assets_asset"
    for item in plan.statements:
        if "create_distributed_table" in item.text and "'assets_asset'," not in item.text:
            assert item.text.endswith("colocate_with => 'assets_asset')")


def test_functions_of_statements_are_on_every_node(plan: Plan) -> None:
    found = {item.text for item in plan.statements if item.section == "objects"}
    for signature in (
        "assets_quad(double precision,double precision)",
        "series_day_start(date)",
        "beffroi_append_only()",
    ):
        assert f"SELECT create_distributed_function('{signature}')" in found
    assert not any("audit_" in text or "beffroi_route" in text for text in found)


def test_what_is_referred_to_is_placed_before_who_refers(plan: Plan) -> None:
    order = [item.text for item in plan.statements if "SELECT create_" in item.text]

    def rank(table: str) -> int:
        return next(place for place, text in enumerate(order) if f"_table('{table}'" in text)

    assert rank("territories_territory") < rank("accounts_department") < rank("assets_asset")
    assert rank("assets_asset") < rank("assets_device") < rank("assets_attachment")
    assert rank("assets_asset") < rank("series_stream")


PLANTED: dict[str, tuple[str, str]] = {
    "a key that only one territory would hold": (
        "ALTER TABLE basemap_tile ADD CONSTRAINT planted UNIQUE (z, x, y)",
        "basemap_tile: planted would be unique within a territory only",
    ),
    "an index that only one territory would hold": (
        "CREATE UNIQUE INDEX planted ON assets_device (lower(model)) WHERE removed_at IS NULL",
        "assets_device: planted would be unique within a territory only",
    ),
    "an exclusion without the territory": (
        "ALTER TABLE assets_device ADD CONSTRAINT planted EXCLUDE USING btree (model WITH =)",
        "assets_device: planted would be unique within a territory only",
    ),
    "a reference that empties itself": (
        "ALTER TABLE assets_cell ADD planted bigint REFERENCES assets_device ON DELETE SET NULL",
        "does more than refuse",
    ),
    "a policy that looks elsewhere": (
        "CREATE POLICY planted ON assets_asset USING (EXISTS (SELECT FROM territories_epci))",
        "assets_asset: policy planted has a subquery",
    ),
}


@pytest.mark.parametrize("fault", sorted(PLANTED))
def test_a_planted_fault_is_caught(
    fault: str, admin: psycopg.Connection[Any], rules: dict[str, TableRule]
) -> None:
    statement, said = PLANTED[fault]
    admin.execute(statement.encode())
    plan = citus_plan(admin, rules=rules, application=application_role())
    assert any(said in problem for problem in plan.problems), plan.problems
    with pytest.raises(CitusRefused, match=r"."):
        citus_run(admin, plan)


FORGOTTEN = (
    r"ALTER TABLE accounts_membership DROP CONSTRAINT accounts_membership_territory",
    r"(ALTER TABLE territories_territory ALTER|CREATE SEQUENCE|ALTER SEQUENCE|SELECT setval|GRANT)",
    r"ALTER TABLE assets_cell (DROP|ADD) CONSTRAINT assets_cell_pkey",
)


@pytest.mark.parametrize("forgotten", FORGOTTEN)
def test_a_statement_left_out_is_missed(
    forgotten: str, admin: psycopg.Connection[Any], plan: Plan, rules: dict[str, TableRule]
) -> None:
    assert any(re.match(forgotten, item.text) for item in plan.statements)
    for item in plan.statements:
        if not item.needs_citus and not re.match(forgotten, item.text):
            admin.execute(item.text.encode())
    assert len(violations(catalogue_read(admin), rules)) == 1


def test_a_server_without_citus_is_refused_and_not_touched(
    admin: psycopg.Connection[Any], plan: Plan, rules: dict[str, TableRule]
) -> None:
    before = violations(catalogue_read(admin), rules)
    with pytest.raises(CitusRefused, match="This database has no Citus"):
        citus_run(admin, plan)
    assert violations(catalogue_read(admin), rules) == before


def flow_assets() -> None:
    town = make_territory()
    cabinet = make_asset(town, type_key="lighting_cabinet")
    lamp = make_asset(town, parent=cabinet)
    device = make_device(town, asset=lamp)
    with acting_for(town.pk):
        assert Asset.objects.get(uuid=lamp.uuid).parent_id == cabinet.pk
        assert {asset.pk for asset in Asset.objects.filter(parent=cabinet)} == {lamp.pk}
        assert len(assets_page(AssetFilter(), scope=WHOLE).rows) == 2
        AssetChange.objects.create(territory_id=town.pk, asset=lamp, kind="made", why="person")
        assert Attachment.objects.get(device__uuid=device.uuid).asset_id == lamp.pk
    with pytest.raises(IntegrityError), acting_for(town.pk):  # one device, one place at a time
        Attachment.objects.create(
            territory_id=town.pk, device=device, asset=cabinet, attached_from=now()
        )


# Citus as far as the order of its calls goes: it notes what it is asked to distribute.
STAND_IN = """
SET allow_system_table_mods TO on;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    VALUES (999999, 'citus', 10, 'public'::regnamespace, false, '{version}');
CREATE TABLE public.pg_dist_partition (logicalrelid regclass, anchor text);
CREATE FUNCTION create_distributed_function(text) RETURNS void LANGUAGE sql
    AS 'SELECT $1::regprocedure';
CREATE FUNCTION create_reference_table(text) RETURNS void LANGUAGE sql
    AS 'INSERT INTO pg_dist_partition VALUES ($1::regclass)';
CREATE FUNCTION create_distributed_table(text, text, colocate_with text) RETURNS void LANGUAGE sql
    AS 'INSERT INTO pg_dist_partition VALUES ($1::regclass, $3)';
"""


def test_a_plan_is_run_once_and_goes_on_where_it_stopped(
    copy: TestDatabase, admin: psycopg.Connection[Any], plan: Plan, rules: dict[str, TableRule]
) -> None:
    admin.execute(STAND_IN.format(version="13.2-1").encode())
    said: list[str] = []

    def stops(text: str) -> None:
        if "'series_stream'" in text and len(said) < 10_000:
            raise ConnectionError
        said.append(text)

    with psycopg.connect(copy.administrator) as conn, pytest.raises(ConnectionError):
        citus_run(conn, plan, say=stops)
    said.extend([""] * 10_000)
    again = citus_plan(admin, rules=rules, application=application_role())
    assert again.distributed == plan.distributed
    with psycopg.connect(copy.administrator) as conn:
        citus_run(conn, again, say=stops)
    asked = admin.execute("SELECT logicalrelid::text, anchor FROM pg_dist_partition").fetchall()
    assert sorted(name for name, _anchor in asked) == sorted(plan.distributed + plan.reference)
    assert dict(asked)["assets_asset"] == "none"
    assert violations(catalogue_read(admin), rules) == []


@pytest.mark.parametrize("version", ["11.3-1", "8.0"])
def test_an_old_citus_is_refused(version: str, admin: psycopg.Connection[Any], plan: Plan) -> None:
    admin.execute(STAND_IN.format(version=version).encode())
    with pytest.raises(CitusRefused, match="is too old"):
        citus_run(admin, plan)


def test_only_a_superuser_may_run_it(
    copy: TestDatabase, admin: psycopg.Connection[Any], plan: Plan
) -> None:
    admin.execute(STAND_IN.format(version="14.0-1").encode())
    assert copy.urls.owner is not None
    with (
        psycopg.connect(copy.urls.owner) as owner,
        pytest.raises(CitusRefused, match="Only a superuser"),
    ):
        citus_run(owner, plan)


def stream_planted(*, territory_id: int, asset_id: int) -> None:
    with acting_for(territory_id), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO series_stream (uuid, territory_id, asset_id, measure_key, unit,"
            " created_at) VALUES (%s, %s, %s, 'x', '', now())",
            [uuid7(), territory_id, asset_id],
        )


def flow_series() -> None:
    town, other = make_territory(), make_territory()
    asset, foreign = make_asset(town), make_asset(other)
    with acting_for(town.pk):
        stream_id = streams_ensure(asset.pk, measures={"power_w": "W"})["power_w"]
    readings = [
        NewObservation(stream_id, NOON + timedelta(minutes=rank), float(rank)) for rank in range(9)
    ]
    assert observations_record(town.pk, readings, received_at=NOON + timedelta(hours=1)).stored == 9
    assert observations_record(town.pk, readings, received_at=NOON + timedelta(hours=1)).stored == 0
    with acting_for(town.pk):
        t_ms, _value, _quality = values_read(stream_id, start=NOON, end=NOON + timedelta(hours=1))
        assert len(t_ms) == 9
        assert latest_of_assets([asset.pk])[asset.pk]["power_w"].value == 8
    with acting_for(other.pk):
        assert latest_of_assets([asset.pk]) == {}
    with pytest.raises(IntegrityError):  # an asset of another territory is no asset
        stream_planted(territory_id=other.pk, asset_id=asset.pk)
    stream_planted(territory_id=other.pk, asset_id=foreign.pk)


def flow_devices() -> None:
    town = make_territory()
    device = make_device(town)
    with acting_for(town.pk):
        found = Device.objects.select_for_update(skip_locked=True).get(pk=device.pk)
        found.model = "XYZ"
        found.save(update_fields=["model"])
        assert Device.objects.filter(model="XYZ").update(model="") == 1
        assert found.delete()[0] == 1


def flow_isolation() -> None:
    town, other = make_territory(), make_territory()
    make_asset(town)
    for territory_id, count in ((town.pk, 1), (other.pk, 0), (town.pk, 1)):
        with acting_for(territory_id):
            assert Asset.objects.count() == count
    assert Asset.objects.count() == 0
    with pytest.raises(ProgrammingError), acting_for(other.pk):
        Asset.objects.create(territory_id=town.pk, type_key="x", external_key="y", lon=0, lat=0)


FLOWS: dict[str, Callable[[], None]] = {
    "assets": flow_assets,
    "series": flow_series,
    "devices": flow_devices,
    "isolation": flow_isolation,
}


@pytest.mark.parametrize("flow", sorted(FLOWS))
def test_the_application_works_on_the_keys_of_the_plan(
    flow: str,
    copy: TestDatabase,
    admin: psycopg.Connection[Any],
    plan: Plan,
    django_db_blocker: Blocker,
) -> None:
    run_plain(admin, plan)
    with django_db_blocker.unblock(), connected_to(django_database(copy.urls.application)):
        FLOWS[flow]()


def test_a_territory_is_told_by_a_command_that_citus_passes_on(
    copy: TestDatabase, admin: psycopg.Connection[Any], plan: Plan, django_db_blocker: Blocker
) -> None:
    run_plain(admin, plan)
    with django_db_blocker.unblock(), connected_to(django_database(copy.urls.application)):
        with connection.cursor() as cursor, acting_for(41, user_id=7):
            cursor.execute("SELECT beffroi_route(), current_setting('beffroi.user')")
            assert cursor.fetchone() == (41, "7")
            cursor.execute(
                "SELECT pronamespace::regnamespace::text FROM pg_proc"
                " WHERE oid = 'set_config(text, text, boolean)'::regprocedure"
            )
            assert cursor.fetchone() == ("public",)
            # The planner knows the number: this is what the router prunes by.
            cursor.execute("EXPLAIN (FORMAT TEXT) SELECT * FROM series_stream")
            assert "(territory_id = 41)" in "\n".join(row[0] for row in cursor.fetchall())
        with connection.cursor() as cursor:
            cursor.execute("SELECT beffroi_route()")
            assert cursor.fetchone() == (None,)


def test_the_script_tells_everything_in_order(plan: Plan) -> None:
    script = plan.script()
    places = [script.index(f"-- {number}. ") for number in range(1, 6)]
    assert places == sorted(places)
    assert "citus_set_coordinator_host" in script
    assert script.count("create_distributed_table(") == len(plan.distributed)
    assert "PROBLEM" not in script
