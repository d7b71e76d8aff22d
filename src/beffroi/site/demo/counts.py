"""Traffic counts have no coordinates: they name a section of the street file, which has them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from beffroi.foundation.files.reading import open_table

SECTION_OF_COUNT = "IDENTSIG"
SECTION_OF_STREET = "IDARC"


def placed_counts(counts: Path, *, streets: Path) -> Path:
    """Write the latest count of each section as GeoJSON, at the middle of the section.

    Counts whose section is in no street file are left out: nobody knows where they stood.
    """
    middles = _middles(streets)
    latest: dict[str, dict[str, Any]] = {}
    with counts.open(encoding="cp1252", newline="") as stream:
        for row in csv.DictReader(stream):
            plain = {name.partition(",")[0]: value for name, value in row.items()}
            section = plain[SECTION_OF_COUNT].partition(".")[0]
            known = latest.get(section)
            if section in middles and (known is None or _year(plain) >= _year(known)):
                latest[section] = plain
    features = [
        {
            "type": "Feature",
            "properties": row,
            "geometry": {"type": "Point", "coordinates": middles[section]},
        }
        for section, row in latest.items()
    ]
    path = counts.with_name("comptages_places.geojson")
    document = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


def _middles(streets: Path) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for row in open_table(streets, name=streets.name).rows():
        if row.geometry is None or row.geometry.is_empty:
            continue
        middle = row.geometry.interpolate(0.5, normalized=True)
        values = {key.casefold(): value for key, value in row.values.items()}
        found[str(values[SECTION_OF_STREET.casefold()])] = (middle.x, middle.y)
    return found


def _year(row: dict[str, Any]) -> int:
    text = str(row.get("ANNEE", "")).partition(".")[0]
    return int(text) if text.isdigit() else 0
