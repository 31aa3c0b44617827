"""What an edition says of work: visit workload and plan, staffing, and how good the forecasts of visits were.

Every row of advice has an ``advice_id`` that decisions refer to, as in ``data.schemas.advice``.
"""

from __future__ import annotations

import dataframely as dy

from data.schemas.columns import VISIT_KINDS, about, code, text


class VisitWorkload(dy.Schema):
    """Visit workload per beat, week and kind: what is due by rule and what events will trigger."""

    advice_id = code("建议编号", "Key decisions refer to", nullable=False)
    station_code = code("派出所", "Station")
    beat_code = code("警务区", "Beat", nullable=False)
    week_start = dy.Date(nullable=False, metadata=about("周起始", "First day of the week"))
    visit_kind = dy.Enum(VISIT_KINDS, nullable=False, metadata=about("走访类别", "Kind of object"))
    due = dy.Float64(nullable=False, min=0, metadata=about("到期", "Visits that fall due in the week by rule"))
    overdue = dy.Float64(
        nullable=False, min=0, metadata=about("逾期", "Visits already overdue, in the first week only")
    )
    triggered = dy.Float64(nullable=False, min=0, metadata=about("触发", "Expected visits events will trigger"))
    triggered_low = dy.Float64(nullable=False, min=0, metadata=about("触发下限", "Lower end of the interval"))
    triggered_high = dy.Float64(nullable=False, min=0, metadata=about("触发上限", "Upper end of the interval"))
    baseline = dy.Float64(
        nullable=False, min=0, metadata=about("去年同期", "Triggered visits in the same week a year before")
    )
    attempts = dy.Float64(nullable=False, min=0, metadata=about("预计上门次数", "Visits x tries until contact"))
    minutes = dy.Float64(
        nullable=False, min=0, metadata=about("预计用时", "Expected officer-minutes on the spot, travel excluded")
    )
    minutes_low = dy.Float64(nullable=False, min=0, metadata=about("用时下限", "Lower end"))
    minutes_high = dy.Float64(nullable=False, min=0, metadata=about("用时上限", "Upper end"))
    travel_minutes = dy.Float64(
        nullable=True, min=0, metadata=about("路途用时", "Expected officer-minutes on the way, all tries")
    )
    assumed = dy.Bool(nullable=False, metadata=about("含假定", "A rule or duration without a public source was used"))


class VisitScores(dy.Schema):
    """How good past forecasts of triggered visits were: one row per kind of visit and method, for the whole force."""

    visit_kind = dy.Enum(VISIT_KINDS, nullable=False, metadata=about("走访类别", "Kind of object"))
    model = code("模型", "poisson_regression, gamma_poisson (mean of a year), seasonal_naive", nullable=False)
    chosen = dy.Bool(nullable=False, metadata=about("采用", "Whether the forecast uses it"))
    origins = dy.Int32(nullable=False, min=0, metadata=about("检验次数", "Past weeks it was measured on; 0 = none"))
    deviance = dy.Float64(
        nullable=True, metadata=about("泊松偏差", "Mean Poisson deviance per beat and week; lower is better")
    )
    bias = dy.Float64(nullable=True, metadata=about("预计与实际之比", "Expected / happened, all beats and weeks"))
    coverage = dy.Float64(
        nullable=True, min=0, max=1, metadata=about("覆盖率", "Share of counts that fell in the interval")
    )
    interval_level = dy.Float64(nullable=False, metadata=about("名义水平", "Share the interval is meant to hold"))


class StaffingLoads(dy.Schema):
    """How hard calls press on a post by hour of the week: what its chance of waiting is worked out from."""

    unit_code = code("单位", "Station", nullable=False)
    shift_code = code("班次", "Shift", nullable=False)
    weekday = dy.Int8(nullable=False, min=1, max=7, metadata=about("星期", "1 = Monday, of the day the shift begins"))
    hour = dy.Int8(nullable=False, min=0, max=23, metadata=about("小时", "Local hour"))
    calls_share = dy.Float64(
        nullable=False, min=0, max=1, metadata=about("来警占比", "Share of the post's calls that come then")
    )
    officer_load = dy.Float64(
        nullable=False, min=0, metadata=about("警力需求", "Officer-hours calls ask for in that hour")
    )


class VisitPlan(dy.Schema):
    """What one beat should visit next, in order."""

    advice_id = code("建议编号", "Key decisions refer to", nullable=False)
    station_code = code("派出所", "Station")
    beat_code = code("警务区", "Beat", nullable=False)
    rank = dy.Int32(nullable=False, min=1, metadata=about("顺序", "Order within the beat"))
    object_id = code("走访对象编号", "Object", 2, nullable=False)
    visit_kind = dy.Enum(VISIT_KINDS, nullable=False, metadata=about("走访类别", "Kind", 2))
    label = text("对象名称", "Venue or building", 3)
    grade = code("等级", "Grade")
    due_on = dy.Date(nullable=False, metadata=about("到期日", "Day it falls due", 2))
    overdue_days = dy.Int32(nullable=False, min=0, metadata=about("逾期天数", "Days past due at as-of, 0 if not", 2))
    last_visit_on = dy.Date(nullable=True, metadata=about("上次走访", "Last visit with contact", 2))
    suggested_on = dy.Date(
        nullable=True, metadata=about("建议日期", "Day the plan puts it on; null if capacity runs out", 2)
    )
    minutes = dy.Float64(
        nullable=False,
        min=0,
        metadata=about("预计用时", "Expected officer-minutes: all officers, all tries, travel included"),
    )
    met_minutes = dy.Float64(
        nullable=True,
        min=0,
        metadata=about("通常时长", "Usual minutes of one such visit at which somebody is met, travel excluded"),
    )
    missed_minutes = dy.Float64(
        nullable=True,
        min=0,
        metadata=about("未见到时长", "Usual minutes of one such visit at which nobody is met, travel excluded"),
    )
    rule_id = code("规则", "Rule that makes it due", 2, nullable=False)
    lon = dy.Float64(nullable=True, metadata=about("经度", "Longitude", 3))
    lat = dy.Float64(nullable=True, metadata=about("纬度", "Latitude", 3))


class Staffing(dy.Schema):
    """Commander's table: one row per unit and shift, averages per day of the period."""

    advice_id = code("建议编号", "Key decisions refer to", nullable=False)
    unit_code = code("单位", "Station", nullable=False)
    shift_code = code("班次", "Shift", nullable=False)
    shift_name_zh = text("班次中文", "Chinese name of the shift")
    shift_name_en = text("班次英文", "English name of the shift")
    start_hour = dy.Float64(nullable=False, metadata=about("开始时刻", "Local hour"))
    hours = dy.Float64(nullable=False, metadata=about("时长", "Hours"))
    period_start = dy.Date(nullable=False, metadata=about("开始日期", "First day"))
    period_end = dy.Date(nullable=False, metadata=about("结束日期", "Day after the last day"))
    incidents_p10 = dy.Float64(
        nullable=False,
        min=0,
        metadata=about("有效警情P10", "Valid incidents per shift, 10th percentile of days"),
    )
    incidents_p50 = dy.Float64(nullable=False, min=0, metadata=about("有效警情P50", "median"))
    incidents_p90 = dy.Float64(nullable=False, min=0, metadata=about("有效警情P90", "90th percentile"))
    incident_hours = dy.Float64(
        nullable=False, min=0, metadata=about("警情警力小时", "Officer-hours per shift on incidents")
    )
    visit_hours = dy.Float64(
        nullable=False,
        min=0,
        metadata=about("走访警力小时", "Officer-hours per shift on visits due and triggered"),
    )
    backlog_hours = dy.Float64(
        nullable=False,
        min=0,
        metadata=about("积压警力小时", "Officer-hours per shift to clear overdue visits within the period"),
    )
    travel_hours = dy.Float64(
        nullable=False, min=0, metadata=about("路途警力小时", "Officer-hours per shift on the road")
    )
    duty_hours = dy.Float64(nullable=False, min=0, metadata=about("勤务警力小时", "Fixed duties per shift"))
    demand_hours = dy.Float64(nullable=False, min=0, metadata=about("需求合计", "Sum of the above"))
    established = dy.Float64(
        nullable=True, metadata=about("编制数", "Officers planned; null where the source has no shifts", 2)
    )
    available = dy.Float64(nullable=True, metadata=about("实有数", "Officers usually on duty", 2))
    relief_factor = dy.Float64(
        nullable=False,
        min=0,
        metadata=about("轮休系数", "Officers on the roll per officer on the post, seven days a week"),
    )
    committed_share = dy.Float64(nullable=True, min=0, metadata=about("占用率", "demand / available officer-hours", 2))
    need_p50 = dy.Float64(
        nullable=False, min=0, metadata=about("需求人数P50", "Officers on duty needed on a median day")
    )
    need_p80 = dy.Float64(nullable=False, min=0, metadata=about("需求人数P80", "... on four days of five"))
    need_p90 = dy.Float64(nullable=False, min=0, metadata=about("需求人数P90", "... on nine days of ten"))
    fte = dy.Float64(nullable=False, min=0, metadata=about("折合编制", "need_p80 x relief factor"))
    fte_low = dy.Float64(nullable=False, min=0, metadata=about("编制下限", "Lower end of the interval of fte"))
    fte_high = dy.Float64(nullable=False, min=0, metadata=about("编制上限", "Upper end"))
    gap = dy.Float64(nullable=True, metadata=about("缺口", "need_p80 - available; positive = short", 2))
    wait_share = dy.Float64(
        nullable=True,
        min=0,
        max=1,
        metadata=about(
            "排队概率",
            "Chance that a call waits for a free officer (Erlang C); null without officers on duty",
            2,
        ),
    )
    next_officer_value = dy.Float64(
        nullable=True, metadata=about("增一人的效果", "Fall of the chance of waiting with one more officer", 2)
    )
    binding = code("制约因素", "What sets the need: workload, peak_hour, minimum_crew", nullable=False)
    time_completeness = dy.Float64(
        nullable=True,
        min=0,
        max=1,
        metadata=about("时间完整率", "Share of incidents with complete officer times"),
    )
    undated_share = dy.Float64(
        nullable=True,
        min=0,
        max=1,
        metadata=about("无时刻占比", "Share of incidents without a known hour, spread evenly over the day"),
    )
    assumed = dy.Bool(nullable=False, metadata=about("含假定", "A default duration or the default shifts were used"))
