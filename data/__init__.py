"""The only layer that touches disk or database: schemas, sources, integration, snapshots, records, access."""

from data import gdal

__all__ = ["gdal"]
