"""Counts over time as the trends page shows them: months, hours, changes, and the sentence under each figure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pages.ui import formats, places, tables
from pages.ui.formats import counted, hours_from, number, sentences, share, signed
from pages.ui.language import category_name, t

if TYPE_CHECKING:
    import polars as pl

    from data.desk import Desk

#: Length of the windows whose difference counts as a change; 364 days keep weekdays in step.
WINDOW_DAYS, YEAR_DAYS = 91, 364
#: The same in whole months, for readers of rounded counts.
WINDOW_MONTHS, YEAR_MONTHS = 3, 12
#: Rounded incidents from which the busiest hours are told: 5 for each of the 168 hours of a week. Of fewer the hours
#: would be chosen by the rounding, whose standard deviation is up to 13 in four hours of all weekdays.
FEWEST_FOR_HOURS = 840
#: Draws of even weeks that the busiest hours are held against.
CHANCE_DRAWS = 1000
#: Months shown, and lines of the chart of changes.
MOST_MONTHS, MOST_CHANGES = 36, 10


def categories(desk: Desk) -> list[str]:
    """Return the categories with counts, those with forecasts first."""
    known = desk.trend_categories()
    first = [code for code in desk.manifest.get("categories", []) if code in known]
    return first + [code for code in known if code not in first]


def beats_of(desk: Desk, station: str | None) -> list[str]:
    """Return the viewer's beats, of one station if one is named."""
    beats = places.codes(desk, "beat")
    return [beat for beat in beats if station is None or places.parent_of(desk, "beat", beat) == station]


def months_of(desk: Desk, where: dict[str, str | None], as_of: date) -> pl.DataFrame:
    """Return whole months with the year before and the expected band."""
    import polars as pl

    from analytics.trends.months import monthly_series

    counts = desk.daily_counts(**where, until=as_of.replace(day=1), period="month")
    months = monthly_series(
        counts.select(pl.col("period_start").alias("day"), "incidents"),
        as_of=as_of,
        unrecorded=unrecorded(desk),
        # Of a count rounded at random, over all remainders.
        noise=(desk.rounded_to**2 - 1) / 6,
    )
    months = months.filter(pl.col("complete") | ~pl.col("recorded")).tail(MOST_MONTHS)
    # A range around a count that may be none would be one of the rounding.
    enough = pl.col("expected") >= (desk.rounded_to if desk.rounded_to > 1 else 0)
    return months.with_columns(pl.when(enough).then(pl.col(name)).alias(name) for name in ("expected", "low", "high"))


def unrecorded(desk: Desk) -> list[date]:
    """Return the first days of the months of which the force holds nothing; none in editions that do not say."""
    return [date.fromisoformat(month) for month in desk.manifest.get("months_without_record", [])]


def monthly_sentence(months: pl.DataFrame, rounded_to: int) -> str:
    """Return what the last whole month says beside last year and the band."""
    from analytics.trends.months import FEWEST_YEARS

    if months.is_empty():
        return t("trends.sentence.few", most=rounded_to - 1) if rounded_to > 1 else t("common.no_rows")
    last = months.to_dicts()[-1]
    month = formats.month(last["month"])
    if not last["recorded"]:
        return t("trends.sentence.unrecorded", month=month)
    told = counted(last["incidents"], rounded_to)
    if last["expected"] is None:
        few = rounded_to > 1 and last["earlier_years"] >= FEWEST_YEARS
        return t(f"trends.sentence.{'no_range' if few else 'alone'}", month=month, n=told)
    earlier = last["year_before"]
    before = (
        t("trends.sentence.no_before")
        if earlier is None
        else t("trends.sentence.before", n=counted(earlier, rounded_to))
    )
    place = "above" if last["incidents"] > last["high"] else "below" if last["incidents"] < last["low"] else "inside"
    return t(
        f"trends.sentence.{place}",
        month=month,
        n=told,
        before=before,
        low=number(last["low"]),
        high=number(last["high"]),
    )


def hour_grid(desk: Desk, where: dict[str, str | None]) -> tuple[list[list[float]] | None, int]:
    """Return weekday × hour and the length of the window; None where the source knows no hours."""
    frame = desk.hourly_profile(**where)
    if frame.is_empty():
        return None, 0
    window = int(frame["window_days"].max() or 0)
    grid = [[0.0] * 24 for _ in range(7)]
    for weekday, hour, incidents in frame.select("weekday", "hour", "incidents").iter_rows():
        grid[weekday - 1][hour] = incidents
    return grid, window


def left_out_sentence(desk: Desk, category: str | None) -> str:
    """Return what share of the force's incidents the chart of hours leaves out or keeps in doubt; empty where none.

    Editions that do not say are silent, and so are categories with few incidents.
    """
    told = next((row for row in desk.manifest.get("hour_coverage", []) if row["category"] == category), {})
    reasons = [why for why in ("unknown", "stand_in", "doubtful") if told.get(why)]
    return sentences(*(t(f"trends.left_out.{why}", share=share(told[why])) for why in reasons))


def hour_sentence(desk: Desk, grid: list[list[float]]) -> str:
    """Return the four hours and the weekday with most, where they stand out of what chance makes of even times.

    Of rounded counts only where that is no play of the rounding. Some four hours always have most: of ten incidents
    that fall anywhere, usually four or five.
    """
    by_hour = [sum(row[hour] for row in grid) for hour in range(24)]
    total = sum(by_hour) or 1
    if desk.rounded_to > 1 and total < FEWEST_FOR_HOURS:
        return t("trends.sentence.hours_few")
    start = max(range(24), key=lambda hour: sum(by_hour[(hour + step) % 24] for step in range(4)))
    share_of = sum(by_hour[(start + step) % 24] for step in range(4)) / total
    by_day = [sum(row) for row in grid]
    weekday = max(range(7), key=lambda row: by_day[row])
    stands_out = (
        _beyond_chance(total, 24, 4, share_of),
        _beyond_chance(total, 7, 1, by_day[weekday] / total),
    )
    kind = {(True, True): "hours", (True, False): "hours_alone", (False, True): "weekday_alone"}.get(stands_out)
    return t(
        f"trends.sentence.{kind or 'even_times'}",
        hours=hours_from(start),
        share=share(share_of),
        weekday=t(f"common.weekday.{weekday + 1}"),
    )


def _beyond_chance(total: float, times: int, block: int, largest: float) -> bool:
    """Return whether the busiest block has a share that one in twenty even weeks of as many incidents would reach."""
    import numpy as np

    even = np.random.default_rng(0).multinomial(max(round(total), 1), np.full(times, 1 / times), size=CHANCE_DRAWS)
    busiest = sum(np.roll(even, -step, axis=1) for step in range(block)).max(axis=1)
    return largest > float(np.quantile(busiest, 0.95)) / max(round(total), 1)


def split_for(category: str | None, unit: str | None, beat: str | None, *, officer: bool) -> str:
    """Return what changes are broken down by: the first level the reader has not chosen yet."""
    if not category or officer or beat:
        return "category"
    return "beat_code" if unit else "station_code"


def split_words(desk: Desk, split: str, key: str | None) -> str:
    """Return the words for one line of the breakdown."""
    return category_name(key) if split == "category" else places.named(desk, key, split.removesuffix("_code"))


def comparable(desk: Desk, as_of: date) -> bool:
    """Return whether every month of the last quarter and of the same time a year before has a record."""
    windows = _quarters(desk, as_of)
    return not any(first.replace(day=1) <= month < last for month in unrecorded(desk) for first, last in windows)


def _quarters(desk: Desk, as_of: date) -> tuple[tuple[date, date], tuple[date, date]]:
    """Return first day and day after the last of the last quarter and of the same a year before.

    91 days and the same weekdays; three whole months for a reader whose counts are rounded by the month.
    """
    if desk.rounded_to > 1:
        end, start, *back = (
            _months_back(as_of, n) for n in (0, WINDOW_MONTHS, YEAR_MONTHS, YEAR_MONTHS + WINDOW_MONTHS)
        )
        return (start, end), (back[1], back[0])
    start, year = as_of - timedelta(days=WINDOW_DAYS), timedelta(days=YEAR_DAYS)
    return (start, as_of), (start - year, as_of - year)


def _months_back(day: date, months: int) -> date:
    """Return the first day of the month so many before that of ``day``."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)


def changes_of(desk: Desk, where: dict[str, str | None], as_of: date, split: str) -> list[dict[str, Any]]:
    """Return the largest changes of the last quarter against the same time a year before.

    There are none where a month of either window has no record.
    """
    if not comparable(desk, as_of):
        return []
    last, year_before = _quarters(desk, as_of)
    chosen = {name: value for name, value in where.items() if name != split}
    now = desk.daily_counts(**chosen, since=last[0], until=last[1], period="all", split=split)
    before = desk.daily_counts(**chosen, since=year_before[0], until=year_before[1], period="all", split=split)
    later, earlier = (dict(counts.select(split, "incidents").iter_rows()) for counts in (now, before))
    found = []
    # What fell to nothing has no row any more.
    for key in dict.fromkeys((*later, *earlier)):
        told, old = later.get(key, 0), earlier.get(key, 0)
        if key is not None:
            found.append({"key": key, "now": told, "before": old, "change": told - old})
    return sorted(found, key=lambda row: -abs(row["change"]))[:MOST_CHANGES]


def change_sentence(desk: Desk, changes: list[dict[str, Any]], split: str) -> str:
    """Return the largest change in words."""
    if not changes:
        return t("common.no_rows")
    first = changes[0]
    return t(
        "trends.sentence.change",
        name=split_words(desk, split, first["key"]),
        change=signed(first["change"], 0),
        now=number(first["now"]),
        before=number(first["before"]),
    )


def months_table(months: pl.DataFrame, rounded_to: int) -> str:
    """Return the months as a printable table; a month without a record says so, and so does a rounded zero."""
    rows = months.sort("month", descending=True).to_dicts()
    return tables.html_table(
        [t(f"trends.column.{name}") for name in ("month", "count", "last_year", "band")],
        [
            [
                formats.month(row["month"]),
                counted(row["incidents"], rounded_to) if row["recorded"] else t("trends.no_record"),
                counted(row["year_before"], rounded_to),
                "–" if row["low"] is None else f"{number(row['low'])}–{number(row['high'])}",
            ]
            for row in rows
        ],
        numeric=(1, 2, 3),
    )
