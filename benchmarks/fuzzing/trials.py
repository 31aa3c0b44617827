"""One damaged file into an empty store, and the judgement how that ended."""

from __future__ import annotations

import csv
import io
import random
import re
import shutil
import signal
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.fuzzing.bases import PACKED, PLANTED, PLANTED_NAME, Base
from benchmarks.fuzzing.damages import KEEP_COLUMNS, Damaged, damage
from data.errors import BeatwiseError
from data.integration.ingest import ingest
from data.store import Store

NOW = datetime(2026, 6, 1, tzinfo=UTC)
#: Seconds after which one file counts as a hang.
HANG_S = 60


@dataclass
class Outcome:
    """What became of one damaged file."""

    seed: int
    base: str
    damages: list[str]
    ended: str  # loaded, refused, or what went wrong
    message: str = ""


def try_one(seed: int, bases: list[Base], folder: Path) -> tuple[Outcome, dict[str, int]]:
    """Damage one file, ingest it, and say how it ended."""
    rng = random.Random(seed)
    base = rng.choice(bases)
    damaged = damage(rng, base)
    path = folder / damaged.name
    path.write_bytes(damaged.content)
    outcome = Outcome(seed, base.name, damaged.done, "")
    rows: dict[str, int] = {}
    store = folder / "store"
    signal.signal(signal.SIGALRM, _hang)
    signal.alarm(HANG_S)
    try:
        report = ingest(Store.create(store), base.source, [path], loaded_by="fuzz", now=NOW)
        signal.alarm(0)
        totals = report.totals()
        rows = {key: totals[key] for key in ("read", "kept")} | {"quarantined": sum(totals["quarantined"].values())}
        outcome.ended, outcome.message = _judge(report, store, damaged)
    except BeatwiseError as error:
        outcome.ended, outcome.message = ("refused", str(error)) if str(error).strip() else ("no message", "")
        if any(planted in str(error) for planted in (*PLANTED, PLANTED_NAME)):
            outcome.ended = "personal value in a message"
    except _HangError:
        outcome.ended = "hang"
    except BaseException:
        outcome.ended, outcome.message = "traceback", traceback.format_exc()
    finally:
        signal.alarm(0)
        path.unlink(missing_ok=True)
        shutil.rmtree(store, ignore_errors=True)
    return outcome, rows


class _HangError(BaseException):
    """A file took too long."""


def _hang(signum: int, frame: Any) -> None:
    raise _HangError


def _judge(report: Any, store: Path, damaged: Damaged) -> tuple[str, str]:
    totals = report.totals()
    refused = sum(totals["quarantined"].values())
    if totals["read"] != totals["kept"] + refused:
        return "lost row", f"{totals}"
    stored = quarantined = 0
    kept_columns = {done.removeprefix("inside: ") for done in damaged.done} <= KEEP_COLUMNS
    forbidden = [*PLANTED, *([PLANTED_NAME] if kept_columns else [])]
    for part in store.rglob("*.parquet"):
        frame = pl.read_parquet(part)
        if part.parent.parent.name == "loads":
            quarantined += frame.height if part.stem == "quarantine" else 0
            stored += frame.height if part.stem != "quarantine" and not part.stem.startswith("lookup_") else 0
        for column in frame.select(pl.selectors.string()):
            # JSON writes a control character as \u00 and two digits, which could complete a number by accident.
            text = re.sub(r"\\u00..", " ", "\n".join(column.drop_nulls().unique().to_list()))
            found = [planted for planted in forbidden if planted in text]
            if found:
                return "personal value stored", f"{found} in {part.stem}.{column.name}"
    if quarantined != refused:
        return "lost row", f"{refused} rows refused, {quarantined} in the quarantine"
    made = sum(one.notes.get("areas_joined_from_children", 0) for one in report.files)
    lookups = sum(one.kept for one in report.files if one.table == "lookup")
    if stored - made + lookups != totals["new"] + totals["replaced"]:
        return "lost row", f"{totals['new']} new, {stored} stored"
    load = next(store.glob("loads/*/load.json")).read_text(encoding="utf-8")
    if any(planted in load for planted in PLANTED):
        return "personal value stored", "in load.json"
    read = {one.file: one.read for one in report.files}
    unread = {one.file for one in report.unread}
    for name, (content, base) in damaged.inside.items():
        if name not in read and name not in unread:
            return "lost file", f"{name} is neither read nor named"
        expected = _records(name, content, base)
        if name in read and expected is not None and not expected[0] <= read[name] <= expected[1]:
            return "lost row", f"{name} has {expected[0]} to {expected[1]} records, {read[name]} were read"
    return "loaded", ""


def _records(name: str, content: bytes, base: Base) -> tuple[int, int] | None:
    """Count the records of a text file by other means, without and with blank ones; None with quotes in it."""
    ending = Path(name).suffix if Path(name).suffix not in PACKED else Path(Path(name).stem).suffix
    if base.encoding is None or ending not in (".csv", ".txt", ".tsv") or b'"' in content:
        return None
    text = content.decode(base.encoding, errors="replace").replace("\x00", "")
    if '"' in text:
        return None
    text = text.replace("\r\n", "\n") if "\n" in text else text.replace("\r", "\n")
    # A carriage return inside a line that ends with a line feed ends a record for some readers, and not for others.
    lines = [line for line in text.split("\n")[1:] if line.strip(", \t\r\x1c\x1d\x1e\x1f\x85")]
    csv.field_size_limit(1 << 24)
    rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
    return min(len(lines), len([row for row in rows if any(cell.strip() for cell in row)])), len(rows) + 1
