"""Estimates of the ATMO and European air-quality indices: pure functions.

Only an approved association (AASQA) publishes the official index; what is computed here from
a town's own stations is an estimate and is called so.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from datetime import date

from beffroi.domains.air_quality.parameters import ATMO_BOUNDS, EAQI_BOUNDS
from beffroi.sdk.declarations import ParameterTable
from beffroi.sdk.declarations import translatable as _

CLASSES = (
    _("Good"),
    _("Fair"),
    _("Moderate"),
    _("Poor"),
    _("Very poor"),
    _("Extremely poor"),
)
"""Names of the classes 1 to 6; the French ones are those of the decree of 10 July 2020."""

COLOURS = ("#50F0E6", "#50CCAA", "#F0E641", "#FF5050", "#960032", "#872181")

_PARTICLES = ("pm10", "pm25")
_NEEDED = ("no2", "o3")


def class_of(value: float, *, bounds: tuple[float, ...]) -> int:
    """Return the class (1 to 6) of a concentration; a bound belongs to the class below it.

    Args:
        value: concentration in µg/m³.
        bounds: five upper bounds, rising.

    Raises:
        ValueError: the concentration is negative or not finite.
    """
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{value} is not a concentration")
    return bisect_left(bounds, value) + 1


def atmo_estimate(concentrations: Mapping[str, float | None], *, day: date) -> int:
    """Estimate the ATMO index of a day: the worst of the five sub-indices.

    Args:
        concentrations: µg/m³ by ``so2``, ``no2``, ``o3`` (highest hourly mean of the day),
            ``pm10``, ``pm25`` (mean of the day); None or absent where not measured.
        day: chooses the bounds in force.

    Returns:
        1 (good) to 6 (extremely poor). Source: arrêté of 10 July 2020, annex I.

    Raises:
        ValueError: nitrogen dioxide, ozone or both sizes of particles are missing.
        LookupError: no bounds are known for the day.
    """
    return _worst(concentrations, tables=ATMO_BOUNDS, day=day)


def european_estimate(concentrations: Mapping[str, float | None], *, day: date) -> int:
    """Estimate the European index of an hour: the worst of the five sub-indices.

    Args:
        concentrations: hourly means in µg/m³ by pollutant, None or absent where not measured.
        day: chooses the bounds in force.

    Returns:
        1 (good) to 6 (extremely poor). Source: EEA, bands of 2024.

    Raises:
        ValueError: nitrogen dioxide, ozone or both sizes of particles are missing.
        LookupError: no bounds are known for the day.
    """
    return _worst(concentrations, tables=EAQI_BOUNDS, day=day)


def _worst(
    concentrations: Mapping[str, float | None],
    *,
    tables: Mapping[str, ParameterTable],
    day: date,
) -> int:
    known = {
        pollutant: value
        for pollutant, value in concentrations.items()
        if value is not None and not math.isnan(value)
    }
    missing = [pollutant for pollutant in _NEEDED if pollutant not in known]
    if not any(pollutant in known for pollutant in _PARTICLES):
        missing.append("particles")
    if missing:
        raise ValueError(f"not enough measurements: {', '.join(missing)}")
    return max(
        class_of(value, bounds=tables[pollutant].at(day)) for pollutant, value in known.items()
    )
