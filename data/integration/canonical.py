"""Records of one file → rows of one canonical table, each kept or refused with a reason."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from data.errors import SchemaError
from data.integration.keys import with_digests
from data.integration.numbering import SHARED, number_rows
from data.integration.parts import PART, join_parts
from data.integration.repeats import OTHER_TABLE, REPEATED, reasons_of_repeats
from data.integration.values import WHY, apply_rules
from data.schemas import CANONICAL
from data.snapshots import Jurisdiction
from data.sources.mapping import PROVENANCE, FileKind
from data.sources.personal import key_of_header
from data.sources.personal_values import different_texts, redact, scrub
from data.sources.reading import GEOMETRY, LINE, RawTable

#: Row-wide reasons.
EMPTY, RAGGED = "empty_row", "ragged_row"
#: Grade from which a published cell is left out of the quarantine.
HIDDEN_GRADE = 4
#: Columns of refused rows, in addition to what the load knows.
REFUSED = {"source_line": pl.Int64, "column": pl.String, "reason": pl.String, "raw": pl.String}


@dataclass
class CanonicalRows:
    """What became of the records of one file.

    Attributes
    ----------
    kept
        Columns of the table's schema except ``load_id``; see ``whole_file`` of :func:`to_canonical`.
    refused
        Columns of ``REFUSED``.
    provided
        Columns the file tells: a later file that lacks a column must not erase it.
    notes
        Values that could not be used although their row was kept, by kind.
    noted
        Kind of note → the lines it is about, of the notes that are about single rows.
    """

    kept: pl.DataFrame
    refused: pl.DataFrame
    provided: set[str]
    notes: dict[str, int] = field(default_factory=dict)
    noted: dict[str, pl.Series] = field(default_factory=dict)

    @property
    def read(self) -> int:
        """Rows read: each is kept or refused."""
        return self.kept.height + self.refused.height


def to_canonical(
    raw: RawTable,
    kind: FileKind,
    jurisdiction: Jurisdiction,
    *,
    source: str,
    file_name: str,
    latest: date,
    whole_file: bool = True,
) -> CanonicalRows:
    """Map the records of one file, or of a batch of records.

    Parameters
    ----------
    raw
        Records as read by ``data.sources.reading``.
    kind
        The [[file]] block that fits the file; its table must not be ``lookup``.
    latest
        Last believable local day, see :func:`data.integration.times.read_times`.
    whole_file
        Whether ``raw`` is all of one file. Otherwise the rows have ``$digest`` in place of ``record_key``, ``source``
        and ``source_file``, and no row is refused as repeated: identical rows are numbered when the whole file is
        known, see :func:`data.integration.numbering.number_rows`.

    Raises
    ------
    SchemaError
        If a row is neither kept nor refused: an error of this program, not of the data.
    """
    frame = _of_interest(raw.frame, raw, kind)
    texts = _different(frame)
    if not raw.clean:
        texts = {name: some for name, some in texts.items() if _have_no_blanks(some)}
        frame = _as_text(frame, texts)
    headers = [column for column in frame.columns if column not in (LINE, GEOMETRY)]
    ragged = pl.DataFrame(
        [(line, None, RAGGED, redact(cells)[0] if _may_be_shown(kind, raw) else None) for line, cells in raw.ragged],
        schema=REFUSED,
        orient="row",
    )
    expected = frame.height + ragged.height
    # Most columns are read by no rule; they matter only for telling an empty row from one that says something else.
    nothing_read = frame.with_row_index("$row").filter(_is_empty(frame))
    others = _as_text(raw.frame[nothing_read["$row"]])
    blank = others.filter(_is_empty(others))
    empty = blank.select(
        pl.col(LINE).alias("source_line"),
        pl.lit(None, dtype=pl.String).alias("column"),
        pl.lit(EMPTY).alias("reason"),
        pl.lit(None, dtype=pl.String).alias("raw"),
    )
    if blank.height:
        frame = frame.join(blank.select(LINE), on=LINE, how="anti", maintain_order="left")
    if kind.unpivot is not None:
        before = frame.height
        frame = _unpivot(frame, raw.headers, kind)
        headers = [column for column in frame.columns if column not in (LINE, GEOMETRY)]
        expected += frame.height - before
    frame, personal = scrub(frame, _identifying_keys(kind), texts)
    mapped, provided, noted = apply_rules(frame, kind, jurisdiction, file_name=file_name, latest=latest)
    noted |= {name: frame[LINE].filter(where) for name, where in personal.items()}
    kept, refused = _split(mapped, frame, kind, {key: raw.headers.get(key, key) for key in headers})
    parts = kind.identical_rows == "parts"
    kept, broken = _obey_schema(join_parts(kept, kind) if parts else kept, kind.table)
    kept = with_digests(kept, kind)
    problems = [ragged, empty, refused, broken]
    if whole_file:
        kept, repeated = number_rows(kept, kind, source)
        why = PART if parts else pl.lit(reasons_of_repeats(repeated, kept, kind))
        kept = kept.drop(SHARED).with_columns(pl.lit(source).alias("source"), pl.lit(file_name).alias("source_file"))
        problems.append(_refusals(repeated, why))
    refused = pl.concat(problems).sort("source_line", maintain_order=True)
    refused = refused.with_columns(pl.col("column").replace(raw.headers))
    notes = raw.notes | {name: lines.len() for name, lines in noted.items()}
    result = CanonicalRows(kept, refused, provided, notes, noted)
    if result.read != expected:
        raise SchemaError(f"{expected} rows were read, {result.read} are accounted for.", where=file_name)
    return result


def _of_interest(frame: pl.DataFrame, raw: RawTable, kind: FileKind) -> pl.DataFrame:
    read = {_key(header) for rule in kind.rules.values() for header in rule.reads}
    read |= {key_of_header(refusal.header) for refusal in kind.refuse}
    read |= {key_of_header(header) for header in (kind.only_with, kind.shape) if header is not None}
    if kind.unpivot is not None:
        read |= {key for key, header in raw.headers.items() if kind.unpivot.name_of(header) is not None}
    return frame.select(name for name in frame.columns if name in read or name in (LINE, GEOMETRY))


def _may_be_shown(kind: FileKind, raw: RawTable) -> bool:
    # The cells of a ragged row may stand under the wrong header: with personal or hidden columns about, show none.
    return not raw.dropped and not _hidden_keys(kind)


def _identifying_keys(kind: FileKind) -> set[str]:
    """Return the headers whose values are numbers of records or codes: there a long number need not be a person's."""
    names = [name for name in kind.columns if name.endswith(("_id", "_code"))]
    return {key_of_header(header) for name in names for header in kind.columns[name].reads}


def _hidden_keys(kind: FileKind) -> set[str]:
    columns = CANONICAL[kind.table].columns()
    hidden = set()
    for name, rule in kind.columns.items():
        if (columns[name].metadata or {}).get("grade", HIDDEN_GRADE) >= HIDDEN_GRADE:
            hidden |= {key_of_header(header) for header in rule.reads}
    return hidden


def _different(frame: pl.DataFrame) -> dict[str, pl.Series]:
    """Return the different texts of the columns in which few differ: what is asked of a cell is asked of them."""
    of_text = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    return {name: texts for name in of_text if (texts := different_texts(frame[name])) is not None}


def _as_text(frame: pl.DataFrame, clean: Collection[str] = ()) -> pl.DataFrame:
    """Return the cells as text without blanks around them, null where nothing is left; ``clean`` are so already."""
    casts = []
    for name, dtype in frame.schema.items():
        column = pl.col(name)
        if name in (LINE, GEOMETRY):
            continue
        if isinstance(dtype, pl.Datetime):
            if dtype.time_zone is not None:
                # A moment, not a clock time: without its zone it would be read as a local one.
                column = column.dt.convert_time_zone("UTC")
            column = column.dt.strftime("%Y-%m-%d %H:%M:%S%.f").str.replace(r"\.0+$", "")
            column = column + "Z" if dtype.time_zone is not None else column
        elif dtype.is_float():
            column = column.cast(pl.String).str.replace(r"\.0$", "")
        elif dtype != pl.String:
            column = column.cast(pl.String, strict=False)
        elif name in clean:
            continue
        column = column.str.strip_chars()
        casts.append(pl.when(column != "").then(column).alias(name))
    return frame.with_columns(casts) if casts else frame


def _have_no_blanks(texts: pl.Series) -> bool:
    """Return whether no text is empty or has blanks around it."""
    text = pl.col("text")
    return not texts.to_frame("text").select(((text == "") | (text != text.str.strip_chars())).any()).item()


def _is_empty(frame: pl.DataFrame) -> pl.Expr:
    cells = [name for name in frame.columns if name != LINE]
    return pl.all_horizontal(pl.col(cells).is_null()) if cells else pl.lit(True)


def _unpivot(frame: pl.DataFrame, headers: dict[str, str], kind: FileKind) -> pl.DataFrame:
    if kind.unpivot is None:
        return frame
    names = {key: name for key, header in headers.items() if (name := kind.unpivot.name_of(header)) is not None}
    rest = [column for column in frame.columns if column not in names]
    long = frame.unpivot(on=list(names), index=rest, variable_name="$key", value_name="$value")
    return (
        long.filter(pl.col("$value").is_not_null())
        .with_columns(pl.col("$key").replace_strict(names, return_dtype=pl.String).alias("$name"))
        .drop("$key")
        .sort(LINE, maintain_order=True)
    )


def _split(
    mapped: pl.DataFrame, frame: pl.DataFrame, kind: FileKind, headers: dict[str, str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    hidden = _hidden_keys(kind)
    told = [*(h for rule in kind.rules.values() for h in rule.reads), *([kind.shape] if kind.shape else [])]
    read = {key for h in told if (key := _key(h)) in headers} - hidden
    shown = [pl.col(key).alias(header) for key, header in headers.items() if key in read]
    bad = mapped[WHY].is_not_null()
    if not bad.any():
        return mapped.drop(WHY).rename({LINE: "source_line"}), pl.DataFrame(schema=REFUSED)
    cells = pl.struct(shown).struct.json_encode() if shown else pl.lit(None, dtype=pl.String)
    raw = frame.filter(bad).select(cells.alias("raw")).to_series()
    parts = pl.col(WHY).str.split_exact("\t", 1).struct
    refused = (
        mapped.filter(bad)
        .select(
            pl.col(LINE).alias("source_line"),
            parts.field("field_0").alias("column"),
            parts.field("field_1").alias("reason"),
        )
        # What the other tables of the file make of a row is not this one's to show.
        .with_columns(pl.when(pl.col("reason") != OTHER_TABLE).then(raw).alias("raw"))
    )
    return mapped.filter(~bad).drop(WHY).rename({LINE: "source_line"}), refused


def _key(header: str) -> str:
    return header if header.startswith("$") else key_of_header(header)


def _refusals(rows: pl.DataFrame, reason: str | pl.Expr) -> pl.DataFrame:
    return rows.select(
        "source_line",
        pl.lit(None, dtype=pl.String).alias("column"),
        (pl.lit(reason) if isinstance(reason, str) else reason).alias("reason"),
        pl.lit(None, dtype=pl.String).alias("raw"),
    )


def _obey_schema(kept: pl.DataFrame, table: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    schema = CANONICAL[table]
    # Key, source, file and load are filled in later; the rules of the schema do not depend on them.
    columns = list(schema.columns())
    later = [name for name in columns if name in PROVENANCE and name != "source_line"]
    whole = kept.with_columns(pl.lit("-").alias(name) for name in later).select(columns)
    # Nearly always every row is good: to ask that first is quicker than to copy the good ones.
    if schema.is_valid(whole):
        return whole.drop(later), kept.clear().pipe(_refusals, REPEATED)
    good, failure = schema.filter(whole, cast=True)
    rows = pl.DataFrame(good).drop(later)
    if not len(failure):
        return rows, kept.clear().pipe(_refusals, REPEATED)
    details = failure.details()
    rules = [name for name in details.columns if name not in columns]
    reason = pl.coalesce(
        pl.when(pl.col(name).cast(pl.String) != "valid").then(pl.lit("rule_" + name.replace("|", "_")))
        for name in rules
    )
    return rows, _refusals(details, reason)
