"""What a file's name promises."""

from __future__ import annotations

import re
import struct
import zipfile
from pathlib import Path

from data.errors import SourceError
from data.sources.mapping import FileFormat
from data.sources.reading.workbooks import require_within_reach

FORMAT_OF_SUFFIX: dict[str, FileFormat] = {
    ".csv": "csv",
    ".tab": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xlsx",
    ".parquet": "parquet",
    ".geojson": "geojson",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".zip": "shapefile_zip",
    ".gpkg": "gpkg",
    ".geoparquet": "geoparquet",
}
#: Endings of packed files that hold one file, which ``data.sources.packed`` unpacks, and of those nothing here unpacks.
PACKED_ONE = (".gz", ".bz2", ".xz")
PACKED_OTHERS = (".7z", ".rar", ".tar", ".tgz", ".tbz2", ".txz", ".zst", ".z", ".lz", ".lz4", ".cab")
#: Bytes looked at to find the header of a text file.
HEAD_BYTES = 65_536
#: First bytes → what such a file is, and the formats that begin so.
SIGNATURES: tuple[tuple[bytes, str, tuple[FileFormat, ...]], ...] = (
    (b"%pdf", "a PDF document", ()),
    (b"pk\x03\x04", "an Excel workbook or ZIP archive", ("xlsx", "shapefile_zip")),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file", ("xlsx",)),
    (b"par1", "a Parquet file", ("parquet", "geoparquet", "database")),
    (b"sqlite format", "an SQLite database or GeoPackage", ("gpkg",)),
    (b"\x89png", "a picture", ()),
    (b"\x1f\x8b", "a packed file (gzip)", ()),
    (b"<!doctype html", "a web page", ()),
    (b"<html", "a web page", ()),
    (b"<?xml", "an XML document", ()),
)
#: What libraries raise over bytes that break their format, besides errors of their own.
OF_DAMAGE = (ValueError, LookupError, ArithmeticError, EOFError, MemoryError, RuntimeError, TypeError)
#: Bytes that text does not hold.
CONTROLS = bytes(byte for byte in range(32) if byte < 9 or byte > 13)
UTF16 = (b"\xff\xfe", b"\xfe\xff")
#: What portals answer when a download fails.
ERROR = re.compile(rb'\{\s*"(error|errors|message)"\s*:')
#: What tells GeoJSON from other JSON.
FEATURES = re.compile(rb'"type"\s*:\s*"Feature(Collection)?"|"geometryType"\s*:\s*"esriGeometry')


def format_of(path: Path) -> FileFormat | None:
    """Return the format a file's name promises, or None; a ``.json`` file that says it has features is GeoJSON.

    So is the JSON of Esri's feature servers, which the same library reads.
    """
    form = FORMAT_OF_SUFFIX.get(path.suffix.lower())
    if form == "json" and path.is_file():
        with path.open("rb") as handle:
            return "geojson" if FEATURES.search(handle.read(HEAD_BYTES)) else "json"
    return form


def first_line(path: Path) -> bytes:
    """Return the first line of a text file, empty for other formats: there it says nothing of the columns."""
    if FORMAT_OF_SUFFIX.get(path.suffix.lower()) != "csv":
        return b""
    with path.open("rb") as handle:
        return handle.readline(HEAD_BYTES)


def require_readable(path: Path) -> FileFormat:
    """Return the format of a file, refusing a path that is none or whose name has an ending nothing here reads.

    Raises
    ------
    SourceError
        In either case.
    """
    if not path.is_file():
        raise SourceError("there is no such file.", where=str(path))
    form = format_of(path)
    if form is None:
        if path.suffix.lower() in (*PACKED_ONE, *PACKED_OTHERS):
            raise SourceError(
                "the file is packed in a way that is not read here.",
                where=path.name,
                remedy="Unpack it and name the files inside, or pack them as ZIP.",
            )
        raise SourceError(
            "the ending of the file's name is not known.",
            where=path.name,
            remedy=f"Known: {', '.join((*FORMAT_OF_SUFFIX, *PACKED_ONE))}.",
        )
    if path.stat().st_size == 0:
        raise SourceError("the file is empty (0 bytes).", where=path.name, remedy="Ask for the file again.")
    _require_content(path, form)
    if form == "shapefile_zip":
        _require_shapefile(path)
    elif form == "xlsx":
        require_within_reach(path)
    elif form == "parquet":
        _require_sound_parquet(path)
    return form


def _require_content(path: Path, form: FileFormat) -> None:
    """Refuse a file whose first bytes are those of something else than its name promises."""
    with path.open("rb") as handle:
        head = handle.read(4096)
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    for signature, kind, allowed in SIGNATURES:
        if start.startswith(signature) and form not in allowed:
            raise SourceError(
                f"the file is {kind}, not {form} as its name says.",
                where=path.name,
                remedy="Export the data themselves, or give the file its right ending.",
            )
    control = len(head) - len(head.translate(None, CONTROLS))
    if form in ("csv", "json", "geojson") and head[:2] not in UTF16 and control > 0.02 * len(head):
        raise SourceError("the file is not text.", where=path.name, remedy="Ask for the file again, as CSV or JSON.")
    if form == "json" and ERROR.match(start):
        raise SourceError(
            "the file holds the error message of a server instead of data.",
            where=path.name,
            remedy="Download it again.",
        )


def _require_sound_parquet(path: Path) -> None:
    """Refuse a Parquet file with damaged pages, over some of which Polars ends the process instead of telling.

    Arrow looks at every page for the price of reading the file once: 1.5 processor s and 165 MB for 11 M rows, without
    buffering ahead.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for _ in file.iter_batches():
                continue
    except NotImplementedError:
        # A type Arrow cannot read says nothing about damage.
        return
    except (pa.ArrowException, *OF_DAMAGE, OSError) as error:
        raise SourceError(
            "the file cannot be read as Parquet: it is damaged or none.", where=path.name, remedy="Ask for it again."
        ) from error


def _require_shapefile(path: Path) -> None:
    """Refuse an archive whose list of contents cannot be read; one without a shapefile has been unpacked before."""
    try:
        with zipfile.ZipFile(path) as archive:
            archive.namelist()
    # Damaged lists of contents: names that are no UTF-8 (ValueError), impossible versions and lengths.
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise SourceError(
            "the file is no ZIP archive, or a damaged one.", where=path.name, remedy="Ask for the file again."
        ) from error
