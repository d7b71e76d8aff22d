"""What other rooms may use of series. The statements of the write path are in ``write_sql``."""

from __future__ import annotations

from beffroi.city.series.admission import quality_of
from beffroi.city.series.contracts import (
    IndicatorResult,
    KeptDays,
    LatestValue,
    MaintenanceFailed,
    MaintenanceReport,
    NewObservation,
    ObservationRefused,
    RangeRefused,
    SeriesRange,
    Step,
    StreamNotFound,
    StreamView,
    WriteResult,
)
from beffroi.city.series.export import ExportFormat, series_export
from beffroi.city.series.indicators import indicator_evaluate, measure_totals
from beffroi.city.series.listing import (
    LatestRecord,
    SeriesQuery,
    StreamRecord,
    latest_listed,
    streams_listed,
)
from beffroi.city.series.ranges import series_range, values_read
from beffroi.city.series.ranking import latest_ranked
from beffroi.city.series.retention import retention_set
from beffroi.city.series.selectors import (
    DeclaredStream,
    latest_in_view,
    latest_of_assets,
    stream_get,
    streams_by_uuid,
    streams_of_asset,
    streams_of_assets,
)
from beffroi.city.series.services import (
    observations_correct,
    observations_record,
    series_maintain,
    streams_ensure,
)
from beffroi.city.series.write_sql import (
    LATEST_UPSERT,
    OBSERVATIONS_INSERT,
    STREAMS_INSERT,
    STREAMS_SELECT,
    LatestRow,
    StreamRow,
)

__all__ = [
    "LATEST_UPSERT",
    "OBSERVATIONS_INSERT",
    "STREAMS_INSERT",
    "STREAMS_SELECT",
    "DeclaredStream",
    "ExportFormat",
    "IndicatorResult",
    "KeptDays",
    "LatestRecord",
    "LatestRow",
    "LatestValue",
    "MaintenanceFailed",
    "MaintenanceReport",
    "NewObservation",
    "ObservationRefused",
    "RangeRefused",
    "SeriesQuery",
    "SeriesRange",
    "Step",
    "StreamNotFound",
    "StreamRecord",
    "StreamRow",
    "StreamView",
    "WriteResult",
    "indicator_evaluate",
    "latest_in_view",
    "latest_listed",
    "latest_of_assets",
    "latest_ranked",
    "measure_totals",
    "observations_correct",
    "observations_record",
    "quality_of",
    "retention_set",
    "series_export",
    "series_maintain",
    "series_range",
    "stream_get",
    "streams_by_uuid",
    "streams_ensure",
    "streams_listed",
    "streams_of_asset",
    "streams_of_assets",
    "values_read",
]
