"""How accurate the place forecast is, beside every baseline on the same months, on real incidents of five cities.

    python -m benchmarks.forecasts                         all cities; about 15 CPU minutes on one core
    python -m benchmarks.forecasts portland --category BURGLARY
    python -m benchmarks.forecasts st_louis --origins 3    the newest three months only
    python -m benchmarks.forecasts portland --learners     with the learners of the published table; 15 s a month more
    python -m benchmarks.forecasts --challenge             windows of the NIJ challenge, see benchmarks/challenge.py

*automatic* is what `beatwise hotspots` would have told on the first day of each month: chosen, fitted and corrected on
what was known by then. The other rows are single methods fitted on the same past. PAI, AUC and deviance are means over
months; gains are mean differences of PAI with 95 % bootstrap intervals over months. Only cells whose centre lies in the
outline are scored.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from analytics.cells import Floats, Grid, merge_polygons
from analytics.hotspots.evaluation import average_hits, paired_interval, poisson_deviance, rank_auc
from analytics.hotspots.history import day_number, read_located
from analytics.hotspots.inspection import poisson_interval
from analytics.hotspots.intervals import coverage_of, randomised_coverage
from analytics.hotspots.levels import LevelModel
from analytics.hotspots.panel import Panel, feature_names
from analytics.hotspots.periods import past_periods
from analytics.hotspots.rankers import LADDER, PLAIN, fit_rankers
from analytics.hotspots.selection import FITTED, fit_spread, sample_rows, select_ranker
from analytics.hotspots.study import Study
from analytics.scorecard import WINDOWS
from benchmarks import challenge
from benchmarks.cities import CITIES, City, load_city
from benchmarks.forecast_peers import NARROW_KERNEL, learners, mean_of_logs, peers

AUTOMATIC = "automatic"
LEVELS = (0.5, 0.8, 0.95)


@dataclass
class Month:
    """One forecast and what then happened.

    ``share`` is that of the map that was flagged; ``covered`` is the share of flagged cells whose count lay in the
    interval shown, by level; ``randomised`` and ``everywhere`` are coverages of the distribution itself
    (``intervals.randomised_coverage``), in flagged cells and in all. Totals are of all cells.
    """

    origin: date
    chosen: str
    share: float
    events: float
    hits: dict[str, float]
    auc: dict[str, float | None]
    deviance: dict[str, float]
    expected_hits: float
    expected_total: float
    observed_total: float
    covered: dict[float, float]
    randomised: dict[float, float]
    everywhere: dict[float, float]
    seconds: float


def months_between(first: date, last: date) -> list[date]:
    """Return the first days of the months from ``first`` to ``last``."""
    count = (last.year - first.year) * 12 + last.month - first.month
    return [date(first.year + (first.month - 1 + k) // 12, (first.month - 1 + k) % 12 + 1, 1) for k in range(count + 1)]


def forecast_month(
    study: Study,
    panel: Panel,
    origin: date,
    days: int,
    flagged: int,
    scored: Any,
    points: Any,
    *,
    happened: tuple[Floats, float],
    singles: bool,
    taught: bool = False,
) -> Month:
    """Return one forecast of every method, scored on what then happened: counts per place, and all incidents."""
    start = time.process_time()
    at = day_number(origin)
    told = select_ranker(
        panel,
        as_of=at,
        horizon_days=days,
        flagged=flagged,
        total_km2=study.total_km2,
        interval_level=0.8,
        seed=0,
    )
    period = panel.period(at, days, observed=False)
    automatic = told.ranker.predict(period.features)
    seconds = time.process_time() - start
    names = feature_names()
    scores = {name: np.exp(period.features[:, names.index(f"{name}d")]) for name in PLAIN}
    periods = past_periods(panel, at, days, FITTED)
    if singles:
        sample = sample_rows(periods, 0, flagged)
        expected = {name: ranker.predict(period.features) for name, ranker in fit_rankers(LADDER, *sample).items()}
        others = peers(panel, at, study, points)
        if taught:
            expected |= learners(sample, period.features)
            expected["GLM + kernel"] = mean_of_logs(expected["poisson_glm"], others[NARROW_KERNEL])
        total = LevelModel(panel, days).fit(periods).predict(at)
        scores |= {name: told * (total / told.sum()) for name, told in expected.items()} | others
    scores[AUTOMATIC] = automatic
    counts, events = happened
    top = np.argsort(-automatic, kind="stable")[:flagged]
    covered = {}
    for level in LEVELS:
        spread = fit_spread(told.told, [p for p in told.rolled.newest], flagged, level) if told.rolled else (0.0, level)
        covered[level] = coverage_of(automatic[top], counts[top], *spread)
    spread_now = told.dispersion
    return Month(
        origin,
        told.chosen,
        flagged * study.grid.cell_km2 / study.total_km2,
        events,
        {name: average_hits(score, counts, flagged) for name, score in scores.items()},
        {name: rank_auc(score[scored], counts[scored] > 0) for name, score in scores.items()},
        {name: poisson_deviance(s[scored], counts[scored]) for name, s in scores.items() if "ft" not in name},
        float(automatic[top].sum()),
        float(automatic.sum()),
        float(counts.sum()),
        covered,
        {level: randomised_coverage(automatic[top], counts[top], spread_now, level) for level in LEVELS},
        {level: randomised_coverage(automatic, counts, spread_now, level) for level in LEVELS},
        seconds,
    )


def run_series(
    city: City,
    category: str,
    *,
    origins: int | None = None,
    singles: bool = True,
    taught: bool = False,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Return the months of one category of a city, scored."""
    grid = Grid(city.crs, city.cell_m)
    studies = Studies(city, grid)
    own = city.incidents.filter(pl.col("category") == category)
    x, y = grid.project(own["lon"].to_numpy(), own["lat"].to_numpy())
    points = (x, y, own["occurred_on"].to_physical().cast(pl.Int64).to_numpy())
    chosen = months_between(city.first, city.last)[-origins if origins else 0 :]
    months = []
    for origin in chosen:
        following = date(origin.year + origin.month // 12, origin.month % 12 + 1, 1)
        days = (following - origin).days
        study, everything, scored = studies.at(origin)
        flagged = math.ceil(city.area_share * study.total_km2 / grid.cell_km2 - 1e-6)
        months.append(
            forecast_month(
                study,
                study.panel(category),
                origin,
                days,
                flagged,
                scored,
                points,
                happened=everything.panel(category).happened(day_number(origin), days),
                singles=singles,
                taught=taught,
            )
        )
        tell(f"{city.name}, {category}, {origin}: {months[-1].chosen}, {months[-1].seconds:.1f} s")
    return summarise(city.name, category, months, int(scored.sum()), flagged)


class Studies:
    """What was known on a day, the same places with all that came, and which of these places are scored.

    With an outline the places are the same on every day, and forecasts read nothing of later days from a study that
    holds them (checked by taking them away). Without one the places are those near an incident known by that day: those
    near incidents still to come would tell where they come.
    """

    def __init__(self, city: City, grid: Grid) -> None:
        self._city, self._grid = city, grid
        self._end = city.last + timedelta(days=31)
        self._whole: tuple[Study, Study, Any] | None = None
        if city.outline is not None:
            import shapely

            study = Study.of(city.incidents, as_of=self._end, grid=grid, study_area=city.outline)
            area = merge_polygons(city.outline)
            shapely.prepare(area)
            inside = shapely.contains_xy(area, *grid.centres(study.lattice.columns, study.lattice.rows))
            self._whole = (study, study, inside)

    def at(self, origin: date) -> tuple[Study, Study, Any]:
        """Return the study as of a day, one of all incidents on its places, and a flag per place."""
        if self._whole is not None:
            return self._whole
        known = Study.of(self._city.incidents, as_of=origin, grid=self._grid)
        located = read_located(self._city.incidents, self._grid, as_of=self._end)
        everything = Study(self._grid, self._end, located, known.lattice, known.total_km2, include_discovered=False)
        return known, everything, np.ones(known.lattice.size, dtype=bool)


def summarise(city: str, category: str, months: Sequence[Month], cells: int, flagged: int) -> dict[str, Any]:
    """Return means over months per method, paired gains of the automatic choice, coverage and level."""
    pai = {name: np.array([m.hits[name] / max(m.events, 1.0) / m.share for m in months]) for name in months[0].hits}
    rows = []
    for name in pai:
        aucs = [a for m in months if (a := m.auc[name]) is not None]
        deviance = [m.deviance[name] for m in months if name in m.deviance]
        rows.append(
            {
                "method": name,
                "pai": float(pai[name].mean()),
                "auc": float(np.mean(aucs)) if aucs else None,
                "deviance": float(np.mean(deviance)) if deviance else None,
            }
        )
    gains = {}
    for name in pai:
        if name != AUTOMATIC:
            difference = pai[AUTOMATIC] - pai[name]
            mean, low, high = paired_interval(difference, seed=0, level=0.95)
            gains[name] = {"mean": mean, "low": low, "high": high, "worse": int((difference < 0).sum())}
    hits = sum(m.hits[AUTOMATIC] for m in months)
    return {
        "city": city,
        "category": category,
        "months": len(months),
        "cells": cells,
        "flagged": flagged,
        "events": float(sum(m.events for m in months)),
        "hits": hits,
        "rows": rows,
        "gains": gains,
        "coverage": _mean_by_level([m.covered for m in months]),
        "randomised": _mean_by_level([m.randomised for m in months]),
        "everywhere": _mean_by_level([m.everywhere for m in months]),
        "expected_over_observed": sum(m.expected_hits for m in months) / max(hits, 1e-9),
        "expected_range": [
            sum(m.expected_hits for m in months) / max(end, 1e-9) for end in poisson_interval(hits)[::-1]
        ],
        "expected_over_observed_everywhere": sum(m.expected_total for m in months)
        / max(sum(m.observed_total for m in months), 1e-9),
        "chosen": {name: sum(m.chosen == name for m in months) for name in sorted({m.chosen for m in months})},
        "cpu_seconds_per_forecast": float(np.mean([m.seconds for m in months])),
    }


def _mean_by_level(months: Sequence[dict[float, float]]) -> dict[str, float]:
    return {f"{100 * level:g}": float(np.mean([month[level] for month in months])) for level in LEVELS}


CALIBRATION_HEAD = (
    "| series | hits | expected / observed in the list (90 %) | in all cells | coverage shown 50 / 80 / 95 % "
    "| randomised, list | randomised, all cells |",
    "|---|---|---|---|---|---|---|",
)


def calibration_line(found: dict[str, Any]) -> str:
    """Return how the numbers of one series came true, as a line of a table."""
    low, high = found["expected_range"]
    shares = " | ".join(
        " / ".join(f"{100 * share:.1f}" for share in found[key].values())
        for key in ("coverage", "randomised", "everywhere")
    )
    return (
        f"| {found['city']} {found['category'].lower()} | {found['hits']:.0f} | "
        f"{found['expected_over_observed']:.2f} ({low:.2f} to {high:.2f}) "
        f"| {found['expected_over_observed_everywhere']:.2f} | {shares} |"
    )


def to_markdown(found: dict[str, Any]) -> str:
    """Return one series as a table with its verdict."""
    lines = [
        f"### {found['city']}, {found['category']}: {found['months']} months, {found['events']:g} incidents, "
        f"{found['flagged']} of {found['cells']} cells flagged",
        "",
        "| method | PAI | AUC | deviance | gain of automatic (95 %) | months worse |",
        "|---|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        gain = found["gains"].get(row["method"])
        shown = "" if gain is None else f"{gain['mean']:+.2f} ({gain['low']:+.2f} to {gain['high']:+.2f})"
        worse = "" if gain is None else str(gain["worse"])
        numbers = [("–" if row[k] is None else f"{row[k]:.{d}f}") for k, d in (("pai", 2), ("auc", 3), ("deviance", 4))]
        lines.append(f"| {row['method']} | {' | '.join(numbers)} | {shown} | {worse} |")
    cover = ", ".join(f"{level} %: {100 * share:.1f}" for level, share in found["coverage"].items())
    picks = ", ".join(f"{name} {times}" for name, times in found["chosen"].items())
    return "\n".join(
        [
            *lines,
            "",
            f"Chosen: {picks}. Coverage in flagged cells {cover}; expected / observed there "
            f"{found['expected_over_observed']:.2f}; {found['cpu_seconds_per_forecast']:.1f} CPU s a forecast. "
            f"{verdict_of(found)}",
            "",
        ]
    )


def verdict_of(found: dict[str, Any]) -> str:
    """Return one sentence on the automatic choice against the better plain count."""
    pai = {row["method"]: row["pai"] for row in found["rows"]}
    best = max(PLAIN, key=lambda name: pai[name])
    gain = found["gains"][best]
    days = best.removeprefix("count_")
    if gain["low"] > 0:
        return f"Better than the {days}-day count, the better of the two."
    if gain["high"] < 0:
        return f"The {days}-day count wins here."
    return f"Not told apart from the {days}-day count, the better of the two."


def run_challenge(
    years: Sequence[int], category: str | None, windows: Sequence[str] | None, kept: Path | None
) -> list[dict[str, Any]]:
    """Score and print the challenge's windows one by one, leaving out those in ``kept``; return these and the new."""
    held = challenge.read_windows(kept) if kept else []

    def write(row: dict[str, Any]) -> None:
        print(challenge.to_line(row), flush=True)
        if kept:
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")

    print("\n".join(challenge.HEAD), flush=True)
    for row in held:
        print(challenge.to_line(row), flush=True)
    return held + challenge.score_windows(
        load_city("portland"),
        years=years,
        categories=[category] if category else None,
        windows=windows or tuple(WINDOWS),
        known=[(row["category"], row["year"], row["window"]) for row in held],
        tell=write,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cities", nargs="*", choices=[*CITIES, []], help="cities; all when none is named")
    parser.add_argument("--category", help="one category only")
    parser.add_argument("--origins", type=int, help="newest months only")
    parser.add_argument("--only-automatic", action="store_true", help="leave out the single methods and peers")
    parser.add_argument("--learners", action="store_true", help="with the learners of the published table")
    parser.add_argument("--challenge", action="store_true", help="windows of the NIJ challenge in 2015 and 2016")
    parser.add_argument("--year", type=int, action="append", help="with --challenge: one year; may be repeated")
    parser.add_argument("--window", choices=list(WINDOWS), action="append", help="with --challenge: one window")
    parser.add_argument(
        "--json",
        type=Path,
        help="file the figures are added to, one line a series or window; windows already in it are not made again",
    )
    asked = parser.parse_args()
    if asked.challenge:
        rows = run_challenge(asked.year or challenge.YEARS, asked.category, asked.window, asked.json)
        print("\n" + challenge.summarise_windows(rows))
        return
    told = []
    for name in asked.cities or CITIES:
        city = load_city(name)
        for category in [c for c in city.categories if asked.category in (None, c)]:
            found = run_series(
                city,
                category,
                origins=asked.origins,
                singles=not asked.only_automatic,
                taught=asked.learners,
                tell=lambda line: None,
            )
            told.append(calibration_line(found))
            print(to_markdown(found), flush=True)
            if asked.json:
                with asked.json.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(found) + "\n")
    print("\n".join([*CALIBRATION_HEAD, *told]))


if __name__ == "__main__":
    main()
