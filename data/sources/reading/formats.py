"""What a file's name promises."""

from __future__ import annotations

import re
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
    ".zip": "shapefile_zip",
    ".gpkg": "gpkg",
    ".geoparquet": "geoparquet",
}
#: Bytes looked at to find the header of a text file.
HEAD_BYTES = 65_536
#: What tells GeoJSON from other JSON.
FEATURES = re.compile(rb'"type"\s*:\s*"Feature(Collection)?"')


def format_of(path: Path) -> FileFormat | None:
    """Return the format a file's name promises, or None; a ``.json`` file that says it has features is GeoJSON."""
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
        raise SourceError(
            "the ending of the file's name is not known.",
            where=path.name,
            remedy=f"Known: {', '.join(FORMAT_OF_SUFFIX)}.",
        )
    return form
