"""Incidents (接处警): the three tables as they arrive, and the incident view the models read.

One call (接警单) has any number of dispatches (派警单) and feedbacks (反馈单). The category at intake is not the
category at feedback: both are kept. A source that has only a point, a date and a category fills those columns and
leaves the rest null: absent is absent.

Never stored: caller name, phone, identity number, handset owner, operator names, key-person flags.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from data.schemas.columns import (
    DISCOVERED_BY,
    LOCATION_LEVELS,
    TIME_PRECISIONS,
    Provenance,
    about,
    code,
    text,
    utc,
)


class Located(dy.Schema):
    """Where something happened. ``lon``/``lat`` are EPSG:4326; ``x``/``y`` stay as published, in ``crs``."""

    x = dy.Float64(nullable=True, metadata=about("原始X坐标", "X as published, in the units of crs", 3))
    y = dy.Float64(nullable=True, metadata=about("原始Y坐标", "Y as published, in the units of crs", 3))
    crs = code("坐标系", "Reference system of x and y, for example EPSG:2913 or GCJ-02")
    lon = dy.Float64(nullable=True, min=-180, max=180, metadata=about("经度", "Longitude, degrees, EPSG:4326", 3))
    lat = dy.Float64(nullable=True, min=-90, max=90, metadata=about("纬度", "Latitude, degrees, EPSG:4326", 3))
    location_level = dy.Enum(
        LOCATION_LEVELS, nullable=False, metadata=about("定位级别", "How exactly the place is known", 1)
    )

    @dy.rule()
    def point_has_coordinates(cls) -> pl.Expr:
        """Require both coordinates for a record located as a point, and neither without the other."""
        both = pl.col("lon").is_not_null() & pl.col("lat").is_not_null()
        neither = pl.col("lon").is_null() & pl.col("lat").is_null()
        return pl.when(pl.col("location_level") == "point").then(both).otherwise(both | neither)


class Calls(Provenance, Located):
    """One row per call or published incident record (接警单)."""

    call_id = code("接警单编号", "Number of the call in its source; null where the source has none", 2)
    parent_call_id = code("关联接警单", "Call this one repeats or follows", 2)
    link_type = code("关联类型", "repeat, reminder, feedback, nuisance (重复/催办/反馈/骚扰)", 2)
    channel = code("报警方式", "How the call came in, as published")
    level = code("警情级别", "Urgency, local scale, 1 highest")
    reported_at = utc("报警时间", "When it was reported")
    answered_at = utc("接警时间", "When the call was answered")
    occurred_from = utc("发生时间起", "Earliest time it can have happened")
    occurred_to = utc("发生时间止", "Latest time it can have happened, exclusive; equal to occurred_from when exact")
    occurred_on = dy.Date(nullable=True, metadata=about("发生日期", "Local date of occurred_from", 2))
    time_precision = dy.Enum(
        TIME_PRECISIONS, nullable=False, metadata=about("时间精度", "How exactly the time is known", 1)
    )
    known_on = dy.Date(
        nullable=True,
        metadata=about(
            "入库日期",
            "Local date on which the police first knew this row; a forecast as of D uses known_on < D",
            2,
        ),
    )
    category_intake = code("报警类别", "Category at intake, finest level, as published")
    category_final = code("反馈类别", "Category at feedback, finest level, as published")
    category = code("警情类别", "First-level category: the code forecasts are asked for", nullable=False)
    category_name = text("类别名称", "Label of the finest category as published")
    address = text("事发地址", "Address as published; shown to nobody, used for linking", 4)
    unit_code = code("管辖单位", "Station in charge as stated by the source")
    beat_code = code("警务区", "Beat as stated by the source")
    community_code = code("社区", "Community or neighbourhood as stated by the source")
    invalid = dy.Bool(nullable=False, metadata=about("无效", "Not a valid incident: repeat, nuisance, unfounded", 2))
    confidential = dy.Bool(nullable=False, metadata=about("保密", "Withheld from everybody but the unit in charge", 4))
    discovered_by = dy.Enum(
        DISCOVERED_BY,
        nullable=True,
        metadata=about(
            "发现方式", "reported by the public or discovered by police; null where the source is silent", 2
        ),
    )
    weight = dy.Int16(
        nullable=False,
        metadata=about("计数", "1 for an incident, -1 for a later removal of one; sum it for totals", 2),
    )

    @dy.rule()
    def interval_is_ordered(cls) -> pl.Expr:
        """Refuse an interval that ends before it starts."""
        return (pl.col("occurred_to") >= pl.col("occurred_from")).fill_null(True)


class Dispatches(Provenance):
    """One row per unit sent (派警单)."""

    dispatch_id = code("派警单编号", "Number of the dispatch in its source", 2, nullable=False)
    call_id = code("接警单编号", "Call it answers", 2, nullable=False)
    unit_code = code("处警单位", "Unit sent")
    dispatched_at = utc("派警时间", "When the unit was sent")
    signed_at = utc("签收时间", "When the unit acknowledged")
    departed_at = utc("出警时间", "When the unit left")
    arrived_at = utc("到达时间", "When the unit arrived")
    cleared_at = utc("处置完毕时间", "When the unit was free again; null while open, never guessed")
    officers = dy.Int16(nullable=True, min=0, metadata=about("出动人次", "Officers sent", 2))
    vehicles = dy.Int16(nullable=True, min=0, metadata=about("车次", "Vehicles sent", 2))

    @dy.rule()
    def times_are_ordered(cls) -> pl.Expr:
        """Refuse a unit that arrived before it was sent or was free before it left."""
        arrived = (pl.col("arrived_at") >= pl.col("dispatched_at")).fill_null(True)
        return arrived & (pl.col("cleared_at") >= pl.col("departed_at")).fill_null(True)


class Feedbacks(Provenance):
    """One row per report of a unit about a call (反馈单)."""

    feedback_id = code("反馈单编号", "Number of the feedback in its source", 2, nullable=False)
    call_id = code("接警单编号", "Call it is about", 2, nullable=False)
    dispatch_id = code("派警单编号", "Dispatch it is about", 2)
    feedback_at = utc("反馈时间", "When it was filed")
    category_final = code("反馈类别", "Category found on the spot, finest level")
    outcome = code("处理结果", "What was done, as a code")
    invalid = dy.Bool(nullable=True, metadata=about("无效", "Found not to be an incident", 2))


class Incidents(dy.Schema):
    """The incident view: one row per call, with its first dispatch, last feedback and assigned areas.

    Derived when a snapshot is written; never loaded. Rows with ``valid = false`` are kept so that the funnel
    calls → incidents → valid → located can be shown; models read ``valid`` rows only.
    """

    incident_id = dy.String(
        nullable=False, min_length=1, primary_key=True, metadata=about("警情编号", "Key of the row", 2)
    )
    jurisdiction = code("辖区", "Police force the row belongs to", nullable=False)
    source = code("来源系统", "Mapping that read it", nullable=False)
    load_id = code("装载批次", "Load that brought it", nullable=False)
    category = code("警情类别", "First-level category after feedback", nullable=False)
    category_detail = code("警情细类", "Finest category after feedback, as published")
    category_intake = code("报警类别", "Finest category at intake, as published")
    channel = code("报警方式", "How it came in")
    level = code("警情级别", "Urgency, local scale")
    discovered_by = dy.Enum(DISCOVERED_BY, nullable=True, metadata=about("发现方式", "reported or police", 2))
    valid = dy.Bool(nullable=False, metadata=about("有效", "A valid incident: not a repeat, nuisance or unfounded", 2))
    weight = dy.Int16(nullable=False, metadata=about("计数", "1, or -1 for a removal", 2))
    reported_at = utc("报警时间", "When it was reported")
    occurred_from = utc("发生时间起", "Earliest time")
    occurred_to = utc("发生时间止", "Latest time, exclusive")
    occurred_on = dy.Date(nullable=True, metadata=about("发生日期", "Local date", 2))
    time_precision = dy.Enum(
        TIME_PRECISIONS, nullable=False, metadata=about("时间精度", "How exactly the time is known")
    )
    known_on = dy.Date(nullable=True, metadata=about("入库日期", "Usable by a forecast as of D when known_on < D", 2))
    lon = dy.Float64(nullable=True, metadata=about("经度", "Longitude, EPSG:4326", 3))
    lat = dy.Float64(nullable=True, metadata=about("纬度", "Latitude, EPSG:4326", 3))
    location_level = dy.Enum(
        LOCATION_LEVELS, nullable=False, metadata=about("定位级别", "How exactly the place is known")
    )
    community_code = code("社区", "Community, by boundary where there is a point, else as stated")
    beat_code = code("警务区", "Beat, by boundary where there is a point, else as stated")
    station_code = code("派出所", "Station, by boundary where there is a point, else as stated")
    dispatched_at = utc("首次派警时间", "First dispatch")
    departed_at = utc("首次出警时间", "First departure")
    arrived_at = utc("首次到达时间", "First arrival")
    cleared_at = utc("处置完毕时间", "Last clearance; null while any dispatch is open")
    officer_hours = dy.Float64(
        nullable=True,
        min=0,
        metadata=about(
            "警力小时",
            "Sum over dispatches of (cleared - departed) x officers, each capped; null when open",
            2,
        ),
    )
