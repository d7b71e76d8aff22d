"""What a Watteco TIC'O reads on the customer port of a French electricity meter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from beffroi.kernel.errors import DecodeError

TIC_CLUSTERS = frozenset({0x0053, 0x0054, 0x0055, 0x0056, 0x0057})

_Skip = Callable[[bytes, int], int]


def _fixed(size: int) -> _Skip:
    return lambda _octets, position: position + size


def _text(octets: bytes, position: int) -> int:
    """Skip a text that ends with a zero octet."""
    end = octets.find(0, position)
    if end < 0:
        raise _cut()
    return end + 1


def _text_of(size: int) -> _Skip:
    """Skip a text that ends with a zero octet, or fills its ``size`` octets."""

    def skip(octets: bytes, position: int) -> int:
        end = octets.find(0, position, position + size)
        return end + 1 if end >= 0 else position + size

    return skip


def _choice(octets: bytes, position: int) -> int:
    """Skip a label: its number, or its length with the high bit set and its letters."""
    if position >= len(octets):
        raise _cut()
    head = octets[position]
    return position + 1 + (head & 0x7F if head & 0x80 else 0)


def _counted(octets: bytes, position: int) -> int:
    """Skip octets preceded by their number."""
    if position >= len(octets):
        raise _cut()
    return position + 1 + octets[position]


def _cut() -> DecodeError:
    return DecodeError("The meter frame ends within a field.")


_Number = int
_Step = tuple[str, _Number | _Skip]
"""A field: its name on the meter, and either octets of a number or how to skip it."""

_DATE, _SEASON_DATE, _STAMP = _fixed(6), _fixed(7), _fixed(4)

_STANDARD: tuple[_Step, ...] = (
    ("ADSC", _text), ("VTIC", 1), ("DATE", _SEASON_DATE), ("NGTF", _choice), ("LTARF", _choice),
    ("EAST", 4),
    *((f"EASF{rank:02d}", 4) for rank in range(1, 11)),
    *((f"EASD{rank:02d}", 4) for rank in range(1, 5)),
    ("EAIT", 4),
    *((f"ERQ{rank}", 4) for rank in range(1, 5)),
    *((f"IRMS{rank}", 2) for rank in range(1, 4)),
    *((f"URMS{rank}", 2) for rank in range(1, 4)),
    ("PREF", 1), ("PCOUP", 1),
    ("SINSTS", 3), ("SINSTS1", 3), ("SINSTS2", 3), ("SINSTS3", 3),
    *((f"SMAXSN{rank}", _fixed(10)) for rank in range(8)),
    ("SINSTI", 3),
)  # fmt: skip
"""Enedis-NOI-CPT_54E, standard mode: the first 46 fields, in the sensor's order."""

_HISTORIC: tuple[_Step, ...] = (
    ("ADIR1", 2), ("ADIR2", 2), ("ADIR3", 2), ("ADCO", _text_of(13)), ("OPTARIF", _text_of(5)),
    ("ISOUSC", 1), ("BASE", 4), ("HCHC", 4), ("HCHP", 4), ("EJPHN", 4), ("EJPHPM", 4),
    ("BBRHCJB", 4), ("BBRHPJB", 4), ("BBRHCJW", 4), ("BBRHPJW", 4), ("BBRHCJR", 4),
    ("BBRHPJR", 4), ("PEJP", 1), ("GAZ", 4), ("AUTRE", 4), ("PTEC", _text_of(5)),
    ("DEMAIN", _text_of(5)),
    ("IINST", 2), ("IINST1", 2), ("IINST2", 2), ("IINST3", 2), ("ADPS", 2), ("IMAX", 2),
    ("IMAX1", 2), ("IMAX2", 2), ("IMAX3", 2), ("PMAX", 4), ("PAPP", 4),
)  # fmt: skip
"""Enedis-NOI-CPT_02E, historic mode of the blue meters."""

_BUSINESS: tuple[_Step, ...] = (
    ("TRAME", _choice), ("ADS", _counted), ("MESURES1", _choice), ("DATE", _DATE),
    ("EA_s", 3), ("ER+_s", 3), ("ER-_s", 3), ("EAPP_s", 3),
    ("EA_i", 3), ("ER+_i", 3), ("ER-_i", 3), ("EAPP_i", 3),
    ("PTCOUR1", _choice), ("TARIFDYN", _choice), ("ETATDYN1", _choice), ("PREAVIS1", _choice),
    *((f"TDYN{rank}", lambda octets, position: _choice(octets, position + 4))
      for rank in range(4)),
    ("MODE", _choice), ("CONFIG", _choice), ("DATEPA1", _DATE), ("PA1_s", 2), ("PA1_i", 2),
    ("DATEPA2", _STAMP), ("PA2_s", 2), ("PA2_i", 2), ("DATEPA3", _STAMP), ("PA3_s", 2),
    ("PA3_i", 2), ("DATEPA4", _STAMP), ("PA4_s", 2), ("PA4_i", 2), ("DATEPA5", _STAMP),
    ("PA5_s", 2), ("PA5_i", 2), ("DATEPA6", _STAMP), ("PA6_s", 2), ("PA6_i", 2),
    ("DebP", _STAMP), ("EAP_s", 3), ("EAP_i", 3),
)  # fmt: skip
"""Enedis-NOI-CPT_55E, PME-PMI meters: the fields up to the energy of the current period."""

_ICE_PERIOD: tuple[_Step, ...] = (
    ("DEBUTp", _DATE), ("FINp", _DATE), ("CAFp", 2), ("DATEEAp", _DATE),
    *((f"EAp{hour}", 3) for hour in (
        "P", "PM", "HCE", "HCH", "HH", "HCD", "HD", "JA", "HPE", "HPH", "HPD", "SCM", "HM", "DSM",
    )),
)  # fmt: skip
"""Enedis ICE meters, indexes of the current period."""

TIC_MEASURES: dict[str, str] = {
    "EAST": "tic_drawn_total_wh",
    **{f"EASF{rank:02d}": f"tic_supplier_index_{rank}_wh" for rank in range(1, 11)},
    **{f"EASD{rank:02d}": f"tic_distributor_index_{rank}_wh" for rank in range(1, 5)},
    "EAIT": "tic_injected_total_wh",
    **{f"ERQ{rank}": f"tic_reactive_q{rank}_varh" for rank in range(1, 5)},
    **{f"IRMS{rank}": f"tic_current_{rank}_a" for rank in range(1, 4)},
    **{f"URMS{rank}": f"tic_voltage_{rank}_v" for rank in range(1, 4)},
    "PREF": "tic_reference_power_kva",
    "PCOUP": "tic_cutoff_power_kva",
    "SINSTS": "tic_drawn_power_va",
    **{f"SINSTS{rank}": f"tic_drawn_power_{rank}_va" for rank in range(1, 4)},
    "SINSTI": "tic_injected_power_va",
    "BASE": "tic_base_wh",
    "HCHC": "tic_off_peak_wh",
    "HCHP": "tic_peak_wh",
    "EJPHN": "tic_ejp_normal_wh",
    "EJPHPM": "tic_ejp_peak_wh",
    **{
        f"BBRH{hour}J{day}": f"tic_tempo_{colour}_{period}_wh"
        for hour, period in (("C", "off_peak"), ("P", "peak"))
        for day, colour in (("B", "blue"), ("W", "white"), ("R", "red"))
    },
    "ISOUSC": "tic_subscribed_current_a",
    "IMAX": "tic_highest_current_a",
    "IINST": "tic_current_1_a",
    "IINST1": "tic_current_1_a",
    "IINST2": "tic_current_2_a",
    "IINST3": "tic_current_3_a",
    "PAPP": "tic_drawn_power_va",
    "EAP_s": "tic_period_drawn_kwh",
    "EAP_i": "tic_period_injected_kwh",
    **{
        f"EAp{hour}": f"tic_period_{hour.lower()}_kwh"
        for hour in ("P", "PM", "HCE", "HCH", "HH", "HCD", "HD", "JA", "HPE", "HPH", "HPD")
    },
}
"""Measure of each field of a meter that has one."""

_PROFILES: Mapping[tuple[int, int], tuple[_Step, ...]] = {
    (0x0053, 1): _ICE_PERIOD,
    (0x0054, 0): _HISTORIC,
    (0x0056, 0): _STANDARD,
    (0x0057, 0): _BUSINESS,
}


def read_meter(octets: bytes, *, cluster: int, attribute: int) -> Sequence[tuple[str, float]]:
    """Read the indexes and powers of a meter frame.

    A descriptor says which fields of the meter's profile follow. A field of unknown length
    ends the reading; a profile that has no declared measure gives none.

    Raises:
        DecodeError: the frame is cut within a field.
    """
    profile = _PROFILES.get((cluster, attribute))
    if profile is None:
        return ()
    ranks, position = _descriptor(octets)
    values: dict[str, float] = {}
    for rank in ranks:
        if rank >= len(profile):
            break
        name, step = profile[rank]
        if isinstance(step, int):
            end = position + step
            if end > len(octets):
                raise _cut()
            if name in TIC_MEASURES:
                values[TIC_MEASURES[name]] = float(int.from_bytes(octets[position:end], "big"))
            position = end
        else:
            position = step(octets, position)
            if position > len(octets):
                raise _cut()
    return tuple(values.items())


def _descriptor(octets: bytes) -> tuple[list[int], int]:
    """Return the ranks of the fields that follow, and where they start.

    The first octet gives the size (0 means 8) and whether ranks are listed or are the bits
    set, counted from the last octet.
    """
    if not octets:
        raise _cut()
    size = octets[0] & 0x1F or 8
    if len(octets) < size:
        raise _cut()
    if octets[0] & 0x20:
        return list(octets[1:size]), size
    bits = int.from_bytes(octets[1:size], "big")
    return [rank for rank in range(8 * (size - 1)) if bits >> rank & 1], size
