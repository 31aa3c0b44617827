"""What sums of unknown counts tell about others: bounds by integer programming, estimates by least squares."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, lsq_linear, milp

#: A bound that is not proved within so many seconds counts as the best one proved until then.
SOLVER_S = 20.0
#: More than any count.
BEYOND = 1e6


class Sums:
    """Sums of unknown whole counts of cells, each known to lie between a least and a most. All are added first."""

    def __init__(self) -> None:
        self._rows: list[np.ndarray] = []
        self._low: list[float] = []
        self._high: list[float] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, members: np.ndarray, low: float, high: float) -> None:
        """Add the sum of some cells (true for those in it); ``BEYOND`` where nothing is known of its most."""
        self._rows.append(members)
        self._low.append(low)
        self._high.append(high)

    @cached_property
    def _matrix(self) -> Any:
        return sparse.csr_array(np.array(self._rows, dtype=float))

    def bounds(self, members: np.ndarray) -> tuple[float, float, bool]:
        """Return the least and the most some cells can add up to, and whether both were found for certain."""
        (low, proved), (high, also) = (self._extreme(members, sign) for sign in (1, -1))
        return low, high, proved and also

    def nearest(self, *, unbounded: float) -> np.ndarray:
        """Return the counts with sums nearest to the middles told; ``unbounded`` is that of a sum without a most."""
        low, high = np.array(self._low), np.array(self._high)
        found: np.ndarray = lsq_linear(
            self._matrix, np.where(high < BEYOND, (low + high) / 2, unbounded), (0, np.inf)
        ).x
        return found

    def told(self, members: np.ndarray) -> tuple[float, float]:
        """Return the least and the most of the first sum of exactly these cells."""
        sizes = self._matrix.sum(axis=1)
        found = np.flatnonzero((self._matrix @ members.astype(float) == members.sum()) & (sizes == members.sum()))
        return self._low[found[0]], self._high[found[0]]

    def _extreme(self, members: np.ndarray, sign: int) -> tuple[float, bool]:
        """Return the least (``sign`` 1) or the most (-1) some cells can add up to, and whether it is certain."""
        found = milp(
            sign * members.astype(float),
            constraints=LinearConstraint(self._matrix, np.array(self._low), np.array(self._high)),
            integrality=np.ones(len(members)),
            bounds=Bounds(0, BEYOND),
            options={"time_limit": SOLVER_S},
        )
        if found.mip_dual_bound is None:
            raise AssertionError(f"the answers contradict each other: {found.message}")
        return sign * float(np.ceil(found.mip_dual_bound - 1e-6)), found.status == 0
