"""A load while it is put together: batches in, parts out, every row accounted for."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import shapely

from data.integration.batches import (
    Piece,
    ahead,
    expected_rows,
    in_batches,
    needs_whole_file,
    read_together,
    small_texts_together,
)
from data.integration.canonical import RAGGED, REFUSED, CanonicalRows, to_canonical
from data.integration.joined_areas import join_known_children
from data.integration.merging import Merged, merge_versions, read_loads, scan_loads, whole_rows
from data.integration.numbering import SHARED, number_rows, with_numbers
from data.integration.repeats import reasons_of_repeats
from data.integration.reports import FileReport
from data.integration.spill import FILE, Spill, digits_for, prefixes
from data.schemas import CANONICAL
from data.snapshots import QUARANTINE
from data.sources.mapping import FileKind, Mapping
from data.sources.personal_values import scrub
from data.sources.reading import GEOMETRY, LINE
from data.store import Store
from data.tables import write_table

#: Refused rows held in memory before they are written aside.
REFUSED_HELD = 200_000
#: Pieces read before they are asked for.
PIECES_AHEAD = 2
#: Batches mapped at once, and while another is taken in.
BATCHES_AHEAD = 2


@dataclass
class Draft:
    """A load before it is written.

    Parameters
    ----------
    loads
        Loads of the store, oldest first; those of other sources are ignored.
    folder
        The load's folder, not yet in its place. Unfinished parts go into a folder of their own inside.
    paths, kinds, reports
        The files, what each is, and what is told about each; a file's place in them is its number.
    """

    store: Store
    mapping: Mapping
    loads: list[dict[str, Any]]
    load_id: str
    folder: Path
    paths: list[Path]
    kinds: list[FileKind]
    reports: list[FileReport]
    lookups: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    #: Tables of the source as they are written, if they fit into one part and no earlier load has any.
    held: dict[str, pl.DataFrame] = field(default_factory=dict)
    #: Loads of files that are younger than these, which come late.
    newer: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.source = self.mapping.source.name
        self.loads = [load for load in self.loads if load["source"] == self.source]
        self._names = [report.file for report in self.reports]
        self._work = self.folder / "parts"
        self._spills: dict[str, dict[tuple[str, bool], Spill]] = {}
        self._provided: dict[int, frozenset[str]] = {}
        #: Kind of file that names the parents of its areas → its first file, and the levels of these areas.
        self._children: dict[str, tuple[int, set[str]]] = {}
        self._refused: list[pl.DataFrame] = []
        self._aside: list[Path] = []
        self._digits = self._parts_needed()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="writing")
        self._written: list[Future[None]] = []

    def _parts_needed(self) -> dict[str, int]:
        rows: Counter[str] = Counter()
        whole: set[str] = set()
        for path, kind in zip(self.paths, self.kinds, strict=True):
            rows[kind.table] += expected_rows(path)
            if needs_whole_file(kind):
                whole.add(kind.table)
        return {table: 0 if table in whole else digits_for(count) for table, count in rows.items()}

    def read(self, latest: date, tell: Callable[[int, str], None]) -> None:
        """Read all files and take their rows in."""
        for batch, rows in self._mapped(in_batches(self._pieces(tell)), latest):
            if rows is None:
                self._take_lookup(batch)
            else:
                self._take(batch, rows)

    def _mapped(self, batches: Iterator[Piece], latest: date) -> Iterator[tuple[Piece, CanonicalRows | None]]:
        """Return batches with what their records say, in order; the next ones are mapped while one is taken in."""
        with ThreadPoolExecutor(BATCHES_AHEAD, thread_name_prefix="mapping") as pool:
            waiting: deque[tuple[Piece, Future[CanonicalRows] | None]] = deque()
            for batch in batches:
                lookup = batch.kind.table == "lookup"
                waiting.append((batch, None if lookup else pool.submit(self._map, batch, latest)))
                if len(waiting) > BATCHES_AHEAD:
                    yield _ready(waiting.popleft())
            while waiting:
                yield _ready(waiting.popleft())

    def _map(self, batch: Piece, latest: date) -> CanonicalRows:
        return to_canonical(
            batch.raw,
            batch.kind,
            self.mapping.jurisdiction,
            source=self.source,
            file_name=self.paths[min(batch.files)].name,
            latest=latest,
            whole_file=needs_whole_file(batch.kind),
        )

    def _pieces(self, tell: Callable[[int, str], None]) -> Iterator[Piece]:
        for piece in ahead(self._read_pieces(), PIECES_AHEAD):
            tell(piece.files[0], self._names[piece.files[0]])
            for place in piece.files:
                self.reports[place].personal_dropped = piece.raw.dropped
            # Notes are about single files: what is read together has none.
            report = self.reports[piece.files[0]]
            _add(report.notes, piece.raw.notes)
            if piece.kind.table == "areas" and GEOMETRY in piece.raw.frame.columns:
                _add(report.notes, _shape_notes(piece.raw.frame[GEOMETRY]))
            piece.raw.notes = {}
            yield piece

    def _read_pieces(self) -> Iterator[Piece]:
        for places in small_texts_together(self.paths, self.kinds):
            yield from read_together([self.paths[place] for place in places], self.kinds[places[0]], places)

    def _take(self, batch: Piece, rows: CanonicalRows) -> None:
        kind, files = batch.kind, sorted(set(batch.files))
        whole = needs_whole_file(kind)
        for file in files:
            self._provided[file] = frozenset(rows.provided)
        kept = self._with_origin(batch, rows.kept)
        if batch.whole and not whole and kind.identical_rows == "legitimate":
            # Here rather than when all are known: what lies close together is numbered more quickly.
            kept = with_numbers(kept, kind, FILE)
        refused = self._with_origin(batch, rows.refused)
        for file, count in kept.group_by(FILE).len().iter_rows():
            self.reports[file].read += count
            self.reports[file].kept += count
        for file, count in refused.group_by(FILE).len().iter_rows():
            self.reports[file].read += count
        for name, lines in rows.noted.items():
            for file, count in batch.origin(lines)[0].value_counts().iter_rows():
                _add(self.reports[file].notes, {name: count})
        self._refuse(refused, kind.table)
        self._meanwhile(self._spill(kind, whole).add, kept.drop("source", "source_file", strict=False))
        if kind.parents is not None:
            self._children.setdefault(kind.name, (files[0], set()))[1].update(rows.kept["level"].cast(pl.String))
            named = rows.kept.filter(pl.col("geometry").is_not_null())["parent_code"].drop_nulls().n_unique()
            self.reports[files[0]].notes["areas_joined_from_children"] = named

    def _with_origin(self, batch: Piece, rows: pl.DataFrame) -> pl.DataFrame:
        file, line = batch.origin(rows["source_line"])
        return rows.with_columns(file.alias(FILE), line.alias("source_line"))

    def _spill(self, kind: FileKind, numbered: bool) -> Spill:
        spills = self._spills.setdefault(kind.table, {})
        key = (kind.name, numbered)
        if key not in spills:
            folder = self._work / f"{kind.table}-{kind.name}"
            spills[key] = Spill(kind.table, folder, self._digits[kind.table])
        return spills[key]

    def _take_lookup(self, batch: Piece) -> None:
        raw, report = batch.raw, self.reports[batch.files[0]]
        raw.frame, personal = scrub(raw.frame)
        _add(report.notes, {name: int(where.sum()) for name, where in personal.items()})
        report.read, report.kept, report.new = raw.records, raw.frame.height, raw.frame.height
        if raw.ragged:
            refused = pl.DataFrame({"source_line": [line for line, _ in raw.ragged]}, schema={"source_line": pl.Int64})
            nothing = [pl.lit(None, dtype=pl.String).alias(name) for name in ("column", "raw")]
            refused = refused.with_columns(
                *nothing, pl.lit(RAGGED).alias("reason"), pl.lit(batch.files[0], dtype=pl.Int32).alias(FILE)
            )
            self._refuse(refused.select(*REFUSED, FILE), "lookup")
        published = raw.frame.rename(raw.headers).cast({pl.Int64: pl.Int64})
        self.lookups.setdefault(batch.kind.name, []).append(published.rename({LINE: "source_line"}))

    def _refuse(self, refused: pl.DataFrame, table: str) -> None:
        if refused.is_empty():
            return
        for file, reason, count in refused.group_by(FILE, "reason").len().iter_rows():
            _add(self.reports[file].quarantined, {reason: count})
        named = refused.with_columns(
            pl.lit(self.source).alias("source"),
            pl.lit(self.load_id).alias("load_id"),
            self._file_names().alias("source_file"),
            pl.lit(table).alias("table"),
        )
        self._refused.append(named.select(pl.col(name).cast(dtype) for name, dtype in QUARANTINE.items()))
        if sum(part.height for part in self._refused) > REFUSED_HELD:
            self._work.mkdir(exist_ok=True)
            self._aside.append(self._work / f"refused-{len(self._aside)}.parquet")
            pl.concat(self._refused).write_parquet(self._aside[-1])
            self._refused = []

    def _file_names(self) -> pl.Expr:
        return pl.lit(pl.Series(self._names)).gather(FILE)

    def write(self) -> dict[str, dict[str, int]]:
        """Write the tables into the load's folder and return their rows; reports are complete afterwards.

        The last table may still be on its way to the disk: see :meth:`finish`.

        Raises
        ------
        SchemaError
            If the counts of a file do not add up, or rows told by several files break a schema.
        """
        tables = {name: self._write_table(name) for name in CANONICAL if name in self._spills}
        for name, parts in self.lookups.items():
            pl.concat(parts, how="diagonal_relaxed").write_parquet(self.folder / f"lookup_{name}.parquet")
        self._written.append(self._writer.submit(self._write_quarantine))
        for report in self.reports:
            report.quarantined = dict(sorted(report.quarantined.items()))
            report.check()
        return tables

    def _write_quarantine(self) -> None:
        held = pl.concat(self._refused) if self._refused else pl.DataFrame(schema=QUARANTINE)
        aside = [pl.scan_parquet(path) for path in self._aside]
        pl.concat([*aside, held.lazy()]).sink_parquet(self.folder / "quarantine.parquet")
        for path in self._aside:
            path.unlink()
        for folder in sorted(self._work.glob("*")):
            folder.rmdir()
        if self._work.exists():
            self._work.rmdir()

    def finish(self) -> None:
        """Wait until all is written; also to be called when something went wrong."""
        self._writer.shutdown()
        self._settle()

    def _settle(self) -> None:
        for written in self._written:
            written.result()
        self._written = []

    def _meanwhile(self, work: Callable[..., None], *given: Any) -> None:
        """Do some work while the next is prepared; one thing at a time, in order, so that no more is in memory."""
        self._settle()
        self._written.append(self._writer.submit(work, *given))

    def _write_table(self, table: str) -> dict[str, int]:
        rows = replaced = 0
        self._settle()
        for spill in self._spills[table].values():
            spill.finish()
        for part in prefixes(self._digits[table]):
            merged = self._merge(table, part)
            rows += merged.fresh.height
            replaced += merged.replaced
            if part and merged.fresh.is_empty():
                continue
            path = self.folder / table / f"{part}.parquet" if part else self.folder / f"{table}.parquet"
            path.parent.mkdir(exist_ok=True)
            written = whole_rows(
                table,
                merged.fresh,
                source=pl.lit(self.source),
                load_id=pl.lit(self.load_id),
                source_file=self._file_names(),
            )
            self._meanwhile(write_table, written, path)
            if not part and not self.loads:
                self.held[table] = written
        return {"rows": rows, "replaced": replaced}

    def _merge(self, table: str, part: str) -> Merged:
        kinds = {kind.name: kind for kind in self.mapping.files}
        found = []
        for (name, numbered), spill in self._spills[table].items():
            rows = spill.take(part)
            if not numbered:
                rows, repeated = number_rows(rows, kinds[name], self.source, within=FILE)
                self._repeated(repeated, reasons_of_repeats(repeated, rows, kinds[name]), table)
            found.append(rows)
        together = found[0]
        if len(found) > 1:
            # A key of one kind of file may be told by another: which rows share theirs is found out anew.
            together = pl.concat(found, how="diagonal").sort(FILE, maintain_order=True).drop(SHARED, strict=False)
        numbered = any(kinds[name].identical_rows == "legitimate" for name, _ in self._spills[table])
        known = scan_loads(self.store.loads, self.loads, table, part)
        merged = merge_versions(table, together, known, self._provided, numbered=numbered, newer=self.newer)
        for file, status, count in merged.counts.iter_rows():
            if file < len(self.reports):
                report = self.reports[file]
                setattr(report, status, getattr(report, status) + count)
        if table == "areas":
            for name, (file, levels) in self._children.items():
                merged = self._with_parents(merged, kinds[name], file, levels)
        return merged

    def _with_parents(self, merged: Merged, kind: FileKind, file: int, levels: set[str]) -> Merged:
        """Join the areas above those of a kind of file; they come on top of the rows read."""
        if kind.parents is None:
            return merged
        number = len(self._names)
        self._names.append(self._names[file])
        self._provided[number] = frozenset(CANONICAL["areas"].column_names())
        unknown = {name: pl.lit("-") for name in ("source", "load_id", "source_file")}
        fresh = whole_rows("areas", merged.fresh, **unknown)
        known = read_loads(self.store.loads, self.loads, "areas")
        made = join_known_children(known, fresh, kind.parents, levels, self.source).drop(list(unknown))
        rows = made.with_columns(pl.lit(number, dtype=pl.Int32).alias(FILE))
        found = merge_versions("areas", rows, scan_loads(self.store.loads, self.loads, "areas"), self._provided)
        fresh_rows = pl.concat([merged.fresh, found.fresh], how="diagonal")
        return Merged(fresh_rows, merged.replaced + found.replaced, merged.counts)

    def _repeated(self, rows: pl.DataFrame, reasons: pl.Series, table: str) -> None:
        for file, count in rows.group_by(FILE).len().iter_rows():
            self.reports[file].kept -= count
        nothing = [pl.lit(None, dtype=pl.String).alias(name) for name in ("column", "raw")]
        self._refuse(rows.select("source_line", FILE, reasons.alias("reason"), *nothing).select(*REFUSED, FILE), table)


def _ready(one: tuple[Piece, Future[CanonicalRows] | None]) -> tuple[Piece, CanonicalRows | None]:
    batch, mapped = one
    return batch, None if mapped is None else mapped.result()


def _add(counts: dict[str, int], more: dict[str, int]) -> None:
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count


def _shape_notes(shapes: pl.Series) -> dict[str, int]:
    """Count the polygons that had to be repaired and those of several pieces."""
    found = shapely.from_wkb(shapes.drop_nulls().to_list())
    notes = {
        "polygons_repaired": int((~shapely.is_valid(found)).sum()),
        "polygons_of_several_pieces": int((shapely.get_num_geometries(found) > 1).sum()),
    }
    return {name: count for name, count in notes.items() if count}
