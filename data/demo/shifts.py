"""Shifts of the stations: three a day, manned so that some are short and some are not."""

from __future__ import annotations

import numpy as np
import polars as pl

from data.demo.dispatches import DAY_S, HOUR_S
from data.demo.territory import Territory

#: Code, name, first hour, and the officer-hours of visits and standing duties a day that fall into the shift.
SHIFTS = (("1", "早班", 7, 13.0), ("2", "中班", 15, 10.0), ("3", "夜班", 23, 3.0))
SHIFT_HOURS = 8
#: Share of an officer's time that incidents and visits may take; the posts are planned with it.
_PLANNED_SHARE = 0.6


def man_shifts(rng: np.random.Generator, incidents: pl.DataFrame, territory: Territory, last: int) -> pl.DataFrame:
    """Return the established and the available officers of each station and shift, as an upstream frame.

    Parameters
    ----------
    incidents
        Valid incidents with ``community, reported`` (seconds) and ``officer_hours``; the last year counts.
    last
        Index of the last day.
    """
    year = incidents.filter(pl.col("reported") >= (last - 364) * DAY_S)
    station = territory.station_of_beat[territory.beat_of_community[year["community"].to_numpy()]]
    hour = (year["reported"].to_numpy() % DAY_S) / HOUR_S
    spent = year["officer_hours"].fill_null(0.0).to_numpy()
    days = min(last + 1, 365)
    rows = []
    for index, code in enumerate(territory.station_codes):
        luck = rng.uniform(0.72, 1.12)
        for shift, name, start, other in SHIFTS:
            inside = (station == index) & ((hour - start) % 24 < SHIFT_HOURS)
            needed = (spent[inside].sum() / days + other) / SHIFT_HOURS / _PLANNED_SHARE
            established = max(3, int(np.ceil(needed * rng.uniform(0.95, 1.15))))
            available = max(2, round(established * luck * rng.uniform(0.9, 1.05)))
            rows.append(
                (code, shift, name, f"{start:02d}:00", SHIFT_HOURS, established, min(available, established + 1))
            )
    frame = pl.DataFrame(rows, schema=["DWDM", "BCDM", "BCMC", "KSSJ", "SC", "BZS", "SYS"], orient="row")
    return frame.select(pl.all().cast(pl.String))
