"""How a column writes dates and clock times: the form its values agree on, and what a sample cannot tell of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from data.sources.mapping import Parse
from data.sources.parsing import local_date, local_datetime, parse_text
from data.sources.propose.words import OF_TIME, words_of

if TYPE_CHECKING:
    from data.sources.propose.profiling import Profile

#: Share of the filled values that must agree before a column is said to have a form.
AGREE = 0.95
#: Different values looked at; more do not make a form clearer.
VALUES_LOOKED_AT = 2_000
#: Forms with a clock time, the American order before the European one.
DATETIME_FORMS = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %I:%M:%S %p",
    "%Y/%m/%d %I:%M %p",
    "%Y-%m-%d %I:%M:%S %p",
    "%Y.%m.%d %H:%M:%S",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日%H时%M分%S秒",
    "%Y年%m月%d日%H时%M分",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%y %H:%M",
    "%m/%d/%y %H:%M:%S",
    "%m/%d/%y %I:%M %p",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y %I:%M:%S %p",
    "%d/%m/%y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%m-%d-%Y %H:%M:%S",
    "%d-%m-%Y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S",
    "%d-%b-%y %H:%M:%S",
    "%d %b %Y %H:%M",
    "%d %B %Y %H:%M",
    "%Y %b %d %I:%M:%S %p",
    "%b %d %Y %I:%M:%S %p",
    "%b %d, %Y %I:%M:%S %p",
    "%B %d, %Y %I:%M %p",
    "%B %d, %Y %H:%M",
    "%Y%m%dT%H%M%S",
    "%Y%m%d%H%M%S",
    "%Y%m%d%H%M",
    "%Y%m%d %H:%M:%S",
)
DATE_FORMS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y%m%d",
    "%Y.%m.%d",
    "%Y年%m月%d日",
    "%m/%d/%Y",
    "%m/%d/%y",
    "%d/%m/%Y",
    "%d/%m/%y",
    "%d.%m.%Y",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%d %B %Y",
    "%B %d, %Y",
    "%b %d, %Y",
    "%Y %b %d",
    "%A, %B %d, %Y",
)
MONTH_FORMS = ("%Y-%m", "%Y/%m", "%Y%m", "%B %Y", "%b %Y", "%b-%Y", "%m/%Y")
#: A zone written behind the time: Z, +00, -05:00.
ZONE = re.compile(r"^(.*\d)\s*(Z|[+-]\d{2}(?::?\d{2})?|UTC)$")
#: Two moments in one cell, from and to.
RANGE = r"^\s*(.+?)\s+(?:-|–|to|至|~)\s+(.+?)\s*$"
RANGE_END = r"^.+?\s+(?:-|–|to|至|~)\s+(.+?)\s*$"
_DAY_MS = 86_400_000
#: What stands in place of a strptime form for clock times in words.
IN_WORDS = "clock"
#: Days of a spreadsheet from 1990 to 2069; below lie other five-digit dates, such as year and day of the year.
SERIALS = (32_874, 62_091)


@dataclass(frozen=True)
class DateForm:
    """How a column writes dates.

    Attributes
    ----------
    keys
        Keys of a mapping rule that read it: parse, formats, extract, zone, blank.
    kind
        ``moment`` (date and time), ``day`` or ``month``.
    share
        Share of the filled values read.
    doubt
        What cannot be told from the sample, in a sentence; empty when nothing.
    midnight
        Every moment is local midnight as far as the sample shows.
    until
        Keys that read the end of the interval, where cells hold two moments.
    first_days
        Every day is the first of a month: the source tells the month only.
    next_day
        The moments are midnight of a zone ahead of the one they are told in, where it is still the day before.
    """

    keys: dict[str, object]
    kind: str
    share: float
    doubt: str = ""
    midnight: bool = False
    until: dict[str, object] | None = None
    first_days: bool = False
    next_day: bool = False

    @property
    def forms(self) -> list[str]:
        """The strptime formats, empty for epoch and ROC dates."""
        found = self.keys.get("formats")
        return [str(one) for one in found] if isinstance(found, list) else []


def true_share(mask: pl.Series) -> float:
    """Return the share of true values, null counting as false; 0 for an empty series."""
    return mask.filter(mask.fill_null(False)).len() / max(1, mask.len())


def date_form(filled: pl.Series, profile: Profile) -> DateForm | None:
    """Return how a column writes dates, or None when it does not."""
    values = filled.unique(maintain_order=True).head(VALUES_LOOKED_AT)
    if profile.is_number and not profile.decimal_comma:
        words = words_of(profile.header)
        if "id" in words and not words & OF_TIME:
            return None
        form = _digits(values, named=bool(words & OF_TIME))
        dated = words & {"date", "datetime"} or ("time" in words and not profile.whole)
        return _serial(values) if form is None and dated else form
    if not values.str.contains(r"\d").all():
        return None
    if values.str.contains(r"^1[01]\d[/.\-年]\d{1,2}[/.\-月]\d{1,2}日?$").all():
        return DateForm({"parse": "roc_date"}, "day", 1.0)
    if true_share(values.str.contains(RANGE)) > 0.05 and (form := _two_moments(values)) is not None:
        return form
    marked = [ZONE.match(value) for value in values.to_list()]
    zoned = [found for found in marked if found is not None and ":" in found.group(1)]
    if len(zoned) >= AGREE * len(marked):
        offsets = {found.group(2) for found in zoned}
        bare = pl.Series([found.group(1) for found in zoned])
        form = _written(bare, len(values))
        if form is None:
            return None
        utc = offsets <= {"Z", "+00", "+00:00", "+0000", "UTC"}
        keys = {
            "extract": r"^(.*\d)\s*(?:Z|[+-]\d{2}:?(?:\d{2})?|UTC)$",
            **form.keys,
            **({"zone": "UTC"} if utc else {}),
        }
        # 04:00 and 05:00 UTC on every row is midnight in a place west of Greenwich, with and without summer time.
        hours = pl.select(pl.coalesce([pl.lit(_read(bare, "moment", one)) for one in form.forms])).to_series().dt
        elsewhere = utc and set(hours.minute().unique()) == {0} and hours.hour().n_unique() <= 2
        midnight = form.midnight or (elsewhere and max(hours.hour().to_list()) <= 12 and len(values) > 10)
        doubt = "" if utc or len(offsets) < 3 else "the offsets differ; the clock times are read as local"
        # From 13:00 UTC on it is midnight of the next day, east of Greenwich.
        east = utc and midnight and min(hours.hour().drop_nulls().to_list(), default=0) >= 13
        return DateForm(keys, form.kind, form.share, doubt or form.doubt, midnight, next_day=east)
    return _written(values, len(values))


def _two_moments(values: pl.Series) -> DateForm | None:
    """Return how cells of two moments, or of one, are written."""
    first, second = values.str.extract(RANGE, 1), values.str.extract(RANGE, 2)
    starts = pl.select(pl.coalesce(pl.lit(first), pl.lit(values))).to_series()
    form, ends = _written(starts, len(starts)), second.drop_nulls()
    later = _written(ends, len(ends))
    if form is None or later is None or form.kind != "moment" or later.kind != "moment":
        return None
    start = {"extract": r"^\s*(.+?)(?:\s+(?:-|–|to|至|~)\s+.*)?$", **form.keys}
    return DateForm(start, "moment", form.share, form.doubt, until={"extract": RANGE_END, **later.keys})


def _written(values: pl.Series, total: int) -> DateForm | None:
    for kind, forms in (("moment", DATETIME_FORMS), ("day", DATE_FORMS), ("month", MONTH_FORMS)):
        chosen: list[str] = []
        left = values
        doubt = ""
        while not left.is_empty() and len(chosen) < 4:
            read = {form: _read(left, kind, form) for form in forms if form not in chosen}
            best = max(read, key=lambda form: read[form].len() - read[form].null_count())
            hits = left.len() - read[best].null_count()
            if hits < max(1, 0.01 * values.len()):
                break
            twin = best.replace("%m", "%?").replace("%d", "%m").replace("%?", "%d")
            if (
                twin != best
                and "%b" not in best
                and twin in read
                and read[twin].null_count() == read[best].null_count()
            ):
                doubt = f"day and month cannot be told apart: {best} or {twin}"
            chosen.append(best)
            left = left.filter(read[best].is_null())
        share = 1 - left.len() / total
        if chosen and share >= AGREE:
            parsed = pl.coalesce([pl.lit(_read(values, kind, form)) for form in chosen])
            found = pl.select(parsed).to_series().drop_nulls()
            if true_share(found.dt.year().is_between(1900, 2100)) < AGREE:
                return None
            clocks = found.dt.hour().cast(pl.Int64) * 60 + found.dt.minute() if kind == "moment" else pl.Series([1])
            # One hour on every day, two with summer time: midnight of another zone, nobody's clock.
            same = clocks.n_unique() <= 2 and bool((clocks % 60 == 0).all()) and found.dt.date().n_unique() > 20
            midnight = kind == "moment" and (bool((clocks == 0).all()) or same)
            first = kind == "day" and found.n_unique() > 2 and bool((found.dt.day() == 1).all())
            return DateForm({"formats": chosen}, kind, share, "" if first else doubt, midnight, first_days=first)
    return None


def _read(values: pl.Series, kind: str, form: str) -> pl.Series:
    text = pl.lit(values)
    parsed = local_datetime(text, [form]) if kind == "moment" else local_date(text, [form])
    # %Y reads the 22 of 01/05/22 as a year of the Roman empire.
    found = pl.select(parsed).to_series()
    return found.set(found.dt.year() < 1000, None)


def _digits(values: pl.Series, *, named: bool) -> DateForm | None:
    """Dates written as digits only: 14, 12, 8, 6 digits, epoch milliseconds; seconds where the header names a time."""
    bare = values.str.replace(r"\.0+$", "")
    lengths = bare.str.replace(r"^-", "").str.len_chars()
    if true_share(bare.str.contains(r"^-?\d+$")) < AGREE:
        return None
    if true_share(lengths == 13) >= AGREE:
        return _epoch(bare)
    if named and true_share((lengths == 10) & bare.str.contains("^1[0-9]{9}$")) >= AGREE:
        # Seconds since 1970, from 2001 on.
        seconds = bare.cast(pl.Int64, strict=False).drop_nulls() % 86_400
        days = seconds.n_unique() <= 2 and bool((seconds % 3_600 == 0).all()) and bare.len() > 5
        elsewhere = days and bool((seconds != 0).any())
        return DateForm({"suffix": "000", "parse": "epoch_ms"}, "moment", 1.0, midnight=days, next_day=elsewhere)
    for length, kind, form in ((14, "moment", "%Y%m%d%H%M%S"), (12, "moment", "%Y%m%d%H%M"), (8, "day", "%Y%m%d")):
        if true_share(lengths == length) >= AGREE and bare.str.contains("^(19|20)").all():
            read = _read(bare, kind, form)
            share = 1 - read.null_count() / read.len()
            if share >= AGREE:
                return DateForm({"formats": [form]}, kind, share)
    if true_share(lengths == 6) >= AGREE and bare.str.contains(r"^(19|20)\d\d(0[1-9]|1[0-2])$").all():
        return DateForm({"formats": ["%Y%m"]}, "month", 1.0)
    if lengths.is_in([6, 7]).all() and bare.str.contains(r"^1[01]\d").all():
        read = pl.select(parse_text(pl.lit(bare), "roc_date", [], "UTC")).to_series()
        if read.null_count() <= (1 - AGREE) * read.len():
            return DateForm({"parse": "roc_date"}, "day", 1 - read.null_count() / read.len())
    return None


def _serial(values: pl.Series) -> DateForm | None:
    """Days as a spreadsheet numbers them, with the time of day behind the point."""
    numbers = values.cast(pl.Float64, strict=False)
    share = true_share(numbers.is_between(*SERIALS))
    if share < AGREE:
        return None
    whole = bool((numbers == numbers.floor()).all())
    parse: Parse = "sheet_serial"
    return DateForm({"parse": parse}, "day" if whole else "moment", share)


def _epoch(bare: pl.Series) -> DateForm | None:
    numbers = bare.cast(pl.Int64, strict=False).drop_nulls()
    believable = numbers.filter(numbers.is_between(0, 4_102_444_800_000))
    if believable.len() < 0.5 * numbers.len():
        return None
    never = sorted({str(number) for number in numbers.filter(numbers < 0).to_list()})
    parse: Parse = "epoch_ms"
    keys: dict[str, object] = {"parse": parse, **({"blank": never} if 0 < len(never) <= 3 else {})}
    if bool((believable % _DAY_MS == 0).all()):
        doubt = "every time is midnight UTC: the source keeps the day only"
        return DateForm(keys, "moment", 1.0, doubt, midnight=True)
    return DateForm(keys, "moment", 1.0)


def clock_form(filled: pl.Series, profile: Profile) -> str | None:
    """Return the strptime form of a column of clock times; ``IN_WORDS`` where only the header makes them such."""
    named = bool(words_of(profile.header) & (OF_TIME | {"hour"}))
    if profile.is_number:
        if profile.low is None or profile.low < 0:
            return None
        if not profile.whole:
            # 0.5 is noon: parts of a day, as a spreadsheet keeps them.
            return IN_WORDS if named and (profile.high or 0) < 1 else None
        if (profile.high or 0) <= 24:
            return "%H" if profile.distinct > 12 else None
        # 2130 is half past nine, 45 is 00:45: zeros on the left may be lost.
        return "%H%M" if true_share(filled.str.contains(r"^(([01]?\d|2[0-3])?[0-5]?\d|2400)(\.0)?$")) >= AGREE else None
    shapes = (
        ("%H:%M:%S", r"^\d{1,2}:\d{2}:\d{2}(\.0+)?$"),
        ("%H:%M", r"^\d{1,2}:\d{2}$"),
        ("%I:%M:%S %p", r"(?i)^\d{1,2}:\d{2}:\d{2} ?[ap]m$"),
        ("%I:%M %p", r"(?i)^\d{1,2}:\d{2} ?[ap]m$"),
    )
    plain = next((form for form, shape in shapes if true_share(filled.str.contains(shape)) >= AGREE), None)
    if plain is not None or not named:
        return plain
    read = pl.select(parse_text(pl.lit(filled), "clock", [], "UTC").str.to_time("%H:%M:%S", strict=False)).to_series()
    return IN_WORDS if 1 - read.null_count() / read.len() >= AGREE else None
