"""The windows of the NIJ challenge in years before it: what the product would have caught, beside both plain counts.

    python -m benchmarks.forecasts --challenge                                    2015 and 2016, about 8 CPU minutes
    python -m benchmarks.forecasts --challenge --year 2015 --category BURGLARY --json windows.jsonl

Every window is printed and written as soon as it is scored; those already in the file are not made again, so a run may
be cut into pieces. Forecasts are those of ``forecast_hotspots``, the function behind `beatwise hotspots`, from what was
known before the origin. Windows of a year lie in one another, so the interval of the mean over windows resamples days,
the same days for every window and category, within the stretches between the windows' ends.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from analytics.cells import Floats, Grid
from analytics.hotspots.evaluation import average_hits
from analytics.hotspots.forecast import forecast_hotspots
from analytics.hotspots.history import day_number
from analytics.hotspots.panel import Lattice
from analytics.hotspots.rankers import PLAIN
from analytics.hotspots.study import Study
from analytics.scorecard import MAP_SQ_FT, SQ_FT_PER_KM2, WINDOWS, cells_within, end_of_window, pai_of
from benchmarks.cities import City

AUTOMATIC = "automatic"
YEARS = (2015, 2016)
#: Side of a cell, metres (250 ft, the smallest square allowed), and forecast area, square miles (the smallest).
CELL_M, AREA_SQ_MI = 76.2, 0.25
DRAWS = 2000


def score_windows(
    city: City,
    *,
    years: Sequence[int] = YEARS,
    categories: Sequence[str] | None = None,
    windows: Sequence[str] = tuple(WINDOWS),
    cell_m: float = CELL_M,
    known: Iterable[tuple[str, int, str]] = (),
    tell: Callable[[dict[str, Any]], None] = lambda row: None,
) -> list[dict[str, Any]]:
    """Return one row per window from 1 March of each year, and ``tell`` each as soon as it is scored.

    Parameters
    ----------
    known
        (category, year, window) that are left out, because they were scored before.
    """
    done, rows = set(known), []
    grid = Grid(city.crs, cell_m)
    flagged = cells_within(AREA_SQ_MI, grid)
    for year in years:
        origin = date(year, 3, 1)
        study: Study | None = None
        for category in categories or city.categories:
            for window in [w for w in windows if (category, year, w) not in done]:
                study = study or Study.of(city.incidents, as_of=origin, grid=grid, study_area=city.outline)
                rows.append(_score(city, study, category, window, flagged))
                tell(rows[-1])
    return rows


def _score(city: City, study: Study, category: str, window: str, flagged: int) -> dict[str, Any]:
    origin, grid = study.as_of, study.grid
    end = end_of_window(origin, window)
    days = (end - origin).days
    found = forecast_hotspots(
        city.incidents,
        as_of=origin,
        horizon_days=days,
        category=category,
        grid=grid,
        area_km2=flagged * grid.cell_km2,
        study=study,
    )
    then = city.incidents.filter(
        pl.col("category") == category, pl.col("occurred_on") >= origin, pl.col("occurred_on") < end
    )
    day = then["occurred_on"].to_physical().to_numpy() - day_number(origin)
    weight = then["weight"].to_numpy().astype(float)
    x, y = grid.project(then["lon"].to_numpy(), then["lat"].to_numpy())
    column, line = grid.index_metres(x, y)
    cell = _positions(study.lattice, column, line)
    inside = cell >= 0
    counts = np.bincount(cell[inside], weights=weight[inside], minlength=study.lattice.size)
    listed = np.zeros(study.lattice.size)
    listed[found.listed] = 1.0
    seats = {AUTOMATIC: listed} | {
        name: seats_of(plain_count(study, category, int(name.removeprefix("count_"))), flagged) for name in PLAIN
    }
    by_day = {
        name: np.bincount(day[inside], weights=(share[cell] * weight)[inside], minlength=days)
        for name, share in seats.items()
    }
    hits = {name: float(each.sum()) for name, each in by_day.items()}
    best = average_hits(counts, counts, flagged)
    a, events = flagged * grid.cell_km2 * SQ_FT_PER_KM2, float(weight.sum())
    return {
        "category": category,
        "year": origin.year,
        "window": window,
        "chosen": found.backtest.chosen,
        "flagged": flagged,
        "share": a / MAP_SQ_FT,
        "events": events,
        "best": best,
        "hits": hits,
        "pai": {name: pai_of(n, events, a, MAP_SQ_FT) for name, n in hits.items()},
        "pei": {name: n / best if best else None for name, n in hits.items()},
        "by_day": {name: np.round(each, 6).tolist() for name, each in by_day.items()},
        "events_by_day": np.bincount(day, weights=weight, minlength=days).tolist(),
    }


def plain_count(study: Study, category: str, window_days: int) -> Floats:
    """Return the incidents of the category in the last ``window_days`` days before the study's day, per place."""
    panel, origin = study.panel(category), day_number(study.as_of)
    age = origin - panel.day
    recent = (panel.known < origin) & (age <= window_days)
    counted = study.lattice.sum_up(panel.position[recent], panel.weight[recent])
    return np.asarray(counted.reshape(-1)[study.lattice.flat])


def seats_of(score: Floats, flagged: int) -> Floats:
    """Return 1 for places surely among the ``flagged`` highest, 0 for the others, and the share of tied last seats."""
    threshold = np.partition(score, -flagged)[-flagged]
    above, equal = score > threshold, score == threshold
    return np.where(above, 1.0, np.where(equal, (flagged - above.sum()) / equal.sum(), 0.0))


def _positions(lattice: Lattice, column: Any, line: Any) -> Any:
    """Return each point's place in the lattice, -1 for none."""
    number = {place: i for i, place in enumerate(zip(lattice.columns.tolist(), lattice.rows.tolist(), strict=True))}
    return np.array([number.get(at, -1) for at in zip(column.tolist(), line.tolist(), strict=True)], dtype=np.int64)


def compare_over_windows(rows: Sequence[dict[str, Any]], plain: str, *, seed: int = 0) -> dict[str, Any]:
    """Return mean PAI of the choice and of a plain count over windows of one year, and the interval of the difference.

    Notes
    -----
    95 % by resampling days. A day stands in every window that reaches it, and is drawn for all of them and for all
    categories at once; a draw without any incident in a window leaves that window out.
    """
    pairs = [(row["pai"][AUTOMATIC], row["pai"][plain]) for row in rows]
    means = [float(np.mean(side)) for side in zip(*pairs, strict=True)]
    ends = sorted({len(row["events_by_day"]) for row in rows})
    rng = np.random.default_rng(seed)
    starts = [0, *ends[:-1]]
    stretches = [rng.integers(a, b, size=(DRAWS, b - a)) for a, b in zip(starts, ends, strict=True)]
    picked = np.hstack(stretches)
    gains = []
    for row in rows:
        here = picked[:, : len(row["events_by_day"])]
        events = np.array(row["events_by_day"])[here].sum(axis=1)
        gain = (np.array(row["by_day"][AUTOMATIC]) - np.array(row["by_day"][plain]))[here].sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            gains.append(np.where(events > 0, gain / events / row["share"], np.nan))
    drawn = np.nanmean(gains, axis=0)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {
        "windows": len(rows),
        "automatic": means[0],
        "plain": means[1],
        "gain": means[0] - means[1],
        "low": float(low),
        "high": float(high),
        "better": sum(row["hits"][AUTOMATIC] > row["hits"][plain] + 1e-9 for row in rows),
        "worse": sum(row["hits"][AUTOMATIC] < row["hits"][plain] - 1e-9 for row in rows),
    }


def read_windows(path: Path) -> list[dict[str, Any]]:
    """Return the windows a file holds, one JSON object a line; none without the file."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


HEAD = (
    "| category | year | window | n / N (n*) | PAI | PEI | 365 d: n | PAI | 1,095 d: n | PAI | chosen |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
)


def to_line(row: dict[str, Any]) -> str:
    """Return one window as a line of the table."""
    plain = " | ".join(f"{row['hits'][name]:.1f} | {row['pai'][name] or 0:.1f}" for name in PLAIN)
    pai, pei = row["pai"][AUTOMATIC] or 0.0, row["pei"][AUTOMATIC] or 0.0
    return (
        f"| {row['category'].lower()} | {row['year']} | {row['window']} "
        f"| {row['hits'][AUTOMATIC]:g} / {row['events']:g} ({row['best']:g}) | {pai:.1f} | {pei:.3f} | {plain} "
        f"| {row['chosen']} |"
    )


def summarise_windows(rows: Sequence[dict[str, Any]]) -> str:
    """Return for each year how the choice compares with both plain counts, as Markdown."""
    lines = [
        "| year | against | windows | better / equal / worse | mean PAI | of the count | difference (95 %) |",
        "|---|---|---|---|---|---|---|",
    ]
    for year in sorted({row["year"] for row in rows}):
        own = [row for row in rows if row["year"] == year and row["events"] > 0]
        for name in PLAIN:
            found = compare_over_windows(own, name)
            equal = found["windows"] - found["better"] - found["worse"]
            lines.append(
                f"| {year} | {name.removeprefix('count_')}-day count | {found['windows']} "
                f"| {found['better']} / {equal} / {found['worse']} | {found['automatic']:.1f} | {found['plain']:.1f} "
                f"| {found['gain']:+.1f} ({found['low']:+.1f} to {found['high']:+.1f}) |"
            )
    return "\n".join([*lines, ""])
