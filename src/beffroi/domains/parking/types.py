"""Car parks, single spaces and pay-and-display machines."""

from __future__ import annotations

from datetime import date, timedelta

from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import AssetType, Kind, Measure, Property, Statistic
from beffroi.sdk.declarations import translatable as _
from beffroi.sdk.shared_properties import address, operator, surveyed_on, web_page

_BNLS = "national base of off-street parking (schema-stationnement 0.1.3)"
_OFF_STREET = "Smart Data Models OffStreetParking"

CAR_PARK = AssetType(
    key="car_park",
    label=_("Car park"),
    label_plural=_("Car parks"),
    ngsi_type="OffStreetParking",
    measures=(
        Measure(
            key="capacity_places",
            label=_("Places in service"),
            unit=Unit.PLACES,
            valid=(0, 20_000),
            source=f"{_OFF_STREET}: totalSpotNumber",
            aggregate=Statistic.LAST,
            decimals=0,
            ngsi_name="totalSpotNumber",
        ),
        Measure(
            key="free_places",
            label=_("Free places"),
            unit=Unit.PLACES,
            valid=(0, 20_000),
            source=f"{_OFF_STREET}: availableSpotNumber",
            decimals=0,
            ngsi_name="availableSpotNumber",
        ),
        Measure(
            key="occupied_places",
            label=_("Occupied places"),
            unit=Unit.PLACES,
            valid=(0, 20_000),
            source=f"{_OFF_STREET}: occupiedSpotNumber",
            decimals=0,
            ngsi_name="occupiedSpotNumber",
        ),
        Measure(
            key="occupancy_pct",
            label=_("Occupancy"),
            unit=Unit.PERCENT,
            valid=(0, 110),
            source=f"{_OFF_STREET}: occupancy; above 100 when cars stand outside the marked places",
            decimals=0,
            ngsi_name="occupancy",
        ),
    ),
    properties=(
        Property(
            key="nominal_capacity_places",
            label=_("Nominal capacity"),
            kind=int,
            unit=Unit.PLACES,
            synonyms=(
                "nb_places",
                "nbre_place",
                "nbre_places",
                "nombre_places",
                "capacite",
                "totalspaces",
            ),
        ),
        Property(
            key="structure",
            label=_("Type of structure"),
            synonyms=("typark", "typark_c_2", "type_ouvrage", "type_parking"),
        ),
        Property(
            key="ownership",
            label=_("Public or private"),
            synonyms=("dom", "dom_c_254", "domanialite"),
        ),
        Property(
            key="contracting_authority",
            label=_("Contracting authority"),
            synonyms=("colldel", "colldel_c_", "collectivite_delegante"),
        ),
        Property(
            key="management_mode",
            label=_("Management mode"),
            synonyms=("modgest", "modgest_c_", "mode_gestion"),
        ),
        operator("exploi", "exploi_c_2", "exploitant", "gestionnaire"),
        Property(
            key="contract_from",
            label=_("Contract starts on"),
            kind=date,
            synonyms=("datdc", "datdc_d"),
        ),
        Property(
            key="contract_to",
            label=_("Contract ends on"),
            kind=date,
            synonyms=("datfc", "datfc_d"),
        ),
        Property(
            key="accessible_places",
            label=_("Places for disabled drivers"),
            kind=int,
            unit=Unit.PLACES,
            synonyms=("nb_pmr", "places_pmr"),
        ),
        Property(
            key="electric_places",
            label=_("Places with a charging point"),
            kind=int,
            unit=Unit.PLACES,
            synonyms=("nb_voitures_electriques",),
        ),
        Property(
            key="park_and_ride_places",
            label=_("Park-and-ride places"),
            kind=int,
            unit=Unit.PLACES,
            synonyms=("nb_pr",),
        ),
        Property(
            key="max_height_cm",
            label=_("Maximum height"),
            kind=int,
            unit=Unit.CENTIMETRE,
            synonyms=("hauteur_max",),
        ),
        Property(key="free_of_charge", label=_("Free of charge"), kind=bool, synonyms=("gratuit",)),
        Property(key="users", label=_("Users allowed"), synonyms=("type_usagers",)),
        web_page("site_web"),
        address(),
    ),
    headline="occupancy_pct",
    silent_after=timedelta(hours=1),
    name_synonyms=("nom", "nom_c_50", "name", "garagecode"),
    key_synonyms=("identifiant", "id_parking", "code_parking"),
    icon="parking",
)

PARKING_SPACE = AssetType(
    key="parking_space",
    label=_("Parking space"),
    label_plural=_("Parking spaces"),
    ngsi_type="ParkingSpot",
    measures=(
        Measure(
            key="occupied",
            label=_("Occupied"),
            unit=Unit.NONE,
            valid=(0, 1),
            source="Smart Data Models ParkingSpot: status",
            kind=Kind.BOOLEAN,
            ngsi_name="status",
        ),
    ),
    properties=(
        Property(
            key="reserved_for",
            label=_("Reserved for"),
            synonyms=("f01_type_d", "type_place", "type", "categorie"),
        ),
        Property(
            key="places_count",
            label=_("Number of places"),
            kind=int,
            unit=Unit.PLACES,
            synonyms=("nbre_place", "nb_places", "nombre_places"),
        ),
        Property(
            key="layout", label=_("Layout of the spaces"), synonyms=("implantati", "implantation")
        ),
        Property(
            key="vertical_sign",
            label=_("Vertical sign"),
            synonyms=("sv", "signalisation_verticale"),
        ),
        Property(
            key="ground_marking",
            label=_("Ground marking"),
            synonyms=("sh", "signalisation_horizontale"),
        ),
        Property(key="dimensions", label=_("Dimensions"), synonyms=("dimensions",)),
        Property(
            key="pavement_access",
            label=_("Access to the pavement"),
            synonyms=("acces_trot", "acces_trottoir"),
        ),
        Property(key="by_law", label=_("By-law"), synonyms=("arrete",)),
        surveyed_on("f00_date_s"),
    ),
    headline="occupied",
    silent_after=timedelta(hours=24),
    name_synonyms=("nom", "libelle"),
    key_synonyms=("identifiant", "id_place", "numero_place"),
    parent="car_park",
    icon="parking-space",
)

PARKING_METER = AssetType(
    key="parking_meter",
    label=_("Pay-and-display machine"),
    label_plural=_("Pay-and-display machines"),
    ngsi_type="ParkingMeter",
    measures=(
        Measure(
            key="out_of_order",
            label=_("Out of order"),
            unit=Unit.NONE,
            valid=(0, 1),
            source="status message of the machine",
            kind=Kind.BOOLEAN,
            aggregate=Statistic.MAX,
        ),
        Measure(
            key="tickets_count",
            label=_("Tickets issued"),
            unit=Unit.COUNT,
            valid=(0, 100_000_000),
            source="running total of the machine",
            aggregate=Statistic.INCREASE,
            decimals=0,
        ),
    ),
    properties=(
        address("rue", "voie"),
        Property(
            key="places_count",
            label=_("Number of places"),
            kind=int,
            unit=Unit.PLACES,
            synonyms=("nb_places", "nbre_place", "nombre_places"),
        ),
        Property(key="zone", label=_("Fare zone"), synonyms=("secteur", "zone", "zone_tarifaire")),
        Property(key="survey_state", label=_("Survey state"), synonyms=("f00_fait",)),
        surveyed_on("f05_date"),
    ),
    headline="out_of_order",
    silent_after=timedelta(hours=26),
    name_synonyms=("nom", "libelle"),
    key_synonyms=("numero", "num_horodateur", "identifiant"),
    icon="parking-meter",
)
