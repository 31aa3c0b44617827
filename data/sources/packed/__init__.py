"""Packed files as upstream systems hand them over: every member is a file of its own.

``calls.csv.gz``, ``.bz2`` and ``.xz`` hold one file, a ZIP any number of them. They are unpacked by Python's own
libraries into a folder that the caller gives and removes, a piece at a time, so that memory does not grow with them,
and counted while they are unpacked: what an archive says about its sizes is not believed. A zipped shapefile stays one
file, as GDAL reads it. docs/decisions/0540 has the limits and the reasons.

``files`` is what comes out of it, ``guards`` what is refused and how a member is called, ``unpacking`` the work.
"""

from data.sources.packed.files import Unread, Upstream, names_apart, told_by_name
from data.sources.packed.unpacking import PREFIX, beside_shapefile, unpack, unpacked

__all__ = ["PREFIX", "Unread", "Upstream", "beside_shapefile", "names_apart", "told_by_name", "unpack", "unpacked"]
