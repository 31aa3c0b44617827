"""Writing back: visits recorded here, in the column layout of the upstream system they belong to.

The mapping that reads the system's file is turned round: canonical value → published text. What goes out comes in
again through the same mapping without a row refused, and so becomes part of the next snapshot; nobody types it twice.
"""

from __future__ import annotations

import csv
import fnmatch
import io
from zoneinfo import ZoneInfo

import polars as pl

from data.errors import SourceError
from data.integration.rules import default_parse
from data.schemas import CANONICAL
from data.sources.mapping import FileKind, Mapping, Rule

#: Prefix of the visit numbers made here, so that they never meet one of the upstream system.
NUMBER_PREFIX = "BW"
#: Text steps of a rule that lose something: what they did cannot be undone.
ONE_WAY = ("combine", "first_of", "file_name", "replace", "extract", "blank", "slice", "scale")


def visits_kind(mapping: Mapping) -> FileKind:
    """Return the [[file]] block a mapping reads visits with.

    Raises
    ------
    SourceError
        If the source has no visits, or not as CSV.
    """
    kind = next((kind for kind in mapping.files if kind.table == "visits" and "csv" in kind.formats), None)
    if kind is None:
        raise SourceError(
            "the mapping reads no visits from CSV, so there is no layout to write them in.", where=mapping.source.name
        )
    return kind


def write_visits(records: pl.DataFrame, mapping: Mapping) -> bytes:
    """Write recorded visits as the upstream system would.

    Parameters
    ----------
    records
        Columns of ``data.records.visits.VISIT_RECORDS``; times as ISO text in UTC. Who recorded a visit is not
        written: the canonical table says which post, never which officer.

    Returns
    -------
    bytes
        CSV with the headers, code tables, time forms and encoding of the mapping, one row per visit, oldest first.

    Raises
    ------
    SourceError
        If a rule cannot be turned round, or a value has no code upstream: names the header.
    """
    kind = visits_kind(mapping)
    zone = mapping.source.jurisdiction.timezone
    visits = records.sort("visited_at", "visit_record_id").select(
        (NUMBER_PREFIX + pl.col("visit_record_id").cast(pl.String).str.zfill(14)).alias("visit_id"),
        "object_id",
        "visit_kind",
        "beat_code",
        pl.col("visited_at").str.to_datetime(time_unit="us", time_zone="UTC").alias("visited_at"),
        "contact",
        "minutes",
        pl.lit(None, dtype=pl.Int16).alias("crew"),
    )
    columns: dict[str, list[str]] = {}
    for name, rule in kind.columns.items():
        if rule.constant is not None:
            continue
        header = _header(kind, name, rule)
        if header in columns:
            raise SourceError(f"two columns read the header {header!r}; only one can be written.", where=kind.name)
        columns[header] = [_published(value, name, rule, zone) for value in visits[name].to_list()]
    if not columns:
        raise SourceError("the mapping states no columns of visits.", where=mapping.source.name)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=kind.separator, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    try:
        return text.getvalue().encode(kind.encoding)
    except UnicodeEncodeError as error:
        raise SourceError(
            f"a value cannot be written in {kind.encoding} ({error.reason}).", where=mapping.source.name
        ) from error


def file_name_for(mapping: Mapping, stem: str) -> str:
    """Return a file name the upstream system's own files could have, so that the mapping knows the file again."""
    kind = visits_kind(mapping)
    for pattern in kind.file_name:
        name = pattern.replace("*", f"_{stem}", 1).replace("*", "").replace("?", "0")
        if fnmatch.fnmatch(name.lower(), pattern.lower()):
            return name
    return f"{kind.name}_{stem}.csv"


def _header(kind: FileKind, name: str, rule: Rule) -> str:
    steps = [step for step in ONE_WAY if getattr(rule, step)]
    if steps or not rule.headers:
        raise SourceError(
            f"the rule of {name} uses {', '.join(steps) or 'no header'} and cannot be turned round.",
            where=f"[[file]] {kind.name}",
            remedy="Write such a layout with a mapping whose visits have plain columns.",
        )
    return rule.headers[0]


def _published(value: object, name: str, rule: Rule, zone: str) -> str:
    if value is None:
        return ""
    text = _text_of(value, name, rule, zone)
    if rule.values:
        codes = [code for code, canonical in rule.values.items() if canonical == text]
        if not codes and rule.otherwise != "keep":
            raise SourceError(
                f"{text!r} has no code upstream.", where=rule.headers[0], remedy="Add it to `values` in the mapping."
            )
        text = codes[0] if codes else text
    text = text.removeprefix(rule.prefix).removesuffix(rule.suffix)
    return text


def _text_of(value: object, name: str, rule: Rule, zone: str) -> str:
    dtype = CANONICAL["visits"].columns()[name].dtype
    parse = rule.parse or default_parse(dtype)
    if isinstance(value, bool):
        return "true" if rule.values and value else "false" if rule.values else str(int(value))
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else repr(value)
    if hasattr(value, "astimezone"):
        if parse != "datetime":
            raise SourceError(f"times read with parse = {parse!r} cannot be written.", where=rule.headers[0])
        local = value.astimezone(ZoneInfo(rule.zone or zone))
        return str(local.strftime(rule.formats[0] if rule.formats else "%Y-%m-%d %H:%M:%S"))
    return str(value)
