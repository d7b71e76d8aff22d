"""The same content as the map, as a list."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from uuid import UUID

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from beffroi.city.assets.api import (
    ORDERS,
    AssetFilter,
    AssetSummary,
    asset_get,
    assets_matching,
    assets_page,
)
from beffroi.foundation.accounts.contracts import Scope
from beffroi.foundation.files.writing import unarmed
from beffroi.kernel.errors import InvalidInput
from beffroi.modules.control_room.contracts import ListPage, ListRow
from beffroi.modules.control_room.readings import rows_of
from beffroi.modules.control_room.titles import all_called
from beffroi.modules.control_room.words import STATES, domain_label

PAGE_SIZE = 50
_BATCH = 500
_FORWARD, _BACKWARD = "s.", "p."


def list_page(
    wanted: AssetFilter,
    *,
    scope: Scope,
    order: str = "name",
    descending: bool = False,
    page: str = "",
) -> ListPage:
    """Return one page of the list.

    ``order`` is one of the assets' orders, first ascending; ``page`` is a cursor of a former
    page. A cursor that is not ours gives the first page: a link that was cut still opens.
    """
    # Some orders are declared with the greatest first: there, ascending is their reverse.
    reverse = descending != ORDERS[order][0][1]
    try:
        found = assets_page(
            wanted,
            scope=scope,
            order=order,
            reverse=reverse,
            after=page.removeprefix(_FORWARD) if page.startswith(_FORWARD) else "",
            before=page.removeprefix(_BACKWARD) if page.startswith(_BACKWARD) else "",
            limit=PAGE_SIZE,
        )
    except InvalidInput:
        found = assets_page(wanted, scope=scope, order=order, reverse=reverse, limit=PAGE_SIZE)
    return ListPage(
        rows=rows_of(found.rows),
        total=found.total,
        before=f"{_BACKWARD}{found.before}" if found.before else "",
        after=f"{_FORWARD}{found.after}" if found.after else "",
    )


def parent_of_list(uuid: UUID, *, scope: Scope) -> AssetSummary:
    """Return the asset whose children a list is narrowed to.

    Raises:
        AssetNotFound: there is none, or it is outside the scope.
    """
    return all_called([asset_get(uuid, scope=scope).summary])[0]


def list_csv(wanted: AssetFilter, *, scope: Scope, page_url: str) -> Iterator[str]:
    """Give the list as CSV, for spreadsheets set to French: semicolons and decimal commas.

    ``page_url`` is the address of an asset's page with ``{uuid}`` in it.
    """
    writer = csv.writer(_Line(), delimiter=";", lineterminator="\r\n")
    yield "\ufeff" + writer.writerow(
        [
            _("Name"),
            _("Identifier"),
            _("Urban service"),
            _("Type"),
            _("Street"),
            _("District"),
            _("Department"),
            _("State"),
            _("Longitude"),
            _("Latitude"),
            _("Measure"),
            _("Latest value"),
            _("Unit"),
            _("Measured at"),
            _("Address of the page"),
        ]
    )
    for batch in _batches(assets_matching(wanted, scope=scope)):
        # A part per batch: tens of thousands of tiny ones would cost more than reading them.
        yield "".join(writer.writerow(_cells(row, page_url)) for row in rows_of(batch))


def _batches(assets: Iterable[AssetSummary]) -> Iterator[Sequence[AssetSummary]]:
    rows = iter(assets)
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _cells(row: ListRow, page_url: str) -> list[str]:
    asset, value = row.asset, row.value
    words = [
        asset.name,
        asset.external_key,
        domain_label(asset.domain_key),
        row.type_label,
        row.street,
        asset.area_name,
        asset.department_name,
        str(STATES[asset.state]),
    ]
    return [
        *(unarmed(word) for word in words),
        f"{asset.lon:.7f}".replace(".", ","),
        f"{asset.lat:.7f}".replace(".", ","),
        "" if value is None else value.label,
        "" if value is None or value.value is None else _written(value.value, value.choices),
        "" if value is None else value.unit,
        "" if value is None or value.at is None else localtime(value.at).isoformat(" ", "seconds"),
        page_url.replace("{uuid}", str(asset.uuid)),
    ]


def _written(value: float, choices: tuple[str, ...]) -> str:
    if choices and 0 <= round(value) < len(choices):
        return choices[round(value)]
    return repr(value).replace(".", ",")


class _Line:
    """What a CSV writer writes to: it gives the line back."""

    def write(self, text: str) -> str:
        return text
