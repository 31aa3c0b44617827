"""Small sound files, with personal values planted in them, that the damages start from."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import lzma
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data.sources.mapping import FileKind, load_mapping

#: Planted in text cells: none of these may be found anywhere in a store.
PLANTED = ("11010519491231002X", "440308199901010012", "13812345678", "19900001234", "zhang.san@example.cn")
#: Planted in a column that is personal by its name.
PLANTED_NAME = "涂鸦甲乙丙"
ROWS = 25


@dataclass(frozen=True)
class Base:
    """A small sound file and the mapping that reads it; with ``members`` what is packed under its name."""

    name: str
    source: str
    content: bytes
    encoding: str | None = None  # of text files
    members: tuple[Base, ...] = ()

    def pack(self, contents: dict[str, bytes]) -> bytes:
        """Return files packed as the ending of the name says."""
        packed = PACKED.get(Path(self.name).suffix)
        if packed is not None:
            return packed(next(iter(contents.values())))
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for place, (name, content) in enumerate(contents.items()):
                # In folders, as downloads are, and without the time of day: a seed gives the same bytes again.
                archive.writestr(zipfile.ZipInfo(f"part {place}/{name}"), content, zipfile.ZIP_DEFLATED)
        return buffer.getvalue()

    def told(self, name: str, place: int) -> str:
        """Return what a report calls a member."""
        return self.name if Path(self.name).suffix in PACKED else f"{self.name}/part {place}/{name}"


#: Ending → what packs one file.
PACKED: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def packed_bases(bases: list[Base]) -> list[Base]:
    """Return the same files packed: the text files one by one, and all files of a source together in a ZIP."""
    texts = [base for base in bases if base.encoding is not None]
    single = [
        Base(f"{base.name}{ending}", base.source, b"", members=(base,))
        for base, ending in zip(texts, itertools.cycle(PACKED), strict=False)
    ]
    together = []
    for source in dict.fromkeys(base.source for base in bases):
        members = tuple(base for base in bases if base.source == source and not base.name.endswith(".zip"))
        together.append(Base(f"{source}.zip", source, b"", members=members))
    return [*single, *together]


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


def _encoding_of(head: bytes, kind: FileKind) -> str:
    """Return the encoding the mapping reads these bytes in: its fallback where they do not fit the first."""
    try:
        # The last line may be cut within a character.
        head.rpartition(b"\n")[0].decode(kind.encoding)
    except UnicodeDecodeError:
        return kind.fallback_encoding or kind.encoding
    return kind.encoding


def real_bases(folder: Path) -> list[Base]:
    """Return heads of the real files, with personal values planted in text cells of the text files."""
    bases = []
    for source, pattern in REAL:
        for path in sorted(folder.glob(pattern))[:1]:
            mapping = load_mapping(source)
            if path.suffix == ".csv":
                raw = path.read_bytes()[:20_000]
                encoding = _encoding_of(raw, next(kind for kind in mapping.files if "csv" in kind.formats))
                lines = raw.decode(encoding, errors="replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
                text = (
                    "\n".join([*lines[:1], *(_plant_in_line(line, i) for i, line in enumerate(lines[1 : ROWS + 1]))])
                    + "\n"
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


def _plant_in_line(line: str, row: int) -> str:
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


def shared_data() -> Path:
    """Return the folder of the real files."""
    return Path(os.environ.get("BEATWISE_SHARED_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
