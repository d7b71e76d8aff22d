"""Form components over ordinary Django forms; the patterns are GOV.UK's, the look is ours."""

from __future__ import annotations

from typing import Any

from django import forms, template
from django.forms.boundfield import BoundField
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

register = template.Library()


def _kind(bound: BoundField) -> str:
    widget = bound.field.widget
    if isinstance(widget, forms.CheckboxSelectMultiple):
        return "checks"
    if isinstance(widget, forms.RadioSelect):
        return "radios"
    if isinstance(widget, forms.CheckboxInput):
        return "check"
    if isinstance(widget, (forms.SplitDateTimeWidget, forms.MultiWidget)):
        return "group"
    return "input"


def _css(bound: BoundField) -> str:
    widget = bound.field.widget
    if isinstance(widget, forms.SelectMultiple):
        return "select select--multiple"
    if isinstance(widget, forms.Select):
        return "select"
    if isinstance(widget, forms.Textarea):
        return "input input--area"
    if isinstance(widget, forms.FileInput):
        return "input input--file"
    if isinstance(widget, (forms.NumberInput, forms.DateInput, forms.TimeInput)):
        return "input input--short"
    return "input"


def _widget(bound: BoundField) -> SafeString:
    given = bound.field.widget.attrs.get("class", "")
    attrs: dict[str, Any] = {"class": f"{_css(bound)} {given}".strip()}
    if isinstance(bound.field.widget, forms.SplitDateTimeWidget):
        return bound.as_widget(attrs=attrs)
    # Django 5.2 itself adds aria-invalid and aria-describedby (hint and error) to the widget.
    return bound.as_widget(attrs=attrs)


@register.simple_tag
def field(
    bound: BoundField, *, label: object = "", hint: object = "", hide_label: bool = False
) -> SafeString:
    """Draw a field: label, hint, error, input; any widget of Django's."""
    kind = _kind(bound)
    return render_to_string(
        f"web/components/field_{'choices' if kind in ('checks', 'radios', 'group') else kind}.html",
        {
            "bound": bound,
            "label": label or bound.label,
            "hint": hint or bound.help_text,
            "hide_label": hide_label,
            "required": bound.field.required,
            "widget": bound if kind in {"checks", "radios", "check"} else _widget(bound),
            "kind": kind,
        },
    )


@register.inclusion_tag("web/components/form_fields.html")
def form_fields(form: forms.BaseForm) -> dict[str, Any]:
    """Draw all the fields of a form, hidden ones too."""
    return {"form": form}


@register.inclusion_tag("web/components/error_summary.html")
def error_summary(form: forms.BaseForm | None, *, focus: bool = True) -> dict[str, Any]:
    """Draw what must be corrected, each sentence a link to its field; nothing when all is well.

    With ``focus`` the keyboard is put there when the page opens.
    """
    if form is None or not form.errors:
        return {"errors": []}
    listed: list[tuple[str, str, str]] = [("", "", str(error)) for error in form.non_field_errors()]
    for bound in form.visible_fields() + form.hidden_fields():
        listed += [
            (bound.id_for_label or bound.auto_id, str(bound.label), str(e)) for e in bound.errors
        ]
    return {"errors": listed, "focus": focus}


@register.inclusion_tag("web/components/file_drop.html")
def file_drop(bound: BoundField, *, accept: str = "", hint: object = "") -> dict[str, Any]:
    """Draw a file field on which one may also drop; a plain file input without script."""
    attrs: dict[str, str | bool] = {
        "class": "file-drop__input",
        **({"accept": accept} if accept else {}),
    }
    return {"bound": bound, "widget": bound.as_widget(attrs=attrs), "hint": hint or bound.help_text}


@register.simple_block_tag
def form_actions(content: str) -> SafeString:
    """Hold the buttons of a form: the main one first."""
    return SafeString(f'<div class="form__actions">{content}</div>')
