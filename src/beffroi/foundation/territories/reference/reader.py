"""The national lists of communes, inter-municipal bodies, départements and regions."""

from __future__ import annotations

import csv
import hashlib
import io
import lzma
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from beffroi.kernel.identifiers import slug_of

EDITION = "2026"
_PACKAGE = "beffroi.foundation.territories.reference"
_FILES = ("communes.csv.xz", "epci.csv.xz", "departements.csv.xz", "regions.csv.xz")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommuneFacts:
    """A commune, as INSEE and the DGCL publish it.

    Attributes:
        siren: empty for the overseas communes that have none.
        population: municipal population of the last census, or ``None`` where not published.
        epci_siren: body with its own taxation it belongs to; empty for the few that have none.
        ept_siren: public territorial establishment within the Métropole du Grand Paris, or empty.
        lon: degrees, of the town hall or, failing that, of the centre.
        postal_codes: in the order of the source.
    """

    insee: str
    name: str
    siren: str
    population: int | None
    epci_siren: str
    ept_siren: str
    departement: str
    region: str
    lon: float | None
    lat: float | None
    postal_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpciFacts:
    """An inter-municipal body.

    Attributes:
        kind: CC, CA, CU, METRO, MET69 (Lyon), or EPT, which lies inside the Grand Paris.
    """

    siren: str
    name: str
    kind: str
    population: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartementFacts:
    """A département or overseas territory, with the INSEE code of its seat."""

    code: str
    name: str
    region: str
    seat: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionFacts:
    """A region, with the INSEE code of its seat."""

    code: str
    name: str
    seat: str


def commune(insee: str) -> CommuneFacts | None:
    """Return the commune of an INSEE code, or ``None``."""
    return communes().get(insee)


def epci(siren: str) -> EpciFacts | None:
    """Return the inter-municipal body of a SIREN, or ``None``."""
    return epcis().get(siren)


def departement(code: str) -> DepartementFacts | None:
    """Return the département of a code such as ``"34"`` or ``"2A"``, or ``None``."""
    return departements().get(code)


def region(code: str) -> RegionFacts | None:
    """Return the region of a code, or ``None``."""
    return regions().get(code)


def members(siren: str) -> tuple[CommuneFacts, ...]:
    """Return the member communes of an inter-municipal body, by name."""
    found = (fact for fact in communes().values() if siren in (fact.epci_siren, fact.ept_siren))
    return tuple(sorted(found, key=lambda fact: slug_of(fact.name))) if siren else ()


def search(text: str, *, limit: int = 20) -> tuple[CommuneFacts, ...]:
    """Return the communes whose name, INSEE or postal code begins with, or holds, the text.

    Accents, hyphens and case do not matter. Names that begin with the text come first, then the
    most populous.
    """
    wanted = slug_of(text)
    if not wanted:
        return ()
    ranked: list[tuple[int, int, str, CommuneFacts]] = []
    for slug, fact in _names():
        if slug == wanted or fact.insee.lower() == wanted:
            rank = 0
        elif slug.startswith(wanted) or any(c.startswith(wanted) for c in fact.postal_codes):
            rank = 1
        elif f"-{wanted}" in slug:
            rank = 2
        else:
            continue
        ranked.append((rank, -(fact.population or 0), fact.insee, fact))
    return tuple(entry[3] for entry in sorted(ranked, key=lambda entry: entry[:3])[:limit])


@lru_cache(maxsize=1)
def communes() -> Mapping[str, CommuneFacts]:
    """Return every commune by INSEE code."""
    return MappingProxyType(
        {
            row["insee"]: CommuneFacts(
                insee=row["insee"],
                name=row["name"],
                siren=row["siren"],
                population=_whole(row["population"]),
                epci_siren=row["epci_siren"],
                ept_siren=row["ept_siren"],
                departement=row["departement"],
                region=row["region"],
                lon=_degrees(row["lon"]),
                lat=_degrees(row["lat"]),
                postal_codes=tuple(row["postal_codes"].split()),
            )
            for row in _rows("communes.csv.xz")
        }
    )


@lru_cache(maxsize=1)
def epcis() -> Mapping[str, EpciFacts]:
    """Return every inter-municipal body by SIREN."""
    return MappingProxyType(
        {
            row["siren"]: EpciFacts(
                siren=row["siren"],
                name=row["name"],
                kind=row["kind"],
                population=_whole(row["population"]),
            )
            for row in _rows("epci.csv.xz")
        }
    )


@lru_cache(maxsize=1)
def departements() -> Mapping[str, DepartementFacts]:
    """Return every département and overseas territory by code."""
    return MappingProxyType(
        {
            row["code"]: DepartementFacts(
                code=row["code"], name=row["name"], region=row["region"], seat=row["seat"]
            )
            for row in _rows("departements.csv.xz")
        }
    )


@lru_cache(maxsize=1)
def regions() -> Mapping[str, RegionFacts]:
    """Return every region by code."""
    return MappingProxyType(
        {
            row["code"]: RegionFacts(code=row["code"], name=row["name"], seat=row["seat"])
            for row in _rows("regions.csv.xz")
        }
    )


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """Return the SHA-256 of the shipped files: what is loaded already is not loaded again."""
    digest = hashlib.sha256()
    for name in _FILES:
        digest.update((files(_PACKAGE) / name).read_bytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _names() -> tuple[tuple[str, CommuneFacts], ...]:
    return tuple((slug_of(fact.name), fact) for fact in communes().values())


def _rows(name: str) -> list[dict[str, str]]:
    text = lzma.decompress((files(_PACKAGE) / name).read_bytes()).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def _whole(text: str) -> int | None:
    return int(text) if text else None


def _degrees(text: str) -> float | None:
    return float(text) if text else None
