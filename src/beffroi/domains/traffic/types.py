"""Traffic counters, crossroads with signals and pedestrian crossings."""

from __future__ import annotations

from datetime import date, timedelta

from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import AssetType, Measure, Property, Statistic
from beffroi.sdk.declarations import translatable as _
from beffroi.sdk.shared_properties import comment, commissioning_year

_FLOW = "Smart Data Models TrafficFlowObserved"

TRAFFIC_COUNTER = AssetType(
    key="traffic_counter",
    label=_("Traffic counter"),
    label_plural=_("Traffic counters"),
    ngsi_type="TrafficFlowObserved",
    measures=(
        Measure(
            key="vehicles_per_hour",
            label=_("Traffic flow"),
            unit=Unit.VEHICLES_PER_HOUR,
            valid=(0, 20_000),
            source=f"{_FLOW}: intensity, brought to an hour",
            decimals=0,
            ngsi_name="intensity",
        ),
        Measure(
            key="vehicles_count",
            label=_("Vehicles since the last report"),
            unit=Unit.VEHICLES,
            valid=(0, 20_000),
            source=f"{_FLOW}: intensity",
            aggregate=Statistic.SUM,
            decimals=0,
        ),
        Measure(
            key="mean_speed_kmh",
            label=_("Mean speed"),
            unit=Unit.KILOMETRE_PER_HOUR,
            valid=(0, 200),
            source=f"{_FLOW}: averageVehicleSpeed",
            decimals=0,
            ngsi_name="averageVehicleSpeed",
        ),
        Measure(
            key="road_occupancy_pct",
            label=_("Road occupancy"),
            unit=Unit.PERCENT,
            valid=(0, 100),
            source=f"{_FLOW}: occupancy, share of time a vehicle stands over the detector",
            ngsi_name="occupancy",
        ),
    ),
    properties=(
        Property(
            key="direction",
            label=_("Direction of traffic"),
            synonyms=("sens", "sens_c_254", "sens_circulation"),
        ),
        Property(
            key="speed_limit_kmh",
            label=_("Speed limit"),
            kind=float,
            unit=Unit.KILOMETRE_PER_HOUR,
            synonyms=("vlegale", "vitesse_autorisee", "vitesse_max"),
        ),
        Property(
            key="average_day_vehicles",
            label=_("Vehicles of an average day"),
            kind=float,
            unit=Unit.VEHICLES_PER_DAY,
            synonyms=("tjm", "tmja", "tmj", "debit_jour"),
        ),
        Property(
            key="morning_peak_vehicles",
            label=_("Vehicles of the morning peak hour"),
            kind=float,
            unit=Unit.VEHICLES_PER_HOUR,
            synonyms=("phjm", "hpm"),
        ),
        Property(
            key="evening_peak_vehicles",
            label=_("Vehicles of the evening peak hour"),
            kind=float,
            unit=Unit.VEHICLES_PER_HOUR,
            synonyms=("phjs", "hps"),
        ),
        Property(
            key="counter_kind",
            label=_("Kind of counter"),
            synonyms=("typecompta", "type_comptage", "technologie"),
        ),
        Property(
            key="counted_from",
            label=_("Counted from"),
            kind=date,
            synonyms=("ddebut", "date_debut"),
        ),
        Property(key="counted_to", label=_("Counted to"), kind=date, synonyms=("dfin", "date_fin")),
        Property(
            key="street_reference",
            label=_("Street reference"),
            synonyms=("ident", "identsig", "id_troncon"),
        ),
        comment("commentair", "remarque"),
    ),
    headline="vehicles_per_hour",
    silent_after=timedelta(hours=2),
    name_synonyms=("nom", "voie", "rue"),
    key_synonyms=("ref", "objectid", "identifiant", "id_compteur"),
    icon="traffic",
)

TRAFFIC_SIGNAL = AssetType(
    key="traffic_signal",
    label=_("Crossroad with signals"),
    label_plural=_("Crossroads with signals"),
    ngsi_type="TrafficSignal",
    properties=(
        commissioning_year("car_annee"),
        Property(
            key="sound_year",
            label=_("Year of the sound equipment"),
            kind=int,
            synonyms=("son_annee",),
        ),
        Property(
            key="sound_level",
            label=_("Sound equipment"),
            synonyms=("son_niveau", "sonorisation"),
        ),
    ),
    name_synonyms=("car_lieu", "nom", "carrefour"),
    key_synonyms=("identifiant", "id_carrefour", "num_carrefour"),
    icon="signal",
)

PEDESTRIAN_CROSSING = AssetType(
    key="pedestrian_crossing",
    label=_("Pedestrian crossing"),
    label_plural=_("Pedestrian crossings"),
    ngsi_type="PedestrianCrossing",
    properties=(
        Property(
            key="tactile_warning",
            label=_("Tactile warning strips"),
            kind=bool,
            synonyms=("acc_tban", "bande_eveil"),
        ),
        Property(
            key="step_free",
            label=_("Step-free access"),
            kind=bool,
            synonyms=("acc_tacc", "abaisse_trottoir"),
        ),
        Property(key="street_code", label=_("Street code"), synonyms=("rivoli", "fantoir")),
        Property(key="surveyed_on", label=_("Surveyed on"), synonyms=("date_", "date_releve")),
    ),
    name_synonyms=("nom", "libelle"),
    key_synonyms=("id_pp", "identifiant"),
    icon="crossing",
)
