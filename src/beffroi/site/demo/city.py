"""Builds the demo city: territory, base map, assets, sources, devices; steps may be repeated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from django.db import transaction

from beffroi.city.assets.api import (
    WHOLE,
    AssetFacts,
    AssetFilter,
    BulkOptions,
    ImportOptions,
    NewAsset,
    NewDevice,
    Origin,
    Why,
    assets_facts,
    assets_state_refresh,
    assets_upsert_many,
    devices_attach_many,
    import_file,
)
from beffroi.city.basemap.api import addresses_import, basemap_build, basemap_import
from beffroi.city.ingest.api import source_create
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.api import (
    AreaKind,
    TerritoryCard,
    area_drafts_from_geojson,
    areas_replace,
    boundary_from_geojson,
    territory_boundary_set,
    territory_create,
    territory_find,
)
from beffroi.kernel.identifiers import slug_of
from beffroi.sdk.declarations import DemoAsset
from beffroi.site.cli.words import counted, ngettext, rows_told
from beffroi.site.demo import datasets, replay
from beffroi.site.demo.counts import placed_counts
from beffroi.site.demo.fleets import FleetMember, device_of, fleets
from beffroi.site.demo.folder import DemoFolder
from beffroi.site.sending import Door

Progress = Callable[[int, int], None]

SIMULATED = "Mesures simulées pour la démonstration"
CABINET_CELL_DEGREES = 0.0045
"""Side of the squares whose lamps share a simulated cabinet: about 400 metres."""

REPLAYED_GARAGES = (
    "BRUUNS",
    "BUSGADEHUSET",
    "KALKVAERKSVEJ",
    "MAGASIN",
    "NORREPORT",
    "SALLING",
    "SCANDCENTER",
    "SKOLEBAKKEN",
)
TOWER_DEVICE = "a81758fffe04b1c1"
PUBLIC_BUILDINGS = ("maison pour tous", "mediatheque", "mairie annexe", "crr")
"""First words of the public buildings that get simulated indoor sensors, a room or two in each."""
ROOMS = ("Grande salle", "Salle d’activités")


def territory(folder: DemoFolder) -> TerritoryCard:
    """Return the demo's territory, made with its boundary and districts if it is new."""
    found = territory_find(insee=datasets.TERRITORY_INSEE)
    if found is not None:
        return found
    with transaction.atomic():
        made = territory_create(insee=datasets.TERRITORY_INSEE)
        with acting_for(made.id):
            boundary = boundary_from_geojson(folder.content(datasets.BOUNDARY))
            territory_boundary_set(made.id, boundary=boundary)
            for name, kind, label in (
                (datasets.DISTRICTS, AreaKind.DISTRICT, "LIBQUART"),
                (datasets.SUB_DISTRICTS, AreaKind.SUB_DISTRICT, "LIBSQUART"),
            ):
                drafts = area_drafts_from_geojson(folder.content(name), name_field=label)
                areas_replace(made.id, kind=kind, drafts=drafts)
    return made


def basemap(folder: DemoFolder, town: TerritoryCard, progress: Progress) -> str:
    """Read the base map's files and make its tiles."""
    with acting_for(town.id):
        for number, wanted in enumerate(datasets.BASEMAP):
            basemap_import(
                folder.file(wanted.name),
                layer=wanted.layer,
                name_column=wanted.name_column,
                class_column=wanted.class_column,
                attribution=wanted.attribution,
            )
            progress(number, len(datasets.BASEMAP) + 8)
        addresses_import(
            folder.file(datasets.ADDRESSES),
            number_column="NUM_SUF",
            street_column="LIB_OFF",
            attribution=datasets.TOWN,
        )
        built = basemap_build(progress=progress)
    return ngettext("{count} tile", "{count} tiles", built.tiles).format(count=counted(built.tiles))


def assets(
    folder: DemoFolder, town: TerritoryCard, wanted: datasets.AssetFile, progress: Progress
) -> str:
    """Import one file with the importer that a town uses."""
    simulated = wanted.type_key in fleets()
    path = folder.file(wanted.name)
    if wanted.name == datasets.TRAFFIC_COUNTS:
        path = placed_counts(path, streets=folder.file(datasets.STREETS))
    report = import_file(
        path,
        territory_id=town.id,
        type_key=wanted.type_key,
        mapping_overrides=wanted.mapping or None,
        options=ImportOptions(
            origin=Origin.SIMULATED if simulated else Origin.REAL,
            attribution=f"{wanted.attribution}. {SIMULATED}" if simulated else wanted.attribution,
        ),
        report=progress,
    )
    return rows_told(kept=report.counts.total, refused=report.refused)


def simulated_assets(town: TerritoryCard) -> str:
    """Add what no open data set has: cabinets for the lamps, stations, rooms, replayed nodes."""
    options = BulkOptions(why=Why.SYSTEM, origin=Origin.SIMULATED, attribution=SIMULATED)
    with acting_for(town.id):
        lamps = list(assets_facts(AssetFilter(type_key="light_point"), scope=WHOLE))
        cabinets = list(cabinets_for(lamps))
        assets_upsert_many(cabinets, type_key="lighting_cabinet", options=options)
        assets_upsert_many(
            [
                NewAsset(
                    external_key=lamp.external_key,
                    lon=lamp.lon,
                    lat=lamp.lat,
                    parent_key=_cell_key(lamp.lon, lamp.lat),
                )
                for lamp in lamps
            ],
            type_key="light_point",
            options=BulkOptions(
                why=Why.SYSTEM,
                origin=Origin.SIMULATED,
                attribution=f"{datasets.TOWN}. {SIMULATED}",
            ),
        )
        assets_upsert_many(
            [
                NewAsset(
                    external_key="meteo-1",
                    name="Station météo de l’Hôtel de Ville",
                    lon=3.89652,
                    lat=43.59873,
                )
            ],
            type_key="weather_station",
            options=options,
        )
        assets_upsert_many(
            [
                NewAsset(
                    external_key=TOWER_DEVICE,
                    name="Capteur de la tour (relevés réels de Grenoble)",
                    lon=3.87980,
                    lat=43.61090,
                    properties={"model": "Elsys EMS"},
                )
            ],
            type_key="sensor_node",
            options=BulkOptions(
                why=Why.SYSTEM, origin=Origin.REPLAYED, attribution=replay.CREDIT_GRENOBLE
            ),
        )
        buildings = assets_facts(AssetFilter(type_key="defibrillator"), scope=WHOLE)
        assets_upsert_many(
            list(rooms_of(buildings)),
            type_key="indoor_sensor",
            options=BulkOptions(
                why=Why.SYSTEM,
                origin=Origin.SIMULATED,
                attribution=f"Bâtiment : {datasets.TOWN}. {SIMULATED}",
            ),
        )
    count = len(cabinets)
    return ngettext("{count} cabinet", "{count} cabinets", count).format(count=counted(count))


def cabinets_for(lamps: Iterable[AssetFacts]) -> Iterable[NewAsset]:
    """Give one cabinet for the lamps of each square, at their centre."""
    cells: dict[str, list[AssetFacts]] = defaultdict(list)
    for lamp in lamps:
        cells[_cell_key(lamp.lon, lamp.lat)].append(lamp)
    for number, key in enumerate(sorted(cells), start=1):
        members = cells[key]
        yield NewAsset(
            external_key=key,
            name=f"Armoire {number:03d}",
            lon=sum(one.lon for one in members) / len(members),
            lat=sum(one.lat for one in members) / len(members),
            properties={"light_points": len(members)},
        )


def rooms_of(buildings: Iterable[AssetFacts]) -> Iterable[NewAsset]:
    """Give the rooms of the public buildings that the town's list of defibrillators places."""
    for building in sorted(buildings, key=lambda one: one.external_key):
        name = " ".join(building.name.split())
        if not slug_of(name).replace("-", " ").startswith(PUBLIC_BUILDINGS):
            continue
        shown = name.capitalize() if name.isupper() and " " in name else name
        for rank, room in enumerate(ROOMS, start=1):
            yield NewAsset(
                external_key=f"salle-{building.external_key}-{rank}",
                name=f"{shown}, {room.lower()}",
                lon=building.lon,
                lat=building.lat,
                properties={"building": shown, "floor": "Rez-de-chaussée", "room": room},
            )


def members_of(asset_type: str) -> list[FleetMember]:
    """Return the simulated assets of a type; those whose values are replayed are left out."""
    fleet_assets = assets_facts(AssetFilter(type_key=asset_type), scope=WHOLE)
    return [
        FleetMember(
            device=device_of(asset_type, one.external_key),
            asset=DemoAsset(
                key=one.external_key, lon=one.lon, lat=one.lat, properties=one.properties
            ),
        )
        for one in fleet_assets
        if one.origin == Origin.SIMULATED
    ]


def sources(folder: DemoFolder, town: TerritoryCard) -> dict[str, Door]:
    """Return the demo's four sources, made on the first run; their secrets are kept apart."""
    kept: Mapping[str, Any] = folder.state().get("doors", {})
    if kept:
        return {
            name: Door(**{**door, "header": str(door["header"]).encode()})
            for name, door in kept.items()
        }
    made: dict[str, Door] = {}
    identifiers: dict[str, int] = {}
    with acting_for(town.id):
        for name, connector, label, settings, codec in (
            ("fleets", "plain_json", "Flottes simulées", {}, ""),
            ("helium", "helium", "Helium, tour Perret (rejoué)", {}, "elsys"),
            ("chirpstack", "chirpstack", "ChirpStack, Saint-Eynard (rejoué)", {}, ""),
            ("aarhus", "csv_history", "Parkings d’Aarhus (rejoué)", {"time_zone": "UTC"}, ""),
        ):
            source, issued = source_create(
                connector, name=label, settings=settings, default_codec=codec
            )
            if issued is None:
                raise LookupError(f"the connector {connector} gives no secret")
            made[name] = Door(
                connector=connector,
                key=source.key,
                secret=issued.secret,
                content_type="text/csv" if connector == "csv_history" else "application/json",
                header=replay.AARHUS_HEADER if connector == "csv_history" else b"",
            )
            identifiers[name] = source.pk
    folder.keep(
        doors={
            name: {**asdict(door), "header": door.header.decode()} for name, door in made.items()
        },
        source_ids=identifiers,
    )
    return made


def devices(folder: DemoFolder, town: TerritoryCard, progress: Progress) -> str:
    """Attach a device to every asset that reports."""
    ids: Mapping[str, int] = folder.state()["source_ids"]
    count = 0
    with acting_for(town.id):
        replayed_car_parks(folder)
        for number, asset_type in enumerate(fleets()):
            pairs = [
                (
                    NewDevice(identifier=member.device, model="simulé", source_id=ids["fleets"]),
                    member.asset.key,
                )
                for member in members_of(asset_type)
            ]
            count += devices_attach_many(pairs, type_key=asset_type)
            progress(number + 1, len(fleets()))
        devices_attach_many(
            [
                (
                    NewDevice(
                        identifier=TOWER_DEVICE,
                        model="Elsys EMS",
                        codec_key="elsys",
                        source_id=ids["helium"],
                    ),
                    TOWER_DEVICE,
                )
            ],
            type_key="sensor_node",
        )
        assets_state_refresh()
    return ngettext("{count} device", "{count} devices", count).format(count=counted(count))


def replayed_car_parks(folder: DemoFolder) -> dict[str, tuple[str, int]]:
    """Return which car park stands in for which garage of Aarhus, with its capacity.

    The largest car parks are chosen; they say on their page that their values are replayed.
    """
    kept = folder.state().get("garages")
    if kept:
        return {garage: (str(device), int(capacity)) for garage, (device, capacity) in kept.items()}
    found = sorted(
        (
            (int(one.properties.get("nominal_capacity_places") or 0), one)
            for one in assets_facts(AssetFilter(type_key="car_park"), scope=WHOLE)
        ),
        key=lambda pair: (-pair[0], pair[1].external_key),
    )[: len(REPLAYED_GARAGES)]
    garages = {
        garage: (f"aarhus-{garage.lower()}", capacity)
        for garage, (capacity, _) in zip(REPLAYED_GARAGES, found, strict=True)
    }
    assets_upsert_many(
        [
            NewAsset(external_key=one.external_key, lon=one.lon, lat=one.lat, name=one.name)
            for _, one in found
        ],
        type_key="car_park",
        options=BulkOptions(
            why=Why.SYSTEM,
            origin=Origin.REPLAYED,
            attribution=f"{datasets.TOWN}. Taux d’occupation : {replay.CREDIT_AARHUS}",
        ),
    )
    source_id = folder.state()["source_ids"]["aarhus"]
    devices_attach_many(
        [
            (
                NewDevice(
                    identifier=garages[garage][0], model="comptage (rejoué)", source_id=source_id
                ),
                one.external_key,
            )
            for garage, (_, one) in zip(REPLAYED_GARAGES, found, strict=True)
        ],
        type_key="car_park",
    )
    folder.keep(garages=garages)
    return garages


def _cell_key(lon: float, lat: float) -> str:
    return f"armoire-{int(lon / CABINET_CELL_DEGREES)}-{int(lat / CABINET_CELL_DEGREES)}"
