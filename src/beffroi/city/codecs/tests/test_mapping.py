from __future__ import annotations

from datetime import UTC, datetime

import pytest

from beffroi.city.codecs.guesses import mapping_guess, words_of
from beffroi.city.codecs.mapping import (
    FieldMap,
    FieldRule,
    flattened,
    instant_of,
    number_in,
    rules_json,
    rules_of,
)
from beffroi.sdk.registry import measures


def test_nested_objects_and_lists_become_paths() -> None:
    values = {"a": {"b": 1}, "channels": [{"value": 2}, {"value": 3}], "n": None, "t": [4]}
    assert dict(flattened(values)) == {
        "a.b": 1,
        "channels[0].value": 2,
        "channels[1].value": 3,
        "t[0]": 4,
    }


def test_a_nest_without_end_is_cut() -> None:
    deep: dict[str, object] = {}
    inner = deep
    for _ in range(50):
        inner["x"] = {}
        inner = inner["x"]  # type: ignore[assignment]  # dictionaries all the way down
    inner["y"] = 1
    assert list(flattened(deep)) == []


def test_a_rule_converts_numbers_texts_and_words() -> None:
    fahrenheit = FieldRule(measure="temperature_c", factor=5 / 9, offset=-160 / 9)
    assert fahrenheit.converted(212) == pytest.approx(100)
    assert fahrenheit.converted("212,0 °F") == pytest.approx(100)
    door = FieldRule(measure="door_open", choices={"open": 1.0, "closed": 0.0, "true": 1.0})
    assert [door.converted(item) for item in ("OPEN", " closed ", True, "ajar")] == [1, 0, 1, None]
    assert FieldRule(measure="x").converted({"no": "number"}) == {"no": "number"}


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), ("-3,5", -3.5), ("1e3 W", 1000), ("23.4 °C", 23.4), ("", None), ("abc", None),
     ("12 34", None), ("nan", None), ("1e99", 1e99)],
)  # fmt: skip
def test_numbers_written_as_text(text: str, number: float | None) -> None:
    assert number_in(text) == number


@pytest.mark.parametrize(
    "value",
    ["2026-03-01T10:00:00Z", "2026-03-01T11:00:00+01:00", "2026-03-01 10:00:00", 1772359200,
     1772359200000, "1772359200", 1772359200000000.0],
)  # fmt: skip
def test_an_instant_in_every_usual_form(value: object) -> None:
    assert instant_of(value) == datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("value", ["", "soon", "²", -1, 12, 1e30, float("nan"), True, None, []])
def test_what_is_no_instant_is_none(value: object) -> None:
    assert instant_of(value) is None


def test_values_of_a_list_have_their_own_instants() -> None:
    rules = FieldMap(
        {"log[*].temp": FieldRule(measure="temperature_c", time="at"), "now": FieldRule(measure="")}
    )
    read = rules.read(
        {"log": [{"at": "2026-03-01T10:00:00Z", "temp": 1}, {"at": "?", "temp": 2}], "now": 3}
    )
    by_path = {item.path: item for item in read}
    assert by_path["log[0].temp"].observed_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert not by_path["log[1].temp"].dated
    assert by_path["now"].rule is not None


def test_rules_survive_being_stored_and_what_is_wrong_in_them_is_left_out() -> None:
    rules = {
        "a": FieldRule(measure="power_w", factor=1000, unit="kW"),
        "b": FieldRule(measure="door_open", choices={"open": 1.0}, time="t"),
    }
    assert rules_of(rules_json(rules)).rules == rules
    wrong = rules_of({"a": 3, "b": {"measure": 4}, "c": {"measure": "x", "factor": "nan"}})
    assert wrong.rules == {"c": FieldRule(measure="x")}


@pytest.mark.parametrize(
    ("path", "value", "measure", "factor"),
    [
        ("temperature", 21.5, "temperature_c", 1),
        ("temp_c", 21.5, "temperature_c", 1),
        ("TempC_SHT", 21.5, "temperature_c", 1),
        ("temp_f", 70, "temperature_c", 5 / 9),
        ("batV", 3.6, "battery_v", 1),
        ("battery_mV", 3605, "battery_v", 1e-3),
        ("battery", 87, "battery_pct", 1),
        ("niveau_batterie", 87, "battery_pct", 1),
        ("humidity", 55, "humidity_pct", 1),
        ("Humidité", "55,2 %", "humidity_pct", 1),
        ("co2", 611, "co2_ppm", 1),
        ("lux", 12, "light_lux", 1),
        ("data.Illuminance", 12, "light_lux", 1),
        ("distance", 1200, "distance_mm", 1),
        ("distance_cm", 120, "distance_mm", 10),
        ("fill_level", 45, "fill_level_pct", 1),
        ("taux_remplissage", 45, "fill_level_pct", 1),
        ("pulseCounter", 12345, "pulse_1_total", 1),
        ("kWh", 12.3, "energy_kwh", 1),
        ("energie_Wh", 100, "energy_kwh", 1e-3),
        ("porte", True, "door_open", 1),
        ("wind_speed_kmh", 36, "wind_speed_ms", 1 / 3.6),
        ("pm2_5", 4, "pm25_ugm3", 1),
    ],
)
def test_fields_are_guessed_from_their_names_and_units(
    path: str, value: object, measure: str, factor: float
) -> None:
    guess = mapping_guess({path: value}, measures=measures())[path]
    assert guess.rule.measure == measure
    assert guess.rule.factor == pytest.approx(factor)
    assert guess.confidence >= 0.5
    assert guess.reason.format(**guess.params)


def test_words_of_a_state_get_their_table() -> None:
    guess = mapping_guess({"Etat_porte": "fermé"}, measures=measures())["Etat_porte"]
    assert guess.rule.measure == "door_open"
    assert guess.rule.converted("Fermé") == 0
    assert guess.rule.converted("ouvert") == 1


def test_a_value_that_cannot_be_true_is_told_and_not_believed() -> None:
    guess = mapping_guess({"temperature": 5000}, measures=measures())["temperature"]
    assert guess.confidence < 0.5


def test_what_means_nothing_is_not_guessed() -> None:
    assert mapping_guess({"fcnt": 3, "firmware": "1.2", "x": 1}, measures=measures()) == {}


def test_one_measure_is_proposed_for_one_field() -> None:
    guesses = mapping_guess({"temp": 1, "temperature_c": 2}, measures=measures())
    assert list(guesses) == ["temperature_c"]


def test_words() -> None:
    assert {"temp", "c", "sht"} <= set(words_of("TempC_SHT"))
    assert "co2" in words_of("CO2_ppm")
