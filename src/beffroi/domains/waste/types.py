"""Containers for waste and recycling."""

from __future__ import annotations

from datetime import timedelta

from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import AssetType, Kind, Measure, Property, Statistic
from beffroi.sdk.declarations import translatable as _
from beffroi.sdk.shared_properties import address, commissioning_year, web_page

_SDM = "Smart Data Models WasteContainer"


def _accepts(key: str, label: str, *synonyms: str) -> Property:
    return Property(key=key, label=label, kind=bool, synonyms=synonyms)


WASTE_CONTAINER = AssetType(
    key="waste_container",
    label=_("Waste container"),
    label_plural=_("Waste containers"),
    ngsi_type="WasteContainer",
    measures=(
        Measure(
            key="fill_level_pct",
            label=_("Fill level"),
            unit=Unit.PERCENT,
            valid=(0, 100),
            source=f"{_SDM}: fillingLevel",
            aggregate=Statistic.MAX,
            decimals=0,
            ngsi_name="fillingLevel",
        ),
        Measure(
            key="temperature_c",
            label=_("Temperature"),
            unit=Unit.CELSIUS,
            valid=(-40, 200),
            source=f"{_SDM}: temperature; above 85 degrees when something burns inside",
            aggregate=Statistic.MAX,
            ngsi_name="temperature",
        ),
        Measure(
            key="tilt_deg",
            label=_("Tilt"),
            unit=Unit.DEGREE,
            valid=(0, 180),
            source="angle between the container's axis and the vertical, accelerometer",
            aggregate=Statistic.MAX,
            decimals=0,
        ),
        Measure(
            key="distance_mm",
            label=_("Distance"),
            unit=Unit.MILLIMETRE,
            valid=(0, 20_000),
            source="ultrasonic or radar sensor under the lid, to the top of the waste",
            decimals=0,
        ),
        Measure(
            key="emptied",
            label=_("Emptied"),
            unit=Unit.NONE,
            valid=(0, 1),
            source=f"{_SDM}: dateLastEmptying, as an event of the sensor",
            kind=Kind.BOOLEAN,
            aggregate=Statistic.MAX,
            decimals=0,
        ),
    ),
    properties=(
        Property(
            key="waste_type",
            label=_("Kind of waste"),
            synonyms=("flux", "type_dechet", "dechet", "matiere", "type_conteneur"),
        ),
        _accepts(
            "accepts_glass", _("Accepts glass"), "recycling:glass", "recycling_glass", "verre"
        ),
        _accepts(
            "accepts_glass_bottles",
            _("Accepts glass bottles"),
            "recycling:glass_bottles",
            "recycling_glass_bottles",
        ),
        _accepts("accepts_paper", _("Accepts paper"), "recycling:paper", "papier"),
        _accepts(
            "accepts_paper_packaging",
            _("Accepts paper packaging"),
            "recycling:paper_packaging",
            "emballages",
        ),
        _accepts("accepts_cardboard", _("Accepts cardboard"), "recycling:cartons", "carton"),
        _accepts("accepts_newspapers", _("Accepts newspapers"), "recycling:newspaper", "journaux"),
        _accepts("accepts_magazines", _("Accepts magazines"), "recycling:magazines"),
        _accepts(
            "accepts_residual_waste",
            _("Accepts residual waste"),
            "recycling:waste",
            "ordures_menageres",
        ),
        Property(
            key="container_form",
            label=_("Form of the container"),
            synonyms=("recycling_type", "type_pav", "forme"),
        ),
        Property(
            key="volume_m3",
            label=_("Volume"),
            kind=float,
            unit=Unit.CUBIC_METRE,
            synonyms=("volume", "capacite_m3"),
        ),
        Property(
            key="depth_mm",
            label=_("Depth"),
            kind=int,
            unit=Unit.MILLIMETRE,
            synonyms=("profondeur", "profondeur_mm"),
        ),
        commissioning_year(),
        address("rue", "localisation"),
        web_page("osm_url"),
    ),
    headline="fill_level_pct",
    silent_after=timedelta(hours=26),
    name_synonyms=("name", "nom", "libelle"),
    key_synonyms=("osm_id", "identifiant", "id_conteneur", "num_conteneur"),
    icon="bin",
)
