"""Find in which coordinate reference system a French file is written, and check what it declares.

Each system of :mod:`systems` is tried on a sample of the coordinates: those that fall in the
expected area after projection speak for it. The expected area is the surroundings of the town where
they are known, otherwise the land of the French territory that the system is made for.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from beffroi.foundation.files.reading.contracts import FileRefused, Finding, Near
from beffroi.foundation.files.reading.systems import (
    AREAS,
    SYSTEMS,
    WGS84,
    WORLD,
    Area,
    Numbers,
    System,
    around,
)

DECIMALS = 7
"""Of a degree: 1.1 centimetres."""

_SAMPLE = 2_000
_TWIN_SAMPLE = 50
_TWIN_DEGREES = 3e-5
"""About three metres: less than what separates two datums in France."""
_MOST = 0.9
"""Share of the positions that must fall in the area to believe a guess."""
_FEW = 3
"""Positions needed to speak of a second system."""
_RARE = 5
"""Ranks between two systems from which the rarer is no serious rival."""
_HALF = 0.5
"""Share below which a declaration is doubted."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A system named by the file.

    Attributes:
        system: pyproj's understanding of it.
        label: how the file names it, short.
        firm: a ``.prj``, a ``crs`` member or a layer says it; otherwise a column name hints at it.
        standard: nothing is written, but the format's standard says so.
    """

    system: CRS
    label: str
    firm: bool = True
    standard: bool = False


@dataclass(frozen=True, slots=True)
class Projection:
    """How to turn the coordinates of a file into WGS 84.

    Attributes:
        code: EPSG code or name.
        finding: for the person.
        swapped: the file puts latitude (or northing) first.
        transformer: ``None`` where the coordinates already are degrees.
        known: false where nothing fits: no geometry can be given.
        notes: further findings.
        area: where the positions are expected, where a second system is in use.
    """

    code: str
    finding: Finding
    swapped: bool = False
    transformer: Transformer | None = None
    known: bool = True
    notes: tuple[Finding, ...] = ()
    area: Area | None = None
    second: Projection | None = None
    """For the rows that fall outside ``area``: some registers mix two systems."""

    def to_wgs84(self, x: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
        """Return longitudes and latitudes, rounded; what cannot be projected becomes infinite."""
        if self.swapped:
            x, y = y, x
        if self.transformer is not None:
            x, y = self.transformer.transform(x, y)
        with np.errstate(invalid="ignore", over="ignore"):
            lon, lat = np.round(x, DECIMALS), np.round(y, DECIMALS)
        return lon, lat


def read_declared(text: str, *, label: str = "") -> Declared | None:
    """Understand a declaration (WKT, ``EPSG:2154``, ``urn:ogc:def:crs:…``), or return ``None``."""
    short = (label or text).strip()[:80]
    if len(text) > 20_000 or not text.strip():
        return None
    plain = text.strip()
    if "CRS84" in plain.upper():
        plain = WGS84
    try:
        system = CRS.from_user_input(plain)
        # A definition may be understood and still lead nowhere.
        _transformer_of(system)
    except (CRSError, ProjError, ValueError, TypeError, RecursionError):
        return None
    if not (system.is_projected or system.is_geographic):
        return None
    return Declared(system=system, label=short)


def chosen_crs(text: str, *, name: str) -> CRS:
    """Return the system a person chose.

    Raises:
        FileRefused: it is not known.
    """
    declared = read_declared(text)
    if declared is None:
        raise FileRefused("crs_unknown", name=name, crs=text[:80])
    return declared.system


_LIKE_WGS84 = ("1984", "wgs", "rgf", "francais_1993", "francais 1993", "etrs", "1989")


@functools.lru_cache(maxsize=64)
def _transformer(code: str) -> Transformer:
    return Transformer.from_crs(code, WGS84, always_xy=True)


@functools.lru_cache(maxsize=64)
def _transformer_of(system: CRS) -> Transformer | None:
    """Return a transformer, or ``None`` for degrees of a datum that is WGS 84 within a metre."""
    if system.is_geographic and system.prime_meridian is not None:
        datum = (system.datum.name if system.datum else "").lower()
        same = any(part in datum for part in _LIKE_WGS84)
        if same and system.prime_meridian.longitude == 0:
            return None
    return Transformer.from_crs(system, WGS84, always_xy=True)


def find_projection(
    x: Numbers,
    y: Numbers,
    *,
    declared: Declared | None = None,
    near: Near | None = None,
) -> Projection:
    """Find the system of a sample of coordinates.

    Args:
        x: first coordinates as the file gives them.
        y: second coordinates.
        declared: what the file says of itself; it is checked and may be overruled.
        near: where the town is.
    """
    if len(x) > _SAMPLE:
        step = np.linspace(0, len(x) - 1, _SAMPLE).astype(int)
        x, y = x[step], y[step]
    finite = np.isfinite(x) & np.isfinite(y) & ~((x == 0) & (y == 0))
    x, y = x[finite], y[finite]
    ranked = _ranked(x, y, near=near)
    if declared is not None and declared.firm:
        return _checked(declared, x, y, ranked=ranked, near=near)
    if declared is not None:
        for share, system, area in ranked:
            if share >= _MOST and _same(declared.system, system) and not system.swapped:
                return _from_system(system, code="crs_guessed_name", share=share, area=area)
    if ranked and ranked[0][0] >= _HALF:
        share, system, area = ranked[0]
        rivals = tuple(
            one.code
            for other, one, _ in ranked[1:4]
            if other >= _MOST and one.code != system.code and one.rank - system.rank < _RARE
        )
        found = _from_system(
            system, code="crs_guessed", share=share, area=area, rivals=rivals, near=near
        )
        return _with_second(found, x, y, area=area)
    turned = _ranked(y, x, near=near)
    if turned and turned[0][0] >= _MOST:
        share, system, area = turned[0]
        other = dataclasses.replace(system, swapped=not system.swapped)
        return _from_system(other, code="crs_guessed", share=share, area=area, near=near)
    if len(x) and WORLD.share(x, y) >= _MOST:
        # Degrees of somewhere else: nothing contradicts it.
        world = System(WGS84, "WGS 84", (WORLD,), 0)
        return _from_system(world, code="crs_guessed", share=1.0, area=WORLD, doubt=True)
    finding = Finding(
        about="crs", value="", code="crs_unknown", confidence=0.0, warning=bool(len(x))
    )
    return Projection(code="", finding=finding, known=False)


def _with_second(found: Projection, x: Numbers, y: Numbers, *, area: Area) -> Projection:
    """Look for a second system among the positions that the first leaves outside."""
    lon, lat = found.to_wgs84(x, y)
    with np.errstate(invalid="ignore"):
        outside = ~(
            (lon >= area.west) & (lon <= area.east) & (lat >= area.south) & (lat <= area.north)
        )
    if outside.sum() < _FEW:
        return found
    for system in SYSTEMS:
        if system.rank > _RARE or system.code == found.code:
            continue
        one, other = (y, x) if system.swapped else (x, y)
        one, other = one[outside], other[outside]
        if system.code != WGS84:
            one, other = _projected(_transformer(system.code), one, other)
        share = area.share(one, other)
        if share < _MOST:
            continue
        second = _from_system(system, code="crs_guessed", share=share, area=area)
        note = Finding(
            about="crs",
            value=system.code,
            code="crs_mixed",
            params={"found": system.name, "share": round(100 * float(outside.mean()))},
            confidence=0.7,
            warning=True,
        )
        return dataclasses.replace(
            found, area=area, second=second, notes=(*found.notes, note, *second.notes)
        )
    return found


def chosen_projection(system: CRS, *, swapped: bool) -> Projection:
    """Return the projection that a person chose."""
    code = _code_of(system)
    return Projection(
        code=code,
        finding=Finding(about="crs", value=code, code="chosen"),
        swapped=swapped,
        transformer=_transformer_of(system),
    )


def _ranked(x: Numbers, y: Numbers, *, near: Near | None) -> list[tuple[float, System, Area]]:
    """Return every system with the share of points in its area, the best first."""
    if not len(x):
        return []
    found: list[tuple[float, System, Area]] = []
    for system in SYSTEMS:
        one, other = (y, x) if system.swapped else (x, y)
        if system.code == WGS84:
            lon, lat = one, other
        else:
            lon, lat = _projected(_transformer(system.code), one, other)
        areas: Sequence[Area] = system.areas if near is None else (around(near),)
        share, area = max(((area.share(lon, lat), area) for area in areas), key=lambda two: two[0])
        if share > 0:
            found.append((share, system, area))
    return sorted(found, key=lambda one: (-round(one[0], 1), one[1].rank))


def _projected(transformer: Transformer, x: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
    lon, lat = transformer.transform(x, y, errcheck=False)
    return np.asarray(lon), np.asarray(lat)


def _checked(
    declared: Declared,
    x: Numbers,
    y: Numbers,
    *,
    ranked: list[tuple[float, System, Area]],
    near: Near | None,
) -> Projection:
    transformer = _transformer_of(declared.system)
    lon, lat = (x, y) if transformer is None else _projected(transformer, x, y)
    areas: Sequence[Area] = AREAS if near is None else (around(near),)
    share = max((area.share(lon, lat) for area in areas), default=0.0)
    params: dict[str, object] = {"declared": declared.label}
    twin = _twin(x, y, lon, lat)
    code = twin.code if twin is not None else _code_of(declared.system)
    reason, confidence, warning = "crs_declared", 0.99, False
    if declared.standard:
        reason = "crs_standard"
    if not len(x):
        reason, confidence = "crs_declared_unchecked", 0.7
    elif share < _HALF:
        better = ranked[0] if ranked and ranked[0][0] >= max(_MOST, share + 0.3) else None
        if better is not None:
            return _overruled(declared, better, wrong=share)
        reason, confidence, warning = "crs_declared_outside", 0.4, True
        if WORLD.share(lon, lat) < _HALF:
            finding = Finding(about="crs", value="", code="crs_unknown", confidence=0, warning=True)
            return Projection(code="", finding=finding, known=False)
    finding = Finding(
        about="crs",
        value=code,
        code=reason,
        params=params,
        confidence=confidence,
        warning=warning,
    )
    notes = _ntf_note() if twin is not None and twin.ntf else ()
    return Projection(code=code, finding=finding, transformer=transformer, notes=notes)


def _twin(x: Numbers, y: Numbers, lon: Numbers, lat: Numbers) -> System | None:
    """Return the known system that gives the same positions, whatever the declaration calls it.

    A quicker and surer way to name a definition than to compare its text with the registry.
    """
    if not len(x):
        return None
    x, y, lon, lat = x[:_TWIN_SAMPLE], y[:_TWIN_SAMPLE], lon[:_TWIN_SAMPLE], lat[:_TWIN_SAMPLE]
    for system in SYSTEMS:
        if system.swapped:
            continue
        one, other = (x, y)
        if system.code != WGS84:
            one, other = _projected(_transformer(system.code), x, y)
        with np.errstate(invalid="ignore"):
            gap = np.nanmax(np.hypot(one - lon, other - lat), initial=0.0)
        if np.isfinite(one).all() and gap < _TWIN_DEGREES:
            return system
    return None


def _overruled(
    declared: Declared, better: tuple[float, System, Area], *, wrong: float
) -> Projection:
    share, system, area = better
    found = _from_system(system, code="crs_overruled", share=share, area=area)
    finding = Finding(
        about="crs",
        value=system.code,
        code="crs_overruled",
        params={
            "declared": declared.label,
            "found": system.name,
            "wrong": round(100 * wrong),
            "right": round(100 * share),
        },
        confidence=round(0.9 * share, 2),
        warning=not declared.standard,
    )
    return Projection(
        code=found.code,
        finding=finding,
        swapped=found.swapped,
        transformer=found.transformer,
        notes=found.notes,
    )


def _from_system(
    system: System,
    *,
    code: str,
    share: float,
    area: Area,
    rivals: tuple[str, ...] = (),
    near: Near | None = None,
    doubt: bool = False,
) -> Projection:
    confidence = share * (0.5 if doubt else 0.95 if near is not None or not rivals else 0.6)
    finding = Finding(
        about="crs",
        value=system.code,
        code=code,
        params={"right": round(100 * share), "area": area.name},
        confidence=round(confidence, 2),
        alternatives=rivals,
        warning=doubt or bool(rivals and near is None),
    )
    notes: tuple[Finding, ...] = ()
    if system.swapped:
        notes += (Finding(about="crs", value="swapped", code="crs_swapped", warning=True),)
    if system.ntf:
        notes += _ntf_note()
    return Projection(
        code=system.code,
        finding=finding,
        swapped=system.swapped,
        transformer=None if system.code == WGS84 else _transformer(system.code),
        notes=notes,
    )


def _ntf_note() -> tuple[Finding, ...]:
    return (Finding(about="crs", value="ntf", code="crs_ntf"),)


def _same(declared: CRS, system: System) -> bool:
    return _code_of(declared) == system.code


@functools.lru_cache(maxsize=256)
def _code_of(system: CRS) -> str:
    """Return ``EPSG:2154`` where pyproj recognises the definition, otherwise its name.

    The search costs a fifth of a second, so it is remembered.
    """
    for least in (100, 70, 25):
        authority: Any = system.to_authority("EPSG", min_confidence=least)
        if authority is not None:
            return f"{authority[0]}:{authority[1]}"
    return system.name[:80] or "?"
