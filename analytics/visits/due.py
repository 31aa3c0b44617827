"""Which visits are due when: the register crossed with the rule table and the last visit with contact.

A visit without contact does not settle anything. Only facts known before ``as_of`` are used: objects opened and
visits made on an earlier local day; a closing day of ``as_of`` or later is not yet known.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from data.visit_rules import VisitRule, VisitRules

DUE_SCHEMA: dict[str, Any] = {
    "object_id": pl.String,
    "visit_kind": pl.String,
    "grade": pl.String,
    "label": pl.String,
    "beat_code": pl.String,
    "lon": pl.Float64,
    "lat": pl.Float64,
    "rule_id": pl.String,
    "priority": pl.Int32,
    "assumed": pl.Boolean,
    "last_visit_on": pl.Date,
    "due_on": pl.Date,
    "overdue_days": pl.Int32,
    "overdue_visits": pl.Int32,
    "upcoming": pl.List(pl.Date),
}


@dataclass(frozen=True)
class DueDates:
    """When one object is due.

    ``due_on`` is the last day on which the next visit is on time (None: nothing more is due). ``overdue_visits``
    counts visits already late at ``as_of``; ``upcoming`` are the later due dates up to the end of the outlook,
    supposing that late visits are made now and the others on time.
    """

    due_on: date | None
    overdue_visits: int
    upcoming: tuple[date, ...]


def add_months(day: date, months: int) -> date:
    """Return the same day ``months`` later, or the last day of that month where it is shorter."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def due_days_of_month(month: date, times: int) -> list[date]:
    """Return the days by which the 1st, 2nd … check of a month is due: the ends of ``times`` equal parts."""
    days = calendar.monthrange(month.year, month.month)[1]
    return [month.replace(day=days * part // times) for part in range(1, times + 1)]


def due_dates(rule: VisitRule, opened_on: date, contacts: Sequence[date], *, as_of: date, until: date) -> DueDates:
    """Return the due dates of one object under one rule.

    Parameters
    ----------
    contacts
        Local days of visits with contact since opening, ascending, all before ``as_of``.
    until
        End of the outlook, exclusive.

    Notes
    -----
    Monthly quotas lapse with the month: a check missed in March cannot be made in April. The object stays overdue
    since the March day, but one visit in April clears that and counts toward April's quota.
    """
    if rule.times_per_month is not None:
        return _quota_dates(rule.times_per_month, opened_on, contacts, as_of, until)
    if rule.once and contacts:
        return DueDates(None, 0, ())
    if not contacts:
        within = rule.first_within_days
        due = opened_on + timedelta(days=within) if within is not None else _later(rule, opened_on, 1)
    else:
        due = _later(rule, contacts[-1], 1)
    late = due < as_of
    if rule.once:
        return DueDates(due, int(late), () if late or due >= until else (due,))
    anchor = as_of if late else due
    upcoming = [] if late else [due]
    step = 1
    while (following := _later(rule, anchor, step)) < until:
        upcoming.append(following)
        step += 1
    return DueDates(due, int(late), tuple(day for day in upcoming if day < until))


def _later(rule: VisitRule, day: date, steps: int) -> date:
    if rule.every_months is not None:
        return add_months(day, rule.every_months * steps)
    return day + timedelta(days=(rule.every_days or 0) * steps)


def _quota_dates(times: int, opened_on: date, contacts: Sequence[date], as_of: date, until: date) -> DueDates:
    def wanted(month: date) -> list[date]:
        return [day for day in due_days_of_month(month, times) if day >= opened_on]

    def unmet(month: date) -> list[date]:
        made = sum(day.replace(day=1) == month for day in contacts)
        return wanted(month)[made:]

    this_month = as_of.replace(day=1)
    month = (contacts[-1] if contacts else opened_on).replace(day=1)
    while not (open_days := unmet(month)):
        month = add_months(month, 1)
    due_on = open_days[0]
    still_open = unmet(this_month)
    late = [day for day in still_open if day < as_of]
    upcoming = [day for day in still_open if day >= as_of]
    overdue_visits = len(late)
    if due_on < this_month and not late:
        # Late since an earlier month: the visit that clears it is this month's first check, made early.
        overdue_visits, upcoming = 1, upcoming[1:]
    month = add_months(this_month, 1)
    while month < until:
        upcoming.extend(wanted(month))
        month = add_months(month, 1)
    return DueDates(due_on, overdue_visits, tuple(day for day in upcoming if day < until))


def on_register(register: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the objects on the register as known before ``as_of``; one row per object and kind."""
    known = (pl.col("opened_on") < as_of) & (pl.col("closed_on").is_null() | (pl.col("closed_on") >= as_of))
    return (
        register.filter(known)
        .sort("opened_on", maintain_order=True)
        .unique(["object_id", "visit_kind"], keep="last", maintain_order=True)
        .with_columns(pl.col("visit_kind").cast(pl.String))
        .sort("beat_code", "object_id", "visit_kind")
    )


def visits_before(visits: pl.DataFrame, as_of: date, timezone: str) -> pl.DataFrame:
    """Return visits made on a local day before ``as_of``, with that day as ``visited_on``."""
    return visits.with_columns(
        pl.col("visited_at").dt.convert_time_zone(timezone).dt.date().alias("visited_on"),
        pl.col("visit_kind").cast(pl.String),
    ).filter(pl.col("visited_on") < as_of)


def match_rules(objects: pl.DataFrame, rules: VisitRules, as_of: date) -> list[VisitRule | None]:
    """Return the rule in force for each object: that of its grade, else that of any grade, else None."""
    table = {(rule.visit_kind, rule.grade): rule for rule in rules.in_force(as_of)}
    return [
        table.get((kind, grade)) or table.get((kind, None))
        for kind, grade in objects.select("visit_kind", "grade").iter_rows()
    ]


_CARRIED = ("object_id", "visit_kind", "grade", "label", "beat_code", "lon", "lat")


def find_due_visits(
    register: pl.DataFrame, visits: pl.DataFrame, rules: VisitRules, *, as_of: date, until: date, timezone: str
) -> pl.DataFrame:
    """Return every object on the register that is due, with its due dates.

    Parameters
    ----------
    register, visits
        Frames of schemas VisitRegister and Visits.
    as_of
        Local day; facts of this day and later are not used.
    until
        End of the outlook, exclusive.
    timezone
        IANA name of the jurisdiction's zone, for the local day of a visit.

    Returns
    -------
    polars.DataFrame
        One row per object and kind with a rule and something left to do; columns of ``DUE_SCHEMA``.

    Notes
    -----
    The register carries today's grade only: a venue regraded last week is judged by its new grade throughout.
    Nothing is known of visits before the first one on record. An object older than that counts as opened on that day;
    without any record, on ``as_of``: then nothing is overdue, because nobody can tell.
    """
    objects = on_register(register, as_of)
    known = visits_before(visits, as_of, timezone)
    record_start: date = known.select(pl.col("visited_on").min()).item() or as_of
    contacts = (
        known.filter(pl.col("contact"))
        .group_by("object_id", "visit_kind")
        .agg(pl.col("visited_on").sort().alias("contacts"))
    )
    objects = objects.join(contacts, on=["object_id", "visit_kind"], how="left", maintain_order="left")
    rows = []
    for entry, rule in zip(objects.iter_rows(named=True), match_rules(objects, rules, as_of), strict=True):
        if rule is None:
            continue
        made = [day for day in entry["contacts"] or () if day >= entry["opened_on"]]
        opened_on = max(entry["opened_on"], record_start)
        dates = due_dates(rule, opened_on, made, as_of=as_of, until=until)
        if dates.due_on is None:
            continue
        rows.append(
            {
                **{name: entry[name] for name in _CARRIED},
                "rule_id": rule.rule_id,
                "priority": rule.priority,
                "assumed": rule.assumed,
                "last_visit_on": made[-1] if made else None,
                "due_on": dates.due_on,
                "overdue_days": max(0, (as_of - dates.due_on).days),
                "overdue_visits": dates.overdue_visits,
                "upcoming": list(dates.upcoming),
            }
        )
    return pl.DataFrame(rows, schema=DUE_SCHEMA)
