"""Air-quality stations, indoor sensors and general-purpose radio sensors."""

from __future__ import annotations

from datetime import timedelta

from beffroi.domains.air_quality.electrical import ELECTRICAL_MEASURES, METER_MEASURES
from beffroi.domains.air_quality.measures import (
    BENZENE_UGM3,
    CO2_PPM,
    CO_UGM3,
    HUMIDITY_PCT,
    LIGHT_LUX,
    MOTION_COUNT,
    NO2_UGM3,
    NO_UGM3,
    O3_UGM3,
    OCCUPANCY_STATE,
    OCCUPIED,
    PM10_UGM3,
    PM25_UGM3,
    PRESSURE_HPA,
    SENSOR_MEASURES,
    SO2_UGM3,
    SOUND_MEAN_DB,
    SOUND_PEAK_DB,
    TEMPERATURE_C,
    TVOC_PPB,
)
from beffroi.sdk.declarations import AssetType, Property
from beffroi.sdk.declarations import translatable as _
from beffroi.sdk.shared_properties import altitude_m, comment, operator, town

_ROOM = (TEMPERATURE_C, HUMIDITY_PCT, CO2_PPM, LIGHT_LUX, MOTION_COUNT)
_AMBIENCE = (PRESSURE_HPA, TVOC_PPB, SOUND_PEAK_DB, SOUND_MEAN_DB, OCCUPANCY_STATE, OCCUPIED)

AIR_STATION = AssetType(
    key="air_station",
    label=_("Air-quality station"),
    label_plural=_("Air-quality stations"),
    ngsi_type="AirQualityObserved",
    measures=(
        NO2_UGM3,
        O3_UGM3,
        PM10_UGM3,
        PM25_UGM3,
        SO2_UGM3,
        NO_UGM3,
        CO_UGM3,
        BENZENE_UGM3,
        TEMPERATURE_C,
        HUMIDITY_PCT,
    ),
    properties=(
        Property(
            key="surroundings",
            label=_("Surroundings"),
            synonyms=("station_typologie", "typologie", "influence", "type_station"),
        ),
        operator("station_aasqa", "aasqa", "organisme", "nom_aasqa"),
        town("station_ville"),
        Property(key="street", label=_("Street"), synonyms=("station_rue", "rue", "adresse")),
        Property(
            key="postcode",
            label=_("Postcode"),
            synonyms=("station_codepost", "code_postal", "codepost"),
        ),
        comment("station_commentaire"),
    ),
    headline="no2_ugm3",
    silent_after=timedelta(hours=3),
    name_synonyms=("station_nom", "nom_station", "nom"),
    key_synonyms=("station_numbdqa", "code_station", "numbdqa", "identifiant"),
    icon="air",
)

INDOOR_SENSOR = AssetType(
    key="indoor_sensor",
    label=_("Indoor sensor"),
    label_plural=_("Indoor sensors"),
    ngsi_type="IndoorEnvironmentObserved",
    measures=_ROOM + _AMBIENCE,
    properties=(
        Property(key="building", label=_("Building"), synonyms=("batiment", "site", "ecole")),
        Property(key="floor", label=_("Floor"), synonyms=("etage", "niveau")),
        Property(key="room", label=_("Room"), synonyms=("salle", "piece", "local")),
    ),
    headline="co2_ppm",
    silent_after=timedelta(hours=3),
    name_synonyms=("nom", "libelle"),
    key_synonyms=("identifiant", "id_capteur", "deveui"),
    icon="indoor",
)

SENSOR_NODE = AssetType(
    key="sensor_node",
    label=_("Multi-purpose sensor"),
    label_plural=_("Multi-purpose sensors"),
    ngsi_type="Device",
    measures=_ROOM + _AMBIENCE + SENSOR_MEASURES + ELECTRICAL_MEASURES + METER_MEASURES,
    properties=(
        Property(key="model", label=_("Device model"), synonyms=("modele", "reference_modele")),
        altitude_m("hauteur"),
        Property(key="purpose", label=_("Purpose of the sensor"), synonyms=("usage", "objet")),
    ),
    headline="temperature_c",
    silent_after=timedelta(hours=26),
    name_synonyms=("nom", "name"),
    key_synonyms=("identifiant", "deveui", "dev_eui"),
    icon="sensor",
)
