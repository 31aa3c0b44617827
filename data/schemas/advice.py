"""What an edition says: ranked places, visit workload and plan, staffing, and how good the models were.

Every row of advice has an ``advice_id`` that decisions refer to. No table here has a column that names a person,
and ``tests/architecture`` refuses one.
"""

from __future__ import annotations

import dataframely as dy

from data.schemas.columns import AREA_LEVELS, VISIT_KINDS, OfForecast, about, code, text

#: Groups of reasons for a place's rank. Contributions are in log units of the expected count and sum to it.
REASONS = ("base", "long_standing", "last_year", "recent", "neighbours", "season", "population", "place")
#: What a reader can do about a row of advice.
ACTIONS = ("foot_patrol", "vehicle_patrol", "prevention_visit", "venue_check", "observe")
#: Places of an edition beside the grid's cells that have a forecast of their own.
RANKED_UNITS = ("h3", "segment")


class RankedPlaces(OfForecast):
    """What every ranked place carries: rank and expected count, its interval, and the plain count beside it."""

    period_start = dy.Date(nullable=False, metadata=about("开始日期", "First day of the period"))
    period_end = dy.Date(nullable=False, metadata=about("结束日期", "Day after the last day"))
    rank = dy.Int32(nullable=False, min=1, metadata=about("名次", "1 = highest expected count of its kind"))
    expected = dy.Float64(nullable=False, min=0, metadata=about("预期警情数", "Expected incidents in the period", 2))
    low = dy.Float64(nullable=False, min=0, metadata=about("下限", "Lower end of the interval of the count", 2))
    high = dy.Float64(nullable=False, min=0, metadata=about("上限", "Upper end of the interval of the count", 2))
    interval_level = dy.Float64(nullable=False, min=0, max=1, metadata=about("区间水平", "Nominal coverage"))
    baseline_rank = dy.Int32(
        nullable=False, min=1, metadata=about("历史频次名次", "Rank by plain count of the last 365 days")
    )
    baseline_count = dy.Float64(nullable=False, metadata=about("历史频次", "Incidents of the last 365 days", 2))


class ExplainedPlaces(RankedPlaces):
    """Ranked places with a forecast of their own, which says why."""

    reasons = dy.List(
        dy.Struct({"reason": dy.Enum(REASONS, nullable=False), "contribution": dy.Float64(nullable=False)}),
        nullable=False,
        metadata=about("理由", "Exact additive contributions to log(expected)", 2),
    )


class Hotspots(ExplainedPlaces):
    """Ranked places inside the area budget, one row per category, horizon and place."""

    advice_id = code("建议编号", "Key decisions refer to", nullable=False)
    place_id = code("网格编号", "Cell, stable while the grid is the same", nullable=False)
    street = text("临近道路", "Name of the nearest street on the base map")
    cell_m = dy.Float64(nullable=False, min=1, metadata=about("网格边长", "Side of the cell, metres"))
    lon = dy.Float64(nullable=False, metadata=about("经度", "Centre, EPSG:4326", 2))
    lat = dy.Float64(nullable=False, metadata=about("纬度", "Centre, EPSG:4326", 2))
    ring = dy.List(
        dy.Float64(nullable=False),
        nullable=False,
        metadata=about("四角", "lon, lat of the four corners, anticlockwise, 8 numbers", 2),
    )
    top_chance = dy.Float64(
        nullable=True,
        min=0,
        max=1,
        metadata=about("入列把握", "Chance that the place will be among the busiest of the list's length", 2),
    )
    expected_without_recent = dy.Float64(
        nullable=True,
        min=0,
        metadata=about("除去近期预期", "Expected count without the category's incidents of the last 28 days", 2),
    )
    rank_without_recent = dy.Int32(
        nullable=True,
        min=1,
        metadata=about("除去近期名次", "Rank the place would have then, among all others as they are"),
    )
    was_listed = dy.Bool(
        nullable=True, metadata=about("上期在列", "On the list before it, see CalmLists; null where there is none")
    )
    action = dy.Enum(ACTIONS, nullable=False, metadata=about("建议行动", "Type of action"))
    peak_weekday = dy.Int8(
        nullable=True,
        min=1,
        max=7,
        metadata=about(
            "高发星期",
            "Weekday the busiest 4 hours of the week begin on, 1 Monday; the busiest weekday if only dates are known",
        ),
    )
    peak_hour = dy.Int8(
        nullable=True,
        min=0,
        max=23,
        metadata=about("高发时刻", "Local hour they begin at; null if only dates are known"),
    )
    peak_share = dy.Float64(
        nullable=True,
        min=0,
        max=1,
        metadata=about("高发占比", "Share of the week that falls in these 4 hours; an even week has 0.024"),
    )
    hours = dy.List(
        dy.Float64(nullable=False, min=0),
        nullable=True,
        metadata=about(
            "一周分布",
            "Share of each of the 168 hours of the week, Monday 00:00 first; null if only dates are known",
            2,
        ),
    )
    hours_own_share = dy.Float64(
        nullable=True,
        min=0,
        max=1,
        metadata=about("本地点占比", "Weight of the place's own record in the week; the rest is the category's"),
    )
    community_code = code("社区", "Community the centre lies in")
    beat_code = code("警务区", "Beat the centre lies in")
    station_code = code("派出所", "Station the centre lies in")


class SpareHotspots(Hotspots):
    """Places that only a calmer or a less calm list of the edition holds; ``rank`` is that among all studied places."""


class CalmLists(OfForecast):
    """Every list of an edition by how calm it is: a calmer one holds on to more places of the list before it.

    The place itself is a row of ``hotspots`` or of ``spare_hotspots``. The list before is that of the same calm in the
    edition before; for a first edition, the one the same method would have told at its newest past forecast.
    """

    calm = dy.Float64(
        nullable=False, min=0, max=1, metadata=about("稳定度", "Tolerance: 0 most accurate, 1 keeps every place")
    )
    rank = dy.Int32(nullable=False, min=1, metadata=about("名次", "Rank in this list, by expected count"))
    place_id = code("网格编号", "Cell", nullable=False)
    was_listed = dy.Bool(nullable=False, metadata=about("上期在列", "Whether the list before held it"))
    station_code = code("派出所", "Station")
    beat_code = code("警务区", "Beat")


class AreaHotspots(RankedPlaces):
    """Areas people work by, ranked by the sum of what the cells in them expect; a cell belongs where its centre lies."""

    level = dy.Enum(AREA_LEVELS, nullable=False, metadata=about("层级", "Level of the area"))
    area_code = code("区域代码", "Area", nullable=False)
    area_km2 = dy.Float64(nullable=False, min=0, metadata=about("面积", "Area of its cells, square kilometres"))
    listed_places = dy.Int32(nullable=False, min=0, metadata=about("名单网格数", "Its cells on the published list"))
    station_code = code("派出所", "Station")
    beat_code = code("警务区", "Beat")


class UnitHotspots(ExplainedPlaces):
    """Hexagons and street segments, each kind ranked by a forecast of its own: as many as the list's area has room for."""

    unit = dy.Enum(RANKED_UNITS, nullable=False, metadata=about("单元", "h3 hexagon or street segment"))
    place_id = code("单元编号", "H3 index, or street and number of the piece", nullable=False)
    street = text("道路", "The segment's street, or the nearest one to the hexagon's centre")
    from_street = text("起点道路", "Street that meets the segment at its beginning")
    to_street = text("终点道路", "Street that meets it at its end")
    area_km2 = dy.Float64(nullable=True, min=0, metadata=about("面积", "Of a hexagon, square kilometres"))
    length_m = dy.Float64(nullable=True, min=0, metadata=about("长度", "Of a segment, metres"))
    lon = dy.Float64(nullable=False, metadata=about("经度", "Middle, EPSG:4326", 2))
    lat = dy.Float64(nullable=False, metadata=about("纬度", "Middle, EPSG:4326", 2))
    geometry = dy.Binary(nullable=False, metadata=about("形状", "Polygon or line, WKB, EPSG:4326", 2))
    community_code = code("社区", "Community the middle lies in")
    beat_code = code("警务区", "Beat the middle lies in")
    station_code = code("派出所", "Station the middle lies in")


class PatrolReach(OfForecast):
    """What the first places of a published list hold, for every length of it: what patrol hours would reach.

    One series for the whole force (no area) and one for each station and sub-bureau, of its own places alone.
    """

    area_level = dy.Enum(AREA_LEVELS, nullable=True, metadata=about("层级", "Level of the area; null: whole force"))
    area_code = code("区域代码", "Station or sub-bureau; null: whole force")
    places = dy.Int32(nullable=False, min=1, metadata=about("网格数", "First places of the list"))
    expected = dy.Float64(nullable=False, min=0, metadata=about("预期警情数", "Expected incidents in them", 2))
    plain_expected = dy.Float64(
        nullable=False,
        min=0,
        metadata=about("历史频次预期", "Expected in as many places with the highest plain count of 365 days", 2),
    )
    expected_all = dy.Float64(nullable=False, min=0, metadata=about("全部预期", "Expected in the whole area", 2))
    periods = dy.Int32(nullable=False, min=0, metadata=about("回测期数", "Past periods looked at; 0: none"))
    events = dy.Float64(nullable=False, metadata=about("警情数", "Incidents of the area in these periods"))
    hits = dy.Float64(
        nullable=False, metadata=about("命中", "Those in as many places with the highest expectation of the time")
    )
    plain_hits = dy.Float64(
        nullable=False, metadata=about("历史频次命中", "Those in as many places with the highest plain count")
    )


class HotspotSurface(OfForecast):
    """The risk surface behind the ranked places: every cell worth drawing, lighter than the advice rows."""

    place_id = code("网格编号", "Cell", nullable=False)
    lon = dy.Float64(nullable=False, metadata=about("经度", "Centre", 2))
    lat = dy.Float64(nullable=False, metadata=about("纬度", "Centre", 2))
    expected = dy.Float64(nullable=False, min=0, metadata=about("预期警情数", "Expected incidents in the period", 2))
    station_code = code("派出所", "Station")
    beat_code = code("警务区", "Beat")


class ModelScores(OfForecast):
    """Rolling back-test: one row per category, horizon, origin, model and area."""

    origin = dy.Date(nullable=False, metadata=about("起报日", "as-of day of the past forecast"))
    model = code("模型", "Name of the model: additive_boosting, count_365", nullable=False)
    area_km2 = dy.Float64(nullable=False, metadata=about("面积", "Flagged area"))
    events = dy.Float64(nullable=False, metadata=about("警情数", "Incidents in the period"))
    hits = dy.Float64(nullable=False, metadata=about("命中", "Incidents in flagged cells"))
    pai = dy.Float64(nullable=True, metadata=about("PAI", "(hits/events)/(area/total area)"))
    pei = dy.Float64(nullable=True, metadata=about("PEI", "hits / most any choice of equal area could catch"))
    expected_hits = dy.Float64(nullable=True, metadata=about("预期命中", "Sum of expected counts in flagged cells"))
    coverage = dy.Float64(nullable=True, metadata=about("覆盖率", "Share of cells whose count fell in the interval"))
    auc = dy.Float64(
        nullable=True, metadata=about("AUC", "Chance that a cell with an incident ranks above one without")
    )
    deviance = dy.Float64(nullable=True, metadata=about("泊松偏差", "Mean Poisson deviance per cell; lower is better"))


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
