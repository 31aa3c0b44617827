"""How far the list depends on where the grid happens to lie: the same forecast on grids moved, turned and resized.

The modifiable areal unit problem (Openshaw 1984): points counted in other squares give other counts. A list that
changes much when the grid moves by half a cell is a statement about the grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from analytics.cells import Floats, Grid, Integers, cells_for_area
from analytics.hotspots.history import day_number
from analytics.hotspots.periods import past_periods
from analytics.hotspots.selection import FITTED, observed_counts, roll_rankers
from analytics.hotspots.study import Study
from data.errors import RequestError
from data.schemas.models import GridSensitivity
from data.shares import percent

#: Shifts, in sides of a cell.
SHIFTS = ((0.25, 0.25), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5))
#: Turns, degrees; squares repeat after 90.
TURNS_DEG = (15.0, 30.0, 45.0)
#: Sides, as multiples of the side asked for.
SIDES = (0.5, 0.75, 1.5, 2.0)
#: Past forecasts each grid is tried on.
ORIGINS = 6
#: The few changes an edition looks at, and the one method it uses on all of them.
SHIFTS_IN_EDITION = ((0.5, 0.0), (0.5, 0.5))
TURNS_IN_EDITION_DEG = (30.0,)
SIDES_IN_EDITION = (0.75, 1.5)
RANKER_IN_EDITION = "kernel"
#: Periods it is fitted on: it learns one curve over distance and age, and a fit on more costs what a grid does.
FITTED_IN_EDITION = 4


@dataclass(frozen=True)
class GridScore:
    """How one grid did on past forecasts of the same ranker and the same area.

    Attributes
    ----------
    change
        ``as_asked``, ``shift``, ``turn`` or ``size``.
    shift_m, rotation_deg, cell_m
        The grid: its shift right and up, turn and side.
    places
        Cells in the list.
    hits, events
        Incidents caught, and all of them, summed over origins.
    pai
        Hit rate over the share of the map.
    overlap
        Share of the area flagged on the grid as asked that is flagged on this one too, mean over origins.
    """

    change: str
    shift_m: tuple[float, float]
    rotation_deg: float
    cell_m: float
    places: int
    hits: float
    events: float
    pai: float
    overlap: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {**asdict(self), "hit_rate": self.hits / self.events if self.events else None}


def change_grids(
    grid: Grid,
    shifts: Sequence[tuple[float, float]] = SHIFTS,
    turns_deg: Sequence[float] = TURNS_DEG,
    sides: Sequence[float] = SIDES,
) -> list[tuple[str, tuple[float, float], Grid]]:
    """Return the grid as asked and its changes: what was changed, the shift in metres, the grid."""
    moved = [(right * grid.cell_m, up * grid.cell_m) for right, up in shifts]
    still = (0.0, 0.0)
    return [
        ("as_asked", still, grid),
        *[("shift", shift, grid.shifted(*shift)) for shift in moved],
        *[("turn", still, grid.shifted(0, 0, turn)) for turn in turns_deg],
        *[
            ("size", still, Grid(grid.crs, grid.cell_m * side, grid.origin_x_m, grid.origin_y_m, grid.rotation_deg))
            for side in sides
        ],
    ]


def try_grids(
    incidents: pl.DataFrame,
    grids: Sequence[tuple[str, tuple[float, float], Grid]],
    *,
    as_of: date,
    horizon_days: int,
    category: str,
    area_km2: float,
    ranker: str,
    areas: pl.DataFrame | None = None,
    origins: int = ORIGINS,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[GridScore]:
    """Return the scores of each grid on the same past origins; the first is the one the others are compared with.

    Parameters
    ----------
    grids
        From :func:`change_grids`.
    ranker
        The one ranker that all grids use, so that only the grid differs; it is fitted anew on each.

    Raises
    ------
    RequestError
        If the history is too short for a rolling back-test.
    """
    found = _score_grids(
        incidents,
        grids,
        as_of=as_of,
        horizon_days=horizon_days,
        categories=[category],
        area_km2=area_km2,
        ranker=ranker,
        areas=areas,
        origins=origins,
        seed=seed,
        progress=progress,
    )
    return found[category]


def grid_sensitivity(
    incidents: pl.DataFrame,
    areas: pl.DataFrame,
    *,
    as_of: date,
    horizon_days: int,
    categories: Sequence[str],
    grid: Grid,
    area_km2: float,
    origins: int,
    seed: int,
    include_discovered: bool = False,
) -> pl.DataFrame:
    """Return the table of schema GridSensitivity: every category on a few other grids, by one quick method.

    Parameters
    ----------
    categories
        Those whose history suffices for a back-test.

    Notes
    -----
    ``RANKER_IN_EDITION`` instead of each category's own method: fitting that anew on every grid would double the time
    of an edition, and only the grid is to differ. ``beatwise hotspots --sensitivity`` does it for one category.
    """
    if not categories:
        return GridSensitivity.create_empty()
    found = _score_grids(
        incidents,
        change_grids(grid, SHIFTS_IN_EDITION, TURNS_IN_EDITION_DEG, SIDES_IN_EDITION),
        as_of=as_of,
        horizon_days=horizon_days,
        categories=categories,
        area_km2=area_km2,
        ranker=RANKER_IN_EDITION,
        areas=areas,
        origins=origins,
        seed=seed,
        fitted=FITTED_IN_EDITION,
        include_discovered=include_discovered,
    )
    rows = [
        {
            "category": category,
            "horizon_days": horizon_days,
            "model": RANKER_IN_EDITION,
            "change": score.change,
            "shift_right_m": score.shift_m[0],
            "shift_up_m": score.shift_m[1],
            "rotation_deg": score.rotation_deg,
            "cell_m": score.cell_m,
            "origins": origins,
            "places": score.places,
            "hits": score.hits,
            "events": score.events,
            "overlap": round(score.overlap, 6),
        }
        for category, scores in found.items()
        for score in scores
    ]
    return GridSensitivity.cast(pl.DataFrame(rows)) if rows else GridSensitivity.create_empty()


def _score_grids(
    incidents: pl.DataFrame,
    grids: Sequence[tuple[str, tuple[float, float], Grid]],
    *,
    as_of: date,
    horizon_days: int,
    categories: Sequence[str],
    area_km2: float,
    ranker: str,
    areas: pl.DataFrame | None,
    origins: int,
    seed: int,
    fitted: int = FITTED,
    include_discovered: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, list[GridScore]]:
    """Return the scores of every category on every grid. One grid is cut at a time, for all categories."""
    scores: dict[str, list[GridScore]] = {category: [] for category in categories}
    first: dict[str, list[Any]] = {}
    map_km2 = 0.0
    for number, (change, shift, grid) in enumerate(grids):
        if progress:
            progress(number, len(grids))
        study = Study.of(incidents, as_of=as_of, grid=grid, areas=areas, include_discovered=include_discovered)
        map_km2 = map_km2 or study.total_km2
        places = min(cells_for_area(area_km2, grid), study.lattice.size)
        share = places * grid.cell_km2 / map_km2
        for category in categories:
            hits, events, flagged = _list_places(study, category, horizon_days, area_km2, ranker, origins, fitted, seed)
            asked = first.setdefault(category, flagged)
            scores[category].append(
                GridScore(
                    change,
                    shift,
                    grid.rotation_deg,
                    grid.cell_m,
                    places,
                    hits,
                    events,
                    hits / events / share if events else 0.0,
                    float(np.mean([_overlap(one, other) for one, other in zip(asked, flagged, strict=True)])),
                )
            )
    return scores


def tell_sensitivity(scores: Sequence[GridScore]) -> str:
    """Return the scores as a Markdown table with the range below it."""
    lines = [
        "| grid | side, m | places | hits / incidents | PAI | same area flagged |",
        "|---|---|---|---|---|---|",
    ]
    for score in scores:
        lines.append(
            f"| {_name(score)} | {score.cell_m:g} | {score.places} | {score.hits:g} / {score.events:g} "
            f"| {score.pai:.2f} | {percent(score.overlap, 0, ' %')} |"
        )
    moved = [score for score in scores if score.change in ("as_asked", "shift", "turn")]
    if len(moved) > 1:
        pais = [score.pai for score in moved]
        again = percent(float(np.mean([score.overlap for score in moved[1:]])), 0, " %")
        lines += [
            "",
            f"Moving and turning the grid alone: PAI {min(pais):.2f} to {max(pais):.2f}; on average "
            f"{again} of the flagged area is flagged again.",
        ]
    return "\n".join(lines)


def _name(score: GridScore) -> str:
    if score.change == "shift":
        return f"shifted {score.shift_m[0]:g} m right, {score.shift_m[1]:g} m up"
    if score.change == "turn":
        return f"turned {score.rotation_deg:g}°"
    return "as asked" if score.change == "as_asked" else "resized"


def _list_places(
    study: Study, category: str, horizon_days: int, area_km2: float, ranker: str, origins: int, fitted: int, seed: int
) -> tuple[float, float, list[Any]]:
    """Return hits, incidents and the flagged cells (metres) of every past origin, newest first."""
    panel = study.panel(category)
    periods = past_periods(panel, day_number(study.as_of), horizon_days, origins + fitted + horizon_days // 28)
    k = min(cells_for_area(area_km2, study.grid), study.lattice.size)
    rolled = roll_rankers(
        panel, periods, horizon_days=horizon_days, names=[ranker], seed=seed, tried=origins, fitted=fitted, flagged=k
    )
    if rolled is None:
        raise RequestError("the history is too short for a rolling back-test.", remedy="Load more months.")
    hits, events, shapes = 0.0, 0.0, []
    for told, period in zip(rolled.told[ranker], rolled.newest, strict=True):
        top = np.argsort(-told, kind="stable")[:k]
        hits += float(observed_counts(period)[top].sum())
        events += float(period.events or 0.0)
        shapes.append(_shapes(study, top))
    return hits, events, shapes


def _shapes(study: Study, which: Integers) -> Any:
    import shapely

    grid, lattice = study.grid, study.lattice
    rings = grid.rings(lattice.columns[which], lattice.rows[which]).reshape(-1, 4, 2)
    x, y = grid.project(rings[..., 0], rings[..., 1])
    corners: Floats = np.stack([x, y], axis=-1)
    return shapely.polygons(corners)


def _overlap(one: Any, other: Any) -> float:
    """Return the share of the area of ``one`` that ``other`` covers; cells of one grid never cover each other."""
    import shapely

    left, right = shapely.STRtree(other).query(one, predicate="intersects")
    return float(shapely.area(shapely.intersection(one[left], other[right])).sum() / shapely.area(one).sum())
