"""What an edition says of places: those ranked, the lists made of them and what patrol hours reach.

Every row of advice has an ``advice_id`` that decisions refer to. No table here has a column that names a person,
and ``tests/architecture`` refuses one.
"""

from __future__ import annotations

import dataframely as dy

from data.schemas.columns import AREA_LEVELS, OfForecast, about, code, text

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
