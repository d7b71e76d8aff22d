from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.domains.air_quality.codecs import CODECS
from beffroi.domains.air_quality.codecs.watteco_batch import decode_batch
from beffroi.domains.air_quality.codecs.watteco_layouts import LAYOUTS
from beffroi.domains.air_quality.tests.batch_writer import write_batch
from beffroi.kernel.errors import DecodeError
from beffroi.sdk.declarations import Frame, Reading

AT = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
BY_KEY = {codec.key: codec for codec in CODECS}


def read(payload: bytes, codec: str = "watteco") -> tuple[Reading, ...]:
    return tuple(BY_KEY[codec].decode(Frame(payload=payload, f_port=125, observed_at=AT)))


@pytest.mark.parametrize("key", sorted(BY_KEY))
@given(payload=st.binary(max_size=60))
def test_any_octets_give_finite_values_or_a_decode_error(key: str, payload: bytes) -> None:
    try:
        readings = read(payload, key)
    except DecodeError:
        return
    assert all(math.isfinite(item.value) for item in readings)


@given(
    command=st.sampled_from([0x01, 0x0A, 0x8A]),
    cluster=st.sampled_from([0x0050, 0x0052, 0x0056, 0x0402, 0x800A, 0x8010, 0x8052]),
    rest=st.binary(max_size=60),
)
def test_reports_of_known_clusters_never_fail_otherwise(
    command: int, cluster: int, rest: bytes
) -> None:
    payload = bytes((0x11, command)) + cluster.to_bytes(2, "big") + rest
    try:
        readings = read(payload)
    except DecodeError:
        return
    assert all(math.isfinite(item.value) for item in readings)


@given(
    start=st.integers(min_value=1, max_value=2**31),
    samples=st.lists(
        st.tuples(
            st.integers(min_value=0, max_value=40_000), st.integers(min_value=-400, max_value=600)
        ),
        min_size=1,
        max_size=20,
    ),
    late=st.integers(min_value=0, max_value=3_000),
)
def test_a_batch_is_read_as_it_was_written(
    start: int, samples: list[tuple[int, int]], late: int
) -> None:
    layout, _models = LAYOUTS["temperature"]
    moments, clock = [], start
    for gap, tenths in samples:
        clock += gap
        moments.append((clock, 10 * tenths))
    sent = clock + late
    payload = write_batch(layout, [(0, moments)], sent=sent)
    found = decode_batch(payload, layout=layout, received_at=AT)
    assert [(item.value, item.observed_at) for item in found] == [
        (value / 100, AT - timedelta(seconds=sent - at)) for at, value in moments
    ]


def test_a_batch_that_one_layout_explains_is_read_without_its_model() -> None:
    payload = bytes.fromhex("20220080039281f268d3212d54a0c3e170380ab000")
    assert read(payload) == read(payload, "watteco_atmo")


def test_a_batch_that_fits_several_models_asks_for_the_model() -> None:
    layout, _models = LAYOUTS["two_probes"]
    payload = write_batch(layout, [(0, [(600, 2010), (1_200, 2020)])], sent=1_210)
    with pytest.raises(DecodeError, match="Choose the codec"):
        read(payload)
    assert [item.value for item in read(payload, "watteco_two_probes")] == [20.1, 20.2]


def test_the_port_and_the_form_are_recognised() -> None:
    def recognised(payload: str, port: int, codec: str = "watteco") -> bool:
        frame = Frame(payload=bytes.fromhex(payload), f_port=port, observed_at=AT)
        return BY_KEY[codec].recognises(frame)

    assert recognised("110a04020000290b89", 125)
    assert not recognised("110a04020000290b89", 5)
    assert not recognised("11ff", 125)
    assert recognised("362100808098c31ecb824d7b07ba3d", 125, "watteco_th")
    assert not recognised("110a04020000290b89", 125, "watteco_th")
