"""What the page of an asset shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from beffroi.city.assets.api import (
    AssetDetail,
    AssetFilter,
    AttachmentView,
    ChangeView,
    Why,
    asset_get,
    asset_history,
    assets_page,
)
from beffroi.city.series.api import (
    DeclaredStream,
    latest_of_assets,
    series_range,
    streams_of_asset,
)
from beffroi.foundation.accounts.api import departments, people, person_card
from beffroi.foundation.accounts.contracts import Scope
from beffroi.modules.control_room.contracts import (
    AssetPageView,
    CurvePoint,
    CurveTable,
    DeviceLine,
    HistoryLine,
    ShownValue,
)
from beffroi.modules.control_room.periods import Period
from beffroi.modules.control_room.readings import (
    headline_of,
    rows_of,
    shown_value,
)
from beffroi.modules.control_room.titles import called, streets_of
from beffroi.modules.control_room.words import (
    KINDS,
    REASONS,
    STATISTICS,
    domain_label,
    field_label,
    number,
    origin_view,
    properties_of,
    property_text,
    type_icon,
    type_label,
    when_words,
)
from beffroi.sdk.registry import asset_types, codecs

CHILDREN_SHOWN = 12
HISTORY_SHOWN = 30
_TONES = {"created": "ok", "restored": "ok", "removed": "attention"}
_LINKED = frozenset({"department_id", "parent_id"})


def asset_page(uuid: UUID, *, scope: Scope) -> AssetPageView:
    """Return everything that the page of an asset shows, its curves excepted.

    Raises:
        AssetNotFound: there is none, or it is outside the scope.
    """
    detail = asset_get(uuid, scope=scope)
    parent = detail.parent
    standing = [detail.summary] if parent is None else [detail.summary, parent]
    streets = streets_of(standing)
    asset = called(detail.summary, street=streets[0])
    declared = asset_types().get(asset.type_key)
    children = (
        assets_page(AssetFilter(parent_id=asset.id), scope=scope, limit=CHILDREN_SHOWN)
        if detail.children_count
        else None
    )
    if parent is not None and not scope.covers(domain=parent.domain_key, area_id=parent.area_id):
        # What a person may not see does not exist for them, not even as a name.
        parent = None
    elif parent is not None:
        parent = called(parent, street=streets[1])
    values = _values(detail)
    known, others = properties_of(detail.properties, declared=declared)
    current = [item for item in detail.attachments if item.until is None]
    past = [item for item in detail.attachments if item.until is not None]
    return AssetPageView(
        asset=asset,
        type_label=type_label(asset.type_key),
        icon=type_icon(asset.type_key),
        domain_label=domain_label(asset.domain_key),
        headline=values[0].measure_key if values else headline_of(asset.type_key),
        origin=origin_view(asset.origin, credit=detail.attribution),
        facts=_facts(detail, street=streets[0]),
        properties=known,
        other_properties=others,
        street=streets[0],
        measurable=bool(headline_of(asset.type_key)),
        shape=detail.shape,
        parent=parent,
        parent_type="" if parent is None else type_label(parent.type_key),
        children=() if children is None else rows_of(children.rows),
        children_total=0 if children is None else children.total,
        values=values,
        devices=tuple(_device(item) for item in current),
        past_devices=tuple(_device(item) for item in past),
        history=history_lines(asset_history(uuid, scope=scope, limit=HISTORY_SHOWN), detail),
        removed_at=detail.removed_at,
        absent_from=detail.absent_from,
    )


def _values(detail: AssetDetail) -> tuple[ShownValue, ...]:
    """Return every stream of the asset, its headline first, those never heard last."""
    asset = detail.summary
    latest = latest_of_assets([asset.id]).get(asset.id, {})
    shown = [
        shown_value(
            latest.get(item.stream.measure_key),
            asset=asset,
            measure_key=item.stream.measure_key,
            unit=item.unit,
            stream_uuid=item.stream.uuid,
        )
        for item in streams_of_asset(asset.id)
    ]
    headline = headline_of(asset.type_key)
    return tuple(
        sorted(shown, key=lambda value: (value.value is None, value.measure_key != headline))
    )


def _facts(detail: AssetDetail, *, street: str) -> tuple[tuple[str, object], ...]:
    asset = detail.summary
    lines = (
        (_("Identifier"), asset.identifier),
        (_("Street"), street),
        (_("District"), asset.area_name),
        (_("Urban service"), domain_label(asset.domain_key)),
        (_("Department in charge"), asset.department_name),
    )
    return tuple((label, text) for label, text in lines if text)


def _device(item: AttachmentView) -> DeviceLine:
    device = item.device
    codec = codecs().get(device.codec_key)
    return DeviceLine(
        uuid=device.uuid,
        identifier=device.identifier,
        model=device.model,
        codec=device.codec_key if codec is None else codec.label,
        since=item.since,
        until=item.until,
        last_seen_at=device.last_seen_at,
        facts=tuple(_radio(device.radio, device.battery_v, device.battery_pct)),
    )


def _radio(
    radio: Mapping[str, Any], battery_v: float | None, battery_pct: float | None
) -> Iterable[tuple[str, str]]:
    """Give what the last message said of the device's own health."""
    if battery_pct is not None:
        yield _("Battery"), f"{number(battery_pct, decimals=0)}\u00a0%"
    if battery_v is not None:
        yield _("Battery voltage"), f"{number(battery_v, decimals=2)}\u00a0V"
    rssi, snr = radio.get("rssi_dbm"), radio.get("snr_db")
    if isinstance(rssi, int | float):
        yield _("Signal received"), f"{number(rssi, decimals=0)}\u00a0dBm ({signal_words(rssi)})"
    if isinstance(snr, int | float):
        yield _("Signal-to-noise ratio"), f"{number(snr, decimals=1)}\u00a0dB"
    if radio.get("spreading_factor"):
        yield _("Spreading factor"), f"SF{radio['spreading_factor']}"
    if isinstance(radio.get("frequency_hz"), int | float):
        yield _("Frequency"), f"{number(radio['frequency_hz'] / 1e6, decimals=2)}\u00a0MHz"
    if radio.get("gateways"):
        yield _("Gateways that heard it"), str(radio["gateways"])
    if radio.get("gateway"):
        yield _("Best gateway"), str(radio["gateway"])


def signal_words(rssi_dbm: float) -> str:
    """Say how good a radio signal is; SX1276 receivers lose SF12 near -137 dBm."""
    if rssi_dbm >= -100:
        return pgettext("signal", "good")
    if rssi_dbm >= -115:
        return pgettext("signal", "fair")
    return pgettext("signal", "weak")


def history_lines(changes: Sequence[ChangeView], detail: AssetDetail) -> tuple[HistoryLine, ...]:
    """Return lines of a history in words, with the names of who did it."""
    ids = {change.user_id for change in changes if change.user_id is not None}
    names = (
        {
            card.user_id: card.full_name
            for card in map(person_card, people(state="all").filter(user_id__in=ids))
        }
        if ids
        else {}
    )
    used = {
        value
        for change in changes
        for key, pair in change.changes.items()
        if key == "department_id"
        for value in pair
    }
    services = {card.id: card.name for card in departments()} if used else {}
    return tuple(
        HistoryLine(
            at=change.at,
            title=str(KINDS[change.kind]),
            text=_changes_text(change, detail, services),
            who=names.get(change.user_id or 0, ""),
            tone=_TONES.get(change.kind.value, "neutral"),
        )
        for change in changes
    )


def _changes_text(change: ChangeView, detail: AssetDetail, services: Mapping[int, str]) -> str:
    declared = asset_types().get(detail.summary.type_key)
    parts = [_reason(change)]
    for key, pair in change.changes.items():
        label = field_label(key, declared=declared)
        if key == "device":
            # The title says which way: only its name is left to say.
            parts.extend(str(value) for value in pair if value)
            continue
        if key == "department_id":
            before, after = (services.get(value, "") for value in pair)
        elif key in _LINKED or any(isinstance(value, dict | list) for value in pair):
            # Numbers of rows and outlines mean nothing to a reader.
            parts.append(label)
            continue
        else:
            before, after = (property_text(value) for value in pair)
        parts.append(
            _("%(field)s: %(before)s → %(after)s")
            % {"field": label, "before": before or _("nothing"), "after": after or _("nothing")}
        )
    return " · ".join(part for part in (*parts, change.note) if part)


def _reason(change: ChangeView) -> str:
    """Say what made the asset change; what the title already says is not said twice."""
    if change.import_file:
        return _("import of %(file)s") % {"file": change.import_file}
    if change.why is Why.DEVICE:
        return ""
    return str(REASONS[change.why])


def stream_of(asset_id: int, *, measure_key: str) -> DeclaredStream | None:
    """Return the stream of a measure of an asset, or None."""
    for item in streams_of_asset(asset_id):
        if item.stream.measure_key == measure_key:
            return item
    return None


def curve_table(stream: DeclaredStream, *, period: Period) -> CurveTable:
    """Return what a chart draws as lines of a table: means with extremes, hour by hour or so."""
    step = period.table_step
    curve = series_range(
        stream.stream.id,
        start=period.start,
        end=period.end,
        step=step,
        statistic=stream.statistic,
    )
    points = [
        CurvePoint(
            label=when_words(datetime.fromtimestamp(at / 1000, UTC), step=step),
            value=_known(mean),
            low=_known(low),
            high=_known(high),
            count=count,
        )
        for at, mean, low, high, count in zip(
            curve.t_ms.tolist(),
            curve.mean.tolist(),
            curve.min.tolist(),
            curve.max.tolist(),
            curve.n.tolist(),
            strict=True,
        )
    ]
    return CurveTable(points=tuple(reversed(points)), value_words=str(STATISTICS[stream.statistic]))


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
