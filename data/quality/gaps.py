"""Days of which a source told next to nothing: a file that never came, or came cut, is no calm.

Judged by day for a whole force, because of one beat a day without an incident is nothing unusual; and by the delay with
which incidents become known, because the newest days are never complete where a source learns late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Days = NDArray[Any]

#: Days that are watched for the quality of a load and by an edition.
WATCHED_DAYS = 56
#: Weeks before and after a day whose same weekdays say what it usually has.
USUAL_WEEKS = 13
#: A day with at most this share of what is usual is taken to be missing, where at least so many incidents were to be
#: expected that chance does not do it: of 20, five or fewer happen once in 14,000 days.
MISSING_SHARE, FEWEST_EXPECTED = 0.25, 20.0
#: Days from which it is learnt how much of a day is known at which age, and the age by which a day tells that.
LEARNT_DAYS, SETTLED_DAYS = 182, 56
#: Share of those days that may have been known to a lesser extent at an age than is asked for.
LATER_DAYS = 0.02
#: Newest days that are left out where a source does not say when it knew: they may only be late.
UNKNOWN_DELAY_DAYS = 7
#: Days at the end without a record that are always told: a weekly file that did not come.
LONGEST_TAIL = 7
#: Days of loading a newest week is compared with, and the fewest that say what is usual.
EARLIER_LOADS, FEWEST_LOADS = 8, 3
EPOCH = date(1970, 1, 1)


def missing_days(incidents: pl.LazyFrame, *, until: date, least_tail: int = LONGEST_TAIL) -> list[date]:
    """Return the days of the eight weeks before ``until`` of which next to nothing is known, oldest first.

    Parameters
    ----------
    incidents
        ``occurred_on`` and ``known_on`` of the incidents of a force or a source, as far as known before ``until``.
    until
        Day after the last one looked at.
    least_tail
        Days without a record up to ``until`` are told from this many on; fewer are no more than the day of loading.
    """
    looked_at = timedelta(days=WATCHED_DAYS + max(7 * USUAL_WEEKS, LEARNT_DAYS))
    known_on = pl.max_horizontal(pl.coalesce("known_on", "occurred_on"), "occurred_on")
    days = (
        incidents.filter(pl.col("occurred_on") >= until - looked_at, pl.col("occurred_on") < until)
        .select(day=pl.col("occurred_on").to_physical(), known=known_on.to_physical())
        .collect()
    )
    if days.is_empty():
        return []
    end = (until - EPOCH).days
    first, thin = thin_days(days["day"].to_numpy(), days["known"].to_numpy(), end=end)
    tail = len(thin) if thin.all() else int(np.argmin(thin[::-1]))
    found = np.flatnonzero(thin[: len(thin) - tail] if tail < least_tail else thin) + first
    return [EPOCH + timedelta(days=int(day)) for day in found if day >= end - WATCHED_DAYS]


def thin_days(day: Days, known: Days, *, end: int) -> tuple[int, NDArray[np.bool_]]:
    """Return the first day of a record and of every day from it to ``end`` (exclusive) whether it is missing.

    Parameters
    ----------
    day, known
        Of at least one incident: when it happened, and the later of that and when it was known, days since 1970.
    end
        Day after the last one looked at; what happened from then on is left out.

    Notes
    -----
    What a day usually has is the lower median of the same weekdays around it, because some systems rest at weekends,
    and because where a record grew or shrank for good one side of the day is as thin. Of the newest days only what was
    known of nearly every earlier day at that age is asked for: sources that publish by the week or the month know a day
    early or late by where in the month it lies. A source too small for single days to tell anything has no missing day.
    """
    first = int(day.min())
    counts = np.bincount(day[day < end] - first, minlength=end - first).astype(np.float64)
    shifts = [7 * week for week in range(-USUAL_WEEKS, USUAL_WEEKS + 1) if 0 < 7 * abs(week) < len(counts)]
    if len(shifts) < USUAL_WEEKS:
        return first, np.zeros(len(counts), dtype=np.bool_)
    around = np.full((len(shifts), len(counts)), np.inf)
    for row, shift in zip(around, shifts, strict=True):
        row[max(-shift, 0) : len(counts) - max(shift, 0)] = counts[max(shift, 0) : len(counts) + min(shift, 0)]
    beside = np.isfinite(around).sum(axis=0)
    usual = np.sort(around, axis=0)[np.maximum(beside - 1, 0) // 2, np.arange(len(counts))]
    usual[beside < USUAL_WEEKS] = 0.0
    # Late reports of before it began make every record begin thinly.
    usual[: 7 * USUAL_WEEKS] = 0.0
    surely = _surely_known(day, known, end)[: len(counts)]
    usual[len(counts) - len(surely) :] *= surely[::-1]
    return first, (usual >= FEWEST_EXPECTED) & (counts <= MISSING_SHARE * usual)


def _surely_known(day: Days, known: Days, end: int) -> NDArray[np.float64]:
    """Return the share of a day's incidents that is surely known at an age of 1, 2 … days before ``end``."""
    # Of days young enough to be incomplete only what came fast is known, which would make every delay look short.
    settled = (day < end - SETTLED_DAYS) & (day >= end - SETTLED_DAYS - LEARNT_DAYS)
    delay = np.minimum(known[settled] - day[settled], SETTLED_DAYS)
    if not delay.any():
        return (np.arange(1, SETTLED_DAYS + 1) > UNKNOWN_DELAY_DAYS).astype(np.float64)
    by_day = np.zeros((LEARNT_DAYS, SETTLED_DAYS + 1))
    np.add.at(by_day, (day[settled] - (end - SETTLED_DAYS - LEARNT_DAYS), delay), 1.0)
    by_day = by_day[by_day.sum(axis=1) > 0]
    # An incident of an age is known if it took fewer days.
    share = by_day.cumsum(axis=1)[:, :SETTLED_DAYS] / by_day.sum(axis=1, keepdims=True)
    return np.asarray(np.quantile(share, LATER_DAYS, axis=0), dtype=np.float64)


@dataclass(frozen=True)
class NewestWeek:
    """How full the newest week was at a load, beside what it was at earlier ones.

    Attributes
    ----------
    share
        Incidents of the seven days up to the newest day that is not missing, as a share of the median of up to
        ``EARLIER_LOADS`` earlier days of loading; None with fewer than ``FEWEST_LOADS``.
    usual
        That median.
    usual_tail
        Days from that newest day to the load, at most, at the earlier ones; None with fewer.
    """

    share: float | None
    usual: int
    usual_tail: int | None


def newest_week(rows: pl.DataFrame, loads: Sequence[tuple[str, date]]) -> NewestWeek:
    """Return how full the newest week was at the last of some loads.

    Parameters
    ----------
    rows
        ``load_id`` and ``occurred_on`` of what the loads brought, as it stands now.
    loads
        Id and day of every load of the source, oldest first.

    Notes
    -----
    A week that is always incomplete because incidents become known late is compared with weeks as incomplete, and it
    does not matter how often files come: what was loaded by a day counts, whichever load brought it.
    """
    number = {load_id: at for at, (load_id, _) in enumerate(loads)}
    # Of several loads on one day the last one.
    ends = list({day: at for at, (_, day) in enumerate(loads)}.items())[-EARLIER_LOADS - 1 :]
    if len(ends) <= FEWEST_LOADS:
        return NewestWeek(None, 0, None)
    came = rows.drop_nulls("occurred_on").with_columns(
        at=pl.col("load_id").replace_strict(number, return_dtype=pl.Int64)
    )
    found = [_newest_week_by(came.filter(pl.col("at") <= at), day) for day, at in ends]
    usual = int(median(filled for filled, _ in found[:-1]))
    share = found[-1][0] / usual if usual else None
    return NewestWeek(share, usual, max(tail for _, tail in found[:-1]))


def _newest_week_by(came: pl.DataFrame, day: date) -> tuple[int, int]:
    """Return the incidents of the newest week, and the days from its end to the load."""
    earliest = day - timedelta(days=7 * USUAL_WEEKS)
    daily = came.filter(pl.col("occurred_on") < day, pl.col("occurred_on") >= earliest).group_by("occurred_on").len()
    full = daily.filter(pl.col("len") >= MISSING_SHARE * pl.col("len").median())
    newest = full["occurred_on"].max()
    if not isinstance(newest, date):
        return 0, LONGEST_TAIL
    filled = int(daily.filter(pl.col("occurred_on").is_between(newest - timedelta(days=6), newest))["len"].sum())
    return filled, (day - newest).days - 1
