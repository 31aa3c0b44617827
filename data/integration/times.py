"""When a call happened: the time block of a mapping → occurred_from, occurred_to, occurred_on, time_precision."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import polars as pl

from data.integration.rules import IMPOSSIBLE_DATE, UNREADABLE, published_text, shaped_text
from data.schemas.columns import TIME_PRECISIONS
from data.sources.mapping import LOCAL_MOMENTS, Parse, Rule, TimeBlock
from data.sources.parsing import (
    clock_text,
    epoch_day,
    local_clock,
    local_date,
    local_day,
    local_moment,
    moment_by_offset,
    parse_text,
    to_utc,
)

#: Two local hours and what upstream systems write between them; 23~01 wraps midnight.
SLOT = r"^(?<from>\d+)\s*[~～〜\-－—至]\s*(?<to>\d+)$"


@dataclass
class Times:
    """Expressions for the four columns, what can go wrong by header, and whether the file tells times at all."""

    columns: dict[str, pl.Expr] = field(default_factory=dict)
    problems: list[tuple[pl.Expr, str, str]] = field(default_factory=list)
    notes: dict[str, pl.Expr] = field(default_factory=dict)
    provided: bool = False


def read_times(
    block: TimeBlock, keys: set[str], *, zone: str, file_name: str, latest: date, offsets: bool = False
) -> Times:
    """Build the time expressions of one file.

    Parameters
    ----------
    keys
        Header keys of the file.
    zone
        IANA zone in which the file's local times are read.
    latest
        Last believable local day: later dates are refused as ``impossible_date``.
    offsets
        Whether local times may end in their offset from UTC, see :func:`data.integration.rules.read_rule`.

    Notes
    -----
    The day of an interval is the day it starts. A slot, hour or clock time that cannot be read leaves the day known
    (precision ``day``) and is counted as a note: the row itself is good.
    """
    result = Times()
    texts: dict[str, tuple[pl.Expr, str]] = {}
    for name, rule in block.rules.items():
        text, header, provided = published_text(rule, keys, file_name)
        shaped, _ = shaped_text(rule, text)
        result.provided |= provided
        if provided:
            texts[name] = (shaped, header or name)
    start, end, precision = _nothing()
    known: list[tuple[pl.Expr, pl.Expr]] = []
    if "month" in texts:
        first = _day(block.month, texts["month"][0], zone, offsets).dt.month_start()
        start, end = _midnight(first), _midnight(first.dt.offset_by("1mo"))
        precision = pl.when(first.is_not_null()).then(pl.lit("month"))
        _watch(result, texts["month"], first)
    if "date" in texts:
        day = _day(block.date, texts["date"][0], zone, offsets)
        _watch(result, texts["date"], day)
        day_start, day_end, day_precision = _midnight(day), _midnight(day.dt.offset_by("1d")), pl.lit("day")
        if "slot" in texts:
            day_start, day_end, day_precision = _slot(result, texts["slot"][0], day)
        elif "hour" in texts:
            day_start, day_end, day_precision = _hour(result, texts["hour"][0], day)
        start, end, precision = _prefer(day.is_not_null(), (day_start, day_end, day_precision), (start, end, precision))
    if "date" in texts and "clock" in texts:
        at = _at_clock(result, block.clock, texts["clock"], _day(block.date, texts["date"][0], zone, offsets))
        until = at
        if "until_date" in texts and "until_clock" in texts:
            last = _day(block.until_date, texts["until_date"][0], zone, offsets)
            clock = _at_clock(result, block.until_clock, texts["until_clock"], last)
            until = _end(result, block.until_date, texts["until_date"], last, at, clock)
        start, end, precision = _prefer(at.is_not_null(), _exact(block, at, until), (start, end, precision))
    if "at" in texts:
        at = _moment(block.at, texts["at"][0], zone, offsets)
        _watch(result, texts["at"], at)
        until, instants = at, [(at, _instant(block.at, texts["at"][0], zone, offsets))]
        longer: pl.Expr | None = None
        if "until" in texts:
            last = _moment(block.until, texts["until"][0], zone, offsets)
            instants.append((last, _instant(block.until, texts["until"][0], zone, offsets)))
            told = [instant for _, instant in instants if instant is not None]
            first, then = told if len(told) == len(instants) else (at, last)
            longer, before = then > first, then < first
            until = _end(result, block.until, texts["until"], last, at, last, before)
        start, end, precision = _prefer(at.is_not_null(), _exact(block, at, until, longer), (start, end, precision))
        known = [(local, instant) for local, instant in instants if instant is not None]
    day = start.dt.date()
    result.columns = {
        "occurred_from": _as_told(start, known[:1], zone),
        "occurred_to": _as_told(end, known[::-1], zone),
        "occurred_on": day,
        "time_precision": precision.fill_null("unknown").cast(pl.Enum(TIME_PRECISIONS)),
    }
    header = next((texts[name][1] for name in ("at", "date", "month") if name in texts), "time")
    result.problems.append(((day < block.earliest) | (day > latest), header, IMPOSSIBLE_DATE))
    return result


def _as_told(local: pl.Expr, known: list[tuple[pl.Expr, pl.Expr]], zone: str) -> pl.Expr:
    """Return UTC of local times; that of the source where it told the moment itself, as ``known`` pairs of both.

    In the hour that a clock change repeats the local time alone does not say which of the two is meant.
    """
    found = to_utc(local, zone)
    for own, instant in reversed(known):
        found = pl.when(local == own).then(instant).otherwise(found)
    return found


def _exact(
    block: TimeBlock, at: pl.Expr, until: pl.Expr, longer: pl.Expr | None = None
) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Return start, end and precision of moments; a clock time that means "unknown" leaves the day."""
    longer = until > at if longer is None else longer
    day_only = at.dt.strftime("%H:%M").is_in(block.unknown_at) if block.unknown_at else pl.lit(False)
    midnight = at.dt.truncate("1d")
    return (
        pl.when(day_only).then(midnight).otherwise(at),
        pl.when(day_only).then(midnight.dt.offset_by("1d")).otherwise(until),
        pl.when(day_only).then(pl.lit("day")).when(longer).then(pl.lit("slot")).otherwise(pl.lit(block.precision)),
    )


def _end(
    result: Times,
    rule: Rule | None,
    source: tuple[pl.Expr, str],
    read: pl.Expr,
    at: pl.Expr,
    last: pl.Expr,
    before: pl.Expr | None = None,
) -> pl.Expr:
    """Return the end of an interval, the start where none is told.

    With ``on_error = "null"`` an end that cannot be read, or lies before the start, tells nothing and is noted;
    otherwise its row is refused, here or by the schema.
    """
    if rule is None or rule.on_error == "refuse":
        _watch(result, source, read)
        return pl.coalesce(last, at)
    result.notes["unreadable_end"] = source[0].is_not_null() & read.is_null()
    before = last < at if before is None else before
    result.notes["end_before_start"] = before.fill_null(False)
    return pl.when(~before).then(last).otherwise(at)


def _at_clock(result: Times, rule: Rule | None, source: tuple[pl.Expr, str], day: pl.Expr) -> pl.Expr:
    """Return a day at the clock time beside it, null without one; 24:00 is the end of the day."""
    text, header = source
    said = text
    if rule is not None and rule.parse == "clock":
        text = clock_text(text)
    clock = local_clock(text, rule.formats if rule is not None else [])
    midnight = text.str.contains(r"^24:?00(:00)?$").fill_null(False)
    name = f"unreadable_clock_{header}" if "unreadable_clock" in result.notes else "unreadable_clock"
    result.notes[name] = said.is_not_null() & clock.is_null() & ~midnight
    at = day.dt.combine(clock, "us")
    return pl.when(midnight).then(_midnight(day.dt.offset_by("1d"))).otherwise(at)


def _nothing() -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    never = pl.lit(None, dtype=pl.Datetime("us"))
    return never, never, pl.lit(None, dtype=pl.String)


def _prefer(
    condition: pl.Expr, first: tuple[pl.Expr, pl.Expr, pl.Expr], second: tuple[pl.Expr, pl.Expr, pl.Expr]
) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    one, two, three = (pl.when(condition).then(a).otherwise(b) for a, b in zip(first, second, strict=True))
    return one, two, three


def _midnight(day: pl.Expr) -> pl.Expr:
    return day.cast(pl.Datetime("us"))


def _day(rule: Rule | None, text: pl.Expr, zone: str, offsets: bool) -> pl.Expr:
    if rule is not None and rule.parse == "roc_date":
        return parse_text(text, "roc_date", [], "UTC")
    if rule is not None and rule.parse == "epoch_ms":
        return epoch_day(text, rule.zone or zone)
    if rule is not None and rule.parse in LOCAL_MOMENTS:
        return local_day(text, rule.parse, rule.formats, rule.zone, zone)
    formats = rule.formats if rule is not None else []
    day = local_date(text, formats)
    if not offsets:
        return day
    return pl.coalesce(moment_by_offset(text, formats).dt.convert_time_zone(zone).dt.date(), day)


def _moment(rule: Rule | None, text: pl.Expr, zone: str, offsets: bool) -> pl.Expr:
    """Local clock time without zone; times the source tells in another zone are brought to the local one."""
    moment = _instant(rule, text, zone, offsets)
    if moment is not None:
        return moment.dt.convert_time_zone(zone).dt.replace_time_zone(None)
    parse = rule.parse if rule is not None and rule.parse in LOCAL_MOMENTS else "datetime"
    return local_moment(text, parse, rule.formats if rule is not None else [])


def _instant(rule: Rule | None, text: pl.Expr, zone: str, offsets: bool) -> pl.Expr | None:
    """Return the moment in UTC where the source tells one; None where it tells local clock times."""
    parse: Parse = (rule.parse if rule is not None else None) or "datetime"
    formats = rule.formats if rule is not None else []
    if rule is not None and (parse == "epoch_ms" or rule.zone not in (None, zone)):
        found = parse_text(text, parse, formats, rule.zone or zone)
    elif offsets and parse == "datetime":
        found = to_utc(local_moment(text, parse, formats), zone)
    else:
        return None
    return pl.coalesce(moment_by_offset(text, formats), found) if offsets else found


def _watch(result: Times, source: tuple[pl.Expr, str], parsed: pl.Expr) -> None:
    text, header = source
    result.problems.append((text.is_not_null() & parsed.is_null(), header, UNREADABLE))


def _hour(result: Times, text: pl.Expr, day: pl.Expr) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Return the hour a source tells beside the day as an interval; without one only the day is known."""
    hour = parse_text(text, "hour", [], "UTC").floor().cast(pl.Int64, strict=False)
    known = hour.is_between(0, 23).fill_null(False)
    result.notes["unreadable_hour"] = text.is_not_null() & ~known
    start = _midnight(day) + pl.duration(hours=pl.when(known).then(hour).otherwise(0))
    end = pl.when(known).then(start + pl.duration(hours=1)).otherwise(_midnight(day.dt.offset_by("1d")))
    return start, end, pl.when(known).then(pl.lit("hour")).otherwise(pl.lit("day"))


def _slot(result: Times, text: pl.Expr, day: pl.Expr) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    hours = text.str.extract_groups(SLOT).struct
    first = hours.field("from").cast(pl.Int64, strict=False)
    last = hours.field("to").cast(pl.Int64, strict=False)
    known = (first.is_between(0, 23) & last.is_between(0, 24)).fill_null(False)
    wraps = (last <= first).cast(pl.Int64)
    start = pl.when(known).then(_midnight(day) + pl.duration(hours=first)).otherwise(_midnight(day))
    end = (
        pl.when(known)
        .then(_midnight(day) + pl.duration(hours=last + 24 * wraps))
        .otherwise(_midnight(day.dt.offset_by("1d")))
    )
    result.notes["unreadable_slot"] = text.is_not_null() & ~known
    return start, end, pl.when(known).then(pl.lit("slot")).otherwise(pl.lit("day"))
