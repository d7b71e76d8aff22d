"""Two territories in one database: nothing of one is seen, heard or changed from the other.

Every check has its negative control: where the separation is taken away, it finds the leak.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from canaries import Row
from crossing import forms_filled_from_elsewhere, links_to_elsewhere, refers_to
from django.test import Client
from django.urls import URLResolver, path
from listening import listening
from marked_town import MarkedTown, headers, message
from psycopg import sql
from psycopg.types.json import Jsonb
from two_towns import (
    FIRST_ID,
    TwoTowns,
    answered,
    everything,
    make_two_towns,
    needed_query,
    nothing_kept,
    own_addresses,
    own_answers,
)
from walking import Route, fillings, routes

from beffroi.city.ingest.api import application_conninfo
from beffroi.city.ingest.testing import make_application, post, serving
from beffroi.city.live.asgi import LiveApplication
from beffroi.city.live.hub import Hub, mark_of
from beffroi.city.live.sessions import Sessions
from beffroi.foundation.accounts.access import public
from beffroi.foundation.database.api import CONTEXT_SQL, context_parameters, declared_rules
from beffroi.foundation.database.connection import django_database
from beffroi.foundation.database.contracts import RuleKind
from beffroi.foundation.database.ownership import connected_to
from beffroi.foundation.database.testing import Blocker, TestDatabase, TestServer
from beffroi.kernel.clock import now

REFUSED = {403, 404, 405}

NO_DATA = {
    "couleurs.css": "colours only, public",
    "roles/nouveau/": "an empty form",
    "codecs/nouveau/": "an empty form",
    "codecs/bibliotheque/": "published models, the same for every town",
    "codecs/bibliotheque/<uuid:library_model>/": "a published model, the same for every town",
    "sources/nouvelle/": "an empty form",
    "services/nouveau/": "an empty form",
    "reglages/": "the name of the town, which every page shows",
    "domaines/": "numbers alone, compared with what they were",
    "api/v1/territories/<slug:territory>": "the name of the town",
    "api/": "documentation, the same for all but for the name of the town",
    "api/v1/territories/<slug:territory>/domains": "what the installation knows",
    "api/v1/territories/<slug:territory>/asset-types": "as domains",
    "api/v1/territories/<slug:territory>/measures": "as domains",
    "api/v1/territories/<slug:territory>/indicators": "definitions",
    "api/v1/territories/<slug:territory>/indicators/<slug:domain>/<slug:indicator>": "a number",
}
"""Addresses of a territory that show nothing of it but the frame of every page."""

PEOPLE = {
    "accounts_user": "one account for the whole installation",
    "account_emailaddress": "as the account",
    "mfa_authenticator": "as the account",
    "django_session": "opened by its key",
    "usersessions_usersession": "as the account",
}
"""Shared tables that name a person, and why; no other holds a word of a territory."""


@pytest.fixture(scope="module")
def database(
    database_server: TestServer, django_db_setup: TestDatabase, django_db_blocker: Blocker
) -> Iterator[TestDatabase]:
    """A database like the others' tests have, that this module may harm."""
    del django_db_setup
    copy = database_server.copy_database(f"beffroi_test_{database_server.run}_template")
    with django_db_blocker.unblock(), connected_to(django_database(copy.urls.application)):
        yield copy
    database_server.drop_database(copy)


@pytest.fixture(scope="module")
def towns(database: TestDatabase) -> TwoTowns:
    return make_two_towns(database, at=now())


@pytest.fixture
def separation_lifted(towns: TwoTowns) -> Iterator[None]:
    """Switch row-level security off everywhere, as a forgotten table would have it."""
    with psycopg.connect(towns.database.administrator, autocommit=True) as admin:
        _switch(admin, towns, "DISABLE")
        yield
        _switch(admin, towns, "ENABLE")


def test_both_towns_have_rows_in_every_table(towns: TwoTowns) -> None:
    with psycopg.connect(towns.database.administrator) as admin:
        for table in towns.tables:
            assert everything(admin, table, towns.here), table
            assert everything(admin, table, towns.elsewhere), table


def test_every_address_shows_its_own_town(towns: TwoTowns) -> None:
    """What is asked below has something to give: an address that answers nothing proves nothing."""
    shown: dict[str, bool] = {}
    for route, url in own_addresses(towns.here):
        if not route.of_territory:
            continue
        status, _, text = towns.alone[url].partition("\n")
        assert status in {"200", "204", "405"}, (url, status)
        frame = re.compile(rf"ville.{towns.here.word}|agent.{towns.here.word}", re.IGNORECASE)
        found = towns.own_marks.found(frame.sub("", text))
        shown[route.page] = shown.get(route.page, False) or bool(found) or status == "405"
    assert {page for page, known in shown.items() if not known} == set(NO_DATA)


def test_the_other_town_changes_nothing_in_any_answer(towns: TwoTowns) -> None:
    """Not a row, a count, a sum, a rank: every answer is what it was before the other existed."""
    again = own_answers(towns.here, at=towns.at)
    assert {url for url in again if again[url] != towns.alone[url]} == set()
    assert leaks(towns, again) == {}


@pytest.mark.usefixtures("separation_lifted")
def test_without_separation_the_other_town_is_seen_in_every_channel(towns: TwoTowns) -> None:
    here = f"/t/{towns.here.territory.slug}/"
    channels = (
        "ville/liste/",
        "ville/liste/?format=csv",
        "ville/recherche/?q=armoire",
        "tuiles/equipements/16/33474/23928.mvt",
        "series/export.csv?type=lighting_cabinet&de=2020-01-01",
        "series/export.parquet?type=lighting_cabinet&de=2020-01-01",
        "domaines/street_lighting/",
        "sources/",
        "appareils/?etat=inconnus",
        "personnes/",
        "roles/",
        "services/",
        "journal/",
        "journal.csv",
        "equipements/importer/",
    )
    nothing_kept()
    ask = towns.here.client.get
    told = {channel: answered(partial(ask, here + channel))[1] for channel in channels}
    assert set(leaks(towns, told)) == set(channels)


def test_no_address_gives_or_takes_anything_of_the_other_town(towns: TwoTowns) -> None:
    """Every pattern of the URLconf, with every mixture of both towns' names."""
    found = trespasses(towns, towns.here, towns.elsewhere)
    assert found == [], found
    assert changed(towns) == []


def test_a_key_reads_its_own_town_and_nothing_of_the_other(towns: TwoTowns) -> None:
    """Every address of the API, by key: its own answers; with any name of the other's, nothing."""
    here, elsewhere = towns.here, towns.elsewhere
    client = Client(headers={"Authorization": f"Bearer {here.api_key}"})
    told, refused = {}, {}
    for route, url in own_addresses(here):
        if route.of_api:
            told[url] = answered(partial(client.get, url))
    assert {status for status, _text in told.values()} == {200}
    assert len([1 for _status, text in told.values() if towns.own_marks.found(text)]) > 10
    for route in routes():
        if route.of_api:
            for names in fillings(route, here.names, elsewhere.names):
                url = route.filled(names) + needed_query(route)
                refused[url] = answered(partial(client.get, url))
    assert len(refused) > 20
    assert {url for url, (status, _text) in refused.items() if status != 404} == set()
    assert leaks(towns, {url: text for url, (_status, text) in (told | refused).items()}) == {}
    listed = answered(partial(client.get, "/api/v1/territories"))
    assert (listed[0], towns.marks.found(listed[1])) == (200, set())
    theirs = Client(headers={"Authorization": f"Bearer {elsewhere.api_key}"})
    (own,) = (url for url in refused if url.endswith(f"{elsewhere.territory.slug}/assets"))
    assert towns.marks.found(answered(partial(theirs.get, own))[1]), "negative control"


@pytest.mark.usefixtures("separation_lifted")
def test_an_address_that_gives_the_other_town_is_found(towns: TwoTowns) -> None:
    found = {url.split("/")[3] for url, _told in trespasses(towns, towns.here, towns.elsewhere)}
    assert {"equipements", "series", "sources", "appareils", "personnes", "roles"} <= found


def test_an_address_that_nobody_knows_how_to_fill_is_found() -> None:
    def planted(request: Any) -> Any:
        raise NotImplementedError

    class Planted:
        urlpatterns = [path("t/<slug:territory>/x/<uuid:novelty>/", public(reason="x")(planted))]

    (route,) = routes(URLResolver(path("", planted).pattern, Planted))
    with pytest.raises(KeyError, match="novelty"):
        route.filled({"territory": "x"})


def test_links_of_the_town_asked_with_the_others_identifiers(towns: TwoTowns) -> None:
    """Queries as the pages write them: a filter, a parent, a device to claim, a period."""
    asked = list(links_to_elsewhere(towns))
    assert len(asked) > 10, asked
    told = {url: answered(partial(towns.here.client.get, url))[1] for url in asked}
    assert leaks(towns, told) == {}


def test_forms_of_the_town_filled_with_the_others_identifiers(towns: TwoTowns) -> None:
    """A role, a parent, an area of elsewhere is refused: no row of ours refers to theirs."""
    tried = list(forms_filled_from_elsewhere(towns))
    assert len({one.url for one in tried}) > 8
    assert [one for one in tried if one.leaked or one.crossed] == []
    assert changed(towns) == []


def test_a_row_that_refers_to_the_other_town_is_found() -> None:
    assert refers_to([{"name": "x", "parent_id": FIRST_ID + 6}]) == {FIRST_ID + 6}
    assert refers_to([{"name": str(FIRST_ID), "parent_id": 6}]) == set()


def test_no_row_of_the_other_town_is_read_written_or_removed(towns: TwoTowns) -> None:
    with psycopg.connect(towns.database.administrator) as admin:
        theirs = {table: everything(admin, table, towns.elsewhere)[0] for table in towns.tables}
    with psycopg.connect(towns.database.urls.application) as application:
        act_for(application, towns.here)
        for table, row in theirs.items():
            if table != "territories_territory":  # towns know each other's name
                assert everything(application, table, towns.elsewhere) == {}, table
            assert attempts(application, towns, table, row) == [], table


def test_as_the_other_town_every_row_is_there(towns: TwoTowns) -> None:
    with psycopg.connect(towns.database.urls.application) as application:
        act_for(application, towns.elsewhere)
        for table in towns.tables:
            assert everything(application, table, towns.elsewhere), table


@pytest.mark.usefixtures("separation_lifted")
def test_a_table_left_open_is_found(towns: TwoTowns) -> None:
    with psycopg.connect(towns.database.administrator) as admin:
        theirs = everything(admin, "assets_asset", towns.elsewhere)[0]
    with psycopg.connect(towns.database.urls.application) as application:
        act_for(application, towns.here)
        assert everything(application, "assets_asset", towns.elsewhere)
        assert attempts(application, towns, "assets_asset", theirs) == [
            "take",
            "give",
            "remove",
            "forge",
        ]


def test_whatever_else_has_a_territory_is_closed_too(towns: TwoTowns) -> None:
    """Partitions and views: read beside their table, they give no row or are not for reading."""
    with psycopg.connect(towns.database.administrator) as admin:
        names = [
            name
            for (name,) in admin.execute(
                "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
                " WHERE a.attname = 'territory_id' AND c.relkind IN ('r', 'p', 'v', 'm')"
                " AND c.relnamespace = 'public'::regnamespace"
            )
        ]
    assert {"series_reading", "series_observation_default"} <= set(names)
    with psycopg.connect(towns.database.urls.application) as application:
        for name in names:
            act_for(application, towns.here)
            query = sql.SQL("SELECT count(*) FROM {} WHERE territory_id = %s")
            try:
                rows = application.execute(
                    query.format(sql.Identifier(name)), [towns.elsewhere.territory.pk]
                ).fetchone()
            except psycopg.errors.InsufficientPrivilege:
                rows = (0,)
            application.rollback()
            assert rows == (0,), name


def test_shared_tables_hold_no_word_of_a_town(towns: TwoTowns) -> None:
    """The queue, the cache, the lists of the country: only people's accounts name anybody."""
    shared = {
        name
        for name, rule in declared_rules().items()
        if rule.kind is RuleKind.SHARED and "SELECT" in rule.verbs
    }
    telling = set()
    with psycopg.connect(towns.database.urls.application) as application:
        act_for(application, towns.here)
        for name in sorted(shared):
            if application.execute("SELECT to_regclass(%s)", [name]).fetchone() != (None,):
                rows = application.execute(
                    sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(name))
                ).fetchall()
                if any(towns.marks.word in text for (text,) in rows):
                    telling.add(name)
    assert "accounts_user" in telling, "negative control: the search finds words"
    assert telling <= set(PEOPLE)


def test_the_ingest_door_says_and_takes_nothing_across(towns: TwoTowns) -> None:
    here, elsewhere = towns.here, towns.elsewhere
    body = message(elsewhere.device, towns.at, energy_kwh=1.0)
    with serving(make_application()) as (door, _server):
        ours = post(door, here.ingest_path, body, headers=headers(here))
        crossed = post(door, elsewhere.ingest_path, body, headers=headers(here))
        theirs = post(door, elsewhere.ingest_path, body, headers=headers(elsewhere))
    # A device of theirs is unknown with us; our secret opens no door of theirs.
    assert (ours[0], ours[1]["unclaimed"]) == (200, 1)
    assert crossed[0] in {401, 403}
    assert (theirs[0], theirs[1]["unclaimed"]) == (200, 0), "negative control: they know it"
    asked = body.decode()
    assert towns.marks.found(str(ours[1:]), asked=asked) == set()
    assert towns.marks.found(str(crossed[1:]), asked=elsewhere.ingest_path + asked) == set()


def test_live_changes_of_the_other_town_are_not_heard(towns: TwoTowns) -> None:
    here, elsewhere = towns.here, towns.elsewhere
    conninfo = application_conninfo()
    hub = Hub(url=lambda: conninfo, gather_s=0.05)
    application = LiveApplication(hub=hub, sessions=Sessions(), heartbeat_s=0.2, check_s=0.2)
    before = mark_of(now() - timedelta(minutes=1))
    with (
        serving(make_application()) as (door, _ingest),
        serving(application, before_stop=partial(hub.close_all, "stopping")) as (live, _live),
        listening(live, here) as ours,
        listening(live, here, query=f"?assets={elsewhere.asset},{here.asset}") as curious,
        listening(live, elsewhere) as theirs,
    ):
        for stream in (ours, curious, theirs):
            stream.until("event: tick")
        for town in (elsewhere, here):
            value = float(town.number + 1)
            body = message(town.device, now(), energy_kwh=value)
            assert post(door, town.ingest_path, body, headers=headers(town))[0] == 200
        said_here = [stream.until(f"{here.number + 1}.0") for stream in (ours, curious)]
        said_elsewhere = theirs.until(f"{elsewhere.number + 1}.0")
        with listening(live, here, mark=before) as resumed:
            said_here.append(resumed.until(f"{here.number + 1}.0"))
        with listening(live, elsewhere, mark=before) as resumed:
            said_elsewhere_again = resumed.until(f"{elsewhere.number + 1}.0")
        with (
            pytest.raises(ConnectionRefusedError, match="403"),
            listening(live, here, slug=elsewhere.territory.slug),
        ):
            pass
    assert [towns.marks.found(text) for text in said_here] == [set(), set(), set()]
    for text in (said_elsewhere, said_elsewhere_again):
        assert towns.marks.found(text), "negative control: they hear it"


def leaks(towns: TwoTowns, told: dict[str, str]) -> dict[str, set[str]]:
    """Return what the answers say of the other town, by address."""
    found = {url: towns.marks.found(text, asked=url) for url, text in told.items()}
    return {url: words for url, words in found.items() if words}


def trespasses(towns: TwoTowns, by: MarkedTown, to: MarkedTown) -> list[tuple[str, set[str]]]:
    """Ask every address with another's names, to read and to write; return what came of it."""
    return [
        (url, told)
        for route in routes()
        for names in fillings(route, by.names, to.names)
        for url in [route.filled(names) + needed_query(route)]
        for ask in (by.client.get, by.client.post)
        for told in [_trespass(towns, route, url, partial(ask, url, headers=route.headers))]
        if told
    ]


def _plain(value: Any) -> Any:
    """Write a column's value as JSON; octets, which no rule looks at, are left out."""
    if isinstance(value, bytes | memoryview):
        return None
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return value if isinstance(value, int | float | str | dict | None) else str(value)


def _trespass(towns: TwoTowns, route: Route, url: str, ask: Callable[[], Any]) -> set[str]:
    status, text = answered(ask)
    told = towns.marks.found(text, asked=url)
    guarded = route.of_territory and (route.of_api or not route.public)
    if guarded and status not in REFUSED:
        told.add(str(status))
    return told


def changed(towns: TwoTowns) -> list[str]:
    """Return the tables in which the other town's rows are no more what they were at first."""
    with psycopg.connect(towns.database.administrator) as admin:
        return [
            table
            for table, rows in towns.rows_elsewhere.items()
            # As text: a day without energy holds NaN, which is not equal to itself.
            if repr(everything(admin, table, towns.elsewhere)) != repr(rows)
        ]


def act_for(connection: psycopg.Connection[Any], town: MarkedTown) -> None:
    """Set the territory of the transaction, as every request does."""
    connection.execute(CONTEXT_SQL, context_parameters(town.territory.pk, user_id=town.agent.pk))


def attempts(
    connection: psycopg.Connection[Any], towns: TwoTowns, table: str, row: Row
) -> list[str]:
    """Try to take a row of theirs, to give them one of ours, to remove theirs: what succeeded."""
    column = towns.tables[table]
    name, owner = sql.Identifier(table), sql.Identifier(column)
    ours, theirs = towns.here.territory.pk, towns.elsewhere.territory.pk
    written = [key for key in row if key not in _computed(connection, table)]
    tried = {
        "take": (
            sql.SQL("UPDATE {} SET {} = {} WHERE {} = %s").format(name, owner, owner, owner),
            [theirs],
        ),
        "give": (
            sql.SQL("UPDATE {} SET {} = %s WHERE {} = %s").format(name, owner, owner),
            [theirs, ours],
        ),
        "remove": (sql.SQL("DELETE FROM {} WHERE {} = %s").format(name, owner), [theirs]),
        "forge": (
            sql.SQL(
                "INSERT INTO {0} ({1}) SELECT {1} FROM jsonb_populate_record(NULL::{0}, %s)"
            ).format(name, sql.SQL(", ").join(map(sql.Identifier, written))),
            [Jsonb({key: _plain(row[key]) for key in written})],
        ),
    }
    return [what for what, statement in tried.items() if _succeeds(connection, *statement)]


def _computed(connection: psycopg.Connection[Any], table: str) -> set[str]:
    """Return the columns that the database computes and nobody writes."""
    query = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attgenerated <> ''"
    return {name for (name,) in connection.execute(query, [table])}


def _succeeds(
    connection: psycopg.Connection[Any], statement: sql.Composed, parameters: list[Any]
) -> bool:
    try:
        with connection.transaction(force_rollback=True):
            return connection.execute(statement, parameters).rowcount > 0
    except psycopg.errors.InsufficientPrivilege:
        return False
    except psycopg.IntegrityError:
        return True  # it is another row that stood in the way, not the separation


def _switch(admin: psycopg.Connection[Any], towns: TwoTowns, how: str) -> None:
    for table in towns.tables:
        admin.execute(
            sql.SQL("ALTER TABLE {} " + how + " ROW LEVEL SECURITY").format(sql.Identifier(table))
        )
