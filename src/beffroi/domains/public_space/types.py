"""Trees, fountains, defibrillators and cameras: what a town looks after in public space."""

from __future__ import annotations

from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import AssetType, Property
from beffroi.sdk.declarations import translatable as _
from beffroi.sdk.shared_properties import address, surveyed_on

STREET_TREE = AssetType(
    key="street_tree",
    label=_("Street tree"),
    label_plural=_("Street trees"),
    ngsi_type="Tree",
    properties=(
        Property(
            key="latin_name",
            label=_("Latin name"),
            synonyms=("botanique", "nom_latin", "espece", "genre_espece"),
        ),
        Property(
            key="common_name",
            label=_("Common name"),
            synonyms=("vernaculai", "vernaculaire", "nom_commun", "usuel"),
        ),
        Property(key="occitan_name", label=_("Occitan name"), synonyms=("occitan",)),
        Property(key="family", label=_("Botanical family"), synonyms=("famille",)),
        Property(key="origin", label=_("Origin of the species"), synonyms=("origine",)),
        Property(
            key="height_m",
            label=_("Height"),
            kind=float,
            unit=Unit.METRE,
            synonyms=("hauteur_m", "hauteur"),
        ),
        Property(
            key="girth_cm",
            label=_("Girth"),
            kind=float,
            unit=Unit.CENTIMETRE,
            synonyms=("circonf_cm", "circonference", "circonference_cm"),
        ),
        Property(
            key="planting_year",
            label=_("Year of planting"),
            kind=int,
            synonyms=("plantation", "annee_plantation"),
        ),
        surveyed_on("releve"),
        Property(key="site", label=_("Planting site"), kind=int, synonyms=("site", "num_site")),
    ),
    # The usual name is repeated for thousands of trees: a tree is told apart by its number.
    name_synonyms=("nom",),
    key_synonyms=("idarbre", "id_arbre", "identifiant"),
    icon="tree",
)

DRINKING_FOUNTAIN = AssetType(
    key="drinking_fountain",
    label=_("Drinking fountain"),
    label_plural=_("Drinking fountains"),
    ngsi_type="PointOfInterest",
    properties=(
        Property(
            key="fountains_count",
            label=_("Number of fountains"),
            kind=int,
            unit=Unit.COUNT,
            synonyms=("borne_font", "nb_bornes"),
        ),
        Property(key="place_kind", label=_("Kind of place"), synonyms=("categorie", "type_lieu")),
    ),
    name_synonyms=("nom", "libelle"),
    key_synonyms=("dossier", "identifiant"),
    icon="drinking-water",
)

ORNAMENTAL_FOUNTAIN = AssetType(
    key="ornamental_fountain",
    label=_("Ornamental fountain"),
    label_plural=_("Ornamental fountains"),
    ngsi_type="PointOfInterest",
    properties=(
        Property(
            key="place", label=_("Where it stands"), synonyms=("localis", "localisation", "adresse")
        ),
        Property(key="district", label=_("District"), synonyms=("quartier",)),
        Property(
            key="operation",
            label=_("Kind of work"),
            synonyms=("type_d_ope", "type_operation"),
        ),
        Property(key="client", label=_("Client of the work"), synonyms=("mait_ouv",)),
        Property(key="designer", label=_("Designer"), synonyms=("mait_oeu",)),
        Property(key="builder", label=_("Builder"), synonyms=("real_",)),
        Property(key="created_year", label=_("Year of creation"), kind=int, synonyms=("cre_date",)),
        Property(key="manager", label=_("Managed by"), synonyms=("gestion_", "gestionnaire")),
        Property(key="state", label=_("Working state"), synonyms=("etat",)),
    ),
    name_synonyms=("nom",),
    key_synonyms=("id", "identifiant"),
    icon="fountain",
)

DEFIBRILLATOR = AssetType(
    key="defibrillator",
    label=_("Defibrillator"),
    label_plural=_("Defibrillators"),
    ngsi_type="PointOfInterest",
    properties=(
        address(),
        Property(key="telephone", label=_("Telephone of the place"), synonyms=("tel", "telephone")),
    ),
    name_synonyms=("nom",),
    key_synonyms=("id", "identifiant"),
    icon="defibrillator",
)
