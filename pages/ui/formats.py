"""Numbers, dates and intervals as the reader's language writes them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from functools import reduce
from zoneinfo import ZoneInfo

from data.shares import percent
from pages.ui.language import current, t

MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NONE = "–"


#: Signs that Markdown, or Streamlit's own additions to it, could take for more than themselves.
_MARKS = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>$~:|&#"})


def literal(text: object) -> str:
    """Return a text of other people's (a name, a comment, a message about a file) for a place that reads Markdown.

    A street called ``![](http://…)`` would otherwise make the reader's browser fetch that address.
    """
    return " ".join(str(text).split()).translate(_MARKS)


def number(value: float | int | None, digits: int = 0) -> str:
    """Return a number with thousands separators, a dash when there is none."""
    return NONE if value is None else f"{value:,.{digits}f}"


def counted(value: float | int | None, rounded_to: int) -> str:
    """Return a count, rounded or not: a rounded 0 is no zero and says what it stands for."""
    return t("common.few", most=rounded_to - 1) if value == 0 and rounded_to > 1 else number(value)


def share(value: float | None, digits: int = 0) -> str:
    """Return a share (0-1) as a percentage; one that is not whole never reads 0% or 100%."""
    return NONE if value is None else percent(value, digits)


def signed(value: float | None, digits: int = 1) -> str:
    """Return a number with its sign; a true minus sign, which screen readers say."""
    if value is None:
        return NONE
    rounded = round(value, digits)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else "±"
    return f"{sign}{abs(rounded):.{digits}f}"


def interval(value: float, low: float, high: float, digits: int = 1) -> str:
    """Return an estimate with its interval: ``3.2 (1-6)`` with an en dash. Counts as bounds stay whole."""
    whole = float(low).is_integer() and float(high).is_integer()
    bounds = 0 if whole else digits
    return f"{value:,.{digits}f} ({low:,.{bounds}f}–{high:,.{bounds}f})"


def day(value: date | None) -> str:
    """Return a date: 2026年7月1日 or 1 Jul 2026."""
    if value is None:
        return NONE
    if current() == "zh":
        return f"{value.year}年{value.month}月{value.day}日"
    return f"{value.day} {MONTHS_EN[value.month - 1]} {value.year}"


def short_day(value: date | None) -> str:
    """Return a date without the year: 7月1日 or 1 Jul."""
    if value is None:
        return NONE
    return f"{value.month}月{value.day}日" if current() == "zh" else f"{value.day} {MONTHS_EN[value.month - 1]}"


def near_day(value: date | None, year: int) -> str:
    """Return a date, with its year only when that is not the reader's."""
    return short_day(value) if value is None or value.year == year else day(value)


def month(value: date) -> str:
    """Return a month: 2026年7月 or Jul 2026."""
    return f"{value.year}年{value.month}月" if current() == "zh" else f"{MONTHS_EN[value.month - 1]} {value.year}"


def period(start: date, end: date) -> str:
    """Return a period from its first day and the day after its last; one day is told as that."""
    last = date.fromordinal(end.toordinal() - 1)
    if start == last:
        return day(start)
    if start.year != last.year:
        return t("common.period", start=day(start), end=day(last))
    # The year stands once: first in Chinese, last in English.
    if current() == "zh":
        return t("common.period", start=day(start), end=short_day(last))
    return t("common.period", start=short_day(start), end=day(last))


def moment(value: datetime | str | None, timezone: str = "UTC") -> str:
    """Return a time of day with its date, in the jurisdiction's zone."""
    if value is None:
        return NONE
    when = datetime.fromisoformat(value) if isinstance(value, str) else value
    local = when.astimezone(ZoneInfo(timezone)) if when.tzinfo else when
    return f"{day(local.date())} {local:%H:%M}"


def weekday(number_of_day: int | None) -> str:
    """Return the name of a weekday, 1 = Monday."""
    return NONE if number_of_day is None else t(f"common.weekday.{number_of_day}")


def hours_from(hour: int | float | None, length_h: float = 4) -> str:
    """Return a stretch of hours: 20:00-24:00 with an en dash."""
    if hour is None:
        return NONE
    end = (hour + length_h) % 24 or 24
    return f"{int(hour):02d}:{round(hour % 1 * 60):02d}–{int(end):02d}:{round(end % 1 * 60):02d}"


def when(weekday_number: int | None, hour: int | None) -> str:
    """Return the busiest time of a place in words, as far as it is known."""
    parts = [weekday(weekday_number)] if weekday_number else []
    if hour is not None:
        parts.append(hours_from(hour))
    return " ".join(parts) or t("common.not_known")


def baseline_place(baseline_rank: int | None) -> str:
    """Return the plain-count rank; it is hidden where the count it comes from is."""
    return t("common.hidden") if baseline_rank is None else str(baseline_rank)


def rank_change(rank: int, baseline_rank: int | None) -> str:
    """Return the plain-count rank and how far the advice moves the place: ``12 ↑9`` when it ranks higher now."""
    if baseline_rank is None:
        return baseline_place(None)
    if baseline_rank == rank:
        return f"{baseline_rank} ="
    return f"{baseline_rank} {'↑' if rank < baseline_rank else '↓'}{abs(baseline_rank - rank)}"


def listed(texts: Iterable[str]) -> str:
    """Return texts one after the other, as the language lists them: 甲、乙 or A, B."""
    return reduce(lambda first, more: t("common.listed", first=first, more=more), [*texts] or [""])


def set_apart(texts: Iterable[str]) -> str:
    """Return texts that hold commas themselves one after the other: 甲；乙 or A; B."""
    return reduce(lambda first, more: t("common.set_apart", first=first, more=more), [*texts] or [""])


def sentences(*texts: str) -> str:
    """Return sentences one after the other: Chinese ones follow at once, English ones after a space."""
    return ("" if current() == "zh" else " ").join(text for text in texts if text)
