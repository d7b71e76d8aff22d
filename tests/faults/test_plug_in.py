"""The plug-in, on a small project of its own: its tests are run by another pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from beffroi.foundation.database.testing import ADMIN_VARIABLE, RUN_VARIABLE, TestServer

FILES = {
    "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = sample_settings\npythonpath = .\n"
    "filterwarnings = error\n",
    "conftest.py": 'pytest_plugins = ["beffroi.foundation.database.testing"]\n',
    "sample_settings.py": """
from beffroi.foundation.database.tests.settings import *
INSTALLED_APPS = [*INSTALLED_APPS, "sample"]
BEFFROI_APP_ROLE = "somebody_else"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache",
                      "LOCATION": "web_cache"}}
""",
    "sample/__init__.py": "",
    "sample/models.py": """
from django.db import models
class Place(models.Model):
    territory_id = models.IntegerField()
    name = models.TextField()
    class Meta:
        app_label = "sample"
class Kind(models.Model):
    name = models.TextField()
    class Meta:
        app_label = "sample"
""",
    "sample/migrations/__init__.py": "",
    "sample/migrations/0001_initial.py": """
from django.db import migrations, models
from beffroi.foundation.database.migrations_ops import AppendOnly, SharedTable, TerritoryTable
ID = ("id", models.BigAutoField(primary_key=True, serialize=False))
class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel("Place", [ID, ("territory_id", models.IntegerField()),
                                         ("name", models.TextField())]),
        migrations.CreateModel("Kind", [ID, ("name", models.TextField())]),
        migrations.RunSQL("INSERT INTO sample_kind (name) VALUES ('seeded')"),
        TerritoryTable("sample_place"),
        AppendOnly("sample_place"),
        SharedTable("sample_kind", reason="kinds are everybody's"),
    ]
""",
    "test_sample.py": """
import threading
import psycopg, pytest
from django.core.cache import cache
from django.db import Error, connection
from beffroi.foundation.database.api import (
    acting_for, assert_safe, check_rules, declared_rules, undeclared_tables)
from beffroi.foundation.database.testing import ADMIN_VARIABLE
from sample.models import Kind, Place

def kinds():
    return sorted(Kind.objects.values_list("name", flat=True))

@pytest.mark.parametrize("turn", [1, 2])
def test_rows_are_undone_and_kept_apart(db, turn):
    with acting_for(1):
        Place.objects.create(territory_id=1, name="hall")
        assert Place.objects.count() == 1
    assert Place.objects.count() == 0
    with pytest.raises(Error, match="row-level security"), acting_for(1):
        Place.objects.create(territory_id=2, name="hall")

@pytest.mark.parametrize("turn", [1, 2])
def test_a_transactional_test_leaves_only_what_migrations_left(transactional_db, turn):
    with acting_for(1):
        assert Place.objects.count() == 0
        Place.objects.create(territory_id=1, name="hall")
    assert kinds() == ["seeded"]
    Kind.objects.create(name="made")
    Kind.objects.filter(name="seeded").delete()
    assert kinds() == ["made"]

def test_after_a_transactional_test_all_is_as_migrated(db):
    assert kinds() == ["seeded"]

@pytest.mark.django_db(transaction=True, reset_sequences=True)
def test_sequences_can_be_reset():
    assert Kind.objects.create(name="made").pk == 2

def test_the_application_role_is_in_force_and_safe(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user = session_user, current_user")
        same, user = cursor.fetchone()
    assert same and "app" in user
    assert_safe(connection)
    with pytest.raises(Error, match="permission denied"):
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE mine (id int)")

def test_every_table_declares_a_rule(db):
    assert check_rules() == []
    assert declared_rules()["sample_place"].append_only
    assert declared_rules()["django_session"].reason

def test_a_table_without_a_rule_is_found(transactional_db, test_database):
    with psycopg.connect(test_database.urls.owner) as owner:
        owner.execute("CREATE TABLE stray (territory_id int)")
    try:
        assert undeclared_tables() == ["stray"]
    finally:
        with psycopg.connect(test_database.urls.owner) as owner:
            owner.execute("DROP TABLE stray")

def test_a_right_that_is_not_declared_is_found(db, test_database, database_server):
    with psycopg.connect(test_database.urls.owner, autocommit=True) as owner:
        owner.execute(f"GRANT DELETE ON sample_place TO {database_server.application}")
        found = check_rules()
        owner.execute(f"REVOKE DELETE ON sample_place FROM {database_server.application}")
    assert [finding.code for finding in found] == ["table.excess_rights"]

def test_other_connections_see_the_same_database(transactional_db, test_database):
    Kind.objects.create(name="told")
    with psycopg.connect(test_database.urls.application) as conn:
        assert conn.execute("SELECT count(*) FROM sample_kind").fetchone() == (2,)

def test_libraries_tables_are_granted(db, client):
    cache.set("key", "value")
    assert cache.get("key") == "value"
    client.session.save()
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def run_pytest(project: Path, *arguments: str, **variables: str) -> str:
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTEST_", "BEFFROI_TEST_")) and key != "DJANGO_SETTINGS_MODULE"
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=project,
        env={**kept, **variables},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def leftovers(admin_url: str) -> list[str]:
    with psycopg.connect(admin_url) as admin:
        rows = admin.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE '%%sample%%'"
            " UNION ALL SELECT rolname FROM pg_roles WHERE rolname LIKE '%%sample%%'"
        )
        return [row[0] for row in rows]


def test_a_project_is_tested_on_a_cluster_of_its_own(project: Path) -> None:
    assert "12 passed" in run_pytest(project)


def test_two_workers_share_one_cluster(project: Path) -> None:
    assert "12 passed" in run_pytest(project, "-n", "2")


def test_a_project_is_tested_on_another_server_and_leaves_nothing_there(
    project: Path, database_server: TestServer
) -> None:
    told = run_pytest(
        project,
        *("-n", "2"),
        **{ADMIN_VARIABLE: database_server.admin_url, RUN_VARIABLE: "sample"},
    )
    assert "12 passed" in told
    assert leftovers(database_server.admin_url) == []
