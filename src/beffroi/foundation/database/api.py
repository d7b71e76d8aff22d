"""What other rooms may use of the database's room."""

from __future__ import annotations

from beffroi.foundation.database.application_role import application_role
from beffroi.foundation.database.arrays import (
    bytea_array,
    float8_array,
    int2_array,
    int8_array,
    jsonb_array,
    text_array,
    timestamptz_array,
)
from beffroi.foundation.database.contracts import (
    DatabaseError,
    DatabaseUrls,
    Finding,
    TableRule,
    TerritoryContextError,
    UnsafeDatabaseError,
)
from beffroi.foundation.database.ownership import (
    after_migrate,
    as_owner,
    assert_safe,
    connected_to,
    migrate,
)
from beffroi.foundation.database.replica import (
    reading_from_replica,
    reads_late,
    replica_late_s,
)
from beffroi.foundation.database.rules import (
    check_rules,
    declared_rules,
    grant_third_party,
    undeclared_tables,
)
from beffroi.foundation.database.territory_context import (
    CONTEXT_SQL,
    acting_for,
    context_parameters,
    current_territory_id,
    current_user_id,
    required_territory_id,
)

__all__ = [
    "CONTEXT_SQL",
    "DatabaseError",
    "DatabaseUrls",
    "Finding",
    "TableRule",
    "TerritoryContextError",
    "UnsafeDatabaseError",
    "acting_for",
    "after_migrate",
    "application_role",
    "as_owner",
    "assert_safe",
    "bytea_array",
    "check_rules",
    "connected_to",
    "context_parameters",
    "current_territory_id",
    "current_user_id",
    "declared_rules",
    "float8_array",
    "grant_third_party",
    "int2_array",
    "int8_array",
    "jsonb_array",
    "migrate",
    "reading_from_replica",
    "reads_late",
    "replica_late_s",
    "required_territory_id",
    "text_array",
    "timestamptz_array",
    "undeclared_tables",
]
