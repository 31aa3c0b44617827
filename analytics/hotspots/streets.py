"""Between which streets a segment runs: what people call a piece of street by."""

from __future__ import annotations

import numpy as np
import polars as pl

from analytics.cells import Integers
from analytics.hotspots.units import UnitLattice

#: How near another street must come to the end of a segment to be the one it ends at, metres.
MEETS_M = 1.0


def name_ends(units: UnitLattice, which: Integers, base_map: pl.DataFrame) -> list[tuple[str | None, str | None]]:
    """Return the named streets at both ends of segments, None where none meets it there.

    Parameters
    ----------
    units, which
        Street segments (``units.cut_segments``) and the positions of those to name.
    base_map
        Frame of schema BaseMap the segments were cut from.
    """
    import shapely

    name = pl.coalesce("name_zh", "name_en")
    streets = base_map.filter(
        pl.col("kind").cast(pl.String).is_in(["street", "main_street"]) & name.is_not_null()
    ).sort("feature_id")
    if streets.is_empty() or not len(which):
        return [(None, None)] * len(which)

    def plane(shapes: np.ndarray) -> np.ndarray:
        return np.asarray(shapely.transform(shapes, lambda p: np.column_stack(units.grid.project(p[:, 0], p[:, 1]))))

    called = streets.select(name.alias("street"))["street"].to_list()
    tree = shapely.STRtree(plane(shapely.from_wkb(streets["geometry"].to_numpy())))
    pieces = plane(units.shapes[which])
    ends = [shapely.get_point(pieces, position) for position in (0, -1)]
    met: list[list[str | None]] = []
    for points in ends:
        found: list[str | None] = [None] * len(which)
        point, line = tree.query(points, predicate="dwithin", distance=MEETS_M)
        for p, s in sorted(zip(point.tolist(), line.tolist(), strict=True), reverse=True):
            if called[s] != units.names[int(which[p])]:
                found[p] = called[s]
        met.append(found)
    return list(zip(*met, strict=True))
