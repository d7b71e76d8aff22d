"""``{% load ui %}``: every component, gathered from the modules that define them by subject."""

from __future__ import annotations

from django import template

from beffroi.foundation.web.components import actions, display, forms, live, tables
from beffroi.foundation.web.components.logo import register as logo_register

register = template.Library()

for part in (
    actions.register,
    display.register,
    forms.register,
    live.register,
    tables.register,
    logo_register,
):
    register.tags.update(part.tags)
    register.filters.update(part.filters)
