"""Values of canonical columns, read from a file's cells by the rules of its mapping, and each row's first problem."""

from __future__ import annotations

from datetime import date

import polars as pl

from data.integration.geometries import located, shaped
from data.integration.repeats import OTHER_TABLE
from data.integration.rules import MISSING, UNREADABLE, read_rule
from data.integration.times import read_times
from data.schemas import CANONICAL
from data.snapshots import Jurisdiction
from data.sources.mapping import PROVENANCE, FileKind
from data.sources.personal import key_of_header
from data.sources.reading import GEOMETRY, LINE

#: Column that says why a row is refused: header and reason, parted by a tab; null in rows that are kept.
WHY = "$why"


def apply_rules(
    frame: pl.DataFrame, kind: FileKind, jurisdiction: Jurisdiction, *, file_name: str, latest: date
) -> tuple[pl.DataFrame, set[str], dict[str, pl.Series]]:
    """Return the canonical columns with :data:`WHY`, the columns the file provides, and lines of what was noted."""
    schema = CANONICAL[kind.table]
    types = {name: column.dtype for name, column in schema.columns().items()}
    keys = set(frame.columns) - {LINE, GEOMETRY}
    zone = jurisdiction.timezone
    offsets = "database" in kind.formats
    values: dict[str, pl.Expr] = {}
    read: dict[str, pl.Expr] = {}
    problems: list[tuple[pl.Expr, str, str]] = []
    if kind.only_with is not None and (key := key_of_header(kind.only_with)) in keys:
        problems.append((pl.col(key).is_null() | (pl.col(key).str.strip_chars() == ""), key, OTHER_TABLE))
    problems += [
        (pl.col(key).str.contains(refusal.matches).fill_null(False), key, refusal.reason)
        for refusal in kind.refuse
        if (key := key_of_header(refusal.header)) in keys
    ]
    if kind.shape is not None and "geometry" in types and (key := key_of_header(kind.shape)) in keys:
        # What could be read as a shape is no text any more.
        problems.append((pl.col(key).is_not_null(), key, UNREADABLE))
    notes: dict[str, pl.Expr] = {}
    provided: set[str] = set()
    told_by: dict[str, str] = {}
    for name, rule in kind.columns.items():
        called = f"$value_{name}"
        reading = read_rule(rule, types[name], keys, called=called, zone=zone, file_name=file_name, offsets=offsets)
        read[called], values[name] = reading.value, pl.col(called)
        told_by[name] = reading.header or name
        if reading.provided:
            provided.add(name)
        notes |= reading.notes
        if rule.on_error == "null":
            notes[f"{name}_not_read"] = reading.bad
        else:
            problems.append((reading.bad, told_by[name], reading.reason))
        if rule.required:
            problems.append((pl.col(called).is_null(), told_by[name], MISSING))
    if kind.time is not None:
        times = read_times(kind.time, keys, zone=zone, file_name=file_name, latest=latest, offsets=offsets)
        values = {**times.columns, **values}
        problems += times.problems
        notes |= times.notes
        if times.provided:
            provided |= set(times.columns)
    if kind.point is not None:
        for axis, rule in kind.point.rules.items():
            called = f"$value_${axis}"
            reading = read_rule(rule, pl.Float64(), keys, called=called, zone=zone, file_name=file_name)
            read[called], values[f"${axis}"] = reading.value, pl.col(called)
            if reading.provided:
                provided |= {"x", "y", "crs", "lon", "lat", "location_level"} & set(types)
            if rule.on_error == "refuse":
                problems.append((reading.bad, reading.header or axis, UNREADABLE))
    keep_shape = [GEOMETRY] if GEOMETRY in frame.columns else []
    flags = [bad.fill_null(False).alias(f"$bad{place}") for place, (bad, _, _) in enumerate(problems)]
    columns = [value.alias(name) for name, value in values.items()]
    columns += flags
    columns += [noted.fill_null(False).alias(f"$note_{name}") for name, noted in notes.items()]
    slow = {name for name in values if name in types and types[name].is_temporal()}
    mapped = _evaluate(frame, [pl.col(LINE), *map(pl.col, keep_shape), *columns], read, slow)
    noted = {name: lines for name in notes if (lines := mapped.filter(pl.col(f"$note_{name}"))[LINE]).len()}
    mapped = located(mapped, kind, types)
    mapped = shaped(mapped, types, provided)
    mapped = _with_defaults(mapped, kind, types)
    missing = [
        (pl.col(name).is_null(), told_by.get(name, name), MISSING)
        for name, column in schema.columns().items()
        if not column.nullable and name not in PROVENANCE
    ]
    keyless = pl.all_horizontal(pl.col(kind.identity).is_null())
    missing.append((keyless, told_by.get(kind.identity[0], kind.identity[0]), MISSING))
    stated = [(pl.col(f"$bad{place}"), header, reason) for place, (_, header, reason) in enumerate(problems)]
    why = _first_problem(mapped, [*stated, *missing])
    return mapped.select(LINE, *(name for name in types if name not in PROVENANCE)).with_columns(why), provided, noted


def _first_problem(mapped: pl.DataFrame, problems: list[tuple[pl.Expr, str, str]]) -> pl.Series:
    """Return header and reason of each row's first problem; null in most rows, which are not looked at twice."""
    bad = mapped.select(pl.any_horizontal(flag for flag, _, _ in problems).alias("bad")).to_series()
    why = pl.repeat(None, mapped.height, dtype=pl.String, eager=True).alias(WHY)
    if not bad.any():
        return why
    texts = [pl.when(flag).then(pl.lit(f"{header}\t{reason}")) for flag, header, reason in problems]
    return why.scatter(bad.arg_true(), mapped.filter(bad).select(pl.coalesce(texts)).to_series())


def _evaluate(frame: pl.DataFrame, columns: list[pl.Expr], read: dict[str, pl.Expr], slow: set[str]) -> pl.DataFrame:
    """Evaluate expressions that look at one row each; dates, which are slow to read, once per different text.

    ``read`` are values that several of the ``columns`` refer to by name: they are evaluated first, and once.
    """
    by_roots: dict[tuple[str, ...], list[pl.Expr]] = {}
    for column in columns:
        names = column.meta.root_names()
        found_in = {root for name in names for root in (read[name].meta.root_names() if name in read else [name])}
        by_roots.setdefault(tuple(sorted(found_in)), []).append(column)

    def values_first(rows: pl.DataFrame, some: list[pl.Expr]) -> pl.LazyFrame:
        names = dict.fromkeys(name for column in some for name in column.meta.root_names() if name in read)
        return rows.lazy().with_columns(read[name].alias(name) for name in names)

    at_once: list[pl.Expr] = []
    added: list[tuple[tuple[str, ...], pl.DataFrame]] = []
    for roots, some in by_roots.items():
        if roots and slow.intersection(column.meta.output_name() for column in some):
            texts = frame.select(roots).unique()
            if texts.height * 4 < frame.height:
                keys = [pl.col(root).alias(f"$root_{root}") for root in roots]
                added.append((roots, values_first(texts, some).select(*keys, *some).collect()))
                continue
        at_once += some
    needed = sorted({root for roots, _ in added for root in roots})
    keys = [pl.col(root).alias(f"$root_{root}") for root in needed]
    mapped = values_first(frame, at_once).select(*at_once, *keys).collect()
    for roots, found in added:
        there = [f"$root_{root}" for root in roots]
        mapped = mapped.join(found, on=there, how="left", nulls_equal=True, maintain_order="left")
    return mapped.drop(f"$root_{root}" for root in needed)


def _with_defaults(mapped: pl.DataFrame, kind: FileKind, types: dict[str, pl.DataType]) -> pl.DataFrame:
    defaults: dict[str, pl.Expr] = {}
    if kind.table == "calls":
        defaults = {
            "weight": pl.lit(1, dtype=pl.Int16),
            "invalid": pl.lit(False),
            "confidential": pl.lit(False),
            "time_precision": pl.lit("unknown").cast(types["time_precision"]),
        }
        if "category_intake" in mapped.columns:
            defaults["category"] = pl.col("category_intake")
    filled = [
        (pl.coalesce(name, value) if name in mapped.columns else value).alias(name)
        for name, value in defaults.items()
        if name != "category" or name not in mapped.columns
    ]
    mapped = mapped.with_columns(filled)
    absent = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in types.items() if name not in mapped.columns]
    return mapped.with_columns(absent)
