"""Cabinets and light points; names follow TALQ 2.7.1 and Smart Data Models, units are ours."""

from __future__ import annotations

from datetime import timedelta

from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import AssetType, Kind, Measure, Property, Statistic
from beffroi.sdk.declarations import translatable as _
from beffroi.sdk.shared_properties import address, commissioning_year

_TALQ = "TALQ Smart City Protocol 2.7.1, data model"

POWER_FACTOR = Measure(
    key="power_factor",
    label=_("Power factor"),
    unit=Unit.NONE,
    valid=(-1, 1),
    source=f"{_TALQ}: powerFactor",
    decimals=2,
)
VOLTAGE_V = Measure(
    key="voltage_v",
    label=_("Voltage"),
    unit=Unit.VOLT,
    valid=(0, 300),
    source=f"{_TALQ}: supplyVoltage",
    decimals=0,
)

LIGHTING_CABINET = AssetType(
    key="lighting_cabinet",
    label=_("Streetlight control cabinet"),
    label_plural=_("Streetlight control cabinets"),
    ngsi_type="StreetlightControlCabinet",
    measures=(
        Measure(
            key="power_w",
            label=_("Active power"),
            unit=Unit.WATT,
            valid=(0, 200_000),
            source=f"{_TALQ}: totalActivePower of the electrical meter function",
            decimals=0,
        ),
        Measure(
            key="energy_kwh",
            label=_("Energy index"),
            unit=Unit.KILOWATT_HOUR,
            valid=(0, 100_000_000),
            source=f"{_TALQ}: activeEnergy of the electrical meter function",
            aggregate=Statistic.INCREASE,
        ),
        VOLTAGE_V,
        Measure(
            key="current_a",
            label=_("Electric current"),
            unit=Unit.AMPERE,
            valid=(0, 1_000),
            source=f"{_TALQ}: rmsCurrent of the electrical meter function",
        ),
        POWER_FACTOR,
        Measure(
            key="supply_present",
            label=_("Mains supply present"),
            unit=Unit.NONE,
            valid=(0, 1),
            source=f"{_TALQ}: supplyLoss, negated",
            kind=Kind.BOOLEAN,
            aggregate=Statistic.MIN,
        ),
        Measure(
            key="circuit_switched_on",
            label=_("Circuit switched on"),
            unit=Unit.NONE,
            valid=(0, 1),
            source=f"{_TALQ}: switchOnOff of the segment",
            kind=Kind.BOOLEAN,
        ),
        Measure(
            key="door_open",
            label=_("Door open"),
            unit=Unit.NONE,
            valid=(0, 1),
            source=f"{_TALQ}: cabinetDoorOpen",
            kind=Kind.BOOLEAN,
            aggregate=Statistic.MAX,
        ),
    ),
    properties=(
        Property(
            key="circuits_count",
            label=_("Number of circuits"),
            kind=int,
            unit=Unit.COUNT,
            synonyms=("nb_departs", "departs", "nombre_departs"),
        ),
        Property(
            key="subscribed_power_kw",
            label=_("Subscribed power"),
            kind=float,
            unit=Unit.KILOWATT,
            synonyms=("puissance_souscrite", "psouscrite", "ps_kw"),
        ),
        Property(
            key="delivery_point",
            label=_("Electricity delivery point"),
            synonyms=("pdl", "prm", "point_de_livraison"),
        ),
        address("localisation", "voie"),
        commissioning_year("annee_mise_en_service"),
    ),
    headline="power_w",
    silent_after=timedelta(hours=2),
    name_synonyms=("nom", "libelle", "armoire"),
    key_synonyms=("identifiant", "num_armoire", "numero_armoire", "id_armoire", "code_armoire"),
    icon="cabinet",
)

LIGHT_POINT = AssetType(
    key="light_point",
    label=_("Light point"),
    label_plural=_("Light points"),
    ngsi_type="Streetlight",
    measures=(
        Measure(
            key="lamp_switched_on",
            label=_("Lamp switched on"),
            unit=Unit.NONE,
            valid=(0, 1),
            source=f"{_TALQ}: actualLightState above zero",
            kind=Kind.BOOLEAN,
        ),
        Measure(
            key="dimming_pct",
            label=_("Dimming level"),
            unit=Unit.PERCENT,
            valid=(0, 100),
            source=f"{_TALQ}: commanded level, percentage of full output; 0 is off",
            decimals=0,
            ngsi_name="illuminanceLevel",
        ),
        Measure(
            key="power_w",
            label=_("Active power"),
            unit=Unit.WATT,
            valid=(0, 1_000),
            source=f"{_TALQ}: activePower of the lamp meter",
            ngsi_name="powerConsumption",
        ),
        Measure(
            key="energy_kwh",
            label=_("Energy index"),
            unit=Unit.KILOWATT_HOUR,
            valid=(0, 1_000_000),
            source=f"{_TALQ}: activeEnergy of the lamp meter",
            aggregate=Statistic.INCREASE,
            decimals=2,
        ),
        Measure(
            key="burning_hours_h",
            label=_("Burning hours"),
            unit=Unit.HOUR,
            valid=(0, 500_000),
            source=f"{_TALQ}: burningHours",
            aggregate=Statistic.INCREASE,
            decimals=0,
        ),
        VOLTAGE_V,
        Measure(
            key="current_a",
            label=_("Electric current"),
            unit=Unit.AMPERE,
            valid=(0, 10),
            source=f"{_TALQ}: lampCurrent",
            decimals=2,
        ),
        POWER_FACTOR,
        Measure(
            key="lamp_failure",
            label=_("Lamp failure"),
            unit=Unit.NONE,
            valid=(0, 1),
            source=f"{_TALQ}: lampFailure",
            kind=Kind.BOOLEAN,
            aggregate=Statistic.MAX,
            decimals=0,
        ),
        Measure(
            key="driver_temperature_c",
            label=_("Driver temperature"),
            unit=Unit.CELSIUS,
            valid=(-40, 150),
            source=f"{_TALQ}: driverTemperature",
            aggregate=Statistic.MAX,
            decimals=0,
        ),
    ),
    properties=(
        Property(
            key="lantern_type",
            label=_("Lantern type"),
            synonyms=("type_lante", "type_lanterne", "lanterne", "type_luminaire", "luminaire"),
        ),
        Property(
            key="lamp_type",
            label=_("Lamp type"),
            synonyms=("lampe", "type_lampe", "source", "type_source", "lamp_type", "light_source"),
        ),
        Property(
            key="power_nominal_w",
            label=_("Nominal power"),
            kind=float,
            unit=Unit.WATT,
            synonyms=("puissance", "puissance_w", "puissance_nominale", "p_nominale", "wattage"),
        ),
        Property(
            key="pole_height_m",
            label=_("Pole height"),
            kind=float,
            unit=Unit.METRE,
            synonyms=("hauteur", "hauteur_m", "hauteur_mat", "hauteur_feu", "pole_height"),
        ),
        Property(
            key="support_type",
            label=_("Support type"),
            synonyms=("support", "type_support", "type_mat", "candelabre"),
        ),
        Property(
            key="support_material",
            label=_("Support material"),
            synonyms=("materiau", "materiau_support"),
        ),
        Property(
            key="colour_temperature_k",
            label=_("Colour temperature"),
            kind=int,
            unit=Unit.KELVIN,
            synonyms=("temperature_couleur", "temp_couleur", "tc_k"),
        ),
        Property(
            key="circuit",
            label=_("Circuit"),
            synonyms=("depart", "num_depart", "circuit"),
        ),
        commissioning_year("annee_mise_en_service", "date_pose"),
        address("rue", "voie"),
    ),
    parent="lighting_cabinet",
    headline="power_w",
    silent_after=timedelta(hours=26),
    name_synonyms=("nom", "libelle"),
    key_synonyms=(
        "identifiant",
        "num_support",
        "numero_support",
        "id_support",
        "num_point",
        "point_lumineux",
        "id_pl",
        "matricule",
    ),
    icon="lamp",
)
