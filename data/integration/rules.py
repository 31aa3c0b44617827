"""Mapping rules as Polars expressions: from the text of a record to one canonical value, and what went wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import polars as pl

from data.errors import SourceError
from data.sources.mapping import LOCAL_MOMENTS, MOMENTS, Parse, Rule
from data.sources.parsing import FALSE, TRUE, epoch_day, local_day, moment_by_offset, parse_text
from data.sources.personal import key_of_header

#: Reasons a row can be refused for because of one cell.
MISSING, UNREADABLE, UNKNOWN_CODE, IMPOSSIBLE_DATE = (
    "missing_value",
    "unreadable_value",
    "unknown_code",
    "impossible_date",
)


@dataclass(frozen=True)
class Reading:
    """One rule applied to one file.

    Attributes
    ----------
    value
        The typed value.
    bad
        True where the text could not be read; the value is null there. Reads the value under the name ``called``.
    reason
        Why ``bad`` rows would be refused.
    header
        Key of the header that was read, None when nothing in the file was.
    provided
        Whether the file tells this value at all (a constant does, an absent header does not).
    notes
        What is worth counting although the row is kept.
    """

    value: pl.Expr
    bad: pl.Expr
    reason: str
    header: str | None
    provided: bool
    notes: dict[str, pl.Expr] = field(default_factory=dict)


def default_parse(dtype: pl.DataType) -> Parse:
    """Return the parse word that fits a canonical column's type."""
    if dtype == pl.Date:
        return "date"
    if isinstance(dtype, pl.Datetime):
        return "datetime"
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_integer():
        return "integer"
    return "number" if dtype.is_float() else "text"


def header_in(rule: Rule, keys: set[str]) -> str | None:
    """Return the key of the first of a rule's headers that the file has."""
    for header in rule.headers:
        key = header if header.startswith("$") else key_of_header(header)
        if key in keys:
            return key
    return None


def flags_in(rule: Rule, keys: set[str]) -> list[tuple[str, str]]:
    """Return key and text of those headers of ``first_of`` that the file has, in the order that decides."""
    return [(key, label) for header, label in rule.first_of if (key := key_of_header(header)) in keys]


def _says_yes(key: str) -> pl.Expr:
    """Return whether a cell says yes: a word for it, or how many times it was so."""
    times = parse_text(pl.col(key), "number", [], "UTC")
    return (pl.col(key).str.to_lowercase().is_in(TRUE) | (times > 0)).fill_null(False)


def _says_neither(key: str) -> pl.Expr:
    text, times = pl.col(key), parse_text(pl.col(key), "number", [], "UTC")
    no = text.str.to_lowercase().is_in(FALSE) | (times == 0).fill_null(False)
    return text.is_not_null() & ~no & ~_says_yes(key)


def published_text(rule: Rule, keys: set[str], file_name: str) -> tuple[pl.Expr, str | None, bool]:
    """Return the text a rule starts from, the header it is from, and whether the file provides it."""
    if rule.constant is not None:
        return pl.lit(rule.constant), None, True
    if rule.file_name is not None:
        found = re.search(rule.file_name, file_name)
        return pl.lit(found.group(1) if found else None, dtype=pl.String), None, found is not None
    if rule.combine:
        present = [one for header in rule.combine if (one := key_of_header(header)) in keys]
        if not present:
            return pl.lit(None, dtype=pl.String), None, False
        joined = pl.concat_str(present, separator=rule.separator, ignore_nulls=True)
        return pl.when(joined != "").then(joined), present[0], True
    if rule.first_of:
        said = [(_says_yes(key), label) for key, label in flags_in(rule, keys)]
        if not said:
            return pl.lit(None, dtype=pl.String), None, False
        first = pl.coalesce([pl.when(yes).then(pl.lit(label)) for yes, label in said])
        return first, flags_in(rule, keys)[0][0], True
    key = header_in(rule, keys)
    return (pl.lit(None, dtype=pl.String) if key is None else pl.col(key)), key, key is not None


def shaped_text(rule: Rule, text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Apply the text steps of a rule; return the text and where a code table did not know the value."""
    for old, new in rule.replace:
        text = text.str.replace_all(old, new, literal=True)
    if rule.extract is not None:
        text = text.str.extract(rule.extract, 1)
    if rule.blank:
        text = pl.when(~text.is_in(rule.blank)).then(text)
    if rule.pad is not None:
        text = text.str.zfill(rule.pad)
    if rule.slice is not None:
        text = text.str.slice(rule.slice[0], rule.slice[1] - rule.slice[0])
    # A cell comes stripped, and null where it was empty: only what else a text is made of can be empty.
    steps = (rule.replace, rule.extract is not None, rule.slice is not None)
    made = (rule.constant is not None, rule.file_name is not None, any(name.startswith("$") for name in rule.headers))
    if any((*steps, *made)):
        text = pl.when(text != "").then(text)
    if rule.prefix or rule.suffix:
        text = rule.prefix + text + rule.suffix
    if not rule.values:
        return text, pl.lit(False)
    coded = text.replace_strict(list(rule.values), list(rule.values.values()), default=None, return_dtype=pl.String)
    unknown = text.is_not_null() & ~text.is_in(list(rule.values))
    if rule.otherwise == "keep":
        return pl.coalesce(coded, text), pl.lit(False)
    if rule.otherwise == "null":
        return coded, pl.lit(False)
    if rule.otherwise.startswith("="):
        return pl.when(unknown).then(pl.lit(rule.otherwise[1:])).otherwise(coded), pl.lit(False)
    return coded, unknown


def read_rule(
    rule: Rule,
    dtype: pl.DataType,
    keys: set[str],
    *,
    called: str,
    zone: str,
    file_name: str,
    offsets: bool = False,
) -> Reading:
    """Build the expressions of one rule for one file.

    Parameters
    ----------
    dtype
        Type of the canonical column.
    keys
        Header keys the file has; the frame must hold them as stripped text, empty = null.
    called
        Name of the column the value will stand in when ``bad`` is evaluated: a text is read once only.
    zone
        IANA zone of the jurisdiction.
    file_name
        For rules that read the file's name.
    offsets
        Whether local times may end in their offset from UTC, as the later of two that the clock shows alike does in
        what a database answered.

    Raises
    ------
    SourceError
        If ``parse`` cannot give the column's type.
    """
    text, header, provided = published_text(rule, keys, file_name)
    text, unknown = shaped_text(rule, text)
    notes: dict[str, pl.Expr] = {}
    if flags := [key for key, _ in flags_in(rule, keys)]:
        unknown = unknown | pl.any_horizontal(_says_neither(key) for key in flags)
        notes["several_kinds"] = pl.sum_horizontal(_says_yes(key).cast(pl.Int32) for key in flags) > 1
    parse = rule.parse or default_parse(dtype)
    if parse == "epoch_ms" and dtype == pl.Date:
        value = epoch_day(text, rule.zone or zone)
    elif dtype == pl.Date and parse in LOCAL_MOMENTS:
        value = local_day(text, parse, rule.formats, rule.zone, zone)
    else:
        value = parse_text(text, parse, rule.formats, rule.zone or zone)
    if offsets and dtype.is_temporal() and parse in ("date", "datetime"):
        told = moment_by_offset(text, rule.formats)
        value = pl.coalesce(told.dt.convert_time_zone(zone).dt.date() if dtype == pl.Date else told, value)
    if rule.scale is not None:
        value = value * rule.scale
    if rule.default is not None:
        value = value.fill_null(parse_text(pl.lit(rule.default), parse, rule.formats, rule.zone or zone))
    reason = UNKNOWN_CODE if rule.values or isinstance(dtype, pl.Enum) else UNREADABLE
    if isinstance(dtype, pl.Datetime) and parse not in MOMENTS:
        raise SourceError(f"parse = {parse!r} cannot fill a column that holds a date and a time.")
    # The last cast also narrows integers and codes: what does not fit is a value that cannot be read, not a crash.
    typed = value.cast(dtype, strict=False)
    return Reading(typed, unknown | (text.is_not_null() & pl.col(called).is_null()), reason, header, provided, notes)
