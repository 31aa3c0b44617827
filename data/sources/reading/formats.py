"""What a file's name promises."""

from __future__ import annotations

import re
import struct
import zipfile
from pathlib import Path

from data.errors import SourceError
from data.sources.mapping import FileFormat

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
        packed = path.suffix.lower() in (".gz", ".7z", ".rar", ".tar", ".bz2", ".xz")
        raise SourceError(
            "the file is packed." if packed else "the ending of the file's name is not known.",
            where=path.name,
            remedy="Unpack it and name the file inside." if packed else f"Known: {', '.join(FORMAT_OF_SUFFIX)}.",
        )
    if path.stat().st_size == 0:
        raise SourceError("the file is empty (0 bytes).", where=path.name, remedy="Ask for the file again.")
    _require_content(path, form)
    if form == "shapefile_zip":
        _require_shapefile(path)
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


def _require_shapefile(path: Path) -> None:
    """Refuse an archive that holds no shapefile, and say what it holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
    # Damaged lists of contents: names that are no UTF-8 (ValueError), impossible versions and lengths.
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise SourceError(
            "the file is no ZIP archive, or a damaged one.", where=path.name, remedy="Ask for the file again."
        ) from error
    if not any(name.lower().endswith(".shp") for name in names):
        raise SourceError(
            "the archive holds no shapefile.",
            where=path.name,
            remedy=f"Unpack it and name the files inside: {', '.join(names[:5]) or 'there are none'}.",
        )
