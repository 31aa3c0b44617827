"""How hard calls press on a post hour by hour, and the chance that a call waits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.staffing.level import ShiftLevel
from analytics.staffing.queueing import erlang_c

Array = npt.NDArray[np.float64]

#: Columns of :func:`load_by_hour`.
LOADS: dict[str, Any] = {
    "weekday": pl.Int8,
    "hour": pl.Int8,
    "calls_share": pl.Float64,
    "officer_load": pl.Float64,
}


def load_by_hour(facts: pl.DataFrame, level: ShiftLevel, hours_each: float) -> pl.DataFrame:
    """Return when the calls of a post come, and how many officers they ask for then.

    Parameters
    ----------
    facts
        Incidents of the post by clock hour: columns ``hour`` and ``incidents``.
    hours_each
        Officer-hours of one call.

    Returns
    -------
    polars.DataFrame
        weekday (1 = Monday, of the day the shift begins), hour (0-23), calls_share (of the post's calls in the period),
        officer_load (officer-hours asked for in that hour). Weekdays that do not occur in the period are left out;
        empty where no calls are expected.
    """
    if facts.is_empty() or level.mean <= 0:
        return pl.DataFrame(schema=LOADS)
    profile = facts.group_by("hour").agg(pl.col("incidents").sum()).sort("hour")
    counts = np.maximum(profile["incidents"].to_numpy(), 0.0)
    present = np.flatnonzero(level.days > 0)
    arrivals = level.by_weekday[present][:, None] * (counts / counts.sum())[None, :]
    weight = arrivals * level.days[present][:, None]
    return pl.DataFrame(
        {
            "weekday": np.repeat(present + 1, len(counts)),
            "hour": np.tile(profile["hour"].to_numpy(), len(present)),
            "calls_share": (weight / weight.sum()).ravel(),
            "officer_load": (arrivals * hours_each).ravel(),
        }
    ).select(pl.col(name).cast(dtype) for name, dtype in LOADS.items())


def share_waiting(officers: float, loads: pl.DataFrame, officers_per_call: float) -> float:
    """Return the chance that a call waits, over hours of different load.

    Parameters
    ----------
    loads
        Frame from :func:`load_by_hour`.

    Notes
    -----
    Each hour is treated as if its load lasted (piecewise stationary): right for calls shorter than an hour, and too
    sharp at the edges of a rush for longer ones.
    """
    if loads.is_empty():
        # Nobody calls; who did would wait where nobody is on duty.
        return 0.0 if officers > 0 else 1.0
    shares, asked = loads["calls_share"].to_numpy(), loads["officer_load"].to_numpy()
    waits = erlang_c(officers / officers_per_call, asked / officers_per_call)
    return float(np.clip(shares @ waits, 0.0, 1.0))
