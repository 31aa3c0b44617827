"""How far the cells of a workbook reach, before it is opened.

Readers of workbooks reserve memory for every cell between the first and the last one that holds something. One cell in
the last corner of a sheet (a stray space is enough) makes that 17 thousand million cells: the process ends at once, and
with it the dashboard of everybody.
"""

from __future__ import annotations

import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from data.errors import SourceError

#: Cells between the first and the last of a sheet that are read: a full sheet of 64 columns, 2 GB in memory.
MOST_CELLS = 2**26
#: What a damaged archive raises: wrong sums and lengths, names that are no UTF-8, methods and passwords nobody knows.
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, RuntimeError, ValueError)
#: Bytes looked at together, and of the part before, so that no reference is cut.
CHUNK, OVERLAP = 2**20, 32
#: A column right of the 64th: without one, no number of rows passes MOST_CELLS, and single cells need not be looked at.
_WIDE = re.compile(rb"""r=["'](?:[A-Z]{3}|[C-Z][A-Z]|B[M-Z])[1-9]""")
_CELL = re.compile(rb"""\sr=["']([A-Z]{1,3})([1-9][0-9]{0,6})["']""")


def require_within_reach(path: Path) -> None:
    """Refuse a workbook with a sheet whose cells lie too far apart to be held.

    Raises
    ------
    SourceError
        If a sheet spans more than ``MOST_CELLS``. A damaged workbook is left to its reader.
    """
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                    rows, columns = _reach(archive, name)
                    if rows * columns > MOST_CELLS:
                        raise SourceError(
                            f"the cells of a sheet span {rows:,} rows and {columns:,} columns.",
                            where=path.name,
                            remedy="Delete what stands far from the table, or save the sheet as CSV.",
                        )
    except DAMAGED:
        return


def _parts(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    rest = b""
    with archive.open(name) as sheet:
        while part := sheet.read(CHUNK):
            yield rest + part
            rest = part[-OVERLAP:]


def _reach(archive: zipfile.ZipFile, name: str) -> tuple[int, int]:
    """Return rows and columns between the first and the last cell; 0 and 0 where they cannot be too many."""
    if not any(_WIDE.search(part) for part in _parts(archive, name)):
        return 0, 0
    columns: set[bytes] = set()
    rows: set[bytes] = set()
    for part in _parts(archive, name):
        found = _CELL.findall(part)
        columns.update(column for column, _ in found)
        rows.update(row for _, row in found)
    first, last = min(map(int, rows)), max(map(int, rows))
    numbers = [_number(column) for column in columns]
    return last - first + 1, max(numbers) - min(numbers) + 1


def _number(column: bytes) -> int:
    number = 0
    for sign in column:
        number = 26 * number + sign - 64
    return number
