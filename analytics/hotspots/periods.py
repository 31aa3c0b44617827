"""Past periods a forecast may learn from: whole, known by the day of the forecast, and of days that have a record."""

from __future__ import annotations

import numpy as np

from analytics.cells import Integers
from analytics.hotspots.panel import Panel, Period

#: Days between origins; longer horizons overlap, shorter ones leave gaps.
STEP_DAYS = 28
#: History an origin must look back on before it is used, days.
LEAST_HISTORY_DAYS = 365
#: Share of a period's incidents that may still be unknown when it is learnt from, and the farthest back that is looked
#: for such periods, days: a source that needs more than a year has no record of when it knew.
MOST_UNKNOWN, LONGEST_WAIT_DAYS = 0.05, 13 * STEP_DAYS


def past_periods(panel: Panel, as_of: int, horizon_days: int, most: int) -> list[Period]:
    """Return the newest whole periods that ended by ``as_of`` and are known by then, newest first.

    Horizons up to a step share their origins: a 7-day and a 28-day forecast are tried on the same days.
    """
    newest = as_of - max(horizon_days, STEP_DAYS) - waiting_days(panel, horizon_days)
    span = as_of - panel.first_day
    least = min(LEAST_HISTORY_DAYS, max(span // 3, 1))
    origins = range(newest, panel.first_day + least - 1, -STEP_DAYS)
    # A period of which a part was not recorded says too little; older ones take its place.
    usable = [origin for origin in origins if not panel.record.misses(origin, origin + horizon_days, as_of=as_of)][
        :most
    ]
    # Oldest first, because decayed maps are carried on from origin to origin.
    return [panel.period(origin, horizon_days, observed=True) for origin in reversed(usable)][::-1]


def waiting_days(panel: Panel, horizon_days: int) -> int:
    """Return the days, in whole steps, until all but ``MOST_UNKNOWN`` of a past period's incidents are known.

    Notes
    -----
    Where a source learns of incidents weeks later, the newest periods look quiet only because their incidents are not
    in yet; a forecast that learnt from them would expect too few. Delays are those of the category's own incidents.
    Without a day of knowledge, or where it says nothing (all loaded at once, years later), nothing is waited for.
    """
    delay = np.sort(panel.known - panel.day)
    youngest = max(horizon_days, STEP_DAYS) - horizon_days + 1
    for wait in range(0, LONGEST_WAIT_DAYS + 1, STEP_DAYS):
        if _unknown_share(delay, youngest + wait, horizon_days) <= MOST_UNKNOWN:
            return wait
    return 0


def is_known_whole(panel: Panel, origin: int, horizon_days: int, as_of: int) -> bool:
    """Return whether a past period is over, was recorded throughout, and all but ``MOST_UNKNOWN`` of it is known."""
    youngest = as_of - origin - horizon_days + 1
    return (
        youngest >= 1
        and not panel.record.misses(origin, origin + horizon_days, as_of=as_of)
        and _unknown_share(np.sort(panel.known - panel.day), youngest, horizon_days) <= MOST_UNKNOWN
    )


def _unknown_share(delay: Integers, youngest: int, horizon_days: int) -> float:
    """Return the share of a period's incidents not known yet, its last day ``youngest`` days ago; delays are sorted."""
    age = np.arange(youngest, youngest + horizon_days)
    # An incident of this age is still unknown if it takes as many days or more.
    return float((1 - np.searchsorted(delay, age) / max(len(delay), 1)).mean())
