"""The work of the community officer: what must be visited, what was visited, who is on duty."""

from __future__ import annotations

import dataframely as dy

from data.schemas.columns import VISIT_KINDS, Provenance, about, code, text, utc


class VisitRegister(Provenance):
    """One row per object that must be visited: a venue, a rental, an address with a task. Never a person.

    The object is a place or a case at a place; who lives there stays in the population platform.
    """

    object_id = code("走访对象编号", "Key of the object", 2, nullable=False)
    visit_kind = dy.Enum(VISIT_KINDS, nullable=False, metadata=about("走访类别", "Kind of object", 2))
    grade = code("等级", "Grade of a venue (A, B, C) or urgency of a case")
    label = text("对象名称", "Venue name or building; no personal name", 3)
    address_code = code("标准地址编码", "Standard address it hangs from", 3)
    community_code = code("社区", "Community it lies in")
    beat_code = code("警务区", "Beat in charge", nullable=False)
    opened_on = dy.Date(nullable=False, metadata=about("列管日期", "First day it is on the register", 2))
    closed_on = dy.Date(nullable=True, metadata=about("撤管日期", "First day it is no longer on it; null = open", 2))
    lon = dy.Float64(nullable=True, metadata=about("经度", "Longitude, EPSG:4326", 3))
    lat = dy.Float64(nullable=True, metadata=about("纬度", "Latitude, EPSG:4326", 3))


class Visits(Provenance):
    """One row per visit made. Says which post made it, never which officer."""

    visit_id = code("走访编号", "Key of the visit", 2, nullable=False)
    object_id = code("走访对象编号", "Object visited", 2, nullable=False)
    visit_kind = dy.Enum(VISIT_KINDS, nullable=False, metadata=about("走访类别", "Kind of object", 2))
    beat_code = code("警务区", "Beat in charge", nullable=False)
    visited_at = utc("走访时间", "When", nullable=False)
    contact = dy.Bool(nullable=False, metadata=about("见到", "Whether somebody was met", 2))
    minutes = dy.Float64(nullable=True, min=0, metadata=about("用时", "Minutes on the spot, travel excluded", 2))
    crew = dy.Int16(nullable=True, min=1, metadata=about("人数", "Officers present", 2))


class Shifts(Provenance):
    """One row per unit, shift and period of validity: when it runs and how many posts it has."""

    unit_code = code("单位", "Station", nullable=False)
    shift_code = code("班次", "Code of the shift, for example day, middle, night", nullable=False)
    name_zh = text("中文名称", "Chinese name")
    name_en = text("英文名称", "English name")
    start_hour = dy.Float64(nullable=False, min=0, max=24, metadata=about("开始时刻", "Local hour the shift starts"))
    hours = dy.Float64(
        nullable=False, min=0.5, max=24, metadata=about("时长", "Hours the shift lasts; may pass midnight")
    )
    established = dy.Float64(
        nullable=False, min=0, metadata=about("编制数", "Officers the post plan has on the shift", 2)
    )
    available = dy.Float64(nullable=False, min=0, metadata=about("实有数", "Officers usually on duty on the shift", 2))
    valid_from = dy.Date(nullable=True, metadata=about("生效日期", "First day the row holds; null = always"))
    valid_to = dy.Date(nullable=True, metadata=about("失效日期", "First day it no longer holds; null = open"))
