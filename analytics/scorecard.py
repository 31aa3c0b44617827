"""The NIJ Real-Time Crime Forecasting Challenge (2017) as a scorecard: rules, windows, scores and the document.

Rules of the challenge: equal cells of 62,500 to 360,000 sq ft, 0.25 to 0.75 sq mi of forecast area, windows of one and
two weeks and one, two and three months, a map of 4,117,743,415 sq ft. PAI = (n/N)/(a/A) (Chainey et al. 2008);
PEI* = n/n*, n* the most any choice of as many cells of the same grid could have caught (Hunt 2016).

Forecasts are made from what was known before the origin; what happened afterwards enters the scores only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from analytics.cells import Floats, Grid
from analytics.hotspots.evaluation import average_hits
from analytics.hotspots.history import SURELY_MISSED
from analytics.hotspots.panel import Lattice
from data.errors import RequestError

#: Square feet (international) in a square kilometre and in a square mile.
SQ_FT_PER_KM2 = 1e6 / 0.3048**2
SQ_FT_PER_SQ_MI = 5_280.0**2
#: Map area of the challenge, square feet: the 60 police districts of Portland.
MAP_SQ_FT = 4_117_743_415.0
#: Smallest and largest cell, square feet, and forecast area, square miles.
CELL_SQ_FT = (62_500.0, 360_000.0)
AREA_SQ_MI = (0.25, 0.75)
#: Windows by code: (weeks, months) from the origin.
WINDOWS = {"1w": (1, 0), "2w": (2, 0), "1m": (0, 1), "2m": (0, 2), "3m": (0, 3)}
#: Categories of the challenge; ``ALL`` is every incident the store holds, whatever its category; ``TARGETS`` the three
#: named ones together, which is what the independent re-scoring counted as all calls.
ALL, TARGETS = "ALL", "TARGETS"
CATEGORIES = ("STREET CRIMES", "MOTOR VEHICLE THEFT", "BURGLARY")
#: History a category needs before the origin to be scored without being asked for, days.
LEAST_HISTORY_DAYS = 365
#: Best published PAI of an entry within the rules, all classes, for the origin the challenge was held on (independent
#: re-scoring of the challenge's entries by M. Miron, Apache-2.0; entries above the grid's own best are left out).
PUBLISHED_ORIGIN = date(2017, 3, 1)
PUBLISHED_PAI = {
    "STREET CRIMES": {"1w": 93.2, "2w": 95.0, "1m": 89.2, "2m": 84.2, "3m": 88.8},
    "MOTOR VEHICLE THEFT": {"1w": 32.6, "2w": 69.1, "1m": 47.0, "2m": 42.0, "3m": 41.0},
    TARGETS: {"1w": 82.0, "2w": 78.4, "1m": 78.8, "2m": 75.0, "3m": 75.3},
    "BURGLARY": {"1w": 29.2, "2w": 28.0, "1m": 31.2, "2m": 16.7, "3m": 18.9},
}


@dataclass(frozen=True)
class Entry:
    """One forecast against what happened.

    Attributes
    ----------
    origin, end
        First day of the window and the day after its last.
    chosen
        Ranker the forecast was made with.
    cells, forecast_sq_ft, map_sq_ft
        Number of flagged cells, their area a, and the area A of the map.
    hits, incidents, best
        n, N and n*.
    pai, pei
        PAI and PEI*; None without incidents (n* = 0).
    plain_hits, plain_pai
        The same cells' worth of the highest plain 365-day counts, ties averaged.
    expected
        Incidents the forecast expected in its cells.
    published
        Best published PAI of the challenge, for its own origin only.
    """

    origin: date
    end: date
    category: str
    window: str
    chosen: str
    cells: int
    forecast_sq_ft: float
    map_sq_ft: float
    hits: float
    incidents: float
    best: float
    pai: float | None
    pei: float | None
    plain_hits: float
    plain_pai: float | None
    expected: float
    published: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {**asdict(self), "origin": str(self.origin), "end": str(self.end)}


def end_of_window(origin: date, window: str) -> date:
    """Return the day after the last of a window; months are calendar months (1 March + 1 month = 1 April).

    Raises
    ------
    RequestError
        If the window is none of the challenge's.
    """
    if window not in WINDOWS:
        raise RequestError(f"there is no window {window!r}.", where="--window", remedy=f"One of: {', '.join(WINDOWS)}.")
    weeks, months = WINDOWS[window]
    if weeks:
        return origin + timedelta(weeks=weeks)
    if origin.day > 28:
        raise RequestError("a window of months must start on day 1 to 28 of a month.", where="--from")
    month = origin.month - 1 + months
    return origin.replace(year=origin.year + month // 12, month=month % 12 + 1)


def require_rules(cell_sq_ft: float) -> None:
    """Raise RequestError unless the cell is one the challenge allows."""
    low, high = CELL_SQ_FT
    if not low - 1e-3 <= cell_sq_ft <= high + 1e-3:
        raise RequestError(
            f"a cell of the challenge has {low:,.0f} to {high:,.0f} sq ft; got {cell_sq_ft:,.0f}.",
            where="--cell-ft",
            remedy="Name a side of 250 to 600 feet.",
        )


def cells_within(sq_mi: float, grid: Grid) -> int:
    """Return how many cells come closest to an area without leaving the rules: at least 0.25, at most 0.75 sq mi."""
    cell_sq_ft = grid.cell_km2 * SQ_FT_PER_KM2
    wanted = sq_mi * SQ_FT_PER_SQ_MI / cell_sq_ft
    most = int(np.floor(AREA_SQ_MI[1] * SQ_FT_PER_SQ_MI / cell_sq_ft + 1e-9))
    if not AREA_SQ_MI[0] - 1e-9 <= sq_mi <= AREA_SQ_MI[1] + 1e-9:
        raise RequestError(
            f"the forecast area must be {AREA_SQ_MI[0]} to {AREA_SQ_MI[1]} sq mi; got {sq_mi:g}.", where="--area-sq-mi"
        )
    return min(int(np.ceil(wanted - 1e-9)), most)


def require_months(incidents: pl.DataFrame, origin: date, end: date, category: str) -> None:
    """Raise RequestError unless what is held of a category covers a window to its last day, month by month.

    Parameters
    ----------
    incidents
        Valid incidents of the force with ``category``, ``source`` and ``occurred_on``, any order.

    Notes
    -----
    The sources that tell of the category must reach to the end, and the category itself where it is so frequent that
    chance explains no gap; a rare one may have a month of its own without incidents.
    """
    dated = of_category(incidents, category).drop_nulls("occurred_on")
    own = dated.filter(pl.col("category") == category)
    days = dated.filter(pl.col("source").is_in(own["source"].unique().implode()))["occurred_on"]
    missing = _missing(days, origin, end)
    year = own["occurred_on"].filter(
        (own["occurred_on"] >= origin - timedelta(days=LEAST_HISTORY_DAYS)) & (own["occurred_on"] < origin)
    )
    share = year.n_unique() / LEAST_HISTORY_DAYS
    if not missing and share > 0:
        missing = _missing(own["occurred_on"], origin, end, fewest_days=SURELY_MISSED / share)
    if missing:
        raise RequestError(
            f"the store holds no incidents of {', '.join(missing)} (category {category}), "
            f"so {origin} to {end} cannot be scored.",
            where="--from",
            remedy="Load those months, or name an earlier day or a shorter --window.",
        )


def _missing(held: pl.Series, origin: date, end: date, fewest_days: float = 1) -> list[str]:
    """Return the months of a window without any day held, else its last days; those of fewer days are not told."""
    inside = held.filter((held >= origin) & (held < end))
    found = set(inside.dt.strftime("%Y-%m").unique())
    missing = []
    for first in pl.date_range(origin.replace(day=1), end - timedelta(days=1), "1mo", eager=True):
        after = (first + timedelta(days=31)).replace(day=1)
        if f"{first:%Y-%m}" not in found and (min(after, end) - max(first, origin)).days >= fewest_days:
            missing.append(f"{first:%Y-%m}")
    last = held.filter(held < end).max()
    if not missing and isinstance(last, date) and (end - timedelta(days=1) - last).days >= fewest_days:
        missing = [f"{last + timedelta(days=1)} to {end - timedelta(days=1)}"]
    return missing


def categories_to_score(incidents: pl.DataFrame, origin: date) -> tuple[list[str], list[str]]:
    """Return the categories of the challenge that an origin can be scored on, and why others are left out.

    Parameters
    ----------
    incidents
        Valid incidents of the force with ``category`` and ``occurred_on``.
    """
    first = {
        str(code): day
        for code, day in incidents.drop_nulls("occurred_on")
        .group_by("category")
        .agg(pl.col("occurred_on").min())
        .iter_rows()
    }
    latest = origin - timedelta(days=LEAST_HISTORY_DAYS)
    scored, left_out = [], []
    for category in CATEGORIES:
        if category not in first:
            left_out.append(f"{category}: the store holds none")
        elif first[category] > latest:
            left_out.append(f"{category}: held only from {first[category]}")
        else:
            scored.append(category)
    late = {code: day for code, day in first.items() if day > latest}
    others = [code for code in first if code not in CATEGORIES]
    if not others:
        left_out.append(f"{ALL}: the store holds the three categories only, not all calls")
    elif late:
        told = ", ".join(f"{code} only from {day}" for code, day in sorted(late.items()))
        left_out.append(f"{ALL}: not the same calls before and after ({told})")
    else:
        scored.append(ALL)
    return scored, left_out


def of_category(incidents: pl.DataFrame, category: str) -> pl.DataFrame:
    """Return incidents as one category sees them: those that ``ALL`` or ``TARGETS`` puts together are relabelled."""
    if category == ALL:
        return incidents.with_columns(category=pl.lit(ALL))
    if category == TARGETS:
        together = pl.col("category").is_in(CATEGORIES)
        return incidents.with_columns(category=pl.when(together).then(pl.lit(TARGETS)).otherwise("category"))
    return incidents


def score_entry(
    cells: pl.DataFrame,
    outcomes: pl.DataFrame,
    baseline: Floats,
    lattice: Lattice,
    *,
    origin: date,
    end: date,
    category: str,
    window: str,
    chosen: str,
    map_sq_ft: float = MAP_SQ_FT,
) -> Entry:
    """Score one forecast.

    Parameters
    ----------
    cells
        Flagged cells with ``column``, ``row`` and ``expected``, all of the lattice's grid.
    outcomes
        Located incidents of the category from ``origin`` to ``end`` (exclusive): ``lon``, ``lat``, ``weight``.
    baseline
        Plain 365-day count of each cell of the lattice at the origin.
    lattice
        Cells that could have been chosen; incidents outside them count in N only.
    """
    column, row = lattice.grid.index(outcomes["lon"].to_numpy(), outcomes["lat"].to_numpy())
    weight = outcomes["weight"].to_numpy().astype(float)
    per_cell: dict[tuple[int, int], float] = {}
    for place, w in zip(zip(column.tolist(), row.tolist(), strict=True), weight.tolist(), strict=True):
        per_cell[place] = per_cell.get(place, 0.0) + w
    studied = zip(lattice.columns.tolist(), lattice.rows.tolist(), strict=True)
    counts = np.array([per_cell.get(place, 0.0) for place in studied])
    hits = sum(per_cell.get(place, 0.0) for place in cells.select("column", "row").iter_rows())
    total = float(weight.sum())
    forecast_sq_ft = cells.height * lattice.grid.cell_km2 * SQ_FT_PER_KM2
    best = average_hits(counts, counts, cells.height)
    plain = average_hits(baseline, counts, cells.height)
    published = PUBLISHED_PAI.get(category, {}).get(window) if origin == PUBLISHED_ORIGIN else None
    return Entry(
        origin,
        end,
        category,
        window,
        chosen,
        cells.height,
        forecast_sq_ft,
        map_sq_ft,
        hits,
        total,
        best,
        pai_of(hits, total, forecast_sq_ft, map_sq_ft),
        hits / best if best else None,
        plain,
        pai_of(plain, total, forecast_sq_ft, map_sq_ft),
        float(cells["expected"].sum()),
        published,
    )


def pai_of(hits: float, incidents: float, forecast_sq_ft: float, map_sq_ft: float) -> float | None:
    """Return (n/N)/(a/A); None without incidents."""
    return hits / incidents / (forecast_sq_ft / map_sq_ft) if incidents else None


def write_document(entries: Sequence[Entry], left_out: Sequence[str], *, cell_sq_ft: float, code_version: str) -> str:
    """Return the scorecard as Markdown."""
    map_sq_ft = entries[0].map_sq_ft
    lines = [
        "# NIJ Real-Time Crime Forecasting Challenge: scorecard",
        "",
        f"Cells of {cell_sq_ft:,.0f} sq ft, map of {map_sq_ft:,.0f} sq ft. Every forecast was made by the code of "
        f"`beatwise hotspots` ({code_version}) from what was known before its origin. PAI = (n/N)/(a/A); PEI* = n/n*; "
        "n hits, N incidents of the window, a forecast area, n* the most that many cells of this grid could have "
        "caught. Plain count: as many cells with the highest counts of the last 365 days, equal counts averaged.",
        "",
        "| origin | category | window | ranker | a (sq mi) | n | N | n* | PAI | PEI* | plain count: n | PAI "
        "| best published PAI |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for entry in entries:
        lines.append(
            f"| {entry.origin} | {entry.category} | {entry.window} | {entry.chosen} "
            f"| {entry.forecast_sq_ft / SQ_FT_PER_SQ_MI:.3f} | {entry.hits:g} | {entry.incidents:g} | {entry.best:g} "
            f"| {_number(entry.pai, 1)} | {_number(entry.pei, 3)} | {_number(entry.plain_hits, 1)} "
            f"| {_number(entry.plain_pai, 1)} | {_number(entry.published, 1)} |"
        )
    lines.append("")
    lines += [f"- Left out: {reason}." for reason in left_out]
    lines.append(f"- {compare(entries)}")
    lines.append("- One window is a single draw: with three incidents more or less the PAI of burglary doubles.")
    return "\n".join([*lines, ""])


def compare(entries: Sequence[Entry]) -> str:
    """Return in one sentence how often the forecasts beat the plain count, and the published figures if there are."""
    better = sum(entry.hits > entry.plain_hits for entry in entries)
    worse = sum(entry.hits < entry.plain_hits for entry in entries)
    told = (
        f"Against the plain count: {better} of {len(entries)} better, {worse} worse, "
        f"{len(entries) - better - worse} equal"
    )
    # A window is entered once, at an area fixed before the outcome is known.
    known = [entry for entry in entries if entry.published is not None and entry.pai is not None]
    lowest = [
        entry
        for entry in known
        if entry.cells == min(e.cells for e in known if (e.category, e.window) == (entry.category, entry.window))
    ]
    if not lowest:
        return f"{told}."
    ratios = [(entry.pai or 0.0) / (entry.published or 1.0) for entry in lowest]
    return (
        f"{told}. Against the best published PAI, at the smaller area: mean ratio {np.mean(ratios):.2f}, better in "
        f"{sum(ratio > 1 for ratio in ratios)} of {len(ratios)}."
    )


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
