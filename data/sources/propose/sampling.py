"""The first records of a file whose mapping is not written yet: encoding, separator and header row are found out."""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import SourceError
from data.sources.mapping import SHAPED, FileKind
from data.sources.packed import Unread, Upstream
from data.sources.personal import key_of_header
from data.sources.reading import GEOMETRY, LINE, RawTable, read_records, require_readable
from data.sources.reading.formats import first_line
from data.sources.reading.shape_texts import find_shapes, with_shapes

#: Bytes of a text file and records of other files that are looked at.
SAMPLE_BYTES, SAMPLE_RECORDS = 3_000_000, 20_000
#: Encodings tried, in order, when a file is not UTF-8.
ENCODINGS = ("gb18030", "big5", "cp932", "cp1252")
SEPARATORS = (",", "\t", ";", "|")
#: Lines in which the header is looked for.
HEADER_WITHIN = 8
#: Sheets of a workbook that are looked at.
SHEETS = 12
#: Most frequent characters of Chinese office text; a wrong encoding gives rare ones instead.
COMMON = frozenset(
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"
    "十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相"
    "全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五"
    "区區市县街路号號弄巷村镇鎮警派所案盗窃竊纠纷打架报報接处處地址类類别別时時间間发發生段期编編盜汽車車住宅強奪機臺台北"
)
#: The same of Japanese: kana, and characters of addresses and offences.
JAPANESE = frozenset(
    [
        *map(chr, range(0x3041, 0x30FF)),
        *"発生年月日時都道府県市区町村丁目署交番管轄罪名手口窃盗車場所者被害性別駅駐輪東京大阪",
    ]
)


@dataclass
class Sample:
    """The beginning of a file.

    Attributes
    ----------
    path, name
        Where it was read, and what the proposal calls it. A packed file is gone from there already.
    raw
        Records as the reader gives them, personal columns by name already dropped.
    keys
        What a [[file]] block must say to read the file so: encoding, separator, header_row, crs.
    whole
        Whether the sample is the whole file.
    other_sheets
        Sheets of a workbook that hold something and are not read.
    """

    path: Path
    name: str
    form: str
    raw: RawTable
    keys: dict[str, Any]
    whole: bool
    other_sheets: list[str] = field(default_factory=list)

    @cached_property
    def texts(self) -> pl.DataFrame:
        """Cells as stripped text, empty = null."""
        from data.integration.canonical import _as_text

        return _as_text(self.raw.frame)

    @property
    def has_shapes(self) -> bool:
        """Whether each record has a shape."""
        return GEOMETRY in self.raw.frame.columns


def read_sample(path: Path, *, name: str | None = None, whole: bool = True) -> Sample:
    """Read the beginning of a file.

    Parameters
    ----------
    name
        What the proposal calls it, its own name by default.
    whole
        False when the file is the beginning of another.

    Raises
    ------
    SourceError
        If there is no such file, its ending is unknown, or it cannot be read.
    """
    form = require_readable(path)
    with tempfile.TemporaryDirectory(prefix="beatwise-sample-") as folder:
        head, all_of_it = _head(path, form, Path(folder))
        keys = _text_keys(head) if form == "csv" else {}
        others: list[str] = []
        if form == "xlsx":
            keys, others = _sheets(head)
        kind = FileKind.model_validate(
            {"name": "sample", "table": "lookup", "format": [form], "headers": ["-"], **keys}
        )
        raw = read_records(head, kind)
    raw.frame = raw.frame.head(SAMPLE_RECORDS)
    if form in SHAPED:
        keys["crs"] = "file"
    elif (found := find_shapes(raw)) is not None and found[1]:
        keys["shape"], keys["crs"] = found
        raw = with_shapes(raw, *found, path.name)
        del raw.headers[key_of_header(found[0])]
    if not raw.records:
        has = "headers but no records" if raw.headers or raw.dropped else "neither headers nor records"
        raise SourceError(f"the file has {has}.", where=path.name, remedy="Name a file that holds some records.")
    if not raw.headers and not raw.dropped:
        raise SourceError("the file has no columns.", where=path.name)
    return Sample(path, name or path.name, form, raw, keys, whole and all_of_it, others)


def one_of_each_layout(files: Sequence[Upstream]) -> tuple[list[Upstream], list[Unread]]:
    """Return the files without those members of archives whose headers another member has too; these by name."""
    seen: dict[tuple[str, bytes], str] = {}
    chosen: list[Upstream] = []
    alike: list[Unread] = []
    for file in files:
        layout = (file.path.suffix.lower(), first_line(file.path) if file.is_member else b"")
        if layout[1] and layout in seen:
            alike.append(Unread(file.name, f"the same headers as {seen[layout]}"))
        else:
            seen[layout] = file.name
            chosen.append(file)
    return chosen, alike


def _head(path: Path, form: str, folder: Path) -> tuple[Path, bool]:
    """Return a file with the beginning of ``path`` under the same name, and whether that is all of it."""
    head = folder / path.name
    if form == "csv" and path.stat().st_size > SAMPLE_BYTES:
        with path.open("rb") as handle:
            content = handle.read(SAMPLE_BYTES)
        end = max(content.rfind(b"\n"), content.rfind(b"\r"))
        head.write_bytes(content[: end + 1] if end > 0 else content)
        return head, False
    if form == "parquet":
        try:
            lazy = pl.scan_parquet(path, glob=False)
            rows = lazy.select(pl.len()).collect().item()
            lazy.head(SAMPLE_RECORDS).collect().write_parquet(head)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise SourceError(
                "the file cannot be read as Parquet: it is damaged or none.",
                where=path.name,
                remedy="Ask for it again.",
            ) from error
        return head, rows <= SAMPLE_RECORDS
    shutil.copyfile(path, head)
    return head, True


def _text_keys(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    encoding = encoding_of(content)
    text = content.decode(encoding, errors="replace").replace("\x00", "")
    if not text.strip():
        raise SourceError("the file holds blank lines only.", where=path.name, remedy="Ask for the file again.")
    lines = [line for line in text[:200_000].replace("\r\n", "\n").replace("\r", "\n").split("\n")[:50] if line.strip()]
    separator = max(SEPARATORS, key=lambda one: _regularity(lines, one))
    rows = list(csv.reader(lines[:HEADER_WITHIN], delimiter=separator))
    return {"encoding": encoding, "separator": separator, **head_of(rows)}


def encoding_of(content: bytes) -> str:
    """Return the encoding a text file is most likely in.

    UTF-8 wins when it fits. Otherwise the encoding that can read the bytes and gives the largest share of everyday
    Chinese or Japanese characters, or cp1252 for Western text with few bytes above 127.
    """
    # A cut may fall into a character: a few bytes at the end say nothing.
    for encoding in ("utf-8", "utf-16") if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8",):
        try:
            (content[:-4] if len(content) >= SAMPLE_BYTES - 4 else content).decode(encoding)
        except UnicodeDecodeError as error:
            if encoding == "utf-8" and error.start >= len(content) - 4:
                return encoding
            continue
        return encoding
    part = content[:400_000]
    high = [byte for byte in part if byte > 127]
    scores: dict[str, float] = {}
    for encoding in ENCODINGS[:-1]:
        text = part.decode(encoding, errors="replace")
        wide = [char for char in text if char > "\u2e7f"]
        broken = text.count("\ufffd") / max(1, len(wide))
        everyday = COMMON | JAPANESE if encoding == "cp932" else COMMON
        scores[encoding] = sum(char in everyday for char in wide) / max(1, len(wide)) - 2 * broken
    best = max(scores, key=lambda one: scores[one])
    valid_utf8 = part.decode("utf-8", errors="ignore")
    if sum(char > "\u2e7f" for char in valid_utf8) * 3 > 0.9 * len(high):
        return "utf-8"  # UTF-8 with some broken bytes.
    return best if scores[best] > 0.05 else "cp1252"


def _regularity(lines: list[str], separator: str) -> tuple[float, int]:
    counts = [len(row) for row in csv.reader(lines, delimiter=separator)]
    usual = max(set(counts), key=counts.count) if counts else 0
    return (counts.count(usual) if usual > 1 else 0), usual


def header_row(rows: list[list[str]]) -> int:
    """Return which row (from 1) is the header: the first about as wide as the widest, of different words."""
    widths = [sum(bool(cell.strip()) for cell in row) for row in rows]
    for place, row in enumerate(rows, start=1):
        cells = [cell.strip() for cell in row if cell.strip()]
        words = [cell for cell in cells if not _is_number(cell)]
        if cells and widths[place - 1] >= 0.5 * max(widths) and len(words) >= 0.6 * len(cells):
            return place
    return 1


def head_of(rows: list[list[str]]) -> dict[str, Any]:
    """Return which row is the last one of the header, and that it has two where the second fills gaps of the first.

    数量 over 人 and 户: what stands below blank cells are words too, and every column has one in either row.
    """
    first = header_row(rows)
    if first >= len(rows):
        return {"header_row": first}
    upper, lower = ([cell.strip() for cell in row] for row in rows[first - 1 : first + 1])
    gaps = [place for place, cell in enumerate(upper) if not cell and place < len(lower)]
    words = [cell for cell in lower if cell]
    whole = all(up or low for up, low in zip(upper, lower, strict=False))
    between = gaps and all(lower[place] for place in gaps) and any(not cell for cell in lower)
    if between and whole and not any(_is_number(cell) for cell in words):
        return {"header_row": first + 1, "header_rows": 2}
    return {"header_row": first}


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", ""))
    except ValueError:
        return False
    return True


def _sheets(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Return how to read the sheet of a workbook that holds most, and the names of the others that hold something."""
    import fastexcel

    try:
        book = fastexcel.read_excel(path)
        sheets = {}
        for name in book.sheet_names[:SHEETS]:
            sheet = book.load_sheet(name, header_row=None, skip_rows=0, n_rows=HEADER_WITHIN, dtypes="string")
            sheets[name] = (sheet.total_height, sheet.to_polars())
    except fastexcel.FastExcelError as error:
        raise SourceError(
            "the file cannot be read as a workbook: it is damaged or incomplete.",
            where=path.name,
            remedy="Ask for the file again.",
        ) from error
    filled = {name: (height * frame.width, frame) for name, (height, frame) in sheets.items() if frame.height > 1}
    if not filled:
        return {}, []
    # A cover sheet comes first, the data are the largest one.
    chosen = max(filled, key=lambda name: filled[name][0])
    rows = [["" if cell is None else str(cell) for cell in row] for row in filled[chosen][1].rows()]
    keys: dict[str, Any] = head_of(rows)
    if chosen != book.sheet_names[0]:
        keys["sheet"] = chosen
    return keys, [name for name in filled if name != chosen]


__all__ = ["LINE", "Sample", "encoding_of", "header_row", "one_of_each_layout", "read_sample"]
