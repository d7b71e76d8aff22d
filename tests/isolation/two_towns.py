"""Two towns in one database, whose rows cannot be taken for each other's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
from canaries import Canaries, Row, canaries_of, legible, rows_of
from django.core.cache import cache
from django.db import transaction
from django.http.response import HttpResponseBase
from django.utils.http import int_to_base36
from marked_town import MarkedTown, make_marked_town
from psycopg import sql
from walking import Route, routes

from beffroi.city.assets.tiles import tile_cache_clear
from beffroi.city.series.services import series_maintain
from beffroi.foundation.database.api import declared_rules
from beffroi.foundation.database.contracts import RuleKind
from beffroi.foundation.database.testing import TestDatabase
from beffroi.kernel.clock import frozen_at

FIRST_ID = 731_000_001
"""Rows of the second town are numbered from here: a number of theirs is known wherever it goes."""

LATER_ID = 10_000_001
TILES = (
    {"z": 12, "x": 2092, "y": 1495},
    {"z": 14, "x": 8368, "y": 5982},
    {"z": 16, "x": 33474, "y": 23928},
)
"""Squares of the map on which both towns stand: from cells to each asset."""

SUGGESTED_PARENTS = "equipements/<uuid:asset>/modifier/parents/"
OBSERVED = "?start=2020-01-01T00:00:00Z&end=2100-01-01T00:00:00Z"
API = "api/v1/territories/<slug:territory>/"
QUERIES = {
    f"{API}assets": ("", "?text=armoire", "?fields=geometry,id", "?parent={asset}"),
    f"{API}observations": (f"{OBSERVED}&type=lighting_cabinet",),
    f"{API}streams/<uuid:stream>/observations": (OBSERVED,),
    f"{API}streams/<uuid:stream>/aggregates": (f"{OBSERVED}&step=month",),
    "series/export.csv": ("?type=lighting_cabinet&de=2020-01-01",),
    "series/export.parquet": ("?type=lighting_cabinet&de=2020-01-01",),
    "equipements/<uuid:asset>/export.csv": ("?de=2020-01-01",),
    "equipements/<uuid:asset>/export.parquet": ("?de=2020-01-01",),
    "series/<uuid:stream>.json": ("?de=2020-01-01",),
    "sources/<uuid:source>/": ("", "?vue=echecs", "?vue=erreurs"),
    "appareils/": ("", "?etat=inconnus", "?etat=silencieux"),
    "ville/": ("", "?q=rue", "?equipement={asset}"),
    "ville/liste/": ("", "?q=a", "?format=csv", "?parent={asset}"),
    "ville/recherche/": ("?q=7 rue", "?q=armoire", "?q=lanterne"),
    SUGGESTED_PARENTS: ("?parent=armoire",),
    "appareils/rattacher/": ("?source={source}&appareil=inconnu-{word}",),
    "equipements/<uuid:asset>/": ("", "?periode=annee"),
}
"""With what else an address is asked, where it says nothing by itself."""

# What changes from one answer to the next, and is nobody's data.
_OF_THE_MOMENT = re.compile(
    r"(csrfmiddlewaretoken\" value|nonce|csrf\"?)=\"[^\"]+\"|nonce-[^']+|Set-Cookie: .*|csrf=\S+"
    r"|[^\n]*,audit\.exported,[^\n]*"  # the export itself, with a hash that is new each time
    r"|\"X-CSRFToken\": ?\"[^\"]+\"|(?:Expires|Content-Length): .*",
)


_IDENTIFIER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![\w-])\d+(?![\w-])")


@dataclass(frozen=True)
class TwoTowns:
    """Both towns; ``alone`` is what the first answered before the second existed."""

    here: MarkedTown
    elsewhere: MarkedTown
    at: datetime
    database: TestDatabase
    tables: dict[str, str]
    marks: Canaries
    own_marks: Canaries
    alone: dict[str, str]
    rows_elsewhere: dict[str, dict[int, Row]]
    twins: dict[str, str]
    """What stands for a thing of the first town, and for its like in the second."""

    def foreign(self, text: str) -> str:
        """Write the second town's identifiers in the place of the first's."""
        return _IDENTIFIER.sub(lambda found: self.twins.get(found[0], found[0]), text).replace(
            self.here.word, self.elsewhere.word
        )


def make_two_towns(database: TestDatabase, *, at: datetime) -> TwoTowns:
    """Make the first town, ask it everything, then make the second by the same steps."""
    here = _made("xylocope", number=48_271_935, at=at)
    alone = own_answers(here, at=at)
    _number_from(database, FIRST_ID)
    elsewhere = _made("zibeline", number=61_728_394, at=at)
    _number_from(database, LATER_ID)
    tables = territory_tables()
    with psycopg.connect(database.administrator, autocommit=True) as admin:
        rows_here, rows_elsewhere = (
            {name: everything(admin, name, town) for name in tables} for town in (here, elsewhere)
        )
    mine, theirs = (
        [row for rows in table.values() for row in rows.values()]
        for table in (rows_here, rows_elsewhere)
    )
    first, last = FIRST_ID // 1_000_000, elsewhere.number // 10_000
    return TwoTowns(
        here=here,
        elsewhere=elsewhere,
        at=at,
        database=database,
        tables=tables,
        marks=canaries_of(
            elsewhere.word,
            numbers=rf"(?<![\d.])(?:{first}\d{{6}}|{last}\d{{4}})(?!\d)",
            rows=theirs,
            others=mine,
        ),
        own_marks=canaries_of(
            here.word,
            numbers=rf"(?<![\d.]){here.number // 10_000}\d{{4}}(?!\d)",
            rows=mine,
            others=theirs,
        ),
        alone=alone,
        rows_elsewhere=rows_elsewhere,
        twins={
            str(one[column]): str(other[column])
            for one, other in zip(mine, theirs, strict=True)
            for column in ("id", "uuid")
            if column in one and one["id"] != here.territory.pk
        },
    )


def territory_tables() -> dict[str, str]:
    """Return every table whose rows belong to a territory, with the column that says which."""
    return {
        name: "id" if name == "territories_territory" else "territory_id"
        for name, rule in declared_rules().items()
        if rule.kind is RuleKind.TERRITORY
    }


def everything(connection: psycopg.Connection[Any], table: str, town: MarkedTown) -> dict[int, Row]:
    """Return the rows of a town in a table, by rank, as a connection sees them."""
    column = territory_tables()[table]
    found = rows_of(connection, table, column=column, territory_id=town.territory.pk)
    return dict(enumerate(found))


def own_addresses(town: MarkedTown) -> Iterator[tuple[Route, str]]:
    """Give every address of the URLconf with the town's own names, and its useful queries."""
    for route in routes():
        queries = QUERIES.get(route.page, ("",))
        for tile in TILES if "z" in route.parameters else ({},):
            asked = {**town.names, **tile}
            if route.page == SUGGESTED_PARENTS:
                asked["asset"] = town.names["child"]  # a lamp depends on a cabinet
            path = route.filled(asked)
            for query in queries:
                yield route, path + query.format(word=town.word, **town.names)


def needed_query(route: Route) -> str:
    """Return what an address of the API cannot be asked without: its period."""
    query = QUERIES.get(route.page, ("",))[0] if route.of_api else ""
    return query if query.startswith(OBSERVED) else ""


def own_answers(town: MarkedTown, *, at: datetime) -> dict[str, str]:
    """Ask the town everything as its own agent, at one instant; nothing of the moment is kept."""
    nothing_kept()
    with frozen_at(at):
        return {
            url: _OF_THE_MOMENT.sub("", f"{status}\n{text}")
            for route, url in own_addresses(town)
            if route.of_territory
            for status, text in [answered(partial(town.client.get, url, headers=route.headers))]
        }


def nothing_kept() -> None:
    """Forget what pages and tiles keep for a moment, so that an answer is made anew."""
    cache.clear()
    tile_cache_clear()


def answered(ask: Callable[[], HttpResponseBase], *, undo: bool = True) -> tuple[int, str]:
    """Ask, read the whole answer as text, and undo what asking wrote."""
    with transaction.atomic():
        answer = ask()
        text = legible(answer)
        if undo:
            transaction.set_rollback(True)
    return answer.status_code, text


def _made(word: str, *, number: int, at: datetime) -> MarkedTown:
    town = make_marked_town(word, number=number, at=at)
    series_maintain(at)
    # An account's own links: a wrong key, and a token that was never given.
    town.names |= {
        "token": "jamais-donne",
        "uidb36": int_to_base36(town.agent.pk),
        "key": "abc-def",
        **TILES[0],
    }
    return town


def _number_from(database: TestDatabase, first: int) -> None:
    with psycopg.connect(database.administrator, autocommit=True) as admin:
        names = admin.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'S'"
            " AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        for (name,) in names:
            admin.execute(sql.SQL("SELECT setval({}, {})").format(name, first))
