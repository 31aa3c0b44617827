"""A panel of place x period: what was known about each cell at an origin, and what then happened there.

Features are rates on several scales of time and space: exponentially decayed counts (half-lives 1, 3, 12, 36 months)
smoothed by Gaussians of several widths, divided by the exposure really observed, so that a young data set and an old
one are on one scale. All are in log units, because the models are additive in logs.

Sources: multi-scale lags after Mohler & Porter 2018 and Flaxman et al. 2019 (challenge winners); near-repeat windows
after Johnson & Bowers 2004.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from analytics.cells import Floats, Grid, Integers
from analytics.hotspots.history import History
from analytics.hotspots.ledgers import DayWindows, DecayedMaps
from analytics.hotspots.record import Record

MONTH_DAYS = 30.4375
HALF_LIVES_DAYS = (1 * MONTH_DAYS, 3 * MONTH_DAYS, 12 * MONTH_DAYS, 36 * MONTH_DAYS)
#: Half-lives of the other categories' lasting and recent level; both occur in HALF_LIVES_DAYS.
LASTING_DAYS, RECENT_DAYS = HALF_LIVES_DAYS[3], HALF_LIVES_DAYS[1]
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

    @property
    def positions(self) -> int:
        """Number of positions of the rectangle."""
        return self.shape[0] * self.shape[1]

    def centres_metres(self) -> tuple[Floats, Floats]:
        """Return easting and northing of the centres of the places, metres."""
        return self.grid.centres_metres(self.columns, self.rows)

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

    def smooth(self, total: Floats, width: float) -> Floats:
        """Return totals averaged over neighbours with Gaussian weights of ``width`` cells; 0 changes nothing."""
        from scipy.ndimage import gaussian_filter

        total = np.maximum(total, 0.0)
        return np.asarray(gaussian_filter(total, width, mode="constant", truncate=3.0)) if width else total


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


class Surroundings:
    """Incidents of every category as maps, decayed and smoothed; kept per origin, because all categories need them."""

    def __init__(self, history: History, position: Integers, lattice: Lattice) -> None:
        self.lattice = lattice
        self._decayed = DecayedMaps(
            position,
            history.day,
            history.known,
            history.weight,
            size=lattice.positions,
            half_lives=(LASTING_DAYS, RECENT_DAYS),
        )
        self._kept: dict[int, tuple[tuple[Floats, ...], float]] = {}

    def at(self, origin: int) -> tuple[tuple[Floats, ...], float]:
        """Return maps of the lasting level (the cell alone, smoothed) and the recent one (smoothed), and the total."""
        if origin not in self._kept:
            lasting, recent = (total.reshape(self.lattice.shape) for total in self._decayed.at(origin))
            self._kept[origin] = (
                (lasting, self.lattice.smooth(lasting, 1.0), self.lattice.smooth(recent, 1.0)),
                self._decayed.total(origin),
            )
        return self._kept[origin]


@dataclass(frozen=True)
class _Past:
    """What is known at an origin whatever the horizon: features as rates per day, and the plain count."""

    features: Floats
    baseline: Floats
    span: float


class Background(Protocol):
    """Features of places that do not come from incidents (``analytics.hotspots.residents``)."""

    names: tuple[str, ...]

    def at(self, origin: int) -> Floats:
        """Return what was known before day ``origin``: shape (places, features), log units."""
        ...


class Panel:
    """Periods of one category on a lattice, each computed once however many horizons ask for it.

    Columns of the features are those of :func:`feature_names`, then those of ``background``. A history from which some
    incidents were taken away is a part of a ``whole``: days recorded and the mean rate of a place stay those of that.
    """

    def __init__(
        self,
        history: History,
        position: Integers,
        lattice: Lattice,
        surroundings: Surroundings | None = None,
        background: Background | None = None,
        whole: Panel | None = None,
    ) -> None:
        own = history.is_target
        self.lattice = lattice
        self.record: Record = whole.record if whole else Record.of(history)
        self.first_day = self.record.first_day
        self.position = position[own]
        self.day, self.known, self.weight = history.day[own], history.known[own], history.weight[own]
        located = (self.position, self.day, self.known, self.weight)
        self._decayed = DecayedMaps(*located, size=lattice.positions, half_lives=HALF_LIVES_DAYS)
        self._mean_of: DecayedMaps = whole._mean_of if whole else self._decayed
        self._windows = DayWindows(*located, size=lattice.positions)
        self.surroundings = surroundings or Surroundings(history, position, lattice)
        self.background = background if background is not None and background.names else None
        self._per_day = np.array(PER_DAY.tolist() + [False] * len(self.background.names if self.background else ()))
        self._kept: dict[int, _Past] = {}

    def period(self, origin: int, horizon_days: int, *, observed: bool) -> Period:
        """Return what was known of every cell at ``origin`` and, when ``observed``, what happened in the horizon.

        Parameters
        ----------
        origin
            Day number; only rows known before it enter the features.
        horizon_days
            Length of the period; rates are counts per that many days.
        observed
            Whether the history covers the whole horizon.
        """
        if origin not in self._kept:
            self._kept[origin] = self._look_back(origin)
        past = self._kept[origin]
        features = past.features + np.log(horizon_days) * self._per_day
        features[:, SEASON] = np.log(self._season(origin, horizon_days, past.span) * horizon_days)
        counts, events = self.happened(origin, horizon_days) if observed else (None, None)
        return Period(origin, features, past.baseline, counts, events)

    def happened(self, origin: int, horizon_days: int) -> tuple[Floats, float]:
        """Return the incidents per cell from ``origin`` on, as known today, and all, those of no cell included."""
        counts = np.maximum(self._windows.count(origin, origin + horizon_days)[self.lattice.flat], 0.0)
        return counts, self._windows.total(origin, origin + horizon_days)

    def plain_count(self, origin: int) -> Floats:
        """Return the incidents per cell of the 365 days before ``origin``, as known then."""
        counted = self._windows.count(origin - BASELINE_DAYS, origin, before=origin)
        return np.maximum(counted[self.lattice.flat], 0.0)

    def recent_total(self, origin: int, first: int, last: int) -> float:
        """Return the incidents in the cells of ``first`` to ``last`` days before ``origin``, if known by then."""
        counted = self._windows.count(origin - last, origin - first + 1, before=origin)
        return float(counted[self.lattice.flat].sum())

    def _look_back(self, origin: int) -> _Past:
        span = self._span(origin)
        floor, mass = self._floor(origin, span), self._decayed.total(origin)

        def pick(total: Floats, exposure_days: float) -> Floats:
            return np.maximum(total.reshape(-1)[self.lattice.flat], 0.0) / exposure_days

        def count(window: int) -> Floats:
            return self._windows.count(origin - window, origin, before=origin).reshape(self.lattice.shape)

        exposure = {half_life: max(self.record.faded_days(origin, half_life), 1e-6) for half_life in HALF_LIVES_DAYS}
        columns: list[Floats] = []
        own: dict[tuple[float, float], Floats] = {}
        for half_life, decayed in zip(HALF_LIVES_DAYS, self._decayed.at(origin), strict=True):
            for width in WIDTHS_CELLS:
                own[half_life, width] = self.lattice.smooth(decayed.reshape(self.lattice.shape), width)
                columns.append(np.log(pick(own[half_life, width], exposure[half_life]) + floor))
        for window in REPEAT_DAYS:
            recent = count(window)
            columns += [np.log1p(pick(self.lattice.smooth(recent, width), 1.0)) for width in (0.0, 1.0)]
        for window in COUNT_DAYS:
            columns.append(
                np.log(pick(count(window), max(self.record.days(origin, 0, window), 1.0)) + floor * COUNT_FLOOR)
            )
        columns.append(np.zeros(self.lattice.size))
        maps, everything = self.surroundings.at(origin)
        rate = max(everything - mass, 1.0) / span / self.lattice.size
        # Smoothing is linear: the others are all less the category's own.
        for total, (half_life, width) in zip(
            maps, ((LASTING_DAYS, 0.0), (LASTING_DAYS, 1.0), (RECENT_DAYS, 1.0)), strict=True
        ):
            columns.append(np.log(pick(total - own[half_life, width], exposure[half_life]) + rate))
        if self.background:
            columns += list(self.background.at(origin).T)
        # Column by column in memory: features are made, scaled and binned one at a time.
        features = np.empty((self.lattice.size, len(columns)), order="F")
        for at, column in enumerate(columns):
            features[:, at] = column
        return _Past(features, self.plain_count(origin), span)

    def _span(self, origin: int) -> float:
        """Return the recorded days before ``origin``."""
        return float(max(self.record.days(origin, 0, origin - self.first_day), 1))

    def _season(self, origin: int, horizon_days: int, span: float) -> Floats:
        counted, exposure, oldest = np.zeros(self.lattice.positions), 0.0, 0.0
        for youngest, eldest in _same_season(horizon_days, max(origin - self.first_day, 1)):
            # Windows of neighbouring years overlap when the horizon is nearly a year; an incident counts once.
            counted += self._windows.count(origin - eldest, origin - max(youngest, oldest), before=origin)
            exposure, oldest = exposure + self.record.days(origin, youngest, eldest), eldest
        seasonal = self.lattice.smooth(counted.reshape(self.lattice.shape), 1.0)
        rate = np.maximum(seasonal.reshape(-1)[self.lattice.flat], 0.0) / max(exposure, 1.0)
        return np.asarray(rate + self._floor(origin, span))

    def _floor(self, origin: int, span: float) -> float:
        """Return the mean rate per cell and day: what keeps the logarithm of an empty cell finite."""
        return max(self._mean_of.total(origin), 1.0) / span / self.lattice.size


def _same_season(horizon_days: int, span: float) -> list[tuple[float, float]]:
    """Return the ages (above the first, up to the second) of the same season in those of the last three years seen."""
    windows = []
    for year in (1, 2, 3):
        eldest = 365.25 * year + SEASON_DAYS
        if span >= eldest:
            windows.append((max(365.25 * year - horizon_days - SEASON_DAYS, 0.0), eldest))
    return windows


def _months(days: float) -> str:
    return f"{days / MONTH_DAYS:g}m"


#: Features that are rates, and so scale with the horizon; the others are counts of recent repeats.
PER_DAY = np.array([not name.startswith("repeat_") for name in feature_names()])
#: Column of the season's feature, the only one whose window depends on the horizon.
SEASON = feature_names().index("season_w1")
