"""Pages of one town followed and filled in with what stands for things of the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from canaries import Row
from django.db import connection, transaction
from forms_of_pages import Form, Page
from two_towns import FIRST_ID, TwoTowns, answered, own_addresses

from beffroi.foundation.database.api import acting_for


@dataclass(frozen=True)
class FormTried:
    """One form sent with one field of the other town, and what came of it."""

    url: str
    field: str
    status: int
    leaked: frozenset[str]
    crossed: frozenset[int]


def pages(towns: TwoTowns) -> Iterator[Page]:
    """Read every page of the first town."""
    for route, url in own_addresses(towns.here):
        text = towns.alone.get(url, "")
        if route.of_territory and text.startswith("200") and "text/html" in text[:400]:
            yield Page(url, text)


def links_to_elsewhere(towns: TwoTowns) -> Iterator[str]:
    """Give the addresses that pages link to, with the other's identifiers after the path."""
    inside = f"/t/{towns.here.territory.slug}/"
    seen: set[str] = set()
    for page in pages(towns):
        forms = (
            f"{form.action.partition('?')[0]}?{name}={value}"
            for form in page.forms
            if form.method == "get"
            for name in {*form.texts, *form.offered}
            for value in form.offered.get(name, {f"rue {towns.here.word}"})
        )
        for link in sorted({*page.links, *forms}):
            path, _, query = link.partition("?")
            crossed = f"{path}?{towns.foreign(query)}"
            if path.startswith(inside) and crossed != link and crossed not in seen and query:
                seen.add(crossed)
                yield crossed


def forms_filled_from_elsewhere(towns: TwoTowns) -> Iterator[FormTried]:
    """Send every form of the first town with one value exchanged for its like of the second."""
    seen: set[tuple[str, str, str]] = set()
    for page in pages(towns):
        for form in page.forms:
            if form.method != "post" or "/t/" not in form.action:
                continue
            for name, value in _exchanged(form, towns):
                if (form.action, name, value) not in seen:
                    seen.add((form.action, name, value))
                    yield _sent(form, name, value, towns)


def _exchanged(form: Form, towns: TwoTowns) -> Iterator[tuple[str, str]]:
    for name, values in form.offered.items():
        for value in values:
            if (other := towns.foreign(value)) != value:
                yield name, other
    for name in form.texts:
        yield name, towns.elsewhere.device
        yield name, f"A-{towns.elsewhere.word}"


def _sent(form: Form, name: str, value: str, towns: TwoTowns) -> FormTried:
    content = {**form.values, name: [value]}
    crossed: set[int] = set()
    with transaction.atomic():
        status, text = answered(partial(towns.here.client.post, form.action, content), undo=False)
        for table, column in towns.tables.items():
            with acting_for(towns.here.territory.pk), connection.cursor() as cursor:
                cursor.execute(
                    f'SELECT * FROM "{table}" WHERE "{column}" = %s',  # noqa: S608 - declared names
                    [towns.here.territory.pk],
                )
                columns = [one.name for one in cursor.description or ()]
                rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
            crossed |= refers_to(rows)
        transaction.set_rollback(True)
    asked = f"{form.action} {content}"
    return FormTried(
        form.action,
        name,
        status,
        frozenset(towns.marks.found(text, asked=asked)),
        frozenset(crossed),
    )


def refers_to(rows: Iterable[Row]) -> set[int]:
    """Return the numbers of the other town's rows that these rows hold."""
    return {
        value
        for row in rows
        for value in row.values()
        if isinstance(value, int) and FIRST_ID <= value < FIRST_ID + 100_000
    }
