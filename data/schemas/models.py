"""How good the ranking of places was, for whom it was wrong, and what it would do to itself.

Made from past periods when an edition is published; nothing here is advice about a place.
"""

from __future__ import annotations

import dataframely as dy

from data.schemas.columns import AREA_LEVELS, OfForecast, about, code

#: How places are put together when errors are compared between them. ``source`` splits incidents by who found them.
GROUP_KINDS = ("station", "density", "housing", "source")
#: Groups of the kinds that are not areas.
THIRDS = ("low", "middle", "high")
#: What the simulated ranking learns from, see ``analytics.feedback``.
LEARNING_RULES = ("everything", "everything_limited", "reported", "reported_capped")
#: What a row of the simulation tells.
FEEDBACK_MEASURES = ("visit_share", "distance", "concentration")
#: What is changed on a grid to see how much hangs on it.
GRID_CHANGES = ("as_asked", "shift", "turn", "size")
#: The best possible choice of equal area, named like a model.
ORACLE = "oracle"


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


class ModelComparison(OfForecast):
    """Every method tried on the same past periods, one row per category, horizon and method."""

    model = code("方法", "Name of the ranker, or oracle: the best possible choice", nullable=False)
    chosen = dy.Bool(nullable=False, metadata=about("本期采用", "Whether the edition ranks with it"))
    origins = dy.Int32(nullable=False, metadata=about("回测期数", "Past periods it was tried on"))
    area_km2 = dy.Float64(nullable=False, metadata=about("名单面积", "Flagged area, square kilometres"))
    total_km2 = dy.Float64(nullable=False, metadata=about("总面积", "Area of the map, square kilometres"))
    events = dy.Float64(nullable=False, metadata=about("警情数", "Incidents of all tried periods"))
    hits = dy.Float64(nullable=False, metadata=about("命中", "Those in the flagged places"))
    hit_rate = dy.Float64(nullable=True, metadata=about("命中率", "hits / events"))
    pai = dy.Float64(nullable=True, metadata=about("PAI", "Mean of (hits/events)/(area/total area)"))
    pei = dy.Float64(nullable=True, metadata=about("PEI", "Mean of hits / most any choice of equal area could catch"))
    rri = dy.Float64(
        nullable=True,
        metadata=about("RRI", "(hits / incidents there in the year before) / (events / all of the year before)"),
    )
    auc = dy.Float64(nullable=True, metadata=about("AUC", "Mean chance that a place with an incident ranks above"))
    deviance = dy.Float64(nullable=True, metadata=about("泊松偏差", "Mean Poisson deviance per cell; null for oracle"))
    expected_hits = dy.Float64(nullable=True, metadata=about("预期命中", "Expected incidents in the flagged places"))
    gain_365 = dy.Float64(nullable=True, metadata=about("较一年频次", "PAI less that of the 365-day count, mean"))
    gain_365_low = dy.Float64(nullable=True, metadata=about("下限", "Lower end, 90 % paired bootstrap"))
    gain_365_high = dy.Float64(nullable=True, metadata=about("上限", "Upper end"))
    gain_1095 = dy.Float64(nullable=True, metadata=about("较三年频次", "PAI less that of the 1,095-day count, mean"))
    gain_1095_low = dy.Float64(nullable=True, metadata=about("下限", "Lower end, 90 % paired bootstrap"))
    gain_1095_high = dy.Float64(nullable=True, metadata=about("上限", "Upper end"))


class ModelCurves(OfForecast):
    """Share of incidents caught by the first places of a list, by how much area they cover."""

    model = code("方法", "Name of the ranker, or oracle", nullable=False)
    area_km2 = dy.Float64(nullable=False, metadata=about("面积", "Area of the first places, square kilometres"))
    area_share = dy.Float64(nullable=False, metadata=about("面积占比", "area / area of the map"))
    is_budget = dy.Bool(nullable=False, metadata=about("即名单面积", "Whether this is the area of the edition's list"))
    hit_rate = dy.Float64(nullable=False, metadata=about("命中率", "Incidents caught / all, over the tried periods"))
    low = dy.Float64(nullable=False, metadata=about("下限", "Lower end, 90 % bootstrap over periods"))
    high = dy.Float64(nullable=False, metadata=about("上限", "Upper end"))


class ModelCalibration(OfForecast):
    """What was told against what happened, over bands of places by expected count; band 0 is the flagged places."""

    band = dy.Int32(
        nullable=False, min=0, metadata=about("分档", "0 the flagged places, then all places, highest first")
    )
    places = dy.Int64(nullable=False, metadata=about("网格期数", "Places times past periods"))
    expected = dy.Float64(nullable=False, metadata=about("预期", "Sum of the expected counts"))
    observed = dy.Float64(nullable=False, metadata=about("实际", "Incidents that happened there"))
    observed_low = dy.Float64(nullable=False, metadata=about("下限", "Lower end, 90 % interval of the Poisson mean"))
    observed_high = dy.Float64(nullable=False, metadata=about("上限", "Upper end"))
    cover_50 = dy.Float64(
        nullable=True, metadata=about("50% 区间覆盖", "Share of counts in their interval; band 0 only")
    )
    cover_80 = dy.Float64(nullable=True, metadata=about("80% 区间覆盖", "As above"))
    cover_95 = dy.Float64(nullable=True, metadata=about("95% 区间覆盖", "As above"))


class ModelGroups(OfForecast):
    """Flags and errors by group of places, means per past period; incidents are as recorded."""

    kind = dy.Enum(GROUP_KINDS, nullable=False, metadata=about("分组方式", "What the groups are made by"))
    group_code = code("组", "Code of the station, or low, middle, high; reported, police, unknown", nullable=False)
    places = dy.Int64(nullable=False, metadata=about("网格数", "Studied places of the group"))
    area_share = dy.Float64(nullable=True, metadata=about("面积占比", "Share of the studied area"))
    population_share = dy.Float64(nullable=True, metadata=about("人口占比", "Share of residents; null if not known"))
    flagged_share = dy.Float64(nullable=True, metadata=about("名单占比", "Share of the flagged places"))
    incidents = dy.Float64(nullable=True, metadata=about("警情数", "Incidents of all tried periods", 2))
    incident_share = dy.Float64(nullable=True, metadata=about("警情占比", "Share of the incidents", 2))
    hits = dy.Float64(nullable=True, metadata=about("命中", "Incidents in flagged places", 2))
    hit_rate = dy.Float64(nullable=True, metadata=about("命中率", "hits / incidents of the group", 2))
    expected = dy.Float64(nullable=True, metadata=about("预期", "Sum of the expected counts"))
    ratio = dy.Float64(nullable=True, metadata=about("预期／实际", "expected / incidents", 2))
    ratio_low = dy.Float64(nullable=True, metadata=about("下限", "Lower end, 90 % interval", 2))
    ratio_high = dy.Float64(nullable=True, metadata=about("上限", "Upper end", 2))
    list_change = dy.Float64(
        nullable=True,
        metadata=about(
            "名单变动", "Share of the list that would be other places if these incidents counted; police only"
        ),
    )
    excluded = dy.Bool(nullable=False, metadata=about("不计入", "Incidents that are neither target nor feature"))


class GridSensitivity(OfForecast):
    """The same simple method on grids moved, turned and resized: what of a list is the place, and what the grid."""

    model = code("方法", "Name of the ranker all grids use", nullable=False)
    change = dy.Enum(GRID_CHANGES, nullable=False, metadata=about("改动", "What was changed on the grid"))
    shift_right_m = dy.Float64(nullable=False, metadata=about("东移", "Metres"))
    shift_up_m = dy.Float64(nullable=False, metadata=about("北移", "Metres"))
    rotation_deg = dy.Float64(nullable=False, metadata=about("旋转", "Degrees"))
    cell_m = dy.Float64(nullable=False, metadata=about("网格边长", "Metres"))
    origins = dy.Int32(nullable=False, metadata=about("回测期数", "Past periods it was tried on"))
    places = dy.Int32(nullable=False, metadata=about("网格数", "Cells of the list"))
    hits = dy.Float64(nullable=False, metadata=about("命中", "Incidents in the flagged cells"))
    events = dy.Float64(nullable=False, metadata=about("警情数", "Incidents of all tried periods"))
    overlap = dy.Float64(
        nullable=False, metadata=about("重合", "Share of the area flagged on the grid as asked that is flagged again")
    )


class Feedback(dy.Schema):
    """A simulation: what happens to visits when a ranking learns from what its own visits find."""

    category = code("警情类别", "Category whose surface is taken for the truth", nullable=False)
    rule = dy.Enum(LEARNING_RULES, nullable=False, metadata=about("学习规则", "What the ranking learns from"))
    period = dy.Int32(nullable=False, min=0, metadata=about("期", "Simulated period; 0 = before the first ranking"))
    measure = dy.Enum(FEEDBACK_MEASURES, nullable=False, metadata=about("指标", "What the row tells"))
    group_code = code("组", "Group of places; null for measures of all of them")
    value = dy.Float64(nullable=False, metadata=about("均值", "Mean over runs"))
    low = dy.Float64(nullable=False, metadata=about("下限", "5 % of runs lie below"))
    high = dy.Float64(nullable=False, metadata=about("上限", "5 % of runs lie above"))
    truth = dy.Float64(nullable=False, metadata=about("真实值", "What a ranking that knows the truth would give"))


class OfPastEdition(OfForecast):
    """What every table about an earlier edition begins with."""

    told_by = code("研判期次", "Earlier edition that told it", nullable=False)
    period_start = dy.Date(nullable=False, metadata=about("开始日期", "First day it was told for"))
    period_end = dy.Date(nullable=False, metadata=about("结束日期", "Day after the last day"))


class PastLists(OfPastEdition):
    """Published lists of earlier editions against what then happened: of the whole force, stations, sub-bureaus."""

    area_level = dy.Enum(AREA_LEVELS, nullable=True, metadata=about("层级", "Level of the area; null: whole force"))
    area_code = code("区域代码", "Station or sub-bureau; null: whole force")
    places = dy.Int32(nullable=False, min=1, metadata=about("网格数", "Places of the list in the area"))
    expected = dy.Float64(nullable=False, min=0, metadata=about("预期警情数", "Incidents that were expected there", 2))
    hits = dy.Float64(nullable=False, min=0, metadata=about("命中", "Incidents that happened there", 2))
    hits_low = dy.Float64(nullable=False, metadata=about("下限", "Lower end, 90 % interval of the Poisson mean", 2))
    hits_high = dy.Float64(nullable=False, metadata=about("上限", "Upper end", 2))
    plain_hits = dy.Float64(
        nullable=False,
        min=0,
        metadata=about("历史频次命中", "Incidents in as many places by plain count of the 365 days before", 2),
    )
    events = dy.Float64(nullable=False, min=0, metadata=about("警情数", "All incidents of the area in the period"))
    inside = dy.Int32(nullable=False, min=0, metadata=about("区间内网格数", "Places whose count lay in its interval"))
    interval_level = dy.Float64(nullable=False, min=0, max=1, metadata=about("区间水平", "Nominal coverage"))


class PastPlaces(OfPastEdition):
    """Listed places of earlier editions: what was told of each, and what then happened."""

    advice_id = code("建议编号", "Row of advice of the earlier edition", nullable=False)
    place_id = code("网格编号", "Cell", nullable=False)
    station_code = code("派出所", "Station")
    beat_code = code("警务区", "Beat")
    rank = dy.Int32(nullable=False, min=1, metadata=about("名次", "On that list"))
    expected = dy.Float64(nullable=False, min=0, metadata=about("预期警情数", "As told then", 2))
    low = dy.Float64(nullable=False, min=0, metadata=about("下限", "Lower end of the interval told then", 2))
    high = dy.Float64(nullable=False, min=0, metadata=about("上限", "Upper end", 2))
    observed = dy.Float64(nullable=False, min=0, metadata=about("实际", "Incidents that happened, as known now", 2))
