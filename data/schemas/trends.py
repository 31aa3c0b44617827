"""What the trends and quality pages read: counts by day, profiles by hour, the funnel from call to located incident."""

from __future__ import annotations

import dataframely as dy

from data.schemas.columns import DISCOVERED_BY, about, code


class DailyCounts(dy.Schema):
    """Valid incidents per day, category and beat; days with none have no row (absent = 0)."""

    day = dy.Date(nullable=False, metadata=about("日期", "Local date"))
    category = code("警情类别", "First-level category", nullable=False)
    station_code = code("派出所", "Station; null where not assignable")
    beat_code = code("警务区", "Beat; null where not assignable")
    community_code = code("社区", "Community; null where not assignable")
    discovered_by = dy.Enum(DISCOVERED_BY, nullable=True, metadata=about("发现方式", "reported, police, or unknown"))
    incidents = dy.Int32(nullable=False, metadata=about("警情数", "Sum of weights"))


class HourlyProfile(dy.Schema):
    """Incidents by weekday and hour, interval times spread evenly over their interval (aoristic)."""

    category = code("警情类别", "First-level category", nullable=False)
    station_code = code("派出所", "Station")
    beat_code = code("警务区", "Beat")
    weekday = dy.Int8(nullable=False, min=1, max=7, metadata=about("星期", "1 Monday to 7 Sunday"))
    hour = dy.Int8(nullable=False, min=0, max=23, metadata=about("小时", "Local hour"))
    incidents = dy.Float64(nullable=False, metadata=about("警情数", "Sum of interval weights over the window"))
    window_days = dy.Int32(nullable=False, metadata=about("窗口天数", "Days the sum covers"))


class Funnel(dy.Schema):
    """From raw calls to located incidents, per source."""

    source = code("来源系统", "Mapping", nullable=False)
    step = dy.Enum(
        ("calls", "incidents", "valid", "dated", "located", "in_area"),
        nullable=False,
        metadata=about("环节", "Step of the funnel"),
    )
    rows = dy.Int64(nullable=False, metadata=about("条数", "Rows that reach the step", 1))
