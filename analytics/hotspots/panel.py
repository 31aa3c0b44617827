"""A panel of place x period: what was known about each cell at an origin, and what then happened there.

Features are rates on several scales of time and space: exponentially decayed counts (half-lives 1, 3, 12, 36 months)
smoothed by Gaussians of several widths, divided by the exposure really observed, so that a young data set and an old
one are on one scale. All are in log units, because the models are additive in logs.

Sources: multi-scale lags after Mohler & Porter 2018 and Flaxman et al. 2019 (challenge winners); near-repeat windows
after Johnson & Bowers 2004.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.cells import Floats, Grid, Integers
from analytics.hotspots.history import History

MONTH_DAYS = 30.4375
HALF_LIVES_DAYS = (1 * MONTH_DAYS, 3 * MONTH_DAYS, 12 * MONTH_DAYS, 36 * MONTH_DAYS)
#: Standard deviations of the spatial Gaussians, cells; 0 is the cell alone.
WIDTHS_CELLS = (0.0, 1.0, 2.0, 4.0)
#: Windows of repeat and near-repeat victimisation, days.
REPEAT_DAYS = (7, 14)
#: Windows of the plain counts, days.
COUNT_DAYS = (365, 1095)
#: Half width of the season's window in earlier years, days.
SEASON_DAYS = 30
#: What a plain count gives a place without history, as a share of the mean rate; keeps its logarithm finite.
COUNT_FLOOR = 0.05
#: Window of the plain count every forecast is compared with, days.
BASELINE_DAYS = 365


@dataclass(frozen=True)
class Lattice:
    """Cells under study on a dense rectangle, so that neighbours are array shifts.

    Attributes
    ----------
    columns, rows
        Cells under study, in the grid's own numbering.
    flat
        Their positions in the rectangle flattened row by row.
    shape
        Rows and columns of the rectangle.
    """

    grid: Grid
    columns: Integers
    rows: Integers
    flat: Integers
    shape: tuple[int, int]
    corner: tuple[int, int]

    @classmethod
    def of_cells(cls, grid: Grid, columns: Integers, rows: Integers) -> Lattice:
        """Lay the bounding rectangle around the cells; cells are sorted by row, then column."""
        order = np.lexsort((columns, rows))
        columns, rows = columns[order], rows[order]
        corner = (int(columns.min()), int(rows.min()))
        shape = (int(rows.max()) - corner[1] + 1, int(columns.max()) - corner[0] + 1)
        flat = (rows - corner[1]) * shape[1] + (columns - corner[0])
        return cls(grid, columns, rows, flat, shape, corner)

    @property
    def size(self) -> int:
        """Number of cells under study."""
        return len(self.flat)

    def locate(self, history: History) -> Integers:
        """Return the flat position of each incident in the rectangle, -1 outside it."""
        column, row = self.grid.index_metres(history.x_m, history.y_m)
        column, row = column - self.corner[0], row - self.corner[1]
        inside = (column >= 0) & (column < self.shape[1]) & (row >= 0) & (row < self.shape[0])
        return np.where(inside, row * self.shape[1] + column, -1)

    def sum_up(self, position: Integers, weight: Floats) -> Floats:
        """Return the sum of weights per position of the rectangle, shape ``shape``; positions of -1 are left out."""
        inside = position >= 0
        total = np.bincount(position[inside], weights=weight[inside], minlength=self.shape[0] * self.shape[1])
        return np.asarray(total, dtype=float).reshape(self.shape)


@dataclass(frozen=True)
class Period:
    """One origin of the panel.

    Attributes
    ----------
    features
        Shape (cells, features), log units; columns as in :func:`feature_names`.
    counts
        Incidents that then happened per cell, or None for the forecast itself.
    baseline
        Incidents of the last 365 days per cell.
    events
        All incidents of the period, those outside the cells included, or None.
    """

    origin: int
    features: Floats
    baseline: Floats
    counts: Floats | None
    events: float | None


def feature_names() -> list[str]:
    """Return the names of the features, in the order of the columns."""
    names = [f"lag_{_months(h)}_w{w:g}" for h in HALF_LIVES_DAYS for w in WIDTHS_CELLS]
    names += [f"repeat_{d}_w{w}" for d in REPEAT_DAYS for w in (0, 1)]
    names += [f"count_{d}d" for d in COUNT_DAYS]
    names += ["season_w1", "others_w0", "others_w1", "others_recent_w1"]
    return names


def build_period(
    history: History, position: Integers, lattice: Lattice, origin: int, horizon_days: int, *, observed: bool
) -> Period:
    """Return what was known of every cell at ``origin`` and, when ``observed``, what happened in the horizon.

    Parameters
    ----------
    history, position
        All incidents and their positions (:meth:`Lattice.locate`).
    origin
        Day number; only rows known before it enter the features.
    horizon_days
        Length of the period; rates are counts per that many days.
    observed
        Whether the history covers the whole horizon.
    """
    from scipy.ndimage import gaussian_filter

    past = history.known < origin
    target = past & history.is_target
    age = (origin - history.day[target]).astype(float)
    where, weight = position[target], history.weight[target]
    span = float(max(origin - history.first_day, 1))

    def smooth(total: Floats, width: float) -> Floats:
        total = np.maximum(total, 0.0)
        return np.asarray(gaussian_filter(total, width, mode="constant", truncate=3.0)) if width else total

    def pick(total: Floats, exposure_days: float) -> Floats:
        return np.maximum(total.reshape(-1)[lattice.flat], 0.0) * (horizon_days / exposure_days)

    total_rate = max(float(weight.sum()), 1.0) * horizon_days / span / lattice.size
    columns: list[Floats] = []
    for half_life in HALF_LIVES_DAYS:
        decay = np.log(2) / half_life
        exposure = (1 - np.exp(-decay * span)) / decay
        decayed = lattice.sum_up(where, weight * np.exp(-decay * age))
        for width in WIDTHS_CELLS:
            columns.append(np.log(pick(smooth(decayed, width), exposure) + total_rate))
    for window in REPEAT_DAYS:
        recent = lattice.sum_up(where, weight * (age <= window))
        columns += [np.log1p(pick(smooth(recent, width), horizon_days)) for width in (0.0, 1.0)]
    for window in COUNT_DAYS:
        counted = lattice.sum_up(where, weight * (age <= window))
        columns.append(np.log(pick(counted, min(window, span)) + total_rate * COUNT_FLOOR))
    same_season, exposure = _same_season(age, horizon_days, span)
    seasonal = smooth(lattice.sum_up(where, weight * same_season), 1.0)
    columns.append(np.log(pick(seasonal, exposure) + total_rate))
    other = past & ~history.is_target
    other_age = (origin - history.day[other]).astype(float)
    for half_life, widths in ((36 * MONTH_DAYS, (0.0, 1.0)), (3 * MONTH_DAYS, (1.0,))):
        decay = np.log(2) / half_life
        exposure = (1 - np.exp(-decay * span)) / decay
        decayed = lattice.sum_up(position[other], history.weight[other] * np.exp(-decay * other_age))
        rate = max(float(history.weight[other].sum()), 1.0) * horizon_days / span / lattice.size
        columns += [np.log(pick(smooth(decayed, width), exposure) + rate) for width in widths]
    baseline = lattice.sum_up(where, weight * (age <= BASELINE_DAYS)).reshape(-1)[lattice.flat]
    counts, events = None, None
    if observed:
        then = history.is_target & (history.day >= origin) & (history.day < origin + horizon_days)
        counts = np.maximum(lattice.sum_up(position[then], history.weight[then]).reshape(-1)[lattice.flat], 0.0)
        events = float(history.weight[then].sum())
    return Period(origin, np.column_stack(columns), np.maximum(baseline, 0.0), counts, events)


def _same_season(age: Floats, horizon_days: int, span: float) -> tuple[Floats, float]:
    """Return which ages fall in the same season of the last three years, and how many days were observed there."""
    inside = np.zeros(len(age))
    exposure = 0.0
    for year in (1, 2, 3):
        newest = max(365.25 * year - horizon_days - SEASON_DAYS, 0.0)
        oldest = 365.25 * year + SEASON_DAYS
        if span >= oldest:
            inside[(age > newest) & (age <= oldest)] = 1.0
            exposure += oldest - newest
    return inside, max(exposure, 1.0)


def _months(days: float) -> str:
    return f"{days / MONTH_DAYS:g}m"
