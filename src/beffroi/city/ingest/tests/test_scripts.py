"""Devices that a script reads: through the door, after a claim, over what was kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from beffroi.city.assets.models import Asset, Device
from beffroi.city.assets.scopes import WHOLE
from beffroi.city.assets.testing import make_asset, make_device
from beffroi.city.codecs.api import FieldRule, script_reference
from beffroi.city.codecs.models import CodecTrouble, DeviceModel, Script
from beffroi.city.codecs.running import process_desk
from beffroi.city.codecs.selectors import model_get
from beffroi.city.codecs.services import hold_end, script_revise
from beffroi.city.codecs.testing import (
    ENDLESS,
    PROBE,
    make_library_model,
    make_model,
    make_script,
)
from beffroi.city.ingest.claims import claim_preview, device_claim, held_settle
from beffroi.city.ingest.contracts import Claim
from beffroi.city.ingest.device_models import (
    model_apply,
    model_fields,
    model_give,
    model_reread,
    reread_part,
    rereading_last,
)
from beffroi.city.ingest.models import Message, Rereading
from beffroi.city.ingest.testing import MadeSource, post, tiny_message
from beffroi.city.ingest.tests.test_door import values
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.kernel.clock import now

DEVICE = "a81758fffe000051"
TEMPERATURE = {
    "TempC_SHT": FieldRule(measure="temperature"),
    "battery": FieldRule(measure="battery_pct"),
    "log[*].temp": FieldRule(measure="temperature", time="at"),
}


@pytest.fixture(autouse=True)
def desk() -> Iterator[None]:
    process_desk.cache_clear()
    yield
    process_desk.cache_clear()


def of_script(
    town: Territory, *, source: str = PROBE, rules: dict[str, FieldRule] | None = None
) -> tuple[Asset, DeviceModel, Script]:
    asset = make_asset(town, type_key="tiny_station", domain_key="tiny")
    script = make_script(town, source=source)
    model = make_model(town, script=script, rules=TEMPERATURE if rules is None else rules)
    make_device(town, identifier=DEVICE, asset=asset, model_ref_id=model.id)
    return asset, model, script


def send(source: MadeSource, door: int, *payloads: str, device: str = DEVICE) -> None:
    for rank, payload in enumerate(payloads):
        at = now() - timedelta(minutes=len(payloads) - rank)
        post(door, source.path, tiny_message(device, at, hex=payload), headers=source.headers)


def test_a_script_and_the_mapping_of_a_model_give_measurements(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset, _, _ = of_script(town)
    send(source, door, "00d76150")
    found = values(town, asset)
    assert sorted(found["temperature"]) == [8.0, 21.5]
    assert found["battery_pct"] == [97.0]
    with acting_for(town.id):
        assert Message.objects.get().status == "decoded"
        assert Device.objects.get().battery_pct == 97


def test_what_a_device_says_itself_goes_before_its_model(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset, _, _ = of_script(town)
    with acting_for(town.id):
        Device.objects.update(mapping={"battery": "temperature", "TempC_SHT": ""})
    send(source, door, "00d761")
    assert values(town, asset) == {"temperature": [97.0]}
    with acting_for(town.id):
        Device.objects.update(mapping={}, codec_key="tiny")
    send(source, door, "00d8")
    assert sorted(values(town, asset)["temperature"]) == [21.6, 97.0]


def test_a_frame_that_the_script_refuses_is_told_in_a_sentence(
    town: Territory, source: MadeSource, door: int
) -> None:
    of_script(town)
    send(source, door, "00")
    with acting_for(town.id):
        message = Message.objects.get()
    assert (message.status, message.error_code) == ("undecodable", "codec.refused")
    assert message.error is not None
    assert "too short" in message.error["params"]["detail"]


def test_a_hostile_script_holds_up_nobody_and_its_messages_are_read_later(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset, model, script = of_script(town, source=ENDLESS)
    other = make_asset(town, type_key="tiny_station", domain_key="tiny")
    make_device(town, identifier="a81758fffe000052", asset=other, codec_key="tiny")
    send(source, door, "00d7", "00d8", "00d9", "00da")
    send(source, door, "00d7", device="a81758fffe000052")
    assert values(town, other)["temperature"] == [21.5]
    reference = script_reference(script.uuid)
    with acting_for(town.id):
        codes = Message.objects.filter(device_identifier=DEVICE).order_by("id")
        told = list(codes.values_list("error_code", flat=True))
        trouble = CodecTrouble.objects.get(codec_key=reference)
    assert told == ["codec.timeout"] * 3 + ["codec.held"]
    assert trouble.held_until is not None
    with acting_for(town.id):
        assert held_settle().decoded == 0
        assert Message.objects.filter(error_code="codec.held").count() == 1
        script_revise(script.uuid, name="Sonde", source=PROBE, examples=[])
        assert held_settle().decoded == 1
    assert values(town, asset)["temperature"] == [21.8]
    assert model.codec_key == reference


def test_an_agent_ends_a_hold_and_the_door_hears_of_it(
    town: Territory, source: MadeSource, door: int
) -> None:
    _, _, script = of_script(town)
    reference = script_reference(script.uuid)
    with acting_for(town.id):
        CodecTrouble.objects.create(
            territory_id=town.id, codec_key=reference, sha256=script.sha256, code="codec.timeout",
            held_until=now() + timedelta(hours=1),
        )  # fmt: skip
    send(source, door, "00d7")
    with acting_for(town.id):
        assert Message.objects.get().error_code == "codec.held"
        assert hold_end(reference, label="Sonde")
        assert held_settle().decoded == 1


def test_a_script_that_is_gone_is_told(town: Territory, source: MadeSource, door: int) -> None:
    _, _, script = of_script(town)
    with acting_for(town.id):
        Script.objects.filter(id=script.id).update(removed_at=now())
    send(source, door, "00d7")
    with acting_for(town.id):
        assert Message.objects.get().error_code == "codec.absent"


def test_a_new_version_is_used_at_once(town: Territory, source: MadeSource, door: int) -> None:
    asset, _, script = of_script(town)
    send(source, door, "00d7")
    with acting_for(town.id):
        script_revise(script.uuid, name="Sonde", source=PROBE.replace("/ 10", "/ 100"), examples=[])
        assert Script.objects.get().version == 2
    send(source, door, "00d8")
    assert sorted(values(town, asset)["temperature"]) == [2.16, 21.5]


def test_fields_are_shown_guessed_kept_and_history_is_read_again(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset, model, _ = of_script(town, rules={})
    send(source, door, "00d761", "00d8")
    assert values(town, asset) == {}
    with acting_for(town.id):
        read = model_fields(model_get(model.uuid))
        paths = {field.path: field for field in read.fields}
        assert paths["TempC_SHT"].value == 21.6
        assert paths["battery"].guess is not None
        assert paths["battery"].guess.rule.measure == "battery_pct"
        model_apply(model.uuid, rules={"TempC_SHT": TEMPERATURE["TempC_SHT"]}, history=True)
        run = Rereading.objects.get()
        assert reread_part(run.uuid, part=1)
        half = rereading_last(model.uuid)
        while reread_part(run.uuid, part=1):
            pass
        whole = rereading_last(model.uuid)
    assert half is not None
    assert (half.done, half.total, half.finished_at) == (1, 2, None)
    assert whole is not None
    assert (whole.done, whole.decoded, whole.observations) == (2, 2, 2)
    assert whole.finished_at is not None
    assert values(town, asset)["temperature"] == [21.5, 21.6]
    with acting_for(town.id):
        assert DeviceModel.objects.get().fields_seen["TempC_SHT"] == 21.6
        assert model_reread(model.uuid).total == 2


def test_nested_values_of_a_network_go_through_the_mapping(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset = make_asset(town, type_key="tiny_station", domain_key="tiny")
    rules = {"channels[0].value": FieldRule(measure="temperature", factor=0.1)}
    model = make_model(town, rules=rules)
    make_device(town, identifier=DEVICE, asset=asset, model_ref_id=model.id)
    sent = {"channels": [{"value": "215"}, {"value": 3}]}
    post(door, source.path, tiny_message(DEVICE, now(), values=sent), headers=source.headers)
    assert values(town, asset) == {"temperature": [21.5]}


def test_a_value_whose_own_time_cannot_be_read_is_told_and_not_stored(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset = make_asset(town, type_key="tiny_station", domain_key="tiny")
    model = make_model(town, rules={"log[*].t": FieldRule(measure="temperature", time="at")})
    make_device(town, identifier=DEVICE, asset=asset, model_ref_id=model.id)
    sent = {"log": [{"at": "yesterday", "t": 1}, {"at": now().isoformat(), "t": 2}]}
    post(door, source.path, tiny_message(DEVICE, now(), values=sent), headers=source.headers)
    assert values(town, asset) == {"temperature": [2.0]}
    with acting_for(town.id):
        told = [(name, taken) for name, _, _, taken in Message.objects.get().decoded or ()]
    assert told == [("temperature", False), ("temperature", True)]


def test_a_claim_takes_a_model_of_the_library(
    town: Territory, source: MadeSource, door: int
) -> None:
    proposed = make_library_model()
    send(source, door, "00d761")
    claim = Claim(
        source_uuid=source.row.uuid, identifier=DEVICE, type_key="tiny_station", lon=3.88, lat=43.6,
        mapping={"TempC_SHT": "temperature"}, library_model=proposed.uuid,
    )  # fmt: skip
    with acting_for(town.id):
        (row,) = claim_preview(claim)
        assert ("temperature", 21.5, True) in row.readings
        assert not DeviceModel.objects.exists()
        result = device_claim(claim)
        model = DeviceModel.objects.get()
        assert (result.decoded, model.name) == (1, "ABC-307")
        assert Device.objects.get().model_ref_id == model.id
    send(source, door, "00d8", device="a81758fffe000053")
    with acting_for(town.id):
        device_claim(
            Claim(
                source_uuid=source.row.uuid, identifier="a81758fffe000053",
                type_key="tiny_station", lon=3.88, lat=43.6, library_model=proposed.uuid,
            )
        )  # fmt: skip
        assert DeviceModel.objects.count() == 1


def test_a_model_is_given_to_many_devices_by_their_words(town: Territory) -> None:
    model, other = make_model(town), make_model(town, name="Autre")
    for rank in range(3):
        make_device(town, identifier=f"a81758fffe00010{rank}", model="ERS CO2")
    make_device(town, identifier="ff", model="ERS CO2", model_ref_id=other.id)
    with acting_for(town.id):
        assert model_give(model.uuid, text="ers", scope=WHOLE) == 3
        assert model_give(model.uuid, text="ers", scope=WHOLE) == 0
        assert Device.objects.filter(model_ref_id=other.id).count() == 1
