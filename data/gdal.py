"""Which of GDAL's drivers may read a file that somebody handed in: those of the formats beatwise knows, no other.

GDAL looks at what a file holds, not at its name. Among its drivers are some for which a text of three lines, called
``areas.geojson``, is the order to open another file of this machine or an address on the network. They are left out
before GDAL starts, whoever imports it first; ``data/__init__.py`` sees to that.
"""

from __future__ import annotations

import os
from typing import Any

from data.errors import SchemaError

#: Drivers of the formats in ``data.sources.reading.formats``, and GDAL's own memory.
ALLOWED = frozenset({"ESRI Shapefile", "ESRIJSON", "GPKG", "GeoJSON", "GeoJSONSeq", "JSONFG", "MEM", "TopoJSON"})
#: All others that GDAL has today. One that a later GDAL adds is refused by :func:`shape_library`.
LEFT_OUT = """
ADBC, AIVector, AVCBin, AVCE00, AmigoCloud, CSV, CSW, Carto, DGN, DXF, EDIGEO, EEDA, Elasticsearch, FlatGeobuf,
GDALG, GML, GPSBabel, GPX, GTFS, GeoRSS, HTTP, Idrisi, JML, KML, LIBKML, LVBAG, MBTiles, MVT, MapInfo File,
MapML, MiraMonVector, NGW, OAPIF, ODS, OGCAPI, OGR_GMT, OGR_PDS, OGR_VRT, OSM, OpenFileGDB, PCIDSK, PDF, PDS4,
PGDUMP, PLSCENES, PMTiles, S57, SQLite, SXF, Selafin, VDV, VFK, VICAR, WAsP, WFS, XLSX
"""

os.environ["OGR_SKIP"] = ",".join(name.strip() for name in LEFT_OUT.replace("\n", " ").split(","))


def shape_library() -> Any:
    """Return pyogrio, once it is sure that no other driver is at hand.

    Raises
    ------
    SchemaError
        If GDAL has a driver that is not allowed: it started before this module, or is a later version.
    """
    import pyogrio

    if more := sorted(set(pyogrio.list_drivers()) - ALLOWED):
        raise SchemaError(
            f"GDAL could read shapes with {', '.join(more[:5])}.", remedy="Add them to LEFT_OUT in data/gdal.py."
        )
    return pyogrio
