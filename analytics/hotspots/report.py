"""The rolling back-test as one document: every ranker and metric, beside both plain counts and the oracle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from analytics.cells import Floats, cells_for_area
from analytics.hotspots.evaluation import jaccard, paired_interval, score_ranking, shared_days
from analytics.hotspots.groups import Grouping
from analytics.hotspots.history import day_number
from analytics.hotspots.inspection import compare_groups
from analytics.hotspots.periods import past_periods
from analytics.hotspots.rankers import LADDER, PLAIN
from analytics.hotspots.selection import (
    FITTED,
    Rolled,
    choose_beforehand,
    cover_across,
    cover_randomised_across,
    observed_counts,
    roll_rankers,
    rungs_of,
    score_distributions_across,
)
from analytics.hotspots.study import Study
from data.errors import RequestError
from data.shares import percent

#: The ranker chosen at each origin from older origins alone: what a reader of that day would have been given.
AUTOMATIC = "automatic"
#: Two-sided level of the paired bootstrap intervals.
LEVEL = 0.9


@dataclass(frozen=True)
class Evaluation:
    """What a rolling back-test showed.

    Attributes
    ----------
    parameters
        What was asked for.
    origins
        Days the past forecasts were made on, newest first.
    events
        Incidents of each period, in the order of ``origins``.
    rows
        One per ranker: means over origins (``pai``, ``pei``, ``auc``, ``deviance``, ``coverage``,
        ``randomised_coverage``, ``crps``, ``jaccard``), pooled ``expected_over_observed``, and ``pai_gain_count_365`` /
        ``pai_gain_count_1095`` as mean, low, high. None where undefined.
    oracle_pai
        Mean PAI of the best possible choice of cells.
    chosen
        Ranker behind ``automatic`` at each origin; None where too few older origins were left to choose on.
    groups
        Flags, hits and expected against observed counts of ``automatic`` by group of places (see
        ``inspection.compare_groups``); empty without groupings.
    """

    parameters: dict[str, Any]
    origins: tuple[date, ...]
    events: tuple[float, ...]
    rows: list[dict[str, Any]]
    oracle_pai: float | None
    chosen: tuple[str | None, ...]
    groups: tuple[dict[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {
            "parameters": self.parameters,
            "origins": [str(day) for day in self.origins],
            "events": list(self.events),
            "oracle_pai": self.oracle_pai,
            "rankers": self.rows,
            "chosen": list(self.chosen),
            "groups": [dict(row) for row in self.groups],
        }

    def to_markdown(self) -> str:
        """Return the document."""
        asked = self.parameters
        lines = [
            f"# Back-test of hotspots: {asked['category']}, {asked['horizon_days']} days",
            "",
            f"{len(self.origins)} past forecasts from {self.origins[-1]} to {self.origins[0]}, each scored on the "
            f"{asked['horizon_days']} days after it; rankers fitted once, on periods that ended before the first of "
            f"them. Cells of {asked['cell_m']:g} m, {asked['cells_flagged']} flagged of {asked['cells_studied']} "
            f"({asked['area_km2']:g} of {asked['total_km2']:.0f} km²); {sum(self.events):g} incidents; oracle PAI "
            f"{_number(self.oracle_pai)}.",
            "",
            "| ranker | PAI | PEI | AUC | deviance | expected / observed | coverage | randomised | CRPS "
            "| Jaccard | PAI gain on 365-day count | on 1,095-day count |",
            "|---|---|---|---|---|---|---|---|---|---|---|---|",
        ]
        for row in self.rows:
            shown = [_number(row[key]) for key in ("pai", "pei", "auc", "deviance", "expected_over_observed")]
            shown += [_number(row[key]) for key in ("coverage", "randomised_coverage", "crps", "jaccard")]
            shown += [_gain(row[f"pai_gain_{plain}"]) for plain in PLAIN]
            lines.append(f"| {row['ranker']} | " + " | ".join(shown) + " |")
        picks = ", ".join(
            f"{day}: {name}" for day, name in zip(self.origins, self.chosen, strict=True) if name is not None
        )
        lines += [
            "",
            f"- `{AUTOMATIC}` is the ranker chosen at each origin from older origins alone, on the origins that have "
            f"enough of them ({picks or 'none'}); its means are over those, its gains paired with the counts there.",
            f"- Gains are means of paired differences with {100 * LEVEL:.0f} % bootstrap intervals over origins, "
            "widened for how few these are and for the days that periods longer than 28 share; one that includes zero "
            "does not tell the two apart.",
            "- Expected counts are brought to the level forecast for the period and corrected by the other origins; "
            "expected / observed and coverage are those of the flagged cells. The nominal coverage is "
            f"{100 * asked['interval_level']:g} %; counts are whole numbers, so rare incidents stay above it. "
            "Randomised coverage asks whether the distribution behind the intervals is right: a count at the edge of "
            "the nominal level is covered in part (Czado, Gneiting & Held 2009). CRPS is how far the distribution told "
            "of a flagged cell lies from its count, in incidents: less is better.",
            "- Jaccard is the share of flagged cells that two forecasts 28 days apart have in common.",
            f"- Police-discovered incidents are {'included' if asked['include_discovered'] else 'left out'} "
            f"({asked['discovered_left_out']} rows left out). Incidents are as recorded, not as they happened.",
            "",
        ]
        return "\n".join([*lines, *self._groups_told()])

    def _groups_told(self) -> list[str]:
        """Return the section on groups of places as lines; none without groups."""
        if not self.groups:
            return []
        lines = [
            f"## `{AUTOMATIC}` by group of places",
            "",
            "| kind | group | share of list | of incidents | of residents | of area | hit rate | expected | observed "
            "| expected / observed (90 %) |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        for row in self.groups:
            names = ("flagged_share", "incident_share", "population_share", "area_share", "hit_rate")
            shares = " | ".join("–" if row[name] is None else percent(row[name], 1) for name in names)
            interval = f"{_number(row['ratio'])} ({_number(row['ratio_low'])} to {_number(row['ratio_high'])})"
            lines.append(
                f"| {row['kind']} | {row['group_code']} | {shares} | {row['expected']:.0f} | {row['incidents']:g} "
                f"| {interval} |"
            )
        return [
            *lines,
            "",
            "- Thirds hold a third of the residents each, by density and by share of rented dwellings. By chance alone "
            "about one interval in ten leaves out 1.",
            "- Where people report less, a place looks quieter and is expected to be: incident records alone cannot "
            "tell the difference.",
            "",
        ]


def evaluate_rankers(
    study: Study,
    category: str,
    *,
    horizon_days: int,
    area_km2: float,
    origins: int = 12,
    fitted: int = FITTED,
    candidates: Sequence[str] = LADDER,
    interval_level: float = 0.8,
    seed: int = 0,
    groupings: Sequence[Grouping] = (),
) -> Evaluation:
    """Back-test every candidate on the newest ``origins`` periods known to the study.

    Parameters
    ----------
    groupings
        Groups of the study's places (``groups.group_places``) to tell errors by.

    Raises
    ------
    RequestError
        If the category is unknown or the history too short for three periods to try and one to fit on.
    """
    panel = study.panel(category)
    flagged = min(cells_for_area(area_km2, study.grid), study.lattice.size)
    periods = past_periods(panel, day_number(study.as_of), horizon_days, origins + fitted + horizon_days // 28)
    names = [*[name for name in PLAIN if name not in candidates], *rungs_of(panel, candidates)]
    rolled = roll_rankers(
        panel,
        periods,
        horizon_days=horizon_days,
        names=names,
        seed=seed,
        tried=origins,
        fitted=fitted,
        flagged=flagged,
    )
    if rolled is None:
        raise RequestError(
            "the history is too short for a rolling back-test.", remedy="Load more months, or name a shorter period."
        )
    told = dict(rolled.told)
    chosen = choose_beforehand(rolled, rungs_of(panel, candidates), flagged, seed)
    picked = [i for i, name in enumerate(chosen) if name is not None]
    scores = {name: _scores(rolled, each, flagged, study) for name, each in told.items()}
    rows = [
        _row(name, scores[name], told[name], list(range(len(rolled.newest))), scores, rolled, flagged, interval_level)
        for name in names
    ]
    groups: list[dict[str, Any]] = []
    if picked:
        automatic = [told[name or names[0]][i] for i, name in enumerate(chosen)]
        rows.append(
            _row(
                AUTOMATIC,
                _scores(rolled, automatic, flagged, study),
                automatic,
                picked,
                scores,
                rolled,
                flagged,
                interval_level,
            )
        )
        told_then = [automatic[i] for i in picked]
        groups = compare_groups(told_then, [rolled.newest[i] for i in picked], flagged, groupings)
    oracle = _scores(rolled, [observed_counts(p) for p in rolled.newest], flagged, study)
    parameters = {
        "category": category,
        "horizon_days": horizon_days,
        "as_of": str(study.as_of),
        "crs": study.grid.crs,
        "cell_m": study.grid.cell_m,
        "area_km2": area_km2,
        "total_km2": study.total_km2,
        "cells_studied": study.lattice.size,
        "cells_flagged": flagged,
        "interval_level": interval_level,
        "seed": seed,
        "fitted": len(rolled.older),
        "include_discovered": study.include_discovered,
        "discovered_left_out": study.discovered,
    }
    days = tuple(date(1970, 1, 1) + timedelta(days=p.origin) for p in rolled.newest)
    events = tuple(p.events or 0.0 for p in rolled.newest)
    return Evaluation(parameters, days, events, rows, _mean([s.pai for s in oracle]), tuple(chosen), tuple(groups))


def _scores(rolled: Rolled, expectations: Sequence[Floats], flagged: int, study: Study) -> list[Any]:
    return [
        score_ranking(
            expected,
            observed_counts(period),
            flagged=flagged,
            events=period.events or 0.0,
            cell_km2=study.grid.cell_km2,
            total_km2=study.total_km2,
        )
        for expected, period in zip(expectations, rolled.newest, strict=True)
    ]


def _row(
    name: str,
    scores: Sequence[Any],
    expectations: Sequence[Floats],
    used: Sequence[int],
    everyone: dict[str, list[Any]],
    rolled: Rolled,
    flagged: int,
    level: float,
) -> dict[str, Any]:
    own = [scores[i] for i in used]
    covered = cover_across(expectations, rolled.newest, flagged, level)
    randomised = cover_randomised_across(expectations, rolled.newest, flagged, level)
    ranked = score_distributions_across(expectations, rolled.newest, flagged, level)
    lists = [set(np.argsort(-expectations[i], kind="stable")[:flagged].tolist()) for i in used]
    hits = sum(s.hits for s in own)
    row: dict[str, Any] = {
        "ranker": name,
        "origins": len(used),
        **{key: _mean([getattr(s, key) for s in own]) for key in ("pai", "pei", "auc", "deviance")},
        "expected_over_observed": sum(s.expected_hits for s in own) / hits if hits else None,
        "coverage": _mean([covered[i] for i in used]),
        "randomised_coverage": _mean([randomised[i] for i in used]),
        "crps": _mean([ranked[i] for i in used]),
        "jaccard": _mean([jaccard(one, other) for one, other in pairwise(lists)]),
    }
    for plain in PLAIN:
        pairs = [(rolled.newest[i].origin, scores[i].pai, everyone[plain][i].pai) for i in used]
        differences = {origin: a - b for origin, a, b in pairs if a is not None and b is not None}
        row[f"pai_gain_{plain}"] = None
        if len(differences) > 1 and name != plain:
            shared = shared_days(list(differences), rolled.horizon_days)
            gains = np.array(list(differences.values()))
            row[f"pai_gain_{plain}"] = list(paired_interval(gains, seed=0, level=LEVEL, shared=shared))
    return row


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}" if abs(value) < 0.1 else f"{value:.3f}"


def _gain(gain: list[float] | None) -> str:
    return "–" if gain is None else f"{gain[0]:+.2f} ({gain[1]:+.2f} to {gain[2]:+.2f})"
