"""Which measure a decoded field may be, from its name, its unit and its value: to propose only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from beffroi.city.codecs.mapping import FieldRule, number_in
from beffroi.sdk.declarations import Kind, Measure, translatable

_ = translatable

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|%|°")
_ITEM = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A proposal: the rule, how sure it is (0 to 1), and why, English with ``{field}`` params."""

    rule: FieldRule
    confidence: float
    reason: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Quantity:
    """A quantity by the words that name it, and the measures that it may be, the best first.

    ``units`` are words that name a unit, with what turns it into that of the measures.
    """

    words: frozenset[str]
    measures: tuple[str, ...]
    units: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    against: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SAME = (1.0, 0.0)
_CELSIUS = {
    "c": _SAME, "degc": _SAME, "celsius": _SAME, "°": _SAME, "degres": _SAME,
    "f": (5 / 9, -160 / 9), "fahrenheit": (5 / 9, -160 / 9), "degf": (5 / 9, -160 / 9),
    "k": (1.0, -273.15), "kelvin": (1.0, -273.15),
}  # fmt: skip
_VOLTS = {"v": _SAME, "volt": _SAME, "volts": _SAME, "voltage": _SAME, "tension": _SAME,
          "mv": (1e-3, 0.0), "millivolt": (1e-3, 0.0), "millivolts": (1e-3, 0.0)}  # fmt: skip
_PER_CENT = dict.fromkeys(("pct", "percent", "percentage", "%", "pourcent", "pourcentage"), _SAME)
_BATTERY = _words("battery bat batt batterie pile accu")
_OUTSIDE = _words("external ext outdoor outside exterieur exterieure probe sonde ds18b20")

_QUANTITIES = (
    _Quantity(words=_BATTERY, measures=("battery_v",), units=_VOLTS),
    _Quantity(
        words=_BATTERY,
        measures=("battery_pct",),
        units={**_PER_CENT, "level": _SAME, "niveau": _SAME},
    ),
    _Quantity(
        words=_words("temperature temperatures temp tmp temperatur tempc tempf"),
        measures=("external_temperature_c", "temperature_c"),
        units=_CELSIUS,
        needs=_OUTSIDE,
    ),
    _Quantity(
        words=_words("temperature temperatures temp tmp temperatur tempc tempf t"),
        measures=("temperature_c", "external_temperature_c", "driver_temperature_c"),
        units={**_CELSIUS, "tempc": _SAME, "tempf": (5 / 9, -160 / 9)},
    ),
    _Quantity(
        words=_words("humidity hum humidite rh hygrometrie moisture"),
        measures=("humidity_pct",),
        units=_PER_CENT,
        against=_words("soil sol"),
    ),
    _Quantity(words=_words("co2 carbondioxide"), measures=("co2_ppm",), units={"ppm": _SAME}),
    _Quantity(
        words=_words("tvoc voc cov"),
        measures=("tvoc_ppb",),
        units={"ppb": _SAME, "ppm": (1_000.0, 0.0)},
    ),
    _Quantity(
        words=_words("pm25 pm2p5"), measures=("pm25_ugm3",), units={"ugm3": _SAME, "ug": _SAME}
    ),
    _Quantity(words=_words("pm10"), measures=("pm10_ugm3",), units={"ugm3": _SAME, "ug": _SAME}),
    _Quantity(words=_words("no2"), measures=("no2_ugm3",), units={"ugm3": _SAME}),
    _Quantity(words=_words("o3 ozone"), measures=("o3_ugm3",), units={"ugm3": _SAME}),
    _Quantity(
        words=_words("pressure barometer barometric pression baro"),
        measures=("pressure_hpa",),
        units={
            "hpa": _SAME,
            "mbar": _SAME,
            "kpa": (10.0, 0.0),
            "pa": (0.01, 0.0),
            "bar": (1_000.0, 0.0),
        },
        against=_words("differential diff water eau"),
    ),
    _Quantity(
        words=_words("lux illuminance illumination light luminosity luminosite eclairement ill"),
        measures=("light_lux",),
        units={"lux": _SAME, "lx": _SAME},
        against=_words("status state etat"),
    ),
    _Quantity(
        words=_words("fill filling fullness remplissage fulllevel filllevel"),
        measures=("fill_level_pct",),
        units={**_PER_CENT, "level": _SAME, "rate": _SAME, "taux": _SAME, "niveau": _SAME},
    ),
    _Quantity(
        words=_words("distance dist hauteur range ullage"),
        measures=("distance_mm",),
        units={"mm": _SAME, "cm": (10.0, 0.0), "m": (1_000.0, 0.0)},
    ),
    _Quantity(
        words=_words("energy energie kwh wh consumption consommation index activeenergy"),
        measures=("energy_kwh", "active_energy_wh"),
        units={"kwh": _SAME, "wh": (1e-3, 0.0), "mwh": (1_000.0, 0.0)},
        needs=_words("energy energie kwh wh mwh activeenergy"),
        against=_words("reactive reactif"),
    ),
    _Quantity(
        words=_words("power puissance activepower watt watts"),
        measures=("power_w",),
        units={"w": _SAME, "watt": _SAME, "watts": _SAME, "kw": (1_000.0, 0.0)},
        against=_words("factor facteur reactive apparent supply battery"),
    ),
    _Quantity(
        words=_words("current courant intensite amperage"),
        measures=("current_a",),
        units={"a": _SAME, "amp": _SAME, "amps": _SAME, "ma": (1e-3, 0.0)},
    ),
    _Quantity(
        words=_words("voltage tension volt volts vac"),
        measures=("voltage_v",),
        units=_VOLTS,
        against=_BATTERY,
    ),
    _Quantity(
        words=_words("factor facteur cosphi"),
        measures=("power_factor",),
        needs=_words("power puissance cosphi"),
    ),
    _Quantity(words=_words("frequency frequence"), measures=("frequency_hz",), units={"hz": _SAME}),
    _Quantity(
        words=_words("dimming dim gradation brightness"),
        measures=("dimming_pct",),
        units={**_PER_CENT, "level": _SAME},
    ),
    _Quantity(
        words=_words("pulse pulses impulsion impulsions counter compteur count totalpulse"),
        measures=("pulse_1_total",),
        against=_words("motion mouvement movement vehicle vehicles vehicules fcnt"),
    ),
    _Quantity(
        words=_words("motion mouvement mouvements movement pir"),
        measures=("motion_count",),
        units={"count": _SAME, "counter": _SAME},
    ),
    _Quantity(
        words=_words("vehicle vehicles vehicule vehicules comptage"), measures=("vehicles_count",)
    ),
    _Quantity(
        words=_words("occupied occupancy occupe presence parking occupation"),
        measures=("occupied", "occupancy_state"),
    ),
    _Quantity(
        words=_words("door porte opened opening open ouvert ouverture contact reed"),
        measures=("door_open", "input_1_state"),
    ),
    _Quantity(words=_words("leak fuite waterleak"), measures=("water_leak_level",)),
    _Quantity(words=_words("tilt inclinaison"), measures=("tilt_deg",), units={"deg": _SAME}),
    _Quantity(
        words=_words("noise sound bruit leq laeq spl"),
        measures=("sound_mean_db",),
        units={"db": _SAME, "dba": _SAME},
    ),
    _Quantity(
        words=_words("wind vent"),
        measures=("wind_speed_ms",),
        units={"ms": _SAME, "kmh": (1 / 3.6, 0.0)},
        against=_words("direction dir gust rafale"),
    ),
    _Quantity(
        words=_words("wind vent"),
        measures=("wind_direction_deg",),
        needs=_words("direction dir"),
    ),
    _Quantity(
        words=_words("gust rafale rafales"),
        measures=("wind_gust_ms",),
        units={"ms": _SAME, "kmh": (1 / 3.6, 0.0)},
    ),
    _Quantity(
        words=_words("rain pluie rainfall precipitation precipitations"),
        measures=("rain_mm",),
        units={"mm": _SAME},
    ),
    _Quantity(
        words=_words("solar radiation irradiance rayonnement"), measures=("solar_radiation_wm2",)
    ),
    _Quantity(words=_words("rssi"), measures=("rssi_dbm",), units={"dbm": _SAME}),
    _Quantity(words=_words("snr"), measures=("snr_db",), units={"db": _SAME}),
)

_YES = _words(
    "open opened ouvert ouverte on true yes oui occupied occupe busy active alarm alarme motion"
    " presence detected leak full"
)
_NO = _words(
    "closed close ferme fermee off false no non free libre vacant unoccupied inactive normal none"
    " idle dry empty"
)


def mapping_guess(
    fields: Mapping[str, Any],
    *,
    measures: Mapping[str, Measure],
    units: Mapping[str, str] | None = None,
) -> dict[str, Guess]:
    """Propose a measure for each field that seems to be one.

    Args:
        fields: last value of each path.
        measures: those that the devices' assets declare, by key.
        units: unit of each path where the decoder's author says it.

    Two fields are not proposed for one measure: the surer one has it, the first of two equals.
    """
    found: dict[str, Guess] = {}
    for path, value in fields.items():
        guess = _guess(path, value, measures, (units or {}).get(path, ""))
        if guess is not None:
            found[path] = guess
    best: dict[str, str] = {}
    for path, guess in found.items():
        other = best.get(guess.rule.measure)
        if other is None or (
            _ITEM.sub("[*]", other) != _ITEM.sub("[*]", path)
            and found[other].confidence < guess.confidence
        ):
            best[guess.rule.measure] = path
    return {path: guess for path, guess in found.items() if path in best.values()}


def words_of(path: str) -> list[str]:
    """Return the words of a path, without accents: ``TempC_SHT`` gives temp, c, sht.

    A figure glued to letters is told both ways: ``co2`` and ``pm2_5`` are words of their own.
    """
    plain = unicodedata.normalize("NFKD", path)
    plain = "".join(mark for mark in plain if not unicodedata.combining(mark))
    plain = re.sub(r"(?i)pm[_ .-]?2[_ .p-]?5", "pm25 ", plain)
    plain = re.sub(r"(?i)pm[_ .-]?10", "pm10 ", plain)
    plain = plain.replace("µg", "ug").replace("m³", "m3").replace("m3", "m3 ")
    words = [part.casefold() for part in _PARTS.findall(plain)]
    glued = [a + b for a, b in pairwise(words)]
    return [*words, *glued]


def _guess(path: str, value: Any, measures: Mapping[str, Measure], unit: str) -> Guess | None:
    if path in measures:
        return Guess(
            rule=FieldRule(measure=path),
            confidence=1.0,
            reason=_("The field has the name of the measure."),
        )
    leaf = path.rpartition(".")[2]
    near, all_words = set(words_of(leaf)), set(words_of(path))
    unit_words = [unit.strip().casefold().replace("/", "")] if unit else []
    candidates: list[Guess] = []
    for quantity in _QUANTITIES:
        words = near if quantity.words & near else all_words
        named = quantity.words & words
        if not named or quantity.against & all_words:
            continue
        if quantity.needs and not quantity.needs & all_words:
            continue
        declared = [measures[key] for key in quantity.measures if key in measures]
        if declared:
            told = _unit_of(quantity, [*unit_words, *words_of(leaf)])
            candidates.append(
                _proposal(declared[0], value, told, words=_shortest(named), near=words is near)
            )
    return max(candidates, key=lambda guess: guess.confidence, default=None)


def _shortest(named: frozenset[str] | set[str]) -> list[str]:
    """Leave out a word that only joins another one of them to what follows it."""
    return sorted(
        word for word in named if not any(other in word for other in named if other != word)
    )


def _unit_of(quantity: _Quantity, words: Iterable[str]) -> tuple[str, float, float] | None:
    # The longest first: kWh is also k and Wh.
    for word in sorted(words, key=len, reverse=True):
        conversion = quantity.units.get(word)
        if conversion is not None:
            return (word, *conversion)
    return None


def _proposal(
    measure: Measure,
    value: Any,
    told: tuple[str, float, float] | None,
    *,
    words: list[str],
    near: bool,
) -> Guess:
    if measure.kind is not Kind.NUMBER:
        return _state_proposal(measure, value, words)
    unit, factor, offset = told if told is not None else ("", 1.0, 0.0)
    if measure.key == "active_energy_wh" and unit:
        factor *= 1_000.0  # the table speaks of kWh
    number = _number(value)
    if told is None and number is not None:
        unit, factor = _by_size(measure.key, number)
    rule = FieldRule(measure=measure.key, factor=factor, offset=offset, unit=unit)
    confidence = 0.75 + (0.2 if told is not None else 0.0) - (0.0 if near else 0.15)
    converted = None if number is None else number * factor + offset
    same = (factor, offset) == _SAME
    params = {"word": ", ".join(words), "unit": measure.unit.symbol if same else unit}
    if isinstance(value, bool) or converted is None:
        return Guess(
            rule=rule, confidence=0.2, params=params,
            reason=_("The name says “{word}”, but the value is no number."),
        )  # fmt: skip
    low, high = measure.valid or (float("-inf"), float("inf"))
    if not low <= converted <= high:
        return Guess(
            rule=rule, confidence=min(confidence, 0.4), params=params,
            reason=_("The name says “{word}”, but the value is outside what the measure can be."),
        )  # fmt: skip
    if told is not None and params["unit"]:
        return Guess(
            rule=rule, confidence=confidence, params=params,
            reason=_("The name says “{word}”, in {unit}."),
        )  # fmt: skip
    if unit:
        return Guess(
            rule=rule, confidence=0.6, params=params,
            reason=_("The name says “{word}”; by its size the value is in {unit}."),
        )  # fmt: skip
    return Guess(
        rule=rule, confidence=confidence, params=params, reason=_("The name says “{word}”.")
    )


def _by_size(key: str, number: float) -> tuple[str, float]:
    """Return the unit that a value without one is in, and the factor to that of the measure."""
    if key == "battery_v" and 1_000 <= number <= 20_000:
        return "mV", 1e-3
    if key == "pressure_hpa" and 50_000 <= number <= 110_000:
        return "Pa", 0.01
    return "", 1.0


def _state_proposal(measure: Measure, value: Any, words: list[str]) -> Guess:
    params = {"word": ", ".join(words), "value": str(value)[:60]}
    if isinstance(value, bool) or value in {0, 1}:
        return Guess(
            rule=FieldRule(measure=measure.key), confidence=0.8, params=params,
            reason=_("The name says “{word}”, and the value is yes or no."),
        )  # fmt: skip
    known = {choice.casefold(): float(rank) for rank, choice in enumerate(measure.choices)}
    text = str(value).strip().casefold()
    if text in known or measure.kind is Kind.CHOICE:
        return Guess(
            rule=FieldRule(measure=measure.key, choices=known),
            confidence=0.8 if text in known else 0.3, params=params,
            reason=_("The name says “{word}”; the table gives the number of each word."),
        )  # fmt: skip
    told = unicodedata.normalize("NFKD", text)
    plain = "".join(mark for mark in told if not unicodedata.combining(mark))
    yes, no = plain in _YES, plain in _NO
    choices = {**dict.fromkeys(sorted(_NO), 0.0), **dict.fromkeys(sorted(_YES), 1.0)}
    pair = _pair_of(plain)
    return Guess(
        rule=FieldRule(measure=measure.key, choices=pair or ({text: 1.0} if text else choices)),
        confidence=0.7 if yes or no else 0.25, params=params,
        reason=_("The name says “{word}”; the table gives the number of each word."),
    )  # fmt: skip


_PAIRS: tuple[tuple[str, str], ...] = (
    ("closed", "open"), ("close", "open"), ("ferme", "ouvert"), ("off", "on"), ("no", "yes"),
    ("non", "oui"), ("free", "occupied"), ("free", "busy"), ("vacant", "occupied"),
    ("unoccupied", "occupied"), ("libre", "occupe"), ("normal", "alarm"), ("inactive", "active"),
    ("dry", "leak"), ("none", "motion"),
)  # fmt: skip
_ACCENTED = {"ferme": ("ferme", "fermé", "fermee", "fermée"), "occupe": ("occupe", "occupé"),
             "ouvert": ("ouvert", "ouverte")}  # fmt: skip


def _pair_of(word: str) -> dict[str, float]:
    """Return the table of the pair of words that one belongs to, with their accents."""
    found: dict[str, float] = {}
    for no, yes in _PAIRS:
        if word in {no, yes, *_ACCENTED.get(no, ()), *_ACCENTED.get(yes, ())}:
            found |= dict.fromkeys(_ACCENTED.get(no, (no,)), 0.0)
            found |= dict.fromkeys(_ACCENTED.get(yes, (yes,)), 1.0)
    return found


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return number_in(value)
    return float(value) if isinstance(value, int | float) else None
