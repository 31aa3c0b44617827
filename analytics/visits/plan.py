"""The visit plan of each beat: in which order, and on which day while the capacity lasts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.visits.due import DUE_SCHEMA
from analytics.visits.effort import VisitEffort

#: Officer-minutes a beat can spend on visits on a working day: 20 h a week in the beat, over 5 days
#: (old public norm of community work), one officer a beat [assumption].
BEAT_MINUTES_PER_DAY = 240.0
#: A visit due within so many days presses like an overdue one [assumption].
PRESSING_DAYS = 2


def plan_visits(
    due: pl.DataFrame,
    effort: Mapping[str, VisitEffort],
    *,
    as_of: date,
    days: int,
    edition_id: str,
    station_of: Mapping[str, str],
    minutes_per_day: float = BEAT_MINUTES_PER_DAY,
) -> pl.DataFrame:
    """Order the visits of each beat and put them on days.

    Parameters
    ----------
    due
        Frame from :func:`analytics.visits.due.find_due_visits`.
    days
        Visits due before ``as_of + days`` are planned; days of the plan run from ``as_of``.
    station_of
        Station of each beat, by code.
    minutes_per_day
        Officer-minutes a beat has for visits on a working day, travel included.

    Returns
    -------
    polars.DataFrame
        Columns of schema VisitPlan, one row per object and kind, ranked within the beat.

    Notes
    -----
    Order: pressing (overdue, or due within two days) before the rest; pressing ones by priority of the rule, then due
    date, the rest by due date, then priority; grade (C before B before A); and among equals the nearest next, so that
    neighbours are visited on one walk. A visit heavier than a whole day takes a day of its own. Monday to Friday only
    [assumption].
    """
    outlook = [as_of + timedelta(days=n) for n in range(days)]
    working_days = [day for day in outlook if day.weekday() < 5]
    rows = []
    chosen = due.filter(pl.col("due_on") < as_of + timedelta(days=days))
    for (beat,), objects in chosen.group_by(["beat_code"], maintain_order=True):
        loads = [_minutes(effort.get(kind)) for kind in objects["visit_kind"]]
        order = _order(objects, as_of)
        days_of = _fill_days([loads[index] for index in order], working_days, minutes_per_day)
        entries = objects.rows(named=True)
        for rank, (index, suggested_on) in enumerate(zip(order, days_of, strict=True), start=1):
            entry = entries[index]
            rows.append(
                {
                    "advice_id": f"{edition_id}:plan:{entry['object_id']}:{entry['visit_kind']}",
                    "station_code": station_of.get(str(beat)),
                    "rank": rank,
                    "suggested_on": suggested_on,
                    "minutes": loads[index],
                    **_at_the_door(effort.get(entry["visit_kind"])),
                    **{name: entry[name] for name in _CARRIED},
                }
            )
    return pl.DataFrame(rows, schema=_SCHEMA)


_CARRIED = {
    name: DUE_SCHEMA[name]
    for name in (
        "beat_code",
        "object_id",
        "visit_kind",
        "label",
        "grade",
        "due_on",
        "overdue_days",
        "last_visit_on",
        "rule_id",
        "lon",
        "lat",
    )
}
_SCHEMA: dict[str, Any] = {
    "advice_id": pl.String,
    "station_code": pl.String,
    "rank": pl.Int32,
    "suggested_on": pl.Date,
    "minutes": pl.Float64,
    "met_minutes": pl.Float64,
    "missed_minutes": pl.Float64,
    **_CARRIED,
}


def _minutes(effort: VisitEffort | None) -> float:
    return effort.mean + effort.travel if effort else 0.0


def _at_the_door(effort: VisitEffort | None) -> dict[str, float | None]:
    names = ("met_minutes", "missed_minutes")
    return {name: getattr(effort, name) if effort else None for name in names}


def _order(objects: pl.DataFrame, as_of: date) -> list[int]:
    keys = [_key(entry, as_of) for entry in objects.select("due_on", "priority", "grade").iter_rows(named=True)]
    metres = _metres(objects)
    here: npt.NDArray[np.float64] | None = None
    order: list[int] = []
    for key in sorted(set(keys)):
        group = [index for index, other in enumerate(keys) if other == key]
        while group:
            nearest = _nearest(group, metres, here)
            group.remove(nearest)
            order.append(nearest)
            if not np.isnan(metres[nearest]).any():
                here = metres[nearest]
    return order


def _key(entry: dict[str, Any], as_of: date) -> tuple[Any, ...]:
    pressing = (entry["due_on"] - as_of).days <= PRESSING_DAYS
    rule, due = entry["priority"], entry["due_on"]
    # What is not late yet goes by its date: ordered by rule, a check due in ten days would make another one late.
    return (not pressing, *((rule, due) if pressing else (due, rule)), _urgency(entry["grade"]))


def _urgency(grade: str | None) -> tuple[int, str]:
    """Sort a later letter first: grade C is checked more often than A. No grade comes last."""
    return (0, "".join(chr(0x10FFFF - ord(letter)) for letter in grade)) if grade else (1, "")


def _nearest(group: list[int], metres: npt.NDArray[np.float64], here: npt.NDArray[np.float64] | None) -> int:
    """Return the group's member nearest to where the walk stands; members without a point in their given order."""
    if here is None:
        return group[0]
    distance = np.hypot(*(metres[group] - here).T)
    return group[int(np.nanargmin(distance))] if not np.isnan(distance).all() else group[0]


def _metres(objects: pl.DataFrame) -> npt.NDArray[np.float64]:
    """Local plane coordinates; an equirectangular projection is exact enough inside one beat."""
    points = objects.select(pl.col("lon") * 111_320 * pl.col("lat").radians().cos(), pl.col("lat") * 110_574).to_numpy()
    return np.asarray(points, dtype=float)


def _fill_days(loads: list[float], working_days: list[date], minutes_per_day: float) -> list[date | None]:
    suggested: list[date | None] = []
    today, left = 0, minutes_per_day
    for load in loads:
        if load > left and left < minutes_per_day:
            today, left = today + 1, minutes_per_day
        suggested.append(working_days[today] if today < len(working_days) else None)
        left -= load
    return suggested
