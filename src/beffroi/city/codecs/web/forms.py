from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from beffroi.city.codecs.services import checked_examples, checked_source, source_of_upload
from beffroi.city.codecs.town_contracts import MAX_EXAMPLES_TEXT, MAX_SOURCE
from beffroi.kernel.errors import BeffroiError


class ScriptForm(forms.Form):
    """A script, pasted or sent as a file, and what it should give."""

    name = forms.CharField(label=_("Name"), max_length=120)
    file = forms.FileField(
        label=_("File of the script"),
        required=False,
        help_text=_("A .js file of at most 512 kB, in UTF-8. It replaces the text below."),
    )
    source = forms.CharField(
        label=_("Script"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "false", "autocomplete": "off"}),
        help_text=_(
            "JavaScript with a function decodeUplink(input), as the LoRa Alliance describes it: "
            "input.bytes and input.fPort go in, { data: … } comes out."
        ),
    )
    examples = forms.CharField(
        label=_("Examples"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off"}),
        help_text=_(
            "A JSON list: each with a name, the frame in hexadecimal with its port, and the data "
            "that is expected. They are run each time the script is saved."
        ),
    )

    def clean(self) -> dict[str, Any]:
        """Read the file or the text, and the examples.

        Returns:
            The cleaned values; ``source`` is the text of the script.
        """
        found: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            found["source"] = self._source(found)
        except BeffroiError as problem:
            self.add_error("source", problem.told(gettext))
        try:
            found["examples"] = _examples(found.get("examples") or "")
        except BeffroiError as problem:
            self.add_error("examples", problem.told(gettext))
        except ValueError as problem:
            self.add_error("examples", str(problem))
        return found

    def _source(self, found: dict[str, Any]) -> str:
        upload = found.get("file")
        if upload is None:
            return checked_source(found.get("source") or "")
        return checked_source(source_of_upload(upload.read(MAX_SOURCE + 1)))


class TryForm(forms.Form):
    """One frame to decode."""

    payload = forms.CharField(
        label=_("Frame in hexadecimal"),
        max_length=4_000,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    f_port = forms.IntegerField(label=_("Port"), min_value=0, max_value=255, initial=1)


class LibraryForm(forms.Form):
    """What is looked for in the library."""

    q = forms.CharField(label=_("Vendor or model"), required=False, max_length=200)


def _examples(text: str) -> list[dict[str, Any]]:
    if not text.strip():
        return []
    if len(text) > MAX_EXAMPLES_TEXT:
        raise ValueError(gettext("The examples are too long."))
    try:
        read = json.loads(text)
    except RecursionError as problem:
        raise ValueError(gettext("The examples are not a JSON list.")) from problem
    except json.JSONDecodeError as problem:
        raise ValueError(
            gettext("The examples are not JSON: line %(line)s, column %(column)s.")
            % {"line": problem.lineno, "column": problem.colno}
        ) from problem
    if isinstance(read, list):
        return checked_examples(read)
    raise ValueError(gettext("The examples are not a JSON list."))
