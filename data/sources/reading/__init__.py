"""Reading upstream files as they are: every record, its line, and nothing personal.

Formats are read by well-kept libraries (Polars, fastexcel, pyogrio); what is ours is the accounting. Cells of text
formats come back as text; Parquet keeps its types.

``files`` chooses the reader by ``formats``: ``text``, ``sheets``, ``parquet``, ``json_objects``, ``shapes``; each
returns a table of ``raw`` records.
"""

from data.sources.reading.files import headers_of, read_records
from data.sources.reading.formats import FORMAT_OF_SUFFIX, format_of, require_readable
from data.sources.reading.raw import GEOMETRY, LINE, POINT_LAT, POINT_LON, RawTable, keys_of

__all__ = [
    "FORMAT_OF_SUFFIX",
    "GEOMETRY",
    "LINE",
    "POINT_LAT",
    "POINT_LON",
    "RawTable",
    "format_of",
    "headers_of",
    "keys_of",
    "read_records",
    "require_readable",
]
