"""From published text to typed values: the ``parse`` words of a mapping, as Polars expressions.

Every parser takes a text expression (stripped, empty = null) and returns null for what it cannot read; the caller
tells "was empty" from "could not be read" by comparing with the text.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

import polars as pl

from data.sources.mapping import LOCAL_MOMENTS, Parse

#: Forms read without `formats`, tried in order.
DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y.%m.%d", "%Y年%m月%d日")
DATETIMES = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M",
    "%Y%m%d%H%M%S",
)
CLOCKS = ("%H:%M:%S", "%H:%M", "%H%M", "%I:%M:%S %p", "%I:%M %p")
TRUE = ("1", "y", "yes", "t", "true", "是", "有", "x")
FALSE = ("0", "n", "no", "f", "false", "否", "无", "無")
#: Day 0 of a spreadsheet, for days from March 1900 on: its calendar has a 29 February 1900.
SHEET_DAY_0 = datetime.date(1899, 12, 30)
#: Day after the last one a spreadsheet knows.
LAST_SERIAL = 2_958_466
MIDNIGHT = datetime.datetime(2000, 1, 1)
#: A clock time in words: 上午7:54, 7:54 a.m., (0754 Hrs), 7 pm, 07h54, 7时54分.
CLOCK_WORDS = (
    r"^[(（\[\s]*(?<half>上午|下午|早上|晚上|凌晨|中午)?\s*(?<hour>\d{1,2}?)\s*(?<sign>[:：.h时時点點])?\s*(?<minute>\d{2})?"
    r"(?:[:：.分]\s*(?<second>\d{2}))?\s*[分秒]?\s*(?<noon>[ap])?\.?\s*m?\.?\s*"
    r"(?<unit>h|hr|hrs|hour|hours|uhr|o'clock|noon|整)?\.?[)）\]\s]*$"
)
#: A moment that ends in its offset from UTC.
OFFSET = r"^(?<local>.*\d:\d{2}(?:\.\d+)?)(?<sign>[+-])(?<hours>\d{2}):(?<minutes>\d{2})$"
#: First year of the Republic of China calendar is 1912.
ROC_OFFSET = 1911


def parse_text(text: pl.Expr, parse: Parse, formats: list[str], zone: str) -> pl.Expr:
    """Return an expression for the parsed value.

    Parameters
    ----------
    text
        Stripped text, null where empty.
    parse
        What to read, see docs/sources.md.
    formats
        strptime formats for date and datetime; empty for the usual forms.
    zone
        IANA zone of local date-times. Results of ``datetime`` and the other moments are UTC.
    """
    if parse in LOCAL_MOMENTS:
        return to_utc(local_moment(text, parse, formats), zone)
    if parse == "epoch_ms":
        return _epoch_ms(text)
    if parse in ("date", "month_start", "month_end"):
        found = local_date(text, formats or ([*DATES, "%Y-%m", "%Y%m"] if parse != "date" else []))
        if parse == "month_start":
            return found.dt.month_start()
        return found.dt.month_end() if parse == "month_end" else found
    return _SIMPLE[parse](text)


def local_date(text: pl.Expr, formats: list[str]) -> pl.Expr:
    """Read dates; a midnight written behind the date (as Excel does) is cut off. ``%Y-%m`` means the first day."""
    bare = text.str.replace(r"[ T]00:00(:00(\.0+)?)?$", "")
    tried = []
    for form in formats or DATES:
        if "%d" in form:
            tried.append(bare.str.to_date(form, strict=False))
        else:
            tried.append((bare + "-01").str.to_date(form + "-%d", strict=False))
    return pl.coalesce(tried)


def local_datetime(text: pl.Expr, formats: list[str]) -> pl.Expr:
    """Read local date-times without zone; a form without a clock time means midnight."""
    tried = []
    for form in formats or [*DATETIMES, *DATES]:
        if "%H" in form or "%I" in form:
            tried.append(text.str.to_datetime(form, strict=False, time_unit="us"))
        else:
            tried.append(text.str.to_date(form, strict=False).cast(pl.Datetime("us")))
    return pl.coalesce(tried)


def local_moment(text: pl.Expr, parse: Parse, formats: list[str]) -> pl.Expr:
    """Read moments of the local clock, in any of the ways systems keep them."""
    if parse == "epoch_ms_local":
        return _epoch_ms(text).dt.replace_time_zone(None)
    if parse == "sheet_serial":
        # Parts of a day are binary fractions: without rounding to seconds noon is a microsecond short of itself.
        seconds = (_number(text) * 86_400).round()
        known = seconds.is_between(61 * 86_400, LAST_SERIAL * 86_400 - 1)
        since = pl.lit(SHEET_DAY_0).cast(pl.Datetime("us"))
        return since + (pl.when(known).then(seconds) * 1_000_000).cast(pl.Int64).cast(pl.Duration("us"))
    return local_datetime(text, formats)


def local_day(text: pl.Expr, parse: Parse, formats: list[str], told_in: str | None, zone: str) -> pl.Expr:
    """Read the local day of moments; those told in another zone (``told_in``) are brought to the local clock first."""
    if told_in in (None, zone):
        return local_moment(text, parse, formats).dt.date()
    return parse_text(text, parse, formats, told_in or zone).dt.convert_time_zone(zone).dt.date()


def clock_text(text: pl.Expr) -> pl.Expr:
    """Write clock times in words, in digits or as parts of a day as HH:MM:SS; null where none can be read.

    One or two digits alone may be an hour or minutes: a word or sign must say which.
    """
    parts = text.str.to_lowercase().str.extract_groups(CLOCK_WORDS).struct
    half, noon, minute = parts.field("half"), parts.field("noon"), parts.field("minute")
    told = pl.any_horizontal(
        part.is_not_null() for part in (half, noon, minute, parts.field("sign"), parts.field("unit"))
    )
    hour = parts.field("hour").cast(pl.Int64, strict=False)
    afternoon = noon.eq("p") | half.is_in(["下午", "晚上", "中午"])
    forenoon = noon.eq("a") | half.is_in(["上午", "早上", "凌晨"])
    hour = (
        pl.when(afternoon.fill_null(False) & (hour < 12) & ~(half.eq("中午").fill_null(False) & (hour > 3)))
        .then(hour + 12)
        .when(forenoon.fill_null(False) & (hour == 12))
        .then(0)
        # Twelve at night is the beginning of this day to some and of the next to others.
        .when(half.eq("晚上").fill_null(False) & (hour == 12))
        .then(None)
        .otherwise(hour)
    )
    pair = [parts.field(name).fill_null("00") for name in ("minute", "second")]
    written = hour.cast(pl.String).str.zfill(2) + ":" + pair[0] + ":" + pair[1]
    of_day = pl.when(text.str.contains(r"^0?\.\d+$")).then(text).cast(pl.Float64, strict=False)
    seconds = (of_day * 86_400).round().cast(pl.Int64)
    part = (pl.lit(MIDNIGHT) + pl.duration(seconds=seconds)).dt.strftime("%H:%M:%S")
    return pl.coalesce(part, pl.when(told).then(written))


def local_clock(text: pl.Expr, formats: list[str]) -> pl.Expr:
    """Read clock times that stand in a column of their own."""
    # Tried as moments of one day: chrono reads a clock without seconds only beside a date.
    tried = [("2000-01-01 " + text).str.to_datetime(f"%Y-%m-%d {form}", strict=False) for form in formats or CLOCKS]
    return pl.coalesce(tried).dt.time()


def to_utc(local: pl.Expr, zone: str) -> pl.Expr:
    """Turn local date-times into UTC without losing one to a clock change.

    A time the clock skipped is read an hour later; of a time it showed twice the first is taken.
    """
    plain = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    moved = local.dt.offset_by("1h").dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return pl.coalesce(plain, moved).dt.convert_time_zone("UTC").dt.cast_time_unit("us")


def moment_by_offset(text: pl.Expr, formats: list[str]) -> pl.Expr:
    """Read the UTC of local date-times that end in their offset (``2026-10-25 02:30:00+01:00``); null for others."""
    parts = text.str.extract_groups(OFFSET).struct
    minutes = parts.field("hours").cast(pl.Int64) * 60 + parts.field("minutes").cast(pl.Int64)
    ahead = pl.when(parts.field("sign") == "-").then(-minutes).otherwise(minutes)
    return (local_datetime(parts.field("local"), formats) - pl.duration(minutes=ahead)).dt.replace_time_zone("UTC")


def roc_date(text: pl.Expr) -> pl.Expr:
    """Read dates of the Republic of China calendar: year, two digits of month, two of day.

    With signs between them (``110/4/20``, ``110年4月20日``) the parts may lack zeros. Seven digits are ``YYYMMDD``. Six
    digits are ``YYMMDD`` unless they begin with 1, when a zero was lost from the month: ``110420`` is 20 April of year
    110 (2021), as the rows around it in the source show.
    """
    written = text.str.extract_groups(r"^(?<year>\d{2,3})[/.\-年](?<month>\d{1,2})[/.\-月](?<day>\d{1,2})日?$").struct
    padded = [written.field(part).str.zfill(2) for part in ("month", "day")]
    digits = pl.coalesce(written.field("year").str.zfill(3) + padded[0] + padded[1], text)
    mended = (
        pl.when(digits.str.contains(r"^1\d{5}$"))
        .then(digits.str.slice(0, 3) + "0" + digits.str.slice(3))
        .when(digits.str.contains(r"^\d{6}$"))
        .then("0" + digits)
        .otherwise(digits)
    )
    parts = mended.str.extract_groups(r"^(?<year>\d{3})(?<month>\d{2})(?<day>\d{2})$").struct
    year = parts.field("year").cast(pl.Int32, strict=False) + ROC_OFFSET
    iso = year.cast(pl.String) + "-" + parts.field("month") + "-" + parts.field("day")
    return iso.str.to_date("%Y-%m-%d", strict=False)


def _plain_number(text: pl.Expr) -> pl.Expr:
    # The slow look is for texts with a comma only.
    with_comma = pl.when(text.str.contains(",", literal=True)).then(text)
    grouped = with_comma.str.contains(r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$")
    return pl.when(grouped).then(with_comma.str.replace_all(",", "", literal=True)).otherwise(text)


def _number(text: pl.Expr) -> pl.Expr:
    if text.meta.root_names():
        return text.map_batches(_numbers, return_dtype=pl.Float64())
    value = _plain_number(text).cast(pl.Float64, strict=False)
    return pl.when(value.is_finite()).then(value)


def _numbers(texts: pl.Series) -> pl.Series:
    """Read a column of numbers; only one with a text that is no number as it stands is looked through for commas."""
    values = texts.cast(pl.Float64, strict=False)
    if values.null_count() > texts.null_count():
        values = texts.to_frame("text").select(_plain_number(pl.col("text")).cast(pl.Float64, strict=False)).to_series()
    finite = values.is_finite()
    return values if finite.all() else values.set(~finite, None)


def _integer(text: pl.Expr) -> pl.Expr:
    whole = _plain_number(text).str.replace(r"\.0+$", "")
    return whole.cast(pl.Int64, strict=False)


def _boolean(text: pl.Expr) -> pl.Expr:
    said = text.str.to_lowercase()
    return pl.when(said.is_in(TRUE)).then(True).when(said.is_in(FALSE)).then(False)


def epoch_day(text: pl.Expr, zone: str) -> pl.Expr:
    """Read the local day of milliseconds since 1970; a source that lost the clock time states ``zone = "UTC"``."""
    return _epoch_ms(text).dt.convert_time_zone(zone).dt.date()


def _epoch_ms(text: pl.Expr) -> pl.Expr:
    return _integer(text).cast(pl.Datetime("ms", "UTC")).dt.cast_time_unit("us")


def _hour(text: pl.Expr) -> pl.Expr:
    parts = text.str.extract_groups(r"^(?<hour>\d{1,2}):(?<minute>\d{2})(:\d{2})?$").struct
    clock = parts.field("hour").cast(pl.Float64, strict=False) + parts.field("minute").cast(pl.Float64) / 60
    return pl.coalesce(clock, _number(text))


_SIMPLE: dict[Parse, Callable[[pl.Expr], pl.Expr]] = {
    "text": lambda text: text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "roc_date": roc_date,
    "hour": _hour,
    "clock": clock_text,
}
