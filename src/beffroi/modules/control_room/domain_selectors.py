"""What the page of an urban service shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.core.cache import cache
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from beffroi.city.assets.api import TypeCount, assets_by_id, counts_by_type
from beffroi.city.series.api import indicator_evaluate, latest_ranked
from beffroi.foundation.accounts.contracts import Scope
from beffroi.modules.control_room.contracts import (
    DomainNotFound,
    DomainPageView,
    IndicatorValue,
    IndicatorView,
    InputLine,
    ParameterLine,
    ParameterView,
    RankingView,
    RuleLine,
    TypeLine,
)
from beffroi.modules.control_room.inputs import input_line
from beffroi.modules.control_room.map_selectors import domain_count
from beffroi.modules.control_room.playbooks import playbooks_of
from beffroi.modules.control_room.readings import measures_by_key, rows_with
from beffroi.modules.control_room.scopes import narrowed, scope_mark, seen_domains
from beffroi.modules.control_room.words import (
    PRIORITIES,
    duration_words,
    number,
    told,
    type_icon,
    type_label,
)
from beffroi.sdk.declarations import Domain, Indicator, Kind, ParameterTable, Ranking
from beffroi.sdk.registry import domains

RANKED = 8
INDICATORS_KEPT_S = 60


def domain_page(
    domain_key: str, *, territory_id: int, scope: Scope, language: str
) -> DomainPageView:
    """Return everything that the page of an urban service shows.

    Indicators speak of the whole territory: who sees only a part of the service gets the counts
    and rankings of that part, and no indicator.

    Raises:
        DomainNotFound: it is not installed, or outside the scope.
    """
    declared = domains().get(domain_key)
    if declared is None or declared not in seen_domains(scope):
        raise DomainNotFound("There is no such urban service here.")
    inside = narrowed(scope, [domain_key])
    counts = [line for line in counts_by_type(scope=inside) if line.domain_key == domain_key]
    whole = scope.covers(domain=domain_key)
    return DomainPageView(
        domain=domain_count(domain_key, counts),
        types=_type_lines(declared, counts),
        whole=whole,
        indicators=_indicators(declared, territory_id, scope) if whole else (),
        rankings=_rankings(declared, inside, counts),
        rules=tuple(_rule_lines(declared)),
        playbooks=playbooks_of(domain_key, language=language),
        parameters=tuple(_parameter(table) for table in declared.parameters),
    )


def _type_lines(declared: Domain, counts: Sequence[TypeCount]) -> tuple[TypeLine, ...]:
    found = {line.type_key: line for line in counts}
    keys = [item.key for item in declared.asset_types]
    keys += sorted(set(found) - set(keys))
    lines = []
    for key in keys:
        line = found.get(key)
        total, attention, alarm, silent, never = (
            (line.total, line.attention, line.alarm, line.silent, line.never_reported)
            if line
            else (0, 0, 0, 0, 0)
        )
        lines.append(
            TypeLine(
                key=key,
                label=type_label(key, plural=True),
                icon=type_icon(key),
                domain_key=declared.key,
                total=total,
                normal=total - attention - alarm - silent - never,
                attention=attention,
                alarm=alarm,
                silent=silent,
                never_reported=never,
            )
        )
    return tuple(lines)


def _indicators(declared: Domain, territory_id: int, scope: Scope) -> tuple[IndicatorView, ...]:
    mark = scope_mark(narrowed(scope, [declared.key]))
    key = f"control_room:indicators:{territory_id}:{declared.key}:{mark}"
    # Sums over tens of thousands of streams: a room of screens must not each ask for its own.
    found: dict[str, IndicatorValue] | None = cache.get(key)
    if found is None:
        found = {item.key: _evaluated(item) for item in declared.indicators}
        cache.set(key, found, INDICATORS_KEPT_S)
    return tuple(
        _indicator_view(item, found[item.key]) for item in declared.indicators if item.key in found
    )


def _evaluated(indicator: Indicator) -> IndicatorValue:
    result = indicator_evaluate(indicator)
    known = all(value is not None for value in result.inputs.values())
    return IndicatorValue(
        key=indicator.key,
        value=result.value,
        inputs=dict(result.inputs),
        contributing=result.contributing,
        total=result.total,
        at=result.at,
        problem=result.missing if known else "",
    )


def _indicator_view(indicator: Indicator, found: IndicatorValue) -> IndicatorView:
    inputs = tuple(
        input_line(item, found.inputs.get(name)) for name, item in indicator.inputs.items()
    )
    return IndicatorView(
        key=indicator.key,
        label=told(indicator.label),
        definition=told(indicator.definition),
        value="–" if found.value is None else number(found.value, decimals=indicator.decimals),
        unit="" if found.value is None else indicator.unit.symbol,
        source=told(indicator.source),
        better=indicator.better,
        inputs=inputs,
        contributing=found.contributing,
        total=found.total,
        missing="" if found.value is not None else _missing_words(inputs, found.problem),
        at=found.at,
    )


def _missing_words(inputs: Sequence[InputLine], problem: str) -> str:
    unknown = [line.label for line in inputs if line.value is None]
    if unknown:
        return _("Not known yet: %(inputs)s.") % {"inputs": "\u202f; ".join(unknown)}
    return told(problem)


def _rankings(
    declared: Domain, scope: Scope, counts: Sequence[TypeCount]
) -> tuple[RankingView, ...]:
    present = {line.type_key for line in counts}
    chosen = [item for item in declared.rankings if item.asset_type in present]
    ranked = [(item, _ranked(item, scope)) for item in chosen]
    assets = assets_by_id(
        {value.asset_id for _item, found in ranked for value in found}, scope=scope
    )
    return tuple(
        RankingView(
            label=told(item.label),
            measure_label=_measure_label(item),
            rows=rows_with(assets, found),
            list_query=f"domaines={declared.key}&type={item.asset_type}",
        )
        for item, found in ranked
    )


def _ranked(item: Ranking, scope: Scope) -> Any:
    measure = measures_by_key(item.asset_type).get(item.measure)
    # Of things that are or are not, only those that are stand out.
    yes_or_no = measure is not None and measure.kind is Kind.BOOLEAN and item.descending
    return latest_ranked(
        item.asset_type,
        item.measure,
        scope=scope,
        descending=item.descending,
        above=0.0 if yes_or_no else None,
        limit=RANKED,
    )


def _measure_label(item: Ranking) -> str:
    measure = measures_by_key(item.asset_type).get(item.measure)
    return item.measure if measure is None else told(measure.label)


def _rule_lines(declared: Domain) -> list[RuleLine]:
    ordered = sorted(declared.rules, key=lambda rule: -rule.priority)
    return [
        RuleLine(
            label=told(rule.label),
            type_label=type_label(rule.asset_type),
            priority=str(PRIORITIES[rule.priority][0]),
            tone=PRIORITIES[rule.priority][1],
            after=duration_words(rule.on_delay),
            anchor=rule.playbook.rpartition("#")[2],
        )
        for rule in ordered
    ]


def _parameter(table: ParameterTable) -> ParameterView:
    today = localdate()
    return ParameterView(
        key=table.key,
        label=told(table.label),
        unit=table.unit.symbol,
        lines=tuple(
            ParameterLine(
                valid_from=row.valid_from,
                valid_to=row.valid_to,
                value=_parameter_words(row.value),
                text=told(row.text),
                in_force=_in_force(row.valid_from, row.valid_to, today),
            )
            for row in sorted(table.rows, key=lambda row: row.valid_from, reverse=True)
        ),
    )


def _in_force(first: date, last: date | None, day: date) -> bool:
    return first <= day and (last is None or day <= last)


def _parameter_words(value: Any) -> str:
    if isinstance(value, int | float):
        return number(value, decimals=0 if float(value).is_integer() else 2)
    if isinstance(value, tuple | list):
        return " / ".join(_parameter_words(item) for item in value)
    return str(value)
