"""Attack on small counts: what a researcher finds out by combining answers of the trends page, and what rounding costs.

Run with ``python -m benchmarks.disclosure STORE [--level beat|community] [--months N] [--cells N]``. Everything but the
truth is asked through the desk as a researcher; the truth, which a commander of the whole force reads, is only compared
with what the attack found. Answers of the rule of 2026-11-26 and before (a column ``suppressed``) are understood too: run
the file in a checkout of that day for the figures "before".
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, lsq_linear, milp

from data.access import Viewer
from data.desk import Desk
from data.errors import BeatwiseError
from data.store import Store

#: Counts that must not be found out: from 1 to this.
LARGEST_SMALL = 4
#: A bound that is not proved within so many seconds counts as the best one proved until then.
SOLVER_S = 5.0
UNBOUNDED = 1e6
CELL = ("station_code", "place", "category", "discovered_by")


class Attack:
    """Asks the desk as a researcher and keeps what every answer says about sums of finest cells.

    Parameters
    ----------
    store
        A published store.
    level
        ``beat`` or ``community``: the smallest places asked about.
    """

    def __init__(self, store: Store, level: str) -> None:
        self.desk = Desk(store, Viewer("attack", "researcher"))
        self.force = Desk(store, Viewer("truth", "commander"))
        self.place = f"{level}_code"
        self.as_of = date.fromisoformat(self.desk.manifest["parameters"]["as_of"]).replace(day=1)
        daily = self.force.edition.read("daily_counts").filter(pl.col("day") < self.as_of)
        self.truth = (
            daily.with_columns(
                month=pl.col("day").dt.truncate("1mo"), discovered_by=pl.col("discovered_by").cast(pl.String)
            )
            .rename({self.place: "place"})
            .group_by("month", *CELL)
            .agg(pl.col("incidents").cast(pl.Int64).sum())
        )
        #: Which cells can exist at all: taken for known, to the attacker's advantage.
        self.cells = self.truth.select(CELL).unique().sort(CELL)

    def answers(self, months: list[date]) -> Iterator[tuple[dict[str, Any], pl.DataFrame]]:
        """Yield the question (what the sum is over) and the answer by month of every view of the page, and more."""
        categories = [None, *self.desk.trend_categories()]
        found_by = [None, *self.cells["discovered_by"].drop_nulls().unique().sort().to_list()]
        stations = [None, *self.cells["station_code"].drop_nulls().unique().sort().to_list()]
        window = {"since": min(months), "until": _next(max(months)), "period": "month"}
        for category, who, station in product(categories, found_by, stations):
            asked = {"category": category, "discovered_by": who, "station_code": station}
            for split in (
                None,
                self.place,
                *(["station_code"] if station is None else []),
                *(["category"] if category is None else []),
            ):
                try:
                    yield {**asked, "split": split}, self.desk.daily_counts(**asked, **window, split=split)
                except BeatwiseError:
                    continue

    def system(self, months: list[date]) -> dict[date, tuple[Any, np.ndarray, np.ndarray]]:
        """Return by month: matrix of sums over ``cells``, and the bounds the answers give them."""
        rows: list[np.ndarray] = []
        low: dict[date, list[float]] = {month: [] for month in months}
        high: dict[date, list[float]] = {month: [] for month in months}
        for asked, answer in self.answers(months):
            chosen = np.ones(self.cells.height, dtype=bool)
            for name in ("category", "discovered_by", "station_code"):
                if asked[name] is not None:
                    chosen &= (self.cells[name] == asked[name]).fill_null(False).to_numpy()
            column = "place" if asked["split"] == self.place else asked["split"]
            groups = [chosen]
            keys: list[Any] = [None]
            if column is not None:
                keys = self.cells.filter(chosen)[column].unique().to_list()
                groups = [
                    chosen & self.cells[column].eq_missing(pl.lit(key, pl.String) if key is None else key).to_numpy()
                    if key is not None
                    else chosen & self.cells[column].is_null().to_numpy()
                    for key in keys
                ]
            told = {
                (row["period_start"], row.get(asked["split"]) if asked["split"] else None): row
                for row in answer.to_dicts()
            }
            absent = (0.0, LARGEST_SMALL if "rounded_to" in answer.columns else 0.0)
            for key, members in zip(keys, groups, strict=True):
                rows.append(members)
                for month in months:
                    bottom, top = _bounds(told[month, key]) if (month, key) in told else absent
                    low[month].append(bottom)
                    high[month].append(top)
        matrix = sparse.csr_array(np.array(rows, dtype=float))
        return {month: (matrix, np.array(low[month]), np.array(high[month])) for month in months}


def _next(month: date) -> date:
    return (month.replace(day=28).toordinal() + 4) and date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _bounds(row: dict[str, Any]) -> tuple[float, float]:
    """Return what one row of an answer says: the least and the most the true count can be."""
    if row.get("suppressed"):
        return 1.0, UNBOUNDED
    off = row.get("rounded_to", 1) - 1
    return float(max(row["incidents"] - off, 0)), float(row["incidents"] + off)


def by_programming(attack: Attack, months: list[date], most: int, rng: np.random.Generator) -> dict[str, Any]:
    """Bound small counts of a place and category by integer programming over all answers about a month.

    Returns
    -------
    Cells tried, how many are pinned to one number, how many to be below 5 and above 0, the mean width of the bounds,
    and how often the least-squares estimate, rounded, is the truth.
    """
    systems = attack.system(months)
    tried = pinned = seen_small = 0
    widths: list[float] = []
    right = alone = total = 0
    for month in months:
        matrix, low, high = systems[month]
        true = (
            attack.truth.filter(pl.col("month") == month).group_by("place", "category").agg(pl.col("incidents").sum())
        )
        small = true.filter(pl.col("place").is_not_null(), pl.col("incidents").is_between(1, LARGEST_SMALL)).sort(
            "place", "category"
        )
        estimate = lsq_linear(
            matrix, np.minimum((low + np.minimum(high, low + 8)) / 2, 1e5), (0, np.inf), lsmr_tol="auto"
        ).x
        for index, (place, category, count) in enumerate(small.iter_rows()):
            members = (
                ((attack.cells["place"] == place) & (attack.cells["category"] == category)).fill_null(False).to_numpy()
            )
            total += 1
            right += int(round(float(estimate[members].sum())) == count)
            del index
        chosen = small.sample(min(most, small.height), seed=int(rng.integers(1 << 30)))
        for place, category, count in chosen.iter_rows():
            members = (
                ((attack.cells["place"] == place) & (attack.cells["category"] == category)).fill_null(False).to_numpy()
            )
            bottom, top = (_extreme(matrix, low, high, members, sign) for sign in (1, -1))
            if not bottom - 1e-6 <= count <= top + 1e-6:
                raise AssertionError(f"{month} {place} {category}: {count} is outside {bottom} to {top}.")
            tried += 1
            pinned += int(top - bottom < 0.5)
            seen_small += int(top <= LARGEST_SMALL and bottom >= 1)
            widths.append(min(top - bottom, 1e3))
    return {
        "tried": tried,
        "pinned": pinned,
        "told small and not 0": seen_small,
        "mean width": round(float(np.mean(widths)), 2),
        "least squares right": f"{right} of {total}",
    }


def _extreme(matrix: Any, low: np.ndarray, high: np.ndarray, members: np.ndarray, sign: int) -> float:
    """Return the least (``sign`` 1) or most (-1) some cells can add up to."""
    found = milp(
        sign * members.astype(float),
        constraints=LinearConstraint(matrix, low, high),
        integrality=np.ones(len(members)),
        bounds=Bounds(0, UNBOUNDED),
        options={"time_limit": SOLVER_S},
    )
    if found.status not in (0, 1):
        raise AssertionError(f"the answers contradict each other: {found.message}")
    return sign * float(np.ceil(found.mip_dual_bound - 1e-6))


if __name__ == "__main__":
    pass
