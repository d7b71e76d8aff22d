"""Passwords that French speakers choose first, refused without asking any server."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from beffroi.kernel.identifiers import slug_of

# Words, keyboard walks and names that published lists of French passwords begin with. Lists of
# whole passwords would miss their long forms: Motdepasse2026!, azertyuiop123…
_WORDS = """
motdepasse motdepass mdp password passe azerty azertyuiop azertyuiopqsdfghjklm qsdfghjklm
wxcvbn azeqsd azeqsdwxc aqwzsx aqwzsxedc qwerty qwertyuiop nbvcxw poiuytreza admin
administrateur administrator root utilisateur user test testtest invite demo bienvenue
bonjour bonjourbonjour bonsoir salut coucou merci soleil lune etoile chocolat doudou loulou
chouchou cheval chevaux chaton chien minou lapin princesse papillon dauphin licorne jetaime
jtaime jetadore amour monamour bisous bisou mavie famille mafamille maman papa mamanpapa
nicolas julien camille marine thomas alexandre caroline isabelle catherine celine sandrine
stephane sebastien valerie nathalie christophe philippe laurent frederic guillaume marseille
paris lyon toulouse bordeaux nantes lille strasbourg rennes montpellier france
parissaintgermain psg olympique olympiquedemarseille om football foot rugby liberte egalite
fraternite libertegalitefraternite vivelafrance mairie ville commune metropole agglomeration
departement collectivite territoire beffroi secret secretaire service services direction
technique informatique ordinateur internet printemps ete automne hiver janvier fevrier mars
avril mai juin juillet aout septembre octobre novembre decembre lundi mardi mercredi jeudi
vendredi samedi dimanche changemoi changeme achanger provisoire temporaire nouveau
nouveaumotdepasse monmotdepasse
"""
COMMON_WORDS = frozenset(_WORDS.split())

_LEET = str.maketrans(
    {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"}
)
_EDGES = re.compile(r"^[\d\W_]+|[\d\W_]+$")
_MARKS = re.compile(r"[\W_]+")


def is_common(password: str) -> bool:
    """Tell whether the password is a common word, or a repetition, behind its decorations.

    Accents, case, figures and marks around the word, and figures put for letters do not count.
    """
    letters = _plain(password)
    cores = {_plain(_EDGES.sub("", password)), letters, letters.strip("0123456789")}
    cores |= {core.translate(_LEET) for core in cores}
    trimmed = _plain(_EDGES.sub("", password)).translate(_LEET)
    cores.add(trimmed)
    return any(core in COMMON_WORDS or _repeats(core) for core in cores)


class FrenchCommonPasswordValidator:
    """Refuse what :func:`is_common` finds, beside Django's own list of twenty thousand."""

    def validate(self, password: str, user: object = None) -> None:
        """Refuse a common password.

        Raises:
            ValidationError: it is one of the first that anybody would try.
        """
        del user
        if is_common(password):
            raise ValidationError(
                _(
                    "This password is among the first that would be tried, whatever figures and"
                    " marks surround it. Take four words that do not go together."
                ),
                code="password_common",
            )

    def get_help_text(self) -> str:
        """Say what is asked."""
        return _("Four words that do not go together are easy to keep in mind and hard to guess.")


def _plain(text: str) -> str:
    return _MARKS.sub("", slug_of(text))


def _repeats(core: str) -> bool:
    """Tell whether the text is one to four characters, or a common word, over and over."""
    if not core:
        return True
    for length in range(1, len(core) // 2 + 1):
        if len(core) % length == 0 and core == core[:length] * (len(core) // length):
            return length <= 4 or core[:length] in COMMON_WORDS
    return False
