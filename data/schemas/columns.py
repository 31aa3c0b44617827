"""Building blocks of the schemas: the Chinese name and the grade of a column, and the values codes may take.

Grades follow the four levels of general data in GB/T 43697-2024 as this project reads it (to be confirmed by
counsel): 1 may be public, 2 inside the police, 3 restricted to a function, 4 sensitive.
"""

from __future__ import annotations

from typing import Any

import dataframely as dy

#: How exactly the source tells when something happened.
TIME_PRECISIONS = ("exact", "hour", "slot", "day", "month", "unknown")
#: How exactly the source tells where something happened, from best to none.
LOCATION_LEVELS = ("point", "building", "road", "community", "beat", "station", "district", "none")
#: Levels of area, from small to large.
AREA_LEVELS = ("community", "beat", "station", "sub_bureau")
#: Who brought the incident to light.
DISCOVERED_BY = ("reported", "police")
#: What kind of object is on the visit register.
VISIT_KINDS = (
    "entertainment_venue",
    "hotel",
    "group_rental",
    "rental",
    "temporary_residence",
    "overseas_household",
    "dv_warning",
    "dispute_revisit",
    "elderly_alone",
    "key_business",
)
#: What kind of line or shape the base map draws.
BASE_MAP_KINDS = ("street", "main_street", "river", "park", "boundary")


def about(zh: str, en: str, grade: int = 1, **more: Any) -> dict[str, Any]:
    """Return column metadata: Chinese and English name, grade 1-4, and what else the catalogue needs."""
    return {"zh": zh, "en": en, "grade": grade, **more}


def utc(zh: str, en: str, grade: int = 2, *, nullable: bool = True) -> dy.Datetime:
    """Return a time column. Stored in UTC; the local zone is a property of the jurisdiction (manifest)."""
    return dy.Datetime(nullable=nullable, time_unit="us", time_zone="UTC", metadata=about(zh, en, grade))


def code(zh: str, en: str, grade: int = 1, *, nullable: bool = True) -> dy.String:
    """Return a code column. Codes are opaque text: leading zeros count, more than 15 digits are allowed."""
    return dy.String(nullable=nullable, min_length=1, metadata=about(zh, en, grade))


def text(zh: str, en: str, grade: int = 1, *, nullable: bool = True) -> dy.String:
    """Return a free-text column."""
    return dy.String(nullable=nullable, metadata=about(zh, en, grade))


class Provenance(dy.Schema):
    """Where a row came from. Every canonical table carries these columns."""

    record_key = dy.String(
        nullable=False,
        min_length=1,
        metadata=about("记录键", "Key of the record within its source; made from the mapping's identity columns", 2),
    )
    source = code("来源系统", "Name of the mapping that read the row", nullable=False)
    load_id = code("装载批次", "Load that brought this version of the row", nullable=False)
    source_file = text("来源文件", "File name the row was read from", 2, nullable=False)
    source_line = dy.Int64(
        nullable=False,
        min=1,
        metadata=about("来源行号", "Line in a text file, row in a sheet or Parquet; header is 1", 2),
    )


class OfForecast(dy.Schema):
    """What every table about one kind of forecast begins with."""

    category = code("警情类别", "First-level category", nullable=False)
    horizon_days = dy.Int32(nullable=False, min=1, metadata=about("预测天数", "Length of the period, days"))
