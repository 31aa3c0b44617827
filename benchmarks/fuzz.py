"""Damaged files into the ingest: never a traceback, a lost row, a personal value in the store, or a hang.

::

    python -m benchmarks.fuzz --files 10000 --seed 1 [--workers 2] [--json]

Small heads of real and demo files get an identity number, a mobile number and an e-mail address planted in their text
cells, are damaged at random (bytes, lines, cells, headers, encodings, endings, containers) and ingested into a
fresh store. Each must end in one of two ways: a ``BeatwiseError`` with a message, or a load in which every row is
accounted for.
``tests/data/sources/test_fuzz.py`` runs a few hundred; the figures of a full run are in docs/stewards.md.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import random
import re
import shutil
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import BeatwiseError
from data.integration.ingest import ingest
from data.sources.mapping import load_mapping
from data.store import Store

NOW = datetime(2026, 6, 1, tzinfo=UTC)
#: Seconds after which one file counts as a hang.
HANG_S = 60
#: Planted in text cells: none of these may be found anywhere in a store.
PLANTED = ("11010519491231002X", "440308199901010012", "13812345678", "19900001234", "zhang.san@example.cn")
#: Planted in a column that is personal by its name.
PLANTED_NAME = "涂鸦甲乙丙"
ROWS = 25


@dataclass(frozen=True)
class Base:
    """A small sound file and the mapping that reads it."""

    name: str
    source: str
    content: bytes
    encoding: str | None = None  # of text files


@dataclass
class Outcome:
    """What became of one damaged file."""

    seed: int
    base: str
    damages: list[str]
    ended: str  # loaded, refused, or what went wrong
    message: str = ""


@dataclass
class Tally:
    """Outcomes of a run."""

    files: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    by_damage: dict[str, Counter[str]] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    findings: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, outcome: Outcome, rows: dict[str, int]) -> None:
        """Count one file."""
        self.files += 1
        self.ended[outcome.ended] += 1
        self.rows.update(rows)
        for damage in outcome.damages:
            self.by_damage.setdefault(damage, Counter())[outcome.ended] += 1
        if outcome.ended not in ("loaded", "refused"):
            self.findings.append(outcome)


# Sound files ---------------------------------------------------------------------------------------------------------


def demo_bases() -> list[Base]:
    """Return small files of the demo city's layouts; made here, so that they exist everywhere."""
    call = (
        "JJDBH,BJFS,JQDJDM,BJSJ,JJSJ,JQLXDM,JQXLDM,JQXLMC,JQDZ,GXDWDM,JWQDM,WXBS,SFBM,JQFSSJQ,JQFSSJZ,BJRXZB,BJRYZB,"
        "BJRXM,LXDH,GLJJDBH,GLLX\n"
    )
    calls = "".join(
        f"4403082026010100{i:04d},01,3,202601{1 + i % 28:02d}083000,202601{1 + i % 28:02d}083010,0101,010101,盗窃,"
        f"临澜路{i}号{_plant(i)},440308000001,440308000001{i % 5:02d},0,0,202601{1 + i % 28:02d}080000,,113.9{i:03d},"
        f"30.1{i:03d},{PLANTED_NAME},{PLANTED[2]},,\n"
        for i in range(ROWS)
    )
    dispatches = "PJDBH,JJDBH,CJDWDM,PJSJ,PDQSSJ,CJSJ01,DDXCSJ,XCCLWBSJ,CDRC,CDCC\n" + "".join(
        f"P{i:06d},4403082026010100{i:04d},440308000001,20260101083100,20260101083120,20260101083200,20260101084000,"
        f"20260101090000,2,1\n"
        for i in range(ROWS)
    )
    return [
        Base("jjd_202601.csv", "demo", (call + calls).encode("gb18030"), "gb18030"),
        Base("pjd_202601.csv", "demo", dispatches.encode("gb18030"), "gb18030"),
    ]


def _plant(row: int) -> str:
    return f"，联系{PLANTED[row % len(PLANTED)]}" if row % 3 == 0 else ""


#: Files of ../shared/data whose heads are damaged, and the built-in mapping that reads them.
REAL = (
    ("portland", "nij_portland/raw/*.xlsx"),
    ("portland", "nij_portland/calls_all*.parquet"),
    ("st_louis", "st_louis/raw/*2018.csv"),
    ("taipei", "taipei_theft/raw/*.csv"),
    ("uk_police", "uk_police/raw/*lancashire-street.csv"),
    ("sacramento", "sacramento_cad/*.csv"),
    ("san_diego", "san_diego_cfs/pd_calls*.csv"),
    ("toronto", "toronto_mci/raw/*.csv"),
    ("chicago", "chicago/crimes_2019*.parquet"),
    ("memphis", "memphis_robbery/robberies*.csv"),
    ("memphis", "memphis_robbery/precincts.geojson"),
    ("portland", "nij_portland/raw/*.zip"),
)


def real_bases(folder: Path) -> list[Base]:
    """Return heads of the real files, with personal values planted in text cells of the text files."""
    bases = []
    for source, pattern in REAL:
        for path in sorted(folder.glob(pattern))[:1]:
            mapping = load_mapping(source)
            if path.suffix == ".csv":
                raw = path.read_bytes()[:20_000]
                encoding = next((kind.encoding for kind in mapping.files if "csv" in kind.formats), "utf-8")
                lines = raw.decode(encoding, errors="replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
                text = (
                    "\n".join([*lines[:1], *(_planted(line, i) for i, line in enumerate(lines[1 : ROWS + 1]))]) + "\n"
                )
                bases.append(Base(path.name, source, text.encode(encoding, errors="replace"), encoding))
            elif path.suffix == ".parquet":
                buffer = io.BytesIO()
                frame = pl.scan_parquet(path).head(ROWS).collect()
                first = next(name for name, dtype in frame.schema.items() if dtype == pl.String)
                frame = frame.with_columns(pl.col(first).fill_null("") + f" {PLANTED[2]} {PLANTED[0]}")
                frame.write_parquet(buffer)
                bases.append(Base(path.name, source, buffer.getvalue()))
            elif path.suffix == ".xlsx":
                bases.append(Base(path.name, source, _small_sheet(path)))
            else:
                bases.append(Base(path.name, source, path.read_bytes()))
    return bases


def _planted(line: str, row: int) -> str:
    cells = line.split(",")
    wordy = [place for place, cell in enumerate(cells) if len(cell) > 3 and any(char.isalpha() for char in cell)]
    if '"' not in line and wordy and row % 2 == 0:
        cells[wordy[row % len(wordy)]] += f" {PLANTED[row % len(PLANTED)]}"
    return ",".join(cells)


def _small_sheet(path: Path) -> bytes:
    import fastexcel
    import xlsxwriter

    sheet = fastexcel.read_excel(path).load_sheet(0, header_row=None, skip_rows=0, n_rows=ROWS, dtypes="string")
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        page = book.add_worksheet()
        for number, row in enumerate(sheet.to_polars().rows()):
            cells = [cell or "" for cell in row]
            if number % 3 == 1:
                cells[0] += f" {PLANTED[number % len(PLANTED)]}"
            page.write_row(number, 0, cells)
    return buffer.getvalue()


# Damages -------------------------------------------------------------------------------------------------------------

Damage = Callable[[random.Random, bytes], bytes]


def flip_bytes(rng: random.Random, content: bytes) -> bytes:
    damaged = bytearray(content)
    for _ in range(rng.randint(1, 30)):
        if damaged:
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    return bytes(damaged)


def flip_bits(rng: random.Random, content: bytes) -> bytes:
    damaged = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        if damaged:
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def truncate(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def cut_out(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + content[start + rng.randint(1, 300) :]


def repeat_part(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    part = content[start : start + rng.randint(1, 400)]
    return content[:start] + part * rng.randint(2, 6) + content[start:]


def insert_nuls(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + b"\x00" * rng.randint(1, 50) + content[start:]


def insert_noise(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + rng.randbytes(rng.randint(1, 200)) + content[start:]


def with_bom(rng: random.Random, content: bytes) -> bytes:
    return rng.choice([b"\xef\xbb\xbf", b"\xc3\xaf\xc2\xbb\xc2\xbf", b"\xff\xfe", b"\xfe\xff"]) + content


def merge_lines(rng: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    for _ in range(rng.randint(1, 3)):
        if len(lines) > 2:
            place = rng.randrange(len(lines) - 1)
            lines[place : place + 2] = [lines[place] + lines[place + 1]]
    return b"\n".join(lines)


def shuffle_lines(rng: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines)


def repeat_lines(rng: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    return b"\n".join(lines + rng.choices(lines, k=rng.randint(1, 10)))


def blank_lines(rng: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    for _ in range(rng.randint(1, 6)):
        lines.insert(rng.randrange(len(lines) + 1), rng.choice([b"", b" ", b",,,,", b"\t", b'""']))
    return b"\n".join(lines)


def line_ends(rng: random.Random, content: bytes) -> bytes:
    return content.replace(b"\n", rng.choice([b"\r", b"\r\n", b"\n\r", b"\n\n"]))


def open_quote(rng: random.Random, content: bytes) -> bytes:
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(content) + 1)
        content = content[:start] + rng.choice([b'"', b'""', b'"\n', b',"', b"'"]) + content[start:]
    return content


def huge_cell(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    return (
        content[:start]
        + rng.choice([b"A", b"9", b"\xe8\xad\xa6", b" ", b'"']) * rng.randint(1_000, 200_000)
        + content[start:]
    )


def change_header(rng: random.Random, content: bytes) -> bytes:
    head, _, rest = content.partition(b"\n")
    names = head.split(b",")
    place = rng.randrange(len(names))
    match rng.randrange(5):
        case 0:
            del names[place]
        case 1:
            names[place] = rng.choice([b"", b"X", b"#column2", names[0]])
        case 2:
            names.insert(place, rng.choice([names[place], b"NEW", b""]))
        case 3:
            rng.shuffle(names)
        case _:
            names = [name.swapcase() + b" " for name in names]
    return b",".join(names) + b"\n" + rest


def drop_column(rng: random.Random, content: bytes) -> bytes:
    rows = [line.split(b",") for line in content.split(b"\n")]
    place = rng.randrange(max(1, len(rows[0])))
    return b"\n".join(b",".join(cell for number, cell in enumerate(row) if number != place) for row in rows)


def double_column(rng: random.Random, content: bytes) -> bytes:
    rows = [line.split(b",") for line in content.split(b"\n")]
    place = rng.randrange(max(1, len(rows[0])))
    return b"\n".join(b",".join([*row, *row[place : place + 1]]) for row in rows)


def change_separator(rng: random.Random, content: bytes) -> bytes:
    return content.replace(b",", rng.choice([b";", b"\t", b"|", b", ", "，".encode()]))


def odd_values(rng: random.Random, content: bytes) -> bytes:
    rows = [line.split(b",") for line in content.split(b"\n")]
    odd = ["1e400", "-1", "NaN", "inf", "99999999999999999999999", "2026-13-45", "00000000000000", "是", "０１２", "𠮷"]
    odd += ["=1+1", "-0.0", "\u202e", "NULL"]
    odd += ["99991231235959", "-9223372036854775809", "1,5", "\x1f", "\ufeff"]
    for _ in range(rng.randint(1, 20)):
        row = rng.choice(rows)
        if row:
            row[rng.randrange(len(row))] = rng.choice(odd).encode("gb18030", errors="replace")
    return b"\n".join(b",".join(row) for row in rows)


def other_encoding(rng: random.Random, content: bytes) -> bytes:
    text = content.decode(rng.choice(["utf-8", "gb18030", "big5"]), errors="replace")
    return text.encode(rng.choice(["utf-8", "utf-16", "gb18030", "big5", "shift_jis", "utf-7"]), errors="replace")


def half_encoded(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + content[start:].decode("gb18030", errors="replace").encode("utf-8")


def long_header(rng: random.Random, content: bytes) -> bytes:
    head, _, rest = content.partition(b"\n")
    return head + b"".join(b",c%d" % number for number in range(rng.randint(10, 3_000))) + b"\n" + rest


BYTES: tuple[Damage, ...] = (flip_bytes, flip_bits, truncate, cut_out, repeat_part, insert_nuls, insert_noise)
LINES: tuple[Damage, ...] = (
    with_bom,
    merge_lines,
    shuffle_lines,
    repeat_lines,
    blank_lines,
    line_ends,
    open_quote,
    huge_cell,
    change_header,
    drop_column,
    double_column,
    change_separator,
    odd_values,
    other_encoding,
    half_encoded,
    long_header,
)
#: Damages after which a cell still stands under its own header: the planted name must not get through.
KEEP_COLUMNS = frozenset({"repeat_lines", "blank_lines", "with_bom", "none"})
ENDINGS = (".csv", ".xlsx", ".parquet", ".geojson", ".zip", ".txt", ".json", ".gpkg", ".xls", ".tsv", ".doc", "")


def damage(rng: random.Random, base: Base) -> tuple[str, bytes, list[str]]:
    """Return name, content and the damages of a damaged copy."""
    content, name, done = base.content, base.name, []
    for _ in range(rng.choice([0, 1, 1, 1, 1, 2, 2, 3])):
        chosen = rng.choice((*BYTES, *LINES) if base.encoding else BYTES)
        content = chosen(rng, content)
        done.append(chosen.__name__)
    if rng.random() < 0.05:
        name = f"{Path(name).stem}{rng.choice(ENDINGS)}"
        done.append("wrong_ending")
    if rng.random() < 0.01:
        content, done = b"", [*done, "empty"]
    return name, content, done or ["none"]


# One file ------------------------------------------------------------------------------------------------------------


def try_one(seed: int, bases: list[Base], folder: Path) -> tuple[Outcome, dict[str, int]]:
    """Damage one file, ingest it, and say how it ended."""
    rng = random.Random(seed)
    base = rng.choice(bases)
    name, content, damages = damage(rng, base)
    path = folder / name
    path.write_bytes(content)
    outcome = Outcome(seed, base.name, damages, "")
    rows: dict[str, int] = {}
    store = folder / "store"
    signal.signal(signal.SIGALRM, _hang)
    signal.alarm(HANG_S)
    try:
        report = ingest(Store.create(store), base.source, [path], loaded_by="fuzz", now=NOW)
        signal.alarm(0)
        totals = report.totals()
        rows = {key: totals[key] for key in ("read", "kept")} | {"quarantined": sum(totals["quarantined"].values())}
        outcome.ended, outcome.message = _judge(report, store, path, base, damages)
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


def _judge(report: Any, store: Path, path: Path, base: Base, damages: list[str]) -> tuple[str, str]:
    totals = report.totals()
    refused = sum(totals["quarantined"].values())
    if totals["read"] != totals["kept"] + refused:
        return "lost row", f"{totals}"
    stored = quarantined = 0
    forbidden = [*PLANTED, *([PLANTED_NAME] if set(damages) <= KEEP_COLUMNS else [])]
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
    expected = _records(path, base)
    if expected is not None and not expected[0] <= totals["read"] <= expected[1]:
        return "lost row", f"the file has {expected[0]} to {expected[1]} records, {totals['read']} were read"
    return "loaded", ""


def _records(path: Path, base: Base) -> tuple[int, int] | None:
    """Count the records of a plain text file by other means, without and with blank ones; None with quotes in it."""
    content = path.read_bytes()
    if base.encoding is None or path.suffix not in (".csv", ".txt", ".tsv") or b'"' in content:
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


# A run ---------------------------------------------------------------------------------------------------------------


def shared_data() -> Path:
    """Return the folder of the real files."""
    return Path(os.environ.get("BEATWISE_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


def run_part(seeds: range, real: bool) -> Tally:
    """Try one file for each seed."""
    bases = demo_bases() + (real_bases(shared_data()) if real else [])
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="beatwise-fuzz-") as folder:
        for seed in seeds:
            tally.add(*try_one(seed, bases, Path(folder)))
    return tally


def run(files: int, seed: int, workers: int = 1, real: bool = True) -> Tally:
    """Try ``files`` damaged files in ``workers`` processes."""
    started = time.perf_counter()
    step = -(-files // (workers * 4))
    parts = [range(seed + start, seed + min(start + step, files)) for start in range(0, files, step)]
    whole = Tally()
    if workers == 1:
        tallies = [run_part(part, real) for part in parts]
    else:
        with ProcessPoolExecutor(workers) as pool:
            tallies = list(pool.map(run_part, parts, [real] * len(parts)))
    for tally in tallies:
        whole.files += tally.files
        whole.ended += tally.ended
        whole.rows += tally.rows
        whole.findings += tally.findings
        for name, counts in tally.by_damage.items():
            whole.by_damage.setdefault(name, Counter()).update(counts)
    whole.seconds = round(time.perf_counter() - started, 1)
    return whole


def main() -> None:
    """Run and print the tally; exit 1 when anything was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    tally = run(asked.files, asked.seed, asked.workers)
    if asked.json:
        print(json.dumps({**tally.__dict__, "findings": [one.__dict__ for one in tally.findings]}, ensure_ascii=False))
    else:
        print(f"{tally.files:,} files in {tally.seconds:,} s: {dict(tally.ended)}; rows {dict(tally.rows)}")
        for name, counts in sorted(tally.by_damage.items()):
            print(f"  {name:<18} {dict(counts)}")
        for one in tally.findings[:20]:
            print(f"\nseed {one.seed} {one.base} {one.damages}: {one.ended}\n{one.message[-1500:]}")
    raise SystemExit(1 if tally.findings else 0)


if __name__ == "__main__":
    main()
