"""How good the ranking of an edition was on past periods, and for whom: methods compared, curves, calibration, groups.

Everything is measured on the same tried origins that the ranker was chosen on, so the chosen one is flattered a little;
the paired intervals say how much may be luck. Expectations are those a reader would have been told then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from analytics.cells import Floats
from analytics.hotspots.evaluation import Score, average_hits, paired_interval, shared_days, stretch_of
from analytics.hotspots.forecast import HotspotForecast
from analytics.hotspots.groups import Grouping, group_places
from analytics.hotspots.history import day_number, is_discovered
from analytics.hotspots.panel import Period
from analytics.hotspots.selection import Rolled, cover_across, observed_counts
from analytics.hotspots.study import Study
from data.schemas.models import ORACLE, ModelCalibration, ModelComparison, ModelCurves, ModelGroups

#: Plain counts every method is compared with.
PLAIN = {"gain_365": "count_365", "gain_1095": "count_1095"}
#: Two-sided level of every interval here.
LEVEL = 0.9
#: Shares of the studied area at which a curve has a point.
AREA_SHARES = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
#: Bands of places with equal sums of expected counts.
BANDS = 8
#: Nominal coverages that are checked.
COVERAGES = {"cover_50": 0.5, "cover_80": 0.8, "cover_95": 0.95}
#: Decimals of stored shares and ratios.
DECIMALS = 6


class Inspection:
    """Looks at every forecast of an edition and keeps what it finds as tables.

    Parameters
    ----------
    incidents, areas, population
        What the forecasts were made from; the last two may be None.
    seed
        Of the bootstrap.
    """

    def __init__(
        self,
        incidents: pl.DataFrame,
        areas: pl.DataFrame | None,
        population: pl.DataFrame | None,
        *,
        seed: int,
    ) -> None:
        self.incidents, self.areas, self.population, self.seed = incidents, areas, population, seed
        self._groupings: tuple[Study, list[Grouping]] | None = None
        self._everything: tuple[Study, Study] | None = None
        self._rows: dict[str, list[dict[str, Any]]] = {
            name: [] for name in ("model_comparison", "model_curves", "model_calibration", "model_groups")
        }

    def look_at(self, found: HotspotForecast, study: Study) -> None:
        """Add what one forecast's back-test showed; nothing when its history was too short for one."""
        rolled = found.backtest.rolled
        if rolled is None:
            return
        chosen, flagged = found.backtest.chosen, int(found.parameters["cells_flagged"])
        area_km2, total_km2 = study.grid.cell_km2, study.total_km2
        parts = {
            "model_comparison": compare_methods(
                rolled, found.backtest.scores, chosen, flagged, cell_km2=area_km2, total_km2=total_km2, seed=self.seed
            ),
            "model_curves": draw_curves(
                rolled, chosen, flagged, cell_km2=area_km2, total_km2=total_km2, seed=self.seed
            ),
            "model_calibration": calibrate(rolled, chosen, flagged),
            "model_groups": compare_groups(rolled.told[chosen], rolled.newest, flagged, self.groupings(study))
            + self._tell_sources(found, study),
        }
        key = {"category": found.parameters["category"], "horizon_days": found.parameters["horizon_days"]}
        for name, rows in parts.items():
            self._rows[name] += [{**key, **row} for row in rows]

    def groupings(self, study: Study) -> list[Grouping]:
        """Return the groups of the study's places, found once."""
        if self._groupings is None or self._groupings[0] is not study:
            lon, lat = study.grid.centres(study.lattice.columns, study.lattice.rows)
            found = group_places(lon, lat, self.areas, self.population, as_of=study.as_of)
            self._groupings = (study, found)
        return self._groupings[1]

    def _tell_sources(self, found: HotspotForecast, study: Study) -> list[dict[str, Any]]:
        rows = split_by_source(self.incidents, str(found.parameters["category"]), study)
        for row in rows:
            if row["excluded"]:
                if self._everything is None or self._everything[0] is not study:
                    self._everything = (study, study.with_discovered(self.incidents))
                row["list_change"] = _rounded(change_with_discovered(found, self._everything[1]))
        return rows

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the tables, valid by their schemas."""
        schemas = {
            "model_comparison": ModelComparison,
            "model_curves": ModelCurves,
            "model_calibration": ModelCalibration,
            "model_groups": ModelGroups,
        }
        return {
            name: schema.validate(
                pl.DataFrame(self._rows[name], schema=schema.create_empty().schema)
                if self._rows[name]
                else schema.create_empty(),
                cast=True,
            )
            for name, schema in schemas.items()
        }


def compare_methods(
    rolled: Rolled,
    scores: dict[str, tuple[Score, ...]],
    chosen: str,
    flagged: int,
    *,
    cell_km2: float,
    total_km2: float,
    seed: int,
) -> list[dict[str, Any]]:
    """Return one row per method and one for the oracle: sums and means over origins, gains on both plain counts.

    Notes
    -----
    RRI is the recapture rate index (Levine 2008): 1 means that the flagged places keep the share of incidents they had
    in the year before; lists made from that year alone fall below it (regression to the mean).
    """
    share = flagged * cell_km2 / total_km2
    counts = [observed_counts(period) for period in rolled.newest]
    events = np.array([period.events or 0.0 for period in rolled.newest])
    # Shares now and a year before are of the same places: incidents of no cell are in neither.
    inside = sum(float(c.sum()) for c in counts)
    past = sum(float(period.baseline.sum()) for period in rolled.newest)
    oracle = np.array([average_hits(c, c, flagged) for c in counts])
    told: dict[str, Sequence[Floats]] = {**rolled.told, ORACLE: counts}
    pai = {name: [score.pai for score in each] for name, each in scores.items()}
    pai[ORACLE] = [h / n / share if n > 0 else None for h, n in zip(oracle, events, strict=True)]
    rows = []
    for name, expectations in told.items():
        own = scores.get(name)
        hits = np.array([s.hits for s in own]) if own is not None else oracle
        before = sum(
            average_hits(expected, period.baseline, flagged)
            for expected, period in zip(expectations, rolled.newest, strict=True)
        )
        rri = (hits.sum() / before) / (inside / past) if before > 0 and inside and past else None
        row: dict[str, Any] = {
            "model": name,
            "chosen": name == chosen,
            "origins": len(events),
            "area_km2": flagged * cell_km2,
            "total_km2": total_km2,
            "events": float(events.sum()),
            "hits": float(hits.sum()),
            "hit_rate": _rounded(hits.sum() / events.sum() if events.sum() else None),
            "pai": _rounded(_mean(pai[name])),
            "pei": _rounded(_mean([s.pei for s in own]) if own is not None else 1.0 if oracle.sum() else None),
            "rri": _rounded(rri),
            "auc": _rounded(_mean([s.auc for s in own]) if own is not None else None),
            "deviance": _rounded(_mean([s.deviance for s in own]) if own is not None else None),
            "expected_hits": float(sum(s.expected_hits for s in own)) if own is not None else None,
        }
        for gain, plain in PLAIN.items():
            pairs = zip(rolled.newest, pai[name], pai.get(plain, []), strict=plain in pai)
            differences = {p.origin: a - b for p, a, b in pairs if a is not None and b is not None}
            found: tuple[float | None, ...] = (None, None, None)
            # Of one difference nothing can be said.
            if len(differences) > 1 and name != plain:
                shared = shared_days(list(differences), rolled.horizon_days)
                found = paired_interval(np.array(list(differences.values())), seed=seed, level=LEVEL, shared=shared)
            row |= dict(zip((gain, f"{gain}_low", f"{gain}_high"), map(_rounded, found), strict=True))
        rows.append(row)
    return rows


def draw_curves(
    rolled: Rolled, chosen: str, flagged: int, *, cell_km2: float, total_km2: float, seed: int
) -> list[dict[str, Any]]:
    """Return for the chosen method, both plain counts and the oracle the share of incidents caught by area."""
    counts = [observed_counts(period) for period in rolled.newest]
    events = np.array([period.events or 0.0 for period in rolled.newest])
    if not events.sum():
        return []
    size = len(counts[0])
    sizes = sorted({max(1, round(size * share)) for share in AREA_SHARES} | {flagged})
    names = dict.fromkeys([chosen, *(n for n in PLAIN.values() if n in rolled.told)])
    told: dict[str, Sequence[Floats]] = {**{name: rolled.told[name] for name in names}, ORACLE: counts}
    draws = np.random.default_rng(seed).integers(0, len(events), size=(1000, len(events)))
    wider = stretch_of(len(events), LEVEL, shared_days([p.origin for p in rolled.newest], rolled.horizon_days))
    rows = []
    for name, expectations in told.items():
        for places in sizes:
            hits = np.array([average_hits(e, c, places) for e, c in zip(expectations, counts, strict=True)])
            again = hits[draws].sum(axis=1) / np.maximum(events[draws].sum(axis=1), 1e-9)
            rate = hits.sum() / events.sum()
            ends = rate + wider * (np.quantile(again, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) - rate)
            low, high = np.clip(ends, 0.0, 1.0)
            rows.append(
                {
                    "model": name,
                    "area_km2": places * cell_km2,
                    "area_share": _rounded(min(places * cell_km2 / total_km2, 1.0)),
                    "is_budget": places == flagged,
                    "hit_rate": _rounded(rate),
                    "low": _rounded(float(low)),
                    "high": _rounded(float(high)),
                }
            )
    return rows


def calibrate(rolled: Rolled, chosen: str, flagged: int) -> list[dict[str, Any]]:
    """Return expected against observed counts, in the flagged places (band 0) and in bands of all places."""
    told = rolled.told[chosen]
    counts = [observed_counts(period) for period in rolled.newest]
    top = [np.argsort(-expected, kind="stable")[:flagged] for expected in told]
    first = _band(
        0,
        np.concatenate([expected[i] for expected, i in zip(told, top, strict=True)]),
        np.concatenate([seen[i] for seen, i in zip(counts, top, strict=True)]),
    )
    for column, level in COVERAGES.items():
        first[column] = _rounded(_mean(list(cover_across(told, rolled.newest, flagged, level))))
    expected, seen = np.concatenate(list(told)), np.concatenate(counts)
    order = np.argsort(-expected, kind="stable")
    running = np.cumsum(expected[order])
    band = np.minimum(np.floor((running - expected[order] / 2) / running[-1] * BANDS).astype(int), BANDS - 1)
    rows = [first]
    for number in range(BANDS):
        inside = order[band == number]
        if len(inside):
            rows.append(_band(number + 1, expected[inside], seen[inside]))
    return rows


def compare_groups(
    told: Sequence[Floats], periods: Sequence[Period], flagged: int, groupings: Sequence[Grouping]
) -> list[dict[str, Any]]:
    """Return flags, hits and expected against observed counts by group of places, over past periods.

    Parameters
    ----------
    told
        Expected counts of every place, one array per period.
    """
    counts = [observed_counts(period) for period in periods]
    chosen_places = np.zeros(len(counts[0]))
    caught = np.zeros(len(counts[0]))
    for expected, seen in zip(told, counts, strict=True):
        top = np.argsort(-expected, kind="stable")[:flagged]
        chosen_places[top] += 1
        caught[top] += seen[top]
    expected, seen = np.sum(told, axis=0), np.sum(counts, axis=0)
    rows = []
    for grouping in groupings:
        places = grouping.sum_up(np.ones(len(seen)))
        flags, hits, events, hoped = (grouping.sum_up(v) for v in (chosen_places, caught, seen, expected))
        for i, code in enumerate(grouping.codes):
            if places[i] == 0:
                continue
            low, high = poisson_interval(events[i])
            share = None if grouping.population_share is None else float(grouping.population_share[i])
            rows.append(
                {
                    "kind": grouping.kind,
                    "group_code": code,
                    "places": int(places[i]),
                    "area_share": _rounded(places[i] / len(seen)),
                    "population_share": _rounded(share),
                    "flagged_share": _rounded(flags[i] / chosen_places.sum()),
                    "incidents": float(events[i]),
                    "incident_share": _rounded(events[i] / seen.sum() if seen.sum() else None),
                    "hits": float(hits[i]),
                    "hit_rate": _rounded(hits[i] / events[i] if events[i] else None),
                    "expected": _rounded(float(hoped[i])),
                    "ratio": _rounded(hoped[i] / events[i] if events[i] else None),
                    "ratio_low": _rounded(hoped[i] / high if events[i] else None),
                    "ratio_high": _rounded(hoped[i] / low if low > 0 else None),
                    "excluded": False,
                }
            )
    return rows


def split_by_source(incidents: pl.DataFrame, category: str, study: Study) -> list[dict[str, Any]]:
    """Return how many valid incidents of a category were reported, found by the police, or not said to be either.

    Those found by the police are marked as excluded unless the study counts them.
    """
    known = pl.max_horizontal(pl.coalesce("known_on", "occurred_on"), "occurred_on")
    own = incidents.filter(pl.col("valid"), pl.col("category") == category, (known < study.as_of).fill_null(False))
    said = pl.col("discovered_by").is_not_null() if "discovered_by" in own.columns else pl.lit(False)
    source = pl.when(is_discovered(own)).then(pl.lit("police")).when(said).then(pl.lit("reported"))
    counted = own.group_by(source=source.otherwise(pl.lit("unknown"))).agg(pl.col("weight").sum()).sort("source")
    total = float(counted["weight"].sum())
    return [
        {
            "kind": "source",
            "group_code": name,
            "places": 0,
            "incidents": max(float(number), 0.0),
            "incident_share": _rounded(number / total if total > 0 else None),
            "excluded": name == "police" and not study.include_discovered,
        }
        for name, number in counted.iter_rows()
    ]


def change_with_discovered(found: HotspotForecast, everything: Study) -> float:
    """Return the share of the list that would be other places if incidents found by the police counted as well.

    The ranker is the one that was fitted without them; only what it is shown changes. 0 means the same list.
    """
    category, horizon_days = str(found.parameters["category"]), int(found.parameters["horizon_days"])
    origin, flagged = day_number(everything.as_of), int(found.parameters["cells_flagged"])
    features = everything.panel(category).period(origin, horizon_days, observed=False).features
    with_them = np.argsort(-found.backtest.ranker.predict(features), kind="stable")[:flagged]
    without = np.argsort(-found.expected, kind="stable")[:flagged]
    return float(1 - np.isin(with_them, without).mean())


def poisson_interval(count: float, level: float = LEVEL) -> tuple[float, float]:
    """Return the exact two-sided interval of a Poisson mean after ``count`` events (Garwood 1936)."""
    from scipy.stats import chi2

    tail = (1 - level) / 2
    low = float(chi2.ppf(tail, 2 * count) / 2) if count > 0 else 0.0
    return low, float(chi2.ppf(1 - tail, 2 * count + 2) / 2)


def _band(number: int, expected: Floats, seen: Floats) -> dict[str, Any]:
    low, high = poisson_interval(float(seen.sum()))
    return {
        "band": number,
        "places": len(expected),
        "expected": float(expected.sum()),
        "observed": float(seen.sum()),
        "observed_low": low,
        "observed_high": high,
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), DECIMALS)
