"""Small scripts of our own, and factories, for the tests of any room."""

from __future__ import annotations

from typing import Any, Protocol

from beffroi.city.codecs.mapping import FieldRule
from beffroi.city.codecs.model_services import model_create
from beffroi.city.codecs.models import DeviceModel, LibraryCodec, LibraryModel, Script
from beffroi.city.codecs.references import script_reference
from beffroi.city.codecs.services import script_create, sha256_of
from beffroi.foundation.database.api import acting_for

PROBE = """\
// Two octets of tenths of a degree, one of battery per cent, then an hour-old value.
function decodeUplink(input) {
  if (input.bytes.length < 2) {
    return { errors: ["the frame is too short"] };
  }
  var data = { TempC_SHT: ((input.bytes[0] << 8) | input.bytes[1]) / 10 };
  if (input.bytes.length > 2) data.battery = input.bytes[2];
  if (input.bytes.length > 3) {
    var then = new Date(new Date(input.recvTime).getTime() - 3600000);
    data.log = [{ at: then.toISOString(), temp: input.bytes[3] / 10 }];
  }
  return { data: data };
}
"""
ENDLESS = "function decodeUplink(input) { while (true) {} }\n"
BROKEN = "function decodeUplink(input) {\n  return { data: { a: 1 };\n}\n"
PROBE_EXAMPLES = (
    {"name": "21.5", "input": {"bytes": "00d7", "fPort": 1}, "expected": {"TempC_SHT": 21.5}},
    {"name": "wrong", "input": {"bytes": "00d7", "fPort": 1}, "expected": {"TempC_SHT": 3}},
    {"name": "short", "input": {"bytes": "00", "fPort": 1}, "expected": {"errors": ["short"]}},
)


class HasId(Protocol):
    """A territory, as far as a factory needs one."""

    id: int


def make_script(
    territory: HasId, *, name: str = "Sonde", source: str = PROBE, examples: Any = ()
) -> Script:
    """Keep a script in a town."""
    with acting_for(territory.id):
        return script_create(name=name, source=source, examples=examples)


def make_model(
    territory: HasId,
    *,
    name: str = "Modèle",
    vendor: str = "Vendeur",
    script: Script | None = None,
    codec_key: str = "",
    rules: dict[str, FieldRule] | None = None,
) -> DeviceModel:
    """Describe a device model of a town."""
    reference = codec_key if script is None else script_reference(script.uuid)
    with acting_for(territory.id):
        return model_create(name=name, vendor=vendor, codec_key=reference, mapping=rules)


def make_library_model(
    *, vendor: str = "Vendeur", name: str = "ABC-307", source: str = PROBE, examples: Any = ()
) -> LibraryModel:
    """Put a model and its codec in the installation's library."""
    key = f"essais/{vendor}/{name}".lower()
    codec = LibraryCodec.objects.create(
        key=key,
        repository="essais",
        vendor=vendor,
        name=name,
        source=source,
        sha256=sha256_of(source),
        functions=["decodeUplink"],
        examples=list(examples),
        licence="MIT",
        passed=len(examples),
    )
    return LibraryModel.objects.create(key=key, vendor=vendor, name=name, codec=codec)
