"""How much of what is expected the first places of a list hold, place by place: what patrol hours would reach.

For the whole force and for every area a commander may have, because he sees only the places of his own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from analytics.cells import Floats
from analytics.hotspots.command_areas import CommandAreas
from analytics.hotspots.forecast import HotspotForecast, round_significant
from analytics.hotspots.history import Flags
from analytics.hotspots.study import Study
from data.schemas.advice import PatrolReach


class Reach:
    """Looks at every forecast of an edition and adds up its list from the top.

    Parameters
    ----------
    areas
        Frame of schema Areas, None or empty where the source has none.
    """

    def __init__(self, areas: pl.DataFrame | None) -> None:
        self._areas = CommandAreas(areas)
        self._tables: list[pl.DataFrame] = [PatrolReach.create_empty()]

    def look_at(self, found: HotspotForecast, study: Study) -> None:
        """Add the sums of the whole force, and of each station and sub-bureau with a listed place."""
        for level, code, inside in self._areas.of(study):
            listed = found.listed[inside[found.listed]]
            if len(listed):
                self._tables.append(_add_up(found, listed, inside, level, code))

    def table(self) -> pl.DataFrame:
        """Return the table ``patrol_reach``, valid by its schema."""
        return PatrolReach.validate(pl.concat(self._tables), cast=True)


def _add_up(found: HotspotForecast, listed: Any, inside: Flags, level: str | None, code: str | None) -> pl.DataFrame:
    most = len(listed)
    expected, rolled = found.expected[inside], found.backtest.rolled
    zero = np.zeros(most)
    hits, plain_hits, events = zero, zero, 0.0
    if rolled and found.backtest.told:
        for told, counts, period in zip(found.backtest.told, found.backtest.observed, rolled.newest, strict=True):
            hits = hits + catch_from_top(told[inside], counts[inside], most)
            plain_hits = plain_hits + catch_from_top(period.baseline[inside], counts[inside], most)
            events += float(counts[inside].sum() if code is not None else period.events or 0.0)
    rows = pl.DataFrame(
        {
            "places": np.arange(1, most + 1),
            "expected": round_significant(np.cumsum(found.expected[listed])),
            "plain_expected": round_significant(catch_from_top(found.baseline[inside], expected, most)),
            "hits": round_significant(hits),
            "plain_hits": round_significant(plain_hits),
        }
    ).with_columns(
        category=pl.lit(found.parameters["category"]),
        horizon_days=pl.lit(int(found.parameters["horizon_days"])),
        area_level=pl.lit(level, dtype=pl.String),
        area_code=pl.lit(code, dtype=pl.String),
        expected_all=pl.lit(float(round_significant(np.array([expected.sum()]))[0])),
        periods=pl.lit(len(found.backtest.told)),
        events=pl.lit(events),
    )
    return PatrolReach.cast(rows.select(PatrolReach.column_names()))


def catch_from_top(score: Floats, counts: Floats, most: int) -> Floats:
    """Return what the 1, 2 … ``most`` highest scores hold, averaged over every order of equal scores.

    The last entry is ``evaluation.average_hits`` of the same length.
    """
    order = np.argsort(-score, kind="stable")
    _, group = np.unique(-score[order], return_inverse=True)
    mean = np.bincount(group, counts[order]) / np.bincount(group)
    return np.asarray(np.cumsum(mean[group][:most]), dtype=np.float64)
