"""What a file's name promises."""

from __future__ import annotations

import re
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
    if form == "shapefile_zip":
        _require_shapefile(path)
    return form


def _require_shapefile(path: Path) -> None:
    """Refuse an archive that holds no shapefile, and say what it holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
    except (zipfile.BadZipFile, OSError) as error:
        raise SourceError("the file is no ZIP archive.", where=path.name, remedy="Ask for the file again.") from error
    if not any(name.lower().endswith(".shp") for name in names):
        raise SourceError(
            "the archive holds no shapefile.",
            where=path.name,
            remedy=f"Unpack it and name the files inside: {', '.join(names[:5]) or 'there are none'}.",
        )
