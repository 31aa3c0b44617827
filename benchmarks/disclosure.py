"""Attack on small counts: what a researcher finds out by combining answers of the desk, and what rounding costs.

Run with ``python -m benchmarks.disclosure STORE [--level beat|community] [--month 2026-03 ...] [--cells N]``. What is
attacked with is asked through the desk as a researcher; the truth, which a commander of the whole force reads, is only
compared with what was found. Answers of the rule before (hidden cells, a column ``suppressed``) are understood too: run
this file and ``solving.py`` in a checkout of a72f184 for the figures "before".
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from analytics.trends.months import monthly_series
from analytics.trends.series import hourly_profile
from benchmarks.solving import BEYOND, Sums
from data.access import Viewer
from data.desk import Desk
from data.errors import AccessDeniedError, RequestError
from data.store import Store

#: Counts that must not be found out: from 1 to this.
LARGEST_SMALL = 4
CELL = ("station_code", "beat_code", "community_code", "category", "discovered_by")


@dataclass(frozen=True)
class Asker:
    """Two desks on one store, and the smallest places asked about (``beat`` or ``community``)."""

    researcher: Desk
    commander: Desk
    place: str

    @property
    def end(self) -> date:
        """First day of the month the edition stands in: whole months lie before it."""
        return date.fromisoformat(self.commander.manifest["parameters"]["as_of"]).replace(day=1)

    def truth(self) -> pl.DataFrame:
        """Return the true counts by month and finest cell."""
        daily = self.commander.edition.read("daily_counts").filter(pl.col("day") < self.end)
        return (
            daily.with_columns(
                month=pl.col("day").dt.truncate("1mo"), discovered_by=pl.col("discovered_by").cast(pl.String)
            )
            .group_by("month", *CELL)
            .agg(pl.col("incidents").cast(pl.Int64).sum())
        )

    def small(self) -> pl.DataFrame:
        """Return the counts to be found out: of a place, a category and a month, from 1 to 4."""
        sums = (
            self.truth()
            .group_by("month", pl.col(f"{self.place}_code").alias("place"), "category")
            .agg(pl.col("incidents").sum())
        )
        named = sums.filter(pl.col("place").is_not_null(), pl.col("incidents").is_between(1, LARGEST_SMALL))
        return named.sort("month", "place", "category")


def next_month(month: date) -> date:
    """Return the first day of the month after."""
    return (month + timedelta(days=32)).replace(day=1)


# By moving windows --------------------------------------------------------------------------------------------------


def by_windows(asker: Asker, days_of: date) -> None:
    """Subtract what happened until a day from what happened until a later one: by month, then by day of one month."""
    categories = asker.researcher.trend_categories()
    months = sorted(asker.truth()["month"].unique())[-37:]
    small = asker.small().filter(pl.col("month").is_in(months[:-1]))
    found = _differences(asker, categories, [*months[:-1], asker.end], months[0])
    _told(
        "months, by moving windows",
        [found.get(key) for key in small.select("month", "place", "category").iter_rows()],
        small,
    )
    cuts = [days_of + timedelta(days=n) for n in range((next_month(days_of) - days_of).days + 1)]
    daily = asker.commander.edition.read("daily_counts").filter(
        pl.col("day").is_between(cuts[0], cuts[-1], closed="left")
    )
    sums = daily.group_by("day", f"{asker.place}_code", "category").agg(pl.col("incidents").cast(pl.Int64).sum())
    few = sums.drop_nulls().filter(pl.col("incidents").is_between(1, LARGEST_SMALL))
    try:
        by_day = _differences(asker, categories, cuts, months[0])
    except AccessDeniedError as refusal:
        print(f"days of {days_of:%Y-%m}, by moving windows: refused ({refusal.problem}) {few.height} small counts safe")
        return
    keys = few.select("day", f"{asker.place}_code", "category").iter_rows()
    _told(f"days of {days_of:%Y-%m}, by moving windows", [by_day.get(key) for key in keys], few)


def _differences(asker: Asker, categories: list[str], cuts: list[date], since: date) -> dict[Any, float]:
    """Return by (cut, place, category) what lies between a cut and the next; absent where a sum is hidden."""
    split: Any = f"{asker.place}_code"
    found: dict[Any, float] = {}
    for category in categories:
        sums: list[dict[str, float | None] | None] = []
        for cut in cuts:
            try:
                answer = asker.researcher.daily_counts(
                    category=category, since=since, until=cut, period="all", split=split
                )
            except RequestError:  # the rule before refuses sums that removals made negative
                sums.append(None)
                continue
            sums.append({row[split]: row["incidents"] for row in answer.to_dicts() if row[split] is not None})
        for at, cut in enumerate(cuts[:-1]):
            earlier, upto = sums[at], sums[at + 1]
            if earlier is None or upto is None:
                continue
            for place, later in upto.items():
                before = earlier.get(place, 0)
                if later is not None and before is not None:
                    found[cut, place, category] = later - before
    return found


def _told(name: str, found: list[float | None], small: pl.DataFrame) -> None:
    right = sum(guess == count for guess, count in zip(found, small["incidents"], strict=True))
    derived = sum(guess is not None for guess in found)
    part = right / max(small.height, 1)
    print(f"{name}: {small.height} small counts, {derived} differences, {right} of them the count ({part:.1%})")


# By integer programming ---------------------------------------------------------------------------------------------


def answers(asker: Asker, window: dict[str, Any], cells: pl.DataFrame) -> Iterator[tuple[dict[str, Any], pl.DataFrame]]:
    """Yield question and answer by month for every choice of category, station and who found it, and every split."""
    found_by = [None, *cells["discovered_by"].drop_nulls().unique().sort()]
    stations = [None, *cells["station_code"].drop_nulls().unique().sort()]
    for category, who, station in product([None, *cells["category"].unique().sort()], found_by, stations):
        asked = {"category": category, "discovered_by": who, "station_code": station}
        fixed = {name for name, value in asked.items() if value is not None}
        for split in (None, *(name for name in CELL if name not in fixed)):
            try:
                told = asker.researcher.daily_counts(**asked, **window, split=split)  # type: ignore[arg-type]
            except RequestError:  # the rule before refuses sums that removals made negative
                continue
            yield {**asked, "split": split}, told


def sums_told(asker: Asker, month: date, cells: pl.DataFrame) -> Sums:
    """Return which cells every answer about a month sums, and the least and the most the sum can be."""
    sums = Sums()
    window = {"since": month, "until": next_month(month), "period": "month"}
    for asked, answer in answers(asker, window, cells):
        chosen = np.ones(cells.height, dtype=bool)
        for name in ("category", "discovered_by", "station_code"):
            if asked[name] is not None:
                chosen &= cells[name].eq_missing(asked[name]).to_numpy()
        split = asked["split"]
        told = {row[split] if split else None: row for row in answer.to_dicts()}
        # A cell without a row is 0, or less than the base when counts are rounded.
        absent = (0.0, float(LARGEST_SMALL) if "rounded_to" in answer.columns else 0.0)
        for key in cells.filter(chosen)[split].unique() if split else [None]:
            same = cells[split].eq_missing(pl.Series([key], dtype=pl.String)).to_numpy() if split else chosen
            members = chosen & same
            bottom, top = _bounds(told[key]) if key in told else absent
            sums.add(members, bottom, top)
    return sums


def _bounds(row: dict[str, Any]) -> tuple[float, float]:
    if row.get("suppressed"):
        return 1.0, BEYOND
    off = row.get("rounded_to", 1) - 1
    return float(max(row["incidents"] - off, 0)), float(row["incidents"] + off)


def by_programming(asker: Asker, month: date, most: int) -> None:
    """Bound small counts of a month by all answers about it, and estimate them by least squares."""
    # Which cells can exist at all is taken for known, to the attacker's advantage.
    cells = asker.truth().select(CELL).unique().sort(CELL, nulls_last=True)
    sums = sums_told(asker, month, cells)
    small = asker.small().filter(pl.col("month") == month)
    near = sums.nearest(unbounded=2.5)
    guesses = [round(float(near[_members(asker, cells, row)].sum())) for row in small.to_dicts()]
    right = sum(guess == count for guess, count in zip(guesses, small["incidents"], strict=True))
    pinned = narrowed = unproved = 0
    widths = []
    chosen = small.sample(min(most, small.height), seed=0)
    for row in chosen.to_dicts():
        members = _members(asker, cells, row)
        bottom, top, proved = sums.bounds(members)
        unproved += not proved
        if not bottom <= row["incidents"] <= top:
            raise AssertionError(f"{row} is outside {bottom} to {top}: the attack is wrong.")
        pinned += bottom == top
        narrowed += bottom >= 1 and top <= LARGEST_SMALL
        widths.append(min(top - bottom, 99))
    commonest = small["incidents"].value_counts()["count"].max()
    shown = [sum(sums.told(_members(asker, cells, row))) for row in small.to_dicts()]
    by_shown = small.with_columns(shown=pl.Series(shown)).group_by("shown", "incidents").len()
    informed = by_shown.group_by("shown").agg(pl.col("len").max())["len"].sum()
    print(
        f"{month:%Y-%m}, {len(sums)} answers about {cells.height} cells: of {len(widths)} small counts {pinned} "
        f"pinned ({pinned / len(widths):.1%}), {narrowed} told to be 1 to 4, bounds {np.mean(widths):.1f} wide, "
        f"{unproved} not tight for certain; "
        f"least squares right for {right / small.height:.1%} of {small.height}, "
        f"the commonest small count for {commonest / small.height:.1%}, "
        f"the commonest beside the number shown for {informed / small.height:.1%}"
    )


def _members(asker: Asker, cells: pl.DataFrame, row: dict[str, Any]) -> np.ndarray:
    return (
        cells[f"{asker.place}_code"].eq_missing(row["place"]) & cells["category"].eq_missing(row["category"])
    ).to_numpy()


# By levels of areas -------------------------------------------------------------------------------------------------


def by_levels(asker: Asker) -> None:
    """Bound the yearly counts of ranked areas by those of all levels and periods."""
    levels = asker.researcher.ranked_levels()
    tried = pinned = 0
    for category in asker.researcher.categories():
        horizons = asker.researcher.horizons()
        cells = asker.commander.area_hotspots(category, horizons[0], levels[0]).sort("area_code")
        counts = cells["baseline_count"].to_numpy()
        sums, targets = Sums(), {}
        for horizon, level in product(horizons, levels):
            column = "area_code" if level == levels[0] else f"{level}_code"
            for row in asker.researcher.area_hotspots(category, horizon, level).to_dicts():
                members = cells[column].eq_missing(row["area_code"]).to_numpy()
                bottom, top = _bounds({**row, "incidents": row["baseline_count"]})
                sums.add(members, bottom, top)
                if 1 <= counts[members].sum() <= LARGEST_SMALL:
                    targets[level, row["area_code"]] = members
        for members in targets.values():
            bottom, top, _ = sums.bounds(members)
            tried += 1
            pinned += bottom == top
    print(f"yearly counts of areas ({', '.join(levels)}): of {tried} small ones {pinned} pinned")


# By many editions ---------------------------------------------------------------------------------------------------


def by_editions(asker: Asker, days: int) -> None:
    """Average what editions of so many days tell of the hours of a beat: their year moves on by a day each.

    Rounding alone is asked, since publishing so many editions takes hours; the desk gives out the same numbers.
    """
    # Here, so that the rest runs in a checkout from before there was rounding.
    from data.disclosure import round_counts

    manifest, store = asker.commander.manifest, asker.commander.store
    as_of = date.fromisoformat(manifest["parameters"]["as_of"])
    incidents = asker.commander.snapshot.read("incidents")
    members = ("category", "station_code", "beat_code", "weekday", "hour")
    hours = ("weekday", "hour")
    told: dict[str, list[pl.DataFrame]] = {"beat_code": [], "station_code": []}
    profile = pl.DataFrame()
    for back in range(days, -1, -1):
        day = as_of - timedelta(days=back)
        profile = hourly_profile(incidents, timezone=manifest["jurisdiction"]["timezone"], as_of=day)
        for level, frames in told.items():
            frames.append(round_counts(profile, "incidents", (level, *hours), members, store.rounding_secret()))
    # A cell without a row came out as 0, so the sum over the editions is divided by their number.
    beats, stations = (
        pl.concat(told[level]).group_by(level, *hours).agg((pl.col("incidents").sum() / (days + 1)).alias(name))
        for level, name in (("beat_code", "own"), ("station_code", "whole"))
    )
    now = profile.drop_nulls("beat_code").group_by("beat_code", "station_code", *hours).agg(pl.col("incidents").sum())
    known = (
        now.join(beats, on=("beat_code", *hours), how="left")
        .join(stations, on=("station_code", *hours), how="left")
        .with_columns(pl.col("own", "whole").fill_null(0.0))
        .with_columns(rest=pl.col("whole") - pl.col("own").sum().over("station_code", *hours) + pl.col("own"))
        .filter(pl.col("incidents").is_between(0.5, LARGEST_SMALL + 0.49))
    )
    if known.is_empty():
        print("hours: the store has no beats with hours")
        return
    true = known["incidents"].to_numpy()
    # The line is fitted to the truth itself, which no attacker has.
    design = known.select(pl.lit(1.0).alias("one"), "own", "rest").to_numpy()
    line = design @ np.linalg.lstsq(design, true, rcond=None)[0]
    commonest = known["incidents"].round().mode()[0]
    for name, guess in (
        ("the average shown", known["own"].to_numpy()),
        ("the station less its other beats, averaged", known["rest"].to_numpy()),
        ("both, by the line that fits best", line),
        ("always the commonest", np.full(len(true), commonest)),
    ):
        right = (np.round(guess) == np.round(true)).mean()
        off = np.sqrt(((guess - true) ** 2).mean())
        print(f"hours in {days + 1} daily editions, {len(true)} small counts, {name}: right {right:.1%}, off {off:.2f}")


# What it costs ------------------------------------------------------------------------------------------------------


def costs(asker: Asker) -> None:
    """Compare what a researcher is told with the truth, over the last three years."""
    since = sorted(asker.truth()["month"].unique())[-36:][0]
    categories = asker.researcher.trend_categories()
    place: Any = f"{asker.place}_code"
    views: dict[str, list[tuple[str | None, Any]]] = {
        "force, all": [(None, None)],
        "force, a category": [(one, None) for one in categories],
        "station, all": [(None, "station_code")],
        "station, a category": [(one, "station_code") for one in categories],
        f"{asker.place}, all": [(None, place)],
        f"{asker.place}, a category": [(one, place) for one in categories],
    }
    for name, asked in views.items():
        pairs = pl.concat([_pairs(asker, category, split, since) for category, split in asked])
        known = pairs.drop_nulls("told")
        off = known["told"] - known["true"]
        yearly = pairs.group_by("series", pl.col("period_start").dt.year()).agg(
            pl.col("told", "true").sum(), pl.col("told").null_count().alias("gaps")
        )
        whole = yearly.filter(pl.col("gaps") == 0)
        far = ((whole["told"] - whole["true"]) ** 2).mean()
        verdicts = _verdicts(asker, pairs)
        print(
            f"{name}: {pairs.height} months, median {pairs['true'].median():.0f}, "
            f"told {known.height / pairs.height:.1%}, off by {np.sqrt((off**2).mean() or 0):.2f} "
            f"(root mean square; mean {off.mean():+.2f}, most {off.abs().max()}), "
            f"sums of a calendar year off by {np.sqrt(far or 0):.1f}; {verdicts}"
        )


def _pairs(asker: Asker, category: str | None, split: Any, since: date) -> pl.DataFrame:
    """Return months with what the researcher is told and the truth; no row is 0."""
    frames = []
    for desk in (asker.researcher, asker.commander):
        found = desk.daily_counts(category=category, since=since, until=asker.end, period="month", split=split)
        series = pl.concat_str(pl.lit(category or ""), pl.col(split) if split else pl.lit("-"), ignore_nulls=False)
        frames.append(found.select("period_start", "incidents", series=series))
    answered = frames[0].with_columns(answered=True)
    both = frames[1].join(answered, on=("period_start", "series"), how="left", suffix="_told").drop_nulls("series")
    told = pl.when(pl.col("answered").is_null()).then(0).otherwise("incidents_told")
    return both.select("series", "period_start", true="incidents", told=told)


def _verdicts(asker: Asker, pairs: pl.DataFrame) -> str:
    """Return how often the last month is told to be out of its range, by the truth and by what is told."""
    if pairs["told"].null_count():
        return "some months hidden"
    places = []
    for name in ("true", "told"):
        counts = pairs.select("series", pl.col("period_start").alias("day"), pl.col(name).alias("incidents")).filter(
            pl.col("incidents") != 0
        )
        base = getattr(asker.researcher, "rounded_to", 1) if name == "told" else 1
        allowed: dict[str, Any] = {"noise": (base**2 - 1) / 6} if base > 1 else {}
        months = monthly_series(counts, as_of=asker.end, by=("series",), **allowed)
        # As the page does: no range around a rounded count that may be none.
        months = months.drop_nulls(("low", "incidents")).filter((pl.col("expected") >= base) | (base == 1))
        above, below = pl.col("incidents") > pl.col("high"), pl.col("incidents") < pl.col("low")
        out = above.cast(pl.Int8) - below.cast(pl.Int8)
        places.append(months.select("series", "month", out.alias(name)))
    both = places[0].join(places[1], on=("series", "month"))
    if both.is_empty():
        return "no band"
    return (
        f"outside the band {(both['true'] != 0).mean():.1%} of {both.height} months by the truth, "
        f"{(both['told'] != 0).mean():.1%} as told, other words for {(both['true'] != both['told']).mean():.1%}"
    )


def main() -> None:
    """Attack and measure one store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--level", choices=("beat", "community"), default="beat")
    parser.add_argument("--month", type=lambda text: date.fromisoformat(f"{text}-01"), nargs="+", required=True)
    parser.add_argument("--cells", type=int, default=100, help="small counts bounded in each month")
    parser.add_argument("--editions", type=int, default=0, help="days whose editions are averaged")
    asked = parser.parse_args()
    store = Store.open(asked.store)
    asker = Asker(Desk(store, Viewer("attack", "researcher")), Desk(store, Viewer("truth", "commander")), asked.level)
    by_windows(asker, asked.month[0])
    for month in asked.month:
        by_programming(asker, month, asked.cells)
    by_levels(asker)
    if asked.editions:
        by_editions(asker, asked.editions)
    costs(asker)


if __name__ == "__main__":
    main()
