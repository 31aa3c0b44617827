"""The simulation as a table: what each learning rule does to a city whose true risk is taken as known.

For the demo city the truth is the surface its incidents were drawn from; for an edition it is the edition's own
surface, taken for the truth: the question is then what the loop would do if that surface were right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from analytics.cells import Floats
from analytics.feedback.patrols import PatrolPlan, PatrolRuns, send_patrols
from analytics.feedback.urn import OAKLAND_TOP_AND_RANDOM, OAKLAND_TOP_TWO, UrnRule, draw_urns
from data.schemas.models import LEARNING_RULES, Feedback
from data.shares import percent

#: Two-sided level of the intervals over runs.
LEVEL = 0.9
#: Most groups told apart; the smaller ones of a large force are put together.
MOST_GROUPS = 12
#: Code of the smaller groups put together, and of the quarters of a map without areas.
OTHERS = "others"
QUARTERS = ("southwest", "southeast", "northwest", "northeast")
DECIMALS = 6


@dataclass(frozen=True)
class Simulation:
    """Runs of every rule on one city.

    Attributes
    ----------
    category
        Whose surface is the truth.
    codes
        Codes of the groups, in the order of the last axis of the runs.
    runs
        Rule to what became of it.
    plan, seed
        What was assumed.
    """

    category: str
    codes: tuple[str, ...]
    runs: dict[str, PatrolRuns]
    plan: PatrolPlan
    seed: int

    def to_table(self) -> pl.DataFrame:
        """Return mean and interval over runs of every measure, rule, period and group: schema ``Feedback``."""
        rows: list[dict[str, Any]] = []
        for rule, runs in self.runs.items():
            told = {"category": self.category, "rule": rule}
            measures = {
                "distance": (runs.distance, 0.0),
                "concentration": (runs.concentration, runs.true_concentration),
            }
            for measure, (values, truth) in measures.items():
                rows += [{**told, "measure": measure, **row} for row in _periods(values, truth)]
            for i, code in enumerate(self.codes):
                share, truth = runs.share[:, :, i], float(runs.true_share[i])
                rows += [
                    {**told, "measure": "visit_share", "group_code": code, **row} for row in _periods(share, truth)
                ]
        schema = Feedback.create_empty().schema
        return Feedback.validate(pl.DataFrame(rows, schema=schema), cast=True)

    def summary(self) -> dict[str, dict[str, Any]]:
        """Return per rule the first and the last period: distance and concentration, with their intervals."""
        found = {}
        for rule, runs in self.runs.items():
            found[rule] = {
                "distance_first": _interval(runs.distance[1]),
                "distance_last": _interval(runs.distance[-1]),
                "concentration_first": _interval(runs.concentration[1]),
                "concentration_last": _interval(runs.concentration[-1]),
                "true_concentration": round(runs.true_concentration, DECIMALS),
                "largest_change": round(float(np.abs(np.diff(runs.share, axis=0)).max()), DECIMALS),
            }
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return summary, shares at the end and assumptions as plain values, for JSON."""
        shares = {
            rule: {
                code: {"truth": round(float(runs.true_share[i]), DECIMALS), "last": _interval(runs.share[-1, :, i])}
                for i, code in enumerate(self.codes)
            }
            for rule, runs in self.runs.items()
        }
        return {
            "category": self.category,
            "assumptions": {**asdict(self.plan), "seed": self.seed},
            "rules": self.summary(),
            "visit_shares": shares,
        }


def simulate_city(
    category: str,
    true_rate: Floats,
    codes: Sequence[str],
    plan: PatrolPlan,
    *,
    seed: int,
    rules: Sequence[str] = LEARNING_RULES,
) -> Simulation:
    """Simulate every rule on one city.

    Parameters
    ----------
    true_rate, codes
        Incidents per place and period, and the code of the group each place lies in (empty = in none).
    """
    totals: dict[str, float] = {}
    for code, rate in zip(codes, true_rate.tolist(), strict=True):
        totals[code or OTHERS] = totals.get(code or OTHERS, 0.0) + rate
    largest = sorted(totals, key=lambda code: (-totals[code], code))
    kept = sorted(largest if len(largest) <= MOST_GROUPS else [c for c in largest if c != OTHERS][: MOST_GROUPS - 1])
    names = tuple(kept if len(kept) == len(largest) else [*kept, OTHERS])
    at = {code: i for i, code in enumerate(names)}
    group = np.array([at.get(code or OTHERS, len(names) - 1) for code in codes], dtype=np.int64)
    runs = {rule: send_patrols(true_rate, group, plan, rule=rule, seed=seed) for rule in rules}
    return Simulation(category, names, runs, plan, seed)


def simulate_edition(
    hotspots: pl.DataFrame, surface: pl.DataFrame, *, horizon_days: int, seed: int, **assumed: Any
) -> pl.DataFrame:
    """Return the simulation of every category of an edition, its surface taken for the truth: schema ``Feedback``.

    Parameters
    ----------
    hotspots, surface
        Tables of the edition; the number of listed places is that of the edition's own list.
    horizon_days
        Which surface; a period of the simulation is that long.
    assumed
        Other assumptions, see :class:`PatrolPlan`.
    """
    tables: list[pl.DataFrame] = [Feedback.create_empty()]
    for (category,), cells in surface.filter(pl.col("horizon_days") == horizon_days).group_by(
        "category", maintain_order=True
    ):
        own = (pl.col("category") == category) & (pl.col("horizon_days") == horizon_days)
        listed = hotspots.filter(own).height
        cells = cells.filter(pl.col("expected") > 0).sort("place_id")
        if not 0 < listed < cells.height:
            continue
        plan = PatrolPlan(listed, **assumed)
        codes = name_groups(cells)
        tables.append(simulate_city(str(category), cells["expected"].to_numpy(), codes, plan, seed=seed).to_table())
    return pl.concat(tables)


def write_document(simulation: Simulation, urns: Sequence[dict[str, Any]], *, truth: str) -> str:
    """Return urn and city as one Markdown document.

    Parameters
    ----------
    truth
        Where the true risk comes from, in words.
    """
    plan = simulation.plan
    lines = [
        "# What a ranking does to itself",
        "",
        "## Two neighbourhoods (Ensign et al. 2018)",
        "",
        "Share of the first district's visits after 1,000 days; mean and 90 % of 200 runs.",
        "",
        "| districts | learned from | reported by residents | true share | start | after 1,000 days |",
        "|---|---|---|---|---|---|",
    ]
    for row in urns:
        mean, low, high = row["last_share"]
        lines.append(
            f"| {row['districts']} | {row['rule']} | {percent(row['reported_share'])} | {row['true_share']:.3f} "
            f"| {row['first_share']:.3f} | {mean:.3f} ({low:.3f} to {high:.3f}) |"
        )
    lines += [
        "",
        f"## The city: {simulation.category}",
        "",
        f"Truth: {truth}. {plan.listed} places listed and as many visits a period, {plan.periods} periods, "
        f"{plan.runs} runs. Assumed: residents report {percent(plan.reported_share)} of what happens (where most "
        f"happens, {plan.uneven_reporting:g} times that); a visit finds {percent(plan.found_per_visit)} of the rest; "
        f"before the first ranking one area had {plan.past_tilt:g} times its due of visits; "
        f"under the cap no area's share changes by more than {100 * plan.cap:g} points a period.",
        "",
        "| learned from | distance of visits from the truth: first → last period "
        "| visits of the busiest tenth of the list: first → last (truth) "
        "| largest change of an area's share |",
        "|---|---|---|---|",
    ]
    for rule, row in simulation.summary().items():
        lines.append(
            f"| {rule} | {row['distance_first'][0]:.3f} → {_told(row['distance_last'])} "
            f"| {row['concentration_first'][0]:.2f} → {_told(row['concentration_last'], 2)} "
            f"({row['true_concentration']:.2f}) | {100 * row['largest_change']:.1f} points |"
        )
    lines += [
        "",
        "- Distance: share of the visits that would have to go to another area to match the truth; 0 is a match.",
        "- `everything_limited` is learned from everything too, but unreported incidents run out: the loop then stops "
        "early. Which of the two is nearer to life depends on the category.",
        "- Reported incidents alone keep near the truth only where reporting is alike everywhere; uneven reporting is "
        "learned as if it were risk (`--uneven-reporting`), and no filter of records can mend that.",
        "- Visits change neither what happens nor what is reported here.",
        "",
    ]
    return "\n".join(lines)


def _told(interval: Sequence[float], digits: int = 3) -> str:
    mean, low, high = interval
    return f"{mean:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def name_groups(cells: pl.DataFrame) -> list[str]:
    """Return the station each place lies in; without stations the quarter of the map."""
    stations = cells["station_code"]
    if stations.null_count() < cells.height:
        return list(stations.fill_null(OTHERS))
    lon, lat = cells["lon"].to_numpy(), cells["lat"].to_numpy()
    return [
        QUARTERS[2 * int(up) + int(right)] for right, up in zip(lon > np.median(lon), lat > np.median(lat), strict=True)
    ]


def simulate_urns(*, seed: int, days: int = 1000, runs: int = 200) -> list[dict[str, Any]]:
    """Return the two-neighbourhood result of the paper: share of the first neighbourhood after ``days`` days.

    Each of the two pairs of districts, with nothing, then with half of the incidents reported by residents.
    """
    asked: tuple[tuple[UrnRule, float], ...] = (
        ("discovered", 0.0),
        ("corrected", 0.0),
        ("discovered", 0.5),
        ("corrected", 0.5),
        ("reported", 0.5),
    )
    rows = []
    for name, (rates, start) in (("top two", OAKLAND_TOP_TWO), ("top and random", OAKLAND_TOP_AND_RANDOM)):
        for rule, reported in asked:
            urns = draw_urns(rates, start, rule=rule, reported_share=reported, days=days, runs=runs, seed=seed)
            rows.append(
                {
                    "districts": name,
                    "rule": rule,
                    "reported_share": reported,
                    "true_share": round(urns.truth, DECIMALS),
                    "first_share": round(float(urns.share[0, 0]), DECIMALS),
                    "last_share": [round(value, DECIMALS) for value in urns.interval(days, LEVEL)],
                }
            )
    return rows


def _periods(values: Floats, truth: float) -> list[dict[str, Any]]:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    mean = values.mean(axis=1)
    return [
        {
            "period": period,
            "value": round(float(mean[period]), DECIMALS),
            "low": round(float(low[period]), DECIMALS),
            "high": round(float(high[period]), DECIMALS),
            "truth": round(truth, DECIMALS),
        }
        for period in range(len(mean))
    ]


def _interval(values: Floats) -> list[float]:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return [round(float(v), DECIMALS) for v in (values.mean(), low, high)]
