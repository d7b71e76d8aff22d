"""The files of the demo city, and what each becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TOWN = "Ville de Montpellier, Licence Ouverte"
TERRITORY_INSEE = "34172"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFile:
    """A file that the importer makes assets of."""

    name: str
    type_key: str
    label: str
    attribution: str = TOWN
    mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasemapFile:
    """A file that the base map is drawn from."""

    name: str
    layer: str
    label: str
    name_column: str = ""
    class_column: str = ""
    attribution: str = TOWN


BOUNDARY = "montpellier/VilleMTP_MTP_LimiteCommune.geojson.gz"
DISTRICTS = "montpellier/VilleMTP_MTP_Quartiers.geojson.gz"
SUB_DISTRICTS = "montpellier/VilleMTP_MTP_SousQuartiers.geojson.gz"
ADDRESSES = "montpellier/VilleMTP_MTP_PointAdresse.zip"
STREETS = "montpellier/VilleMTP_MTP_FilaireVoies.zip"
TRAFFIC_COUNTS = "montpellier/VilleMTP_MTP_Comptage.csv.gz"

BASEMAP = (
    BasemapFile(name=BOUNDARY, layer="boundary", label="limites de la commune"),
    BasemapFile(
        name="montpellier/VilleMTP_MTP_EspacesVertsSurface.zip",
        layer="park",
        label="parcs et jardins",
        name_column="LIBEL",
    ),
    BasemapFile(name="montpellier/VilleMTP_MTP_CoursEau.zip", layer="water", label="cours d’eau"),
    BasemapFile(name="montpellier/VilleMTP_MTP_Batiments.zip", layer="building", label="bâtiments"),
    BasemapFile(
        name=STREETS, layer="street", label="rues", name_column="LIB_OFF", class_column="TYPVOI"
    ),
    BasemapFile(name=DISTRICTS, layer="district", label="quartiers", name_column="LIBQUART"),
)

ASSETS = (
    AssetFile(
        name="montpellier/VilleMTP_MTP_EclairagePublic.zip",
        type_key="light_point",
        label="points lumineux",
    ),
    AssetFile(
        name="montpellier/VilleMTP_MTP_ArbresAlign.zip",
        type_key="street_tree",
        label="arbres d’alignement",
    ),
    AssetFile(
        name="montpellier/VilleMTP_MTP_ParkingOuv.csv.gz",
        type_key="car_park",
        label="parcs de stationnement",
        # The column ID gives several car parks the same number: the name is what tells them apart.
        mapping={"NOM": "@key"},
    ),
    AssetFile(
        name="montpellier/VilleMTP_MTP_Horodateurs_2011.zip",
        type_key="parking_meter",
        label="horodateurs",
        attribution="Ville de Montpellier, réutilisation libre avec mention (APIE 2011)",
    ),
    AssetFile(
        name="montpellier/OSM_MTP_Recyclage.geojson.gz",
        type_key="waste_container",
        label="points de recyclage",
        attribution="© contributeurs OpenStreetMap, ODbL",
    ),
    AssetFile(
        name="montpellier/VilleMTP_MTP_Fontaines.csv.gz",
        type_key="drinking_fountain",
        label="bornes-fontaines",
    ),
    AssetFile(
        name="montpellier/VilleMTP_MTP_FontainesPublic.geojson.gz",
        type_key="ornamental_fountain",
        label="fontaines",
    ),
    AssetFile(
        name="montpellier/VilleMTP_MTP_Defibrilateurs.geojson.gz",
        type_key="defibrillator",
        label="défibrillateurs",
    ),
    AssetFile(
        name="montpellier/VilleMTP_MTP_Signalisation.csv.gz",
        type_key="traffic_signal",
        label="carrefours à feux",
    ),
    AssetFile(
        name=TRAFFIC_COUNTS,
        type_key="traffic_counter",
        label="points de comptage",
        mapping={"IDENTSIG": "@key", "NOM": "@name"},
    ),
    AssetFile(
        name="montpellier/AirLR_LR_StationAir.csv.gz",
        type_key="air_station",
        label="stations de l’air",
        attribution="AIR Languedoc-Roussillon, Licence Ouverte",
    ),
)
