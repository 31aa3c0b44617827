"""Counts over time as the trends page shows them: months, hours, changes, and the sentence under each figure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pages.ui import formats, places, tables
from pages.ui.formats import hours_from, number, sentences, share, signed
from pages.ui.language import category_name, t

if TYPE_CHECKING:
    import polars as pl

    from data.desk import Desk

#: Length of the windows whose difference counts as a change; 364 days keep weekdays in step.
WINDOW_DAYS, YEAR_DAYS = 91, 364
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
    """Return whole months with the year before and the expected band.

    A suppressed month is null, and so is every comparison it would take part in.
    """
    import polars as pl

    from analytics.trends.months import monthly_series

    until = as_of.replace(day=1)
    counts = desk.daily_counts(**where, until=until, period="month")
    begun = counts.filter(~pl.col("suppressed"))["period_start"].min()
    if begun is not None:
        # A few stray rows before the record begins are hidden, and would hide a full month with them.
        counts = desk.daily_counts(**where, since=begun, until=until, period="month")
    months = monthly_series(
        counts.select(pl.col("period_start").alias("day"), "incidents"), as_of=as_of, unrecorded=unrecorded(desk)
    )
    hidden = counts.filter("suppressed")["period_start"]
    # The same month of a later year was compared with a count the reader may not know.
    touched = pl.col("month").dt.month().is_in(hidden.dt.month().to_list())
    return (
        months.filter(pl.col("complete") | ~pl.col("recorded"))
        .with_columns(
            pl.when(~touched).then(pl.col(name)).alias(name) for name in ("year_before", "expected", "low", "high")
        )
        .with_columns(incidents=pl.when(~pl.col("month").is_in(hidden.to_list())).then(pl.col("incidents")))
        .tail(MOST_MONTHS)
    )


def unrecorded(desk: Desk) -> list[date]:
    """Return the first days of the months of which the force holds nothing; none in editions that do not say."""
    return [date.fromisoformat(month) for month in desk.manifest.get("months_without_record", [])]


def monthly_sentence(months: pl.DataFrame) -> str:
    """Return what the last whole month says beside last year and the band."""
    if months.is_empty():
        return t("common.no_rows")
    last = months.to_dicts()[-1]
    month = formats.month(last["month"])
    if not last["recorded"]:
        return t("trends.sentence.unrecorded", month=month)
    if last["incidents"] is None:
        return t("trends.sentence.hidden", month=month)
    if last["expected"] is None:
        return t("trends.sentence.alone", month=month, n=number(last["incidents"]))
    earlier = last["year_before"]
    before = t("trends.sentence.no_before") if earlier is None else t("trends.sentence.before", n=number(earlier))
    place = "above" if last["incidents"] > last["high"] else "below" if last["incidents"] < last["low"] else "inside"
    return t(
        f"trends.sentence.{place}",
        month=month,
        n=number(last["incidents"]),
        before=before,
        low=number(last["low"]),
        high=number(last["high"]),
    )


def hour_grid(desk: Desk, where: dict[str, str | None]) -> tuple[list[list[float | None]] | None, int]:
    """Return weekday × hour and the length of the window; None where the source knows no hours."""
    frame = desk.hourly_profile(**where)
    if frame.is_empty():
        return None, 0
    window = int(frame["window_days"].max() or 0)
    grid: list[list[float | None]] = [[0.0] * 24 for _ in range(7)]
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


def hour_sentence(grid: list[list[float | None]]) -> str:
    """Return the four hours and the weekday with most."""
    by_hour = [sum(row[hour] or 0 for row in grid) for hour in range(24)]
    total = sum(by_hour) or 1
    start = max(range(24), key=lambda hour: sum(by_hour[(hour + step) % 24] for step in range(4)))
    share_of = sum(by_hour[(start + step) % 24] for step in range(4)) / total
    weekday = max(range(7), key=lambda row: sum(value or 0 for value in grid[row]))
    return t(
        "trends.sentence.hours",
        hours=hours_from(start),
        share=share(share_of),
        weekday=t(f"common.weekday.{weekday + 1}"),
    )


def split_for(category: str | None, unit: str | None, beat: str | None, *, officer: bool) -> str:
    """Return what changes are broken down by: the first level the reader has not chosen yet."""
    if not category or officer or beat:
        return "category"
    return "beat_code" if unit else "station_code"


def split_words(desk: Desk, split: str, key: str | None) -> str:
    """Return the words for one line of the breakdown."""
    return category_name(key) if split == "category" else places.named(desk, key, split.removesuffix("_code"))


def comparable(desk: Desk, as_of: date) -> bool:
    """Return whether every month of the last quarter and of the same days a year before has a record."""
    start, back = as_of - timedelta(days=WINDOW_DAYS), timedelta(days=YEAR_DAYS)
    windows = [(start, as_of), (start - back, as_of - back)]
    return not any(first.replace(day=1) <= month < last for month in unrecorded(desk) for first, last in windows)


def changes_of(desk: Desk, where: dict[str, str | None], as_of: date, split: str) -> tuple[list[dict[str, Any]], int]:
    """Return the largest changes of the last quarter against the same days a year before, and how many are hidden.

    There are none where a month of either window has no record.
    """
    if not comparable(desk, as_of):
        return [], 0
    start = as_of - timedelta(days=WINDOW_DAYS)
    back = timedelta(days=YEAR_DAYS)
    chosen = {name: value for name, value in where.items() if name != split}
    now = desk.daily_counts(**chosen, since=start, until=as_of, period="all", split=split)
    before = desk.daily_counts(**chosen, since=start - back, until=as_of - back, period="all", split=split)
    earlier = {row[split]: row for row in before.to_dicts()}
    found, hidden = [], 0
    for row in now.to_dicts():
        old = earlier.get(row[split], {"incidents": 0})["incidents"]
        if row["incidents"] is None or old is None:
            hidden += 1
        elif row[split] is not None:
            found.append({"key": row[split], "now": row["incidents"], "before": old, "change": row["incidents"] - old})
    return sorted(found, key=lambda row: -abs(row["change"]))[:MOST_CHANGES], hidden


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


def months_table(months: pl.DataFrame) -> str:
    """Return the months as a printable table; a suppressed count says so, and so does a month without a record."""
    rows = months.sort("month", descending=True).to_dicts()
    marks = {(line, 1): "hidden" for line, row in enumerate(rows) if row["incidents"] is None and row["recorded"]}
    return tables.html_table(
        [t(f"trends.column.{name}") for name in ("month", "count", "last_year", "band")],
        [
            [
                formats.month(row["month"]),
                t("trends.no_record")
                if not row["recorded"]
                else t("common.hidden")
                if row["incidents"] is None
                else number(row["incidents"]),
                number(row["year_before"]),
                "–" if row["low"] is None else f"{number(row['low'])}–{number(row['high'])}",
            ]
            for row in rows
        ],
        numeric=(1, 2, 3),
        classes=marks,
    )
