"""Assets, devices and sources."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Query, Router
from pydantic import Field

from beffroi.city.assets.api import (
    AssetNotFound,
    AssetQuery,
    AssetRecord,
    AssetState,
    DeviceNotFound,
    DeviceSummary,
    assets_by_uuid,
    assets_listed,
    device_get,
    devices_page,
)
from beffroi.city.ingest.api import SourceView, source_get, sources_list
from beffroi.foundation.accounts.contracts import Scope
from beffroi.interfaces.api.answers import LISTS, Page, listed, names_of, single
from beffroi.interfaces.api.asking import (
    USUAL_ROWS,
    FieldsAsked,
    PageAsked,
    identifiers,
    instant,
    keys,
    rectangle,
)
from beffroi.interfaces.api.callers import caller_of, scope_of
from beffroi.interfaces.api.cursors import cursor_read, cursor_refused
from beffroi.interfaces.api.declaring import operation
from beffroi.interfaces.api.negotiation import Form
from beffroi.interfaces.api.operations.short_lists import short_list
from beffroi.interfaces.api.operations.towns import TOWN
from beffroi.interfaces.api.resources import ASSET, DEVICE, SOURCE
from beffroi.sdk.registry import asset_types, domains

router = Router(tags=["Assets"])
sources_router = Router(tags=["Devices and sources"])

ASSET_FORMS = (*LISTS, Form.GEOJSON, Form.PARQUET)
MOST_DEVICES = 500


class AssetsAsked(PageAsked):
    """Which assets."""

    type: str | None = Field(
        None, max_length=2_000, description="Keys of types, separated by commas.",
        examples=["light_point"],
    )  # fmt: skip
    domain: str | None = Field(
        None, max_length=2_000, description="Keys of urban services, separated by commas.",
        examples=["street_lighting"],
    )  # fmt: skip
    id: str | None = Field(
        None, max_length=20_000, description="Identifiers, separated by commas, 500 at most."
    )
    area: UUID | None = Field(None, description="An area; those below it count as well.")
    department: UUID | None = Field(None, description="A department.")
    parent: UUID | None = Field(None, description="The asset that contains or feeds them.")
    bbox: str | None = Field(
        None, max_length=100, description="West,south,east,north in degrees.",
        examples=["3.80,43.55,3.95,43.68"],
    )  # fmt: skip
    text: str | None = Field(
        None, max_length=200, description="Words of the name, the key or the address."
    )
    updated_since: str | None = Field(
        None,
        max_length=40,
        description="Changed at this instant or later; assets removed since then come too.",
        examples=["2026-03-01T00:00:00Z"],
        json_schema_extra={"format": "date-time"},
    )


@operation(
    router,
    TOWN + "/assets",
    id="listAssets",
    resource=ASSET,
    summary="Assets",
    forms=ASSET_FORMS,
    verb="assets.see",
)
def assets(request: HttpRequest, territory: str, asked: Query[AssetsAsked]) -> HttpResponseBase:
    """List assets, in the order in which they were registered.

    An asset added while pages are read comes on a later page; none is given twice.
    """
    del territory
    scope = scope_of(request, "assets.see")
    names = names_of(request, ASSET, asked.fields)
    wanted = AssetQuery(
        uuids=identifiers(asked.id, field="id"),
        type_keys=keys(asked.type, field="type", known=tuple(asset_types())),
        domain_keys=keys(asked.domain, field="domain", known=tuple(domains())),
        area=asked.area,
        department=asked.department,
        parent=asked.parent,
        bbox=rectangle(asked.bbox),
        text=asked.text or "",
        updated_since=None
        if asked.updated_since is None
        else instant(asked.updated_since, field="updated_since"),
    )
    shown = "geometry" in names or "geo+json" in request.headers.get("Accept", "")

    def read(after: list[Any] | None, limit: int) -> Page:
        found = assets_listed(
            wanted,
            scope=scope,
            after=None if after is None else after[0],
            limit=limit + 1,
            with_properties="properties" in names,
            with_shape=shown,
        )
        rows = found[:limit]
        return Page(
            columns=asset_columns(rows, with_shape=shown),
            after=[rows[-1].uuid] if len(found) > limit else None,
            stamp=("id", "updated_at", "state", "area", "parent"),
        )

    return listed(
        request,
        ASSET,
        read,
        limit=asked.limit,
        usual=USUAL_ROWS,
        after=uuid_cursor(request),
        names=names,
        forms=ASSET_FORMS,
    )


@operation(
    router,
    TOWN + "/assets/{uuid:asset}",
    id="getAsset",
    resource=ASSET,
    summary="One asset",
    is_list=False,
    forms=(Form.JSON, Form.GEOJSON),
    verb="assets.see",
)
def asset_one(
    request: HttpRequest, territory: str, asset: UUID, asked: Query[FieldsAsked]
) -> HttpResponseBase:
    """Give one asset, its geometry too where it is asked for."""
    del territory
    scope = scope_of(request, "assets.see")
    names = names_of(request, ASSET, asked.fields)
    found = assets_listed(AssetQuery(uuids=(asset,)), scope=scope, limit=1, with_shape=True)
    if not found:
        raise AssetNotFound("There is no such asset here.")
    values = {name: column[0] for name, column in asset_columns(found, with_shape=True).items()}
    return single(request, values, names=names, forms=(Form.JSON, Form.GEOJSON))


class DevicesAsked(PageAsked):
    """Which devices."""

    text: str | None = Field(
        None, max_length=200, description="Beginning of the identifier, or part of the model."
    )
    attached: bool | None = Field(
        None, description="Only those that speak for an asset, or only those that do not."
    )
    silent: bool = Field(default=False, description="Only those whose asset is silent.")


@operation(
    sources_router,
    TOWN + "/devices",
    id="listDevices",
    resource=DEVICE,
    summary="Devices",
    forms=LISTS,
    verb="sources.see",
)
def devices(request: HttpRequest, territory: str, asked: Query[DevicesAsked]) -> HttpResponseBase:
    """List what transmits, in the order of identifiers."""
    del territory
    scope_of(request, "sources.see")
    scope = _assets_scope(request)
    by_id = {view.id: view.uuid for view in sources_list()}

    def read(after: list[Any] | None, limit: int) -> Page:
        found, more = devices_page(
            text=asked.text or "",
            attached=asked.attached,
            silent=asked.silent,
            after="" if after is None else str(after[0]),
            limit=min(limit, MOST_DEVICES),
            scope=scope,
        )
        rows = [device_row(view, source=by_id.get(view.source_id or 0)) for view in found]
        return Page(
            columns={name: [row[name] for row in rows] for name in DEVICE.names},
            after=[more] if more else None,
        )

    after = cursor_read(request, 1)
    if after is not None and not isinstance(after[0], str):
        raise cursor_refused(str(after[0]))
    return listed(
        request,
        DEVICE,
        read,
        limit=asked.limit,
        usual=MOST_DEVICES,
        after=after,
        names=names_of(request, DEVICE, asked.fields),
    )


@operation(
    sources_router,
    TOWN + "/devices/{uuid:device}",
    id="getDevice",
    resource=DEVICE,
    summary="One device",
    is_list=False,
    verb="sources.see",
)
def device_one(
    request: HttpRequest, territory: str, device: UUID, asked: Query[FieldsAsked]
) -> HttpResponseBase:
    """Give one device and the asset it speaks for."""
    del territory
    scope_of(request, "sources.see")
    names = names_of(request, DEVICE, asked.fields)
    found = device_get(device)
    if found.asset_uuid is not None and not assets_by_uuid(
        [found.asset_uuid], scope=_assets_scope(request)
    ):
        raise DeviceNotFound("There is no such device here.")
    by_id = {view.id: view.uuid for view in sources_list()}
    row = device_row(found, source=by_id.get(found.source_id or 0))
    return single(request, row, names=names)


@operation(
    sources_router,
    TOWN + "/sources",
    id="listSources",
    resource=SOURCE,
    summary="Sources",
    forms=LISTS,
    verb="sources.see",
)
def sources(request: HttpRequest, territory: str, asked: Query[PageAsked]) -> HttpResponseBase:
    """List who sends measurements, and how well it goes. No secret and no address is given."""
    del territory
    scope_of(request, "sources.see")
    found = [source_row(view) for view in sources_list()]
    return short_list(request, SOURCE, found, asked, key="id")


@operation(
    sources_router,
    TOWN + "/sources/{uuid:source}",
    id="getSource",
    resource=SOURCE,
    summary="One source",
    is_list=False,
    verb="sources.see",
)
def source_one(
    request: HttpRequest, territory: str, source: UUID, asked: Query[FieldsAsked]
) -> HttpResponseBase:
    """Give one source, with what it sent in a day."""
    del territory
    scope_of(request, "sources.see")
    names = names_of(request, SOURCE, asked.fields)
    return single(request, source_row(source_get(source)), names=names)


def uuid_cursor(request: HttpRequest) -> list[Any] | None:
    """Return the cursor of a list in the order of identifiers.

    Raises:
        InvalidInput: it is not one.
    """
    values = cursor_read(request, 1)
    if values is None:
        return None
    try:
        return [UUID(str(values[0]))]
    except ValueError as error:
        raise cursor_refused(str(values[0])) from error


def asset_columns(rows: list[AssetRecord], *, with_shape: bool) -> dict[str, list[Any]]:
    """Return assets by columns, as the API names them."""
    columns = list(zip(*rows, strict=True)) if rows else [() for _name in AssetRecord._fields]
    by_name = dict(zip(AssetRecord._fields, columns, strict=True))
    found: dict[str, list[Any]] = {
        "id": list(by_name["uuid"]),
        "type": list(by_name["type_key"]),
        "domain": list(by_name["domain_key"]),
        "state": [_STATES[state] for state in by_name["state"]],
        "area": list(by_name["area_uuid"]),
        "department": list(by_name["department_uuid"]),
        "parent": list(by_name["parent_uuid"]),
        "properties": [value or {} for value in by_name["properties"]],
    }
    for name in (
        "name", "external_key", "origin", "attribution", "lon", "lat", "area_name",
        "department_name", "created_at", "updated_at", "removed_at",
    ):  # fmt: skip
        found[name] = list(by_name[name])
    found["geometry"] = [
        row.shape or {"type": "Point", "coordinates": [row.lon, row.lat]} if with_shape else None
        for row in rows
    ]
    return found


_STATES = {state.value: state.name.lower() for state in AssetState}


def device_row(view: DeviceSummary, *, source: UUID | None) -> dict[str, Any]:
    """Return a device as the API gives it."""
    return {
        "id": view.uuid,
        "identifier": view.identifier,
        "model": view.model,
        "codec": view.codec_key,
        "source": source,
        "asset": view.asset_uuid,
        "attached_from": view.attached_from,
        "last_seen_at": view.last_seen_at,
        "battery_v": view.battery_v,
        "battery_pct": view.battery_pct,
        "radio": dict(view.radio or {}),
    }


def source_row(view: SourceView) -> dict[str, Any]:
    """Return a source as the API gives it: no key and no settings, which may be secret."""
    return {
        "id": view.uuid,
        "name": view.name,
        "connector": view.connector_key,
        "enabled": view.enabled,
        "created_at": view.created_at,
        "last_message_at": view.last_message_at,
        "accepted_last_day": view.last_day.accepted,
        "errors_last_day": view.errors_in_a_day,
        "unclaimed_devices": view.unclaimed_count,
    }


def _assets_scope(request: HttpRequest) -> Scope:
    """Return the assets that the caller sees; who only sees sources sees devices of no asset."""
    return caller_of(request).access.scope("assets.see")
