from collections.abc import Mapping

from beffroi.foundation.files.mapping import ColumnMapping, TargetField, propose_mapping
from beffroi.foundation.files.reading import ColumnKind, open_table

FIELDS = (
    TargetField(key="external_key", labels=("Identifiant", "ID", "Numéro", "code")),
    TargetField(key="name", labels=("Nom", "Libellé", "Désignation", "Name"), required=True),
    TargetField(
        key="capacity",
        labels=("Capacité", "Nombre de places", "NBRE_PLACE"),
        kind=ColumnKind.INTEGER,
    ),
    TargetField(key="height_m", labels=("Hauteur", "Height"), kind=ColumnKind.NUMBER, unit="m"),
    TargetField(
        key="installed_on", labels=("Date de pose", "Mise en service"), kind=ColumnKind.DATE
    ),
    TargetField(key="position", kind=ColumnKind.GEOMETRY, required=True),
)


def mapping_of(text: str, *, chosen: Mapping[str, str | None] | None = None) -> ColumnMapping:
    table = open_table(text.encode(), name="x.csv")
    return propose_mapping(table, fields=FIELDS, chosen=chosen)


def test_names_without_accents_and_synonyms_are_recognised() -> None:
    text = (
        "ID;LIBELLE;Nombre de places;hauteur_mat;DATE POSE;lon;lat\n"
        "1;Arc;474;4,5;24/10/1990;3,87;43,61\n2;Pitot;781;5,5;24/10/1991;3,88;43,62\n"
    )
    mapping = mapping_of(text)
    assert mapping.by_field == {
        "external_key": "ID",
        "name": "LIBELLE",
        "capacity": "Nombre de places",
        "height_m": "hauteur_mat",
        "installed_on": "DATE POSE",
    }
    assert mapping.missing == ()
    assert mapping.unused == ("lon", "lat")
    assert all(match.confidence >= 0.5 and match.reason for match in mapping.matches)


def test_values_that_do_not_suit_lower_the_confidence_and_say_so() -> None:
    text = "nom;Nombre de places\nArc;beaucoup\nPitot;peu\n"
    match = next(one for one in mapping_of(text).matches if one.field == "capacity")
    assert match.doubt == "kind"
    assert match.confidence < 0.7


def test_what_is_required_and_absent_is_told() -> None:
    assert mapping_of("ville;pays\nSète;France\n").missing == ("name", "position")


def test_a_column_fills_one_field_only_and_the_better_match_wins() -> None:
    text = "Nom;Nom commune\nArc;Sète\nPitot;Mèze\n"
    assert mapping_of(text).by_field == {"name": "Nom"}


def test_the_person_overrules() -> None:
    text = "ID;nom;autre\n1;Arc;x\n2;Pitot;y\n"
    mapping = mapping_of(text, chosen={"name": "autre", "external_key": None})
    assert mapping.by_field == {"name": "autre"}
    assert mapping.matches[0].reason == "chosen"
    assert set(mapping.unused) == {"ID", "nom"}


def test_dbase_names_cut_at_ten_letters_are_recognised() -> None:
    fields = (TargetField(key="description", labels=("Description",)),)
    table = open_table(b"DESCRIPTIO;B\nun;deux\ntrois;quatre\n", name="x.csv")
    assert propose_mapping(table, fields=fields).by_field == {"description": "DESCRIPTIO"}
