from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import translation

from beffroi.foundation.web.components.live import shown_value, spark_paths
from beffroi.foundation.web.icons import ALIASES, ICONS, icon_svg
from beffroi.kernel import clock
from beffroi.kernel.errors import ConfigurationError

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


def render(source: str, *, request: HttpRequest | None = None, **context: Any) -> str:
    with clock.frozen_at(NOW), translation.override("fr"):
        page = Context({"request": request, **context})
        return Template("{% load i18n ui %}" + source).render(page)


class Lamp(forms.Form):
    name = forms.CharField(label="Nom", help_text="Comme sur la plaque.")
    power_w = forms.IntegerField(label="Puissance", required=False)


def test_what_a_user_typed_is_never_markup() -> None:
    evil = '<script>alert(1)</script>" onload="x'
    for source in (
        "{% button evil %}",
        "{% link_button evil href=evil %}",
        "{% badge evil %}",
        "{% status 'alarm' label=evil %}",
        "{% tag evil href=evil remove_href=evil %}",
        "{% key_figure evil label=evil note=evil %}",
        "{% definition_list rows %}",
        "{% card title=evil %}{{ evil }}{% endcard %}",
        "{% secret evil label=evil %}",
        "{% dialog 'd' title=evil %}{{ evil }}{% enddialog %}",
        "{% table caption=evil %}{% endtable %}",
        "{% timeline entries %}",
        "{% live_value asset=evil measure=evil value=1 unit=evil %}",
        "{% page_header evil intro=evil %}{% endpage_header %}",
        "{% map_panel config label=evil %}{% endmap_panel %}",
    ):
        html = render(
            source,
            evil=evil,
            rows=[(evil, evil)],
            entries=[{"title": evil, "text": evil, "who": evil}],
            config={"domains": [{"key": "a", "label": evil}]},
        )
        assert "<script>alert" not in html, source
        assert '" onload="' not in html, source


def test_a_button_lets_htmx_and_aria_through_and_nothing_that_runs() -> None:
    html = render('{% button "Voir" hx_get="/x" aria_label="Voir tout" data_a="1" %}')
    assert 'hx-get="/x"' in html
    assert 'aria-label="Voir tout"' in html
    for attribute in ("onclick", "style", "hx_on"):
        with pytest.raises(ConfigurationError):
            render("{% button 'Voir' " + attribute + "='alert(1)' %}")


def test_a_state_has_a_shape_and_a_word() -> None:
    drawn = {
        name: render(f"{{% status '{name}' %}}")
        for name in ("normal", "attention", "alarm", "silent")
    }
    words = {"normal": "Normal", "attention": "Attention", "alarm": "Alarme", "silent": "Muet"}
    for name, html in drawn.items():
        assert words[name] in html
    assert len({html.split("<svg")[1].split("</svg>")[0] for html in drawn.values()}) == len(drawn)
    assert render("{% status 2 %}") == drawn["alarm"]


def test_a_column_sorts_up_then_down_and_goes_back_to_the_first_page() -> None:
    factory = RequestFactory()
    source = '{% sort_header "Nom" key="name" %}'
    first = render(source, request=factory.get("/liste/", {"q": "a b", "page": "3"}))
    assert 'href="/liste/?q=a+b&amp;tri=name"' in first
    assert 'aria-sort="none"' in first
    second = render(source, request=factory.get("/liste/", {"tri": "name"}))
    assert 'href="/liste/?tri=-name"' in second
    assert 'aria-sort="ascending"' in second
    third = render(source, request=factory.get("/liste/", {"tri": "-name"}))
    assert 'href="/liste/?tri=name"' in third
    assert 'aria-sort="descending"' in third


def test_pages_are_links_that_keep_the_filters() -> None:
    request = RequestFactory().get("/liste/", {"q": "loge", "page": "2"})
    html = render("{% pagination page %}", request=request, page=Paginator(range(50), 10).page(2))
    assert 'href="/liste/?q=loge&amp;page=3"' in html
    assert 'aria-current="page"' in html
    assert "Précédente" in html
    assert not render(
        "{% pagination page %}", request=request, page=Paginator([1], 10).page(1)
    ).strip()


def test_the_export_is_the_same_rows_without_the_page() -> None:
    request = RequestFactory().get("/liste/", {"q": "loge", "page": "2"})
    assert 'href="/liste/?q=loge&amp;format=csv"' in render("{% export_link %}", request=request)


def test_an_error_is_told_above_and_beside_its_field() -> None:
    form = Lamp({"name": "", "power_w": "douze"})
    summary = render("{% error_summary form %}", form=form)
    assert 'href="#id_name"' in summary
    assert 'href="#id_power_w"' in summary
    assert 'role="alert"' in summary
    field = render("{% field form.name %}", form=form)
    assert 'id="id_name_error"' in field
    assert "id_name_error" in field.split("aria-describedby=")[1].split(">")[0]
    assert "id_name_helptext" in field.split("aria-describedby=")[1].split(">")[0]
    assert 'aria-invalid="true"' in field


def test_a_form_without_error_has_no_summary_and_says_what_is_optional() -> None:
    assert "error-summary" not in render("{% error_summary form %}", form=Lamp())
    html = render("{% form_fields form %}", form=Lamp())
    assert html.count("facultatif") == 1


def test_a_value_is_written_as_people_read_it() -> None:
    with translation.override("fr"):
        assert (
            shown_value(1042.46, decimals=1).replace("\u202f", " ").replace("\xa0", " ")
            == "1 042,5"
        )
        assert shown_value(2.45, decimals=1) == "2,5"
        assert shown_value(-0.5, decimals=0) == "-1"
        assert shown_value(None, decimals=1) == "–"
        assert shown_value(float("nan"), decimals=1) == "–"
        assert shown_value(1, decimals=0, choices=["fermé", "ouvert"]) == "ouvert"
        assert shown_value(7, decimals=0, choices=["fermé", "ouvert"]) == "7"


@pytest.mark.parametrize(
    ("delta", "words"),
    [
        (timedelta(seconds=12), "il y a 12 s"),
        (timedelta(minutes=3, seconds=50), "il y a 3 min"),
        (timedelta(hours=5), "il y a 5 h"),
        (timedelta(days=1), "il y a 1 jour"),
        (timedelta(days=40), "il y a 40 jours"),
        (timedelta(seconds=-5), "à l’instant"),
    ],
)
def test_an_age_is_said_in_its_largest_unit(delta: timedelta, words: str) -> None:
    assert words in render("{% age moment %}", moment=NOW - delta)


def test_a_doubtful_value_is_shown_and_marked() -> None:
    html = render("{% live_value asset='a' measure='m' value=612 quality=4 at=at %}", at=NOW)
    assert "reading--doubtful" in html
    assert "612" in html
    good = render("{% live_value asset='a' measure='m' value=612 quality=1 at=at %}", at=NOW)
    assert "reading--doubtful" not in good
    assert "data-live-quality hidden" in good


def test_a_gap_breaks_the_small_line_and_a_lone_value_is_seen() -> None:
    assert len(spark_paths([1, 2, None, 3, 4])) == 2
    assert spark_paths([None, None]) == []
    assert spark_paths([None, 5, None])[0].endswith("h.01")


def test_the_map_is_given_its_configuration_as_data_and_its_list_as_a_link() -> None:
    html = render(
        "{% map_panel config id='carte' label='Carte' list_url='/liste/' %}x{% endmap_panel %}",
        config={
            "asset_tiles": "/a/{z}/{x}/{y}.mvt",
            "domains": [{"key": "waste", "label": "Déchets", "icon": "bin"}],
        },
    )
    assert 'data-island="map"' in html
    assert '<script id="carte-config" type="application/json">' in html
    assert 'href="/liste/"' in html
    assert "<noscript>" in html


def test_every_alias_names_an_icon_and_an_unknown_name_still_draws() -> None:
    assert set(ALIASES.values()) <= set(ICONS)
    assert icon_svg("no_such_thing") == icon_svg("asset")
    assert 'aria-hidden="true"' in icon_svg("bin")
    assert 'aria-label="Plein"' in icon_svg("bin", label="Plein")


def test_a_timeline_reads_objects_and_mappings() -> None:
    entries = [
        {"title": "Importé", "at": NOW},
        SimpleNamespace(title="Déplacé", at=NOW, who="Nadia", text="", tone="ok", url="/x/"),
    ]
    html = render("{% timeline entries %}", entries=entries)
    assert "Importé" in html
    assert '<a href="/x/">Déplacé</a>' in html
