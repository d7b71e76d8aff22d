"""What each resource is made of: the one declaration behind answers, files and documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

Schema = dict[str, Any]

_JSON: Final[Mapping[str, Schema]] = {
    "text": {"type": "string"},
    "uuid": {"type": "string", "format": "uuid"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "instant": {"type": "string", "format": "date-time"},
    "object": {"type": "object", "additionalProperties": True},
    "texts": {"type": "array", "items": {"type": "string"}},
    "numbers": {"type": "array", "items": {"type": "number"}},
    "objects": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
}
_ARROW: Final[Mapping[str, pa.DataType]] = {
    "text": pa.string(),
    "uuid": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "instant": pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a resource.

    Attributes:
        kind: ``text``, ``uuid``, ``number``, ``integer``, ``boolean``, ``instant``, ``object``,
            ``texts``, ``numbers`` or ``objects``.
        description: English, shown in the documentation and in the OpenAPI document.
        example: as it stands in JSON.
        optional: it may be null.
        on_request: only given when ``fields`` names it.
    """

    name: str
    kind: str
    description: str
    example: Any
    optional: bool = False
    on_request: bool = False
    values: tuple[str, ...] = ()

    def schema(self) -> Schema:
        """Return its JSON Schema (draft 2020-12)."""
        found = dict(_JSON[self.kind])
        if self.values:
            found["enum"] = [*self.values, *([None] if self.optional else [])]
        if self.optional:
            found["type"] = [found["type"], "null"]
        return {**found, "description": self.description, "examples": [self.example]}

    def arrow(self) -> pa.DataType:
        """Return its type in Parquet; what has no shape of its own is written as JSON text."""
        return _ARROW.get(self.kind, pa.string())


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of thing that the API gives."""

    name: str
    plural: str
    description: str
    fields: tuple[Field, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Return every field."""
        return tuple(field.name for field in self.fields)

    @property
    def default_names(self) -> tuple[str, ...]:
        """Return the fields that are given when none is named."""
        return tuple(field.name for field in self.fields if not field.on_request)

    def field(self, name: str) -> Field:
        """Return a field.

        Raises:
            KeyError: there is none of this name.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    def schema(self) -> Schema:
        """Return its JSON Schema; nothing is required, because ``fields`` may leave any out."""
        return {
            "type": "object",
            "description": self.description,
            "properties": {field.name: field.schema() for field in self.fields},
            "additionalProperties": False,
        }

    def page_schema(self) -> Schema:
        """Return the schema of one page of a list."""
        return {
            "type": "object",
            "description": f"One page of {self.plural}.",
            "properties": {
                "items": {
                    "type": "array",
                    "items": {"$ref": f"#/components/schemas/{self.name}"},
                },
                "next": {
                    "type": ["string", "null"],
                    "format": "uri-reference",
                    "description": "Address of the next page; null on the last one.",
                },
            },
            "required": ["items", "next"],
            "additionalProperties": False,
        }

    def example(self) -> dict[str, Any]:
        """Return an example made of the fields' own."""
        return {field.name: field.example for field in self.fields if not field.on_request}

    def arrow_schema(self, names: Sequence[str]) -> pa.Schema:
        """Return the columns of a Parquet file."""
        return pa.schema([(name, self.field(name).arrow()) for name in names])


_UUID = "0197a3f2-8c1e-7b4a-9d2f-3e5c6a7b8c9d"
_UUID2 = "0197a3f2-8c1e-7b4a-9d2f-3e5c6a7b8c9e"
_AT = "2026-03-29T06:30:00Z"
_NAME = "Armoire Comédie"

TERRITORY = Resource(
    "Territory",
    "territories",
    "A local authority whose city is read here.",
    (
        Field("slug", "text", "Its name in addresses.", "montpellier"),
        Field("name", "text", "Its name.", "Montpellier"),
        Field("kind", "text", "commune, epci, departement or syndicat.", "commune"),
        Field("insee", "text", "INSEE code of a commune.", "34172", optional=True),
        Field("siren", "text", "SIREN number.", "213401722"),
        Field("population", "integer", "Inhabitants.", 302_454, optional=True),
        Field("lon", "number", "Longitude of its middle, WGS 84.", 3.8767, optional=True),
        Field("lat", "number", "Latitude of its middle, WGS 84.", 43.6112, optional=True),
        Field(
            "bbox",
            "numbers",
            "West, south, east, north, in degrees.",
            [3.807, 43.567, 3.941, 43.653],
            optional=True,
        ),
    ),
)
AREA = Resource(
    "Area",
    "areas",
    "A part of the territory: member commune, sector, district, sub-district.",
    (
        Field("id", "uuid", "Identifier.", _UUID),
        Field("name", "text", "Name.", "Les Beaux-Arts"),
        Field("kind", "text", "commune, secteur, quartier or sous_quartier.", "quartier"),
        Field("code", "text", "Code, stable within the kind.", "BA"),
        Field("parent", "uuid", "The coarser area that holds it.", _UUID2, optional=True),
        Field(
            "bbox",
            "numbers",
            "West, south, east, north, in degrees.",
            [3.88, 43.61, 3.89, 43.62],
            optional=True,
        ),
    ),
)
DEPARTMENT = Resource(
    "Department",
    "departments",
    "A service of the authority, which assets may belong to.",
    (
        Field("id", "uuid", "Identifier.", _UUID),
        Field("name", "text", "Name.", "Éclairage public"),
    ),
)
STATES = ("normal", "attention", "alarm", "silent", "never_reported")
ORIGINS = ("real", "replayed", "simulated", "")
ASSET = Resource(
    "Asset",
    "assets",
    "A thing in the city: lamp, cabinet, container, meter, car park, station.",
    (
        Field("id", "uuid", "Identifier, stable for the life of the asset.", _UUID),
        Field("type", "text", "Key of its type; see asset-types.", "lighting_cabinet"),
        Field("domain", "text", "Key of its urban service; see domains.", "street_lighting"),
        Field("name", "text", "Name, empty when it has none.", _NAME),
        Field("external_key", "text", "Its key in the register it came from.", "A-1042"),
        Field("state", "text", "What an operator must know of it.", "normal", values=STATES),
        Field(
            "origin",
            "text",
            "Where what it shows comes from; empty: the town's own devices.",
            "",
            values=ORIGINS,
        ),
        Field("lon", "number", "Longitude, WGS 84 degrees.", 3.8796),
        Field("lat", "number", "Latitude, WGS 84 degrees.", 43.6085),
        Field("area", "uuid", "The finest area that holds it.", _UUID2, optional=True),
        Field("area_name", "text", "Name of that area.", "Centre", optional=True),
        Field("department", "uuid", "The department it belongs to.", _UUID2, optional=True),
        Field("department_name", "text", "Name of it.", "Éclairage public", optional=True),
        Field("parent", "uuid", "The asset that contains or feeds it.", _UUID2, optional=True),
        Field("properties", "object", "Facts of its type.", {"address": "7 rue de la Loge"}),
        Field("attribution", "text", "Whom the data is from.", "Ville de Montpellier"),
        Field("created_at", "instant", "When it was registered.", _AT),
        Field("updated_at", "instant", "When its facts last changed.", _AT),
        Field("removed_at", "instant", "When it was taken out of service.", _AT, optional=True),
        Field(
            "geometry",
            "object",
            "GeoJSON geometry: its line or surface, or else its point.",
            {"type": "Point", "coordinates": [3.8796, 43.6085]},
            on_request=True,
        ),
    ),
)
DEVICE = Resource(
    "Device",
    "devices",
    "What transmits.",
    (
        Field("id", "uuid", "Identifier.", _UUID),
        Field("identifier", "text", "Its name on its network: a DevEUI…", "70b3d57ed0001a2b"),
        Field("model", "text", "Model.", "ELSYS ERS"),
        Field("codec", "text", "Key of the decoder of its messages.", "elsys"),
        Field("source", "uuid", "The source it comes through.", _UUID2, optional=True),
        Field("asset", "uuid", "The asset it speaks for now.", _UUID2, optional=True),
        Field("attached_from", "instant", "Since when.", _AT, optional=True),
        Field("last_seen_at", "instant", "When it was last heard.", _AT, optional=True),
        Field("battery_v", "number", "Voltage of its battery, V.", 3.58, optional=True),
        Field("battery_pct", "number", "Charge of its battery, %.", 87.0, optional=True),
        Field("radio", "object", "What its network said of the last message.", {"rssi": -97}),
    ),
)
STREAM = Resource(
    "Stream",
    "streams",
    "One measure of one asset, through time.",
    (
        Field("id", "uuid", "Identifier.", _UUID),
        Field("asset", "uuid", "The asset that is measured.", _UUID2),
        Field("asset_name", "text", "Name of the asset.", _NAME),
        Field("type", "text", "Type of the asset.", "lighting_cabinet"),
        Field("domain", "text", "Urban service of the asset.", "street_lighting"),
        Field("measure", "text", "Key of the measure; see measures.", "energy_kwh"),
        Field("unit", "text", "Symbol of the unit.", "kWh"),
        Field("statistic", "text", "How its values are brought together.", "increase"),
        Field("value", "number", "Latest value.", 48_271.9, optional=True),
        Field("quality", "integer", "Quality flag of it (QARTOD).", 1, optional=True),
        Field("observed_at", "instant", "When it was measured.", _AT, optional=True),
        Field("received_at", "instant", "When it was stored.", _AT, optional=True),
    ),
)
LATEST = Resource(
    "LatestValue",
    "latest values",
    "The most recent value of a stream, with the place of its asset.",
    (
        Field("asset", "uuid", "The asset that is measured.", _UUID2),
        Field("asset_name", "text", "Name of the asset.", _NAME),
        Field("type", "text", "Type of the asset.", "lighting_cabinet"),
        Field("domain", "text", "Urban service of the asset.", "street_lighting"),
        Field("stream", "uuid", "The stream.", _UUID),
        Field("measure", "text", "Key of the measure.", "power_w"),
        Field("unit", "text", "Symbol of the unit.", "W"),
        Field("value", "number", "The value.", 1250.0),
        Field("quality", "integer", "Quality flag (QARTOD: 1 good … 4 bad, 9 missing).", 1),
        Field("observed_at", "instant", "When it was measured.", _AT),
        Field("received_at", "instant", "When it was stored.", _AT),
        Field("lon", "number", "Longitude of the asset, WGS 84.", 3.8796),
        Field("lat", "number", "Latitude of the asset, WGS 84.", 43.6085),
    ),
)
OBSERVATION = Resource(
    "Observation",
    "observations",
    "One value of a stream.",
    (
        Field("observed_at", "instant", "When it was measured.", _AT),
        Field("value", "number", "The value; a choice is the index in its list.", 1250.0),
        Field("quality", "integer", "Quality flag (QARTOD: 1 good … 4 bad, 9 missing).", 1),
    ),
)
STREAM_OBSERVATION = Resource(
    "StreamObservation",
    "observations",
    "One value, with the stream and the asset it is of.",
    (
        Field("stream", "uuid", "The stream.", _UUID),
        Field("asset", "uuid", "The asset that is measured.", _UUID2),
        Field("measure", "text", "Key of the measure.", "power_w"),
        *OBSERVATION.fields,
    ),
)
AGGREGATE = Resource(
    "Aggregate",
    "aggregates",
    "The values of one step, brought together by the measure's own statistic.",
    (
        Field("start", "instant", "Beginning of the step; days are those of Paris.", _AT),
        Field("value", "number", "The figure of the statistic.", 812.4, optional=True),
        Field("min", "number", "Smallest value that counts.", 0.0, optional=True),
        Field("max", "number", "Greatest value that counts.", 1250.0, optional=True),
        Field("n", "integer", "How many values count.", 144),
        Field("quality", "integer", "Worst quality flag of the step.", 1),
    ),
)
SOURCE = Resource(
    "Source",
    "sources",
    "A sender of messages: an application of a network server, an integrator's program.",
    (
        Field("id", "uuid", "Identifier.", _UUID),
        Field("name", "text", "Name.", "Réseau LoRaWAN"),
        Field("connector", "text", "Format of its messages.", "chirpstack"),
        Field("enabled", "boolean", "It is listened to.", True),
        Field("created_at", "instant", "When it was opened.", _AT),
        Field("last_message_at", "instant", "When it was last heard.", _AT, optional=True),
        Field("accepted_last_day", "integer", "Messages accepted in a day.", 14_210),
        Field("errors_last_day", "integer", "Messages of a day that could not be used.", 2),
        Field("unclaimed_devices", "integer", "Devices that nobody has claimed.", 3),
    ),
)
INDICATOR = Resource(
    "Indicator",
    "indicators",
    "A figure of the territory, with its definition.",
    (
        Field("key", "text", "Key.", "energy_per_light_point"),
        Field("domain", "text", "Urban service that declares it.", "street_lighting"),
        Field("label", "text", "Name, in the language asked for.", "Énergie par point lumineux"),
        Field("definition", "text", "What it counts.", "Énergie de l’année par point"),
        Field("unit", "text", "Symbol of the unit.", "kWh/an"),
        Field("ucum", "text", "UCUM code of the unit.", "kW.h/a"),
        Field("source", "text", "Where the definition comes from.", "ISO 37120"),
        Field("better", "text", "Which way is better.", "lower", values=("lower", "higher", "")),
    ),
)
INDICATOR_VALUE = Resource(
    "IndicatorValue",
    "values of indicators",
    "An indicator worked out at an instant.",
    (
        *INDICATOR.fields,
        Field("at", "instant", "The instant.", _AT),
        Field("value", "number", "The figure; null when nothing defines it.", 412.7, optional=True),
        Field("missing", "text", "Why there is none, in English; empty otherwise.", ""),
        Field("inputs", "object", "What each input was worth.", {"energy_kwh": 41_270.0}),
        Field("contributing", "integer", "Assets whose values were used.", 96),
        Field("total", "integer", "Assets of the types that are read.", 100),
    ),
)
DOMAIN = Resource(
    "Domain",
    "domains",
    "An urban service that the installation knows.",
    (
        Field("key", "text", "Key.", "street_lighting"),
        Field("label", "text", "Name, in the language asked for.", "Éclairage public"),
        Field("description", "text", "What it covers.", "Points lumineux, armoires"),
        Field("pillar", "text", "Field of action.", "resources"),
        Field("asset_types", "texts", "Keys of its types.", ["light_point"]),
        Field("indicators", "texts", "Keys of its indicators.", ["energy_per_light_point"]),
    ),
)
ASSET_TYPE = Resource(
    "AssetType",
    "asset types",
    "A kind of thing in the city.",
    (
        Field("key", "text", "Key.", "lighting_cabinet"),
        Field("domain", "text", "Urban service.", "street_lighting"),
        Field("label", "text", "Name, in the language asked for.", "Armoire d’éclairage"),
        Field("ngsi_type", "text", "Type of Smart Data Models.", "StreetlightControlCabinet"),
        Field("shape", "text", "Its geometry.", "point", values=("point", "line", "area")),
        Field("parent", "text", "Type that usually contains it; empty when none.", ""),
        Field("headline", "text", "Measure shown first; empty when none.", "power_w"),
        Field("silent_after_s", "integer", "Silent after so many seconds.", 86_400),
        Field("measures", "texts", "Keys of its measures.", ["power_w", "energy_kwh"]),
        Field(
            "properties",
            "objects",
            "Facts it may have.",
            [{"key": "address", "label": "Adresse", "kind": "str", "unit": ""}],
        ),
    ),
)
MEASURE = Resource(
    "Measure",
    "measures",
    "A quantity that a type of asset reports.",
    (
        Field("key", "text", "Key, with the unit.", "power_w"),
        Field("type", "text", "Type of asset that reports it.", "lighting_cabinet"),
        Field("label", "text", "Name, in the language asked for.", "Puissance"),
        Field("unit", "text", "Symbol of the unit.", "W"),
        Field("ucum", "text", "UCUM code of the unit.", "W"),
        Field("kind", "text", "What a value is.", "number", values=("number", "boolean", "choice")),
        Field("choices", "texts", "Labels of a choice: a value is the index.", []),
        Field("statistic", "text", "What an hour or a day is summed up by.", "mean"),
        Field("valid_min", "number", "Lowest possible value.", 0.0, optional=True),
        Field("valid_max", "number", "Highest possible value.", 100_000.0, optional=True),
        Field("decimals", "integer", "Digits shown after the decimal mark.", 0),
        Field("source", "text", "Where the definition comes from.", "meter"),
    ),
)

RESOURCES: Final = (
    TERRITORY,
    AREA,
    DEPARTMENT,
    ASSET,
    DEVICE,
    STREAM,
    LATEST,
    OBSERVATION,
    STREAM_OBSERVATION,
    AGGREGATE,
    SOURCE,
    INDICATOR,
    INDICATOR_VALUE,
    DOMAIN,
    ASSET_TYPE,
    MEASURE,
)
