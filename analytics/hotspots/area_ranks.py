"""Areas people work by, ranked by what the cells in them expect: sums of the edition's forecast, nothing new fitted.

So the numbers of a beat and of its cells agree, which a forecast of its own for every level (``beatwise hotspots --unit
beat``) cannot promise. A cell counts for the area its centre lies in; past periods are counted the same way.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from analytics.cells import Floats, Integers
from analytics.hotspots.evaluation import average_hits
from analytics.hotspots.forecast import HotspotForecast, round_significant
from analytics.hotspots.intervals import count_interval, coverage_of, estimate_dispersion, fit_width
from analytics.hotspots.places import AREA_COLUMNS, name_areas
from analytics.hotspots.study import Study
from data.schemas.advice import AreaHotspots

#: Fewest areas of a level that are worth an order.
FEWEST_AREAS = 3
#: Share of the areas, from the top, that past hits are told of.
TOP_SHARE = 0.2
#: Decimals of stored shares.
DECIMALS = 4


class AreaRanks:
    """Looks at every forecast of an edition and ranks the areas of each level by it.

    Parameters
    ----------
    areas
        Frame of schema Areas; None or without boundaries, nothing is ranked.
    interval_level
        Nominal coverage of ``low`` to ``high``.
    """

    def __init__(self, areas: pl.DataFrame | None, *, interval_level: float) -> None:
        self.areas, self.interval_level = areas, interval_level
        #: What the manifest says of each ranking: how its intervals and its order did on past periods.
        self.verdicts: list[dict[str, Any]] = []
        self._tables: list[pl.DataFrame] = [AreaHotspots.create_empty()]
        self._named: tuple[Study, pl.DataFrame] | None = None

    def look_at(self, found: HotspotForecast, study: Study) -> None:
        """Add the ranking of every level that has enough areas with a boundary."""
        if self.areas is None or self.areas.is_empty():
            return
        if self._named is None or self._named[0] is not study:
            centres = study.grid.centres(study.lattice.columns, study.lattice.rows)
            self._named = (study, name_areas(*centres, self.areas, study.as_of))
        for level, column in AREA_COLUMNS.items():
            codes = self._named[1][column]
            if codes.n_unique() - (codes.null_count() > 0) >= FEWEST_AREAS:
                self._rank(found, study, level, codes)

    def table(self) -> pl.DataFrame:
        """Return the table ``area_hotspots``, valid by its schema."""
        return AreaHotspots.validate(pl.concat(self._tables), cast=True)

    def _rank(self, found: HotspotForecast, study: Study, level: str, codes: pl.Series) -> None:
        names = codes.drop_nulls().unique().sort()
        # Cells outside every area of the level are summed last and left out.
        number = codes.replace_strict(
            names, np.arange(len(names)), default=len(names), return_dtype=pl.Int64
        ).to_numpy()

        def summed(values: Floats) -> Floats:
            return np.asarray(np.bincount(number, values, minlength=len(names) + 1)[:-1], dtype=np.float64)

        expected = round_significant(summed(found.expected))
        baseline = np.round(summed(found.baseline), 6)
        dispersion, width = 0.0, self.interval_level
        if found.backtest.told:
            told = [summed(each) for each in found.backtest.told]
            seen = [summed(np.asarray(each)) for each in found.backtest.observed]
            dispersion, width = self._spread(told, seen)
            self._judge(found, level, told, seen, summed)
        low, high = count_interval(expected, dispersion, width)
        listed = np.bincount(number[found.listed], minlength=len(names) + 1)[:-1]
        cells = np.bincount(number, minlength=len(names) + 1)[:-1]
        order = np.lexsort((np.arange(len(names)), -baseline, -expected))
        as_of, horizon_days = study.as_of, int(found.parameters["horizon_days"])
        table = pl.DataFrame(
            {
                "level": [level] * len(names),
                "area_code": names,
                "rank": _places_in(order),
                "expected": expected,
                "low": low,
                "high": high,
                "area_km2": np.round(cells * study.grid.cell_km2, DECIMALS),
                "baseline_rank": np.searchsorted(np.sort(-baseline), -baseline) + 1,
                "baseline_count": baseline,
                "listed_places": listed,
            }
        ).with_columns(
            category=pl.lit(found.parameters["category"]),
            horizon_days=pl.lit(horizon_days),
            period_start=pl.lit(as_of),
            period_end=pl.lit(as_of + timedelta(days=horizon_days)),
            interval_level=pl.lit(self.interval_level),
        )
        above = self._above(level, names.to_list())
        self._tables.append(AreaHotspots.cast(table.hstack(above).sort("rank").select(AreaHotspots.column_names())))

    def _spread(self, told: list[Floats], seen: list[Floats]) -> tuple[float, float]:
        expected, counts = np.concatenate(told), np.concatenate(seen)
        dispersion = estimate_dispersion(expected, counts)
        return dispersion, fit_width(expected, counts, dispersion, self.interval_level)

    def _judge(self, found: HotspotForecast, level: str, told: list[Floats], seen: list[Floats], summed: Any) -> None:
        """Say how past rankings of the level did, intervals learnt on every other period."""
        held = []
        for i in range(len(told)):
            apart = [j for j in range(len(told)) if j % 2 != i % 2]
            held.append(
                coverage_of(told[i], seen[i], *self._spread([told[j] for j in apart], [seen[j] for j in apart]))
            )
        top = max(1, round(TOP_SHARE * len(told[0])))
        rolled = found.backtest.rolled
        plain = [summed(period.baseline) for period in rolled.newest] if rolled else []
        events = float(sum(each.sum() for each in seen))
        self.verdicts.append(
            {
                "category": str(found.parameters["category"]),
                "horizon_days": int(found.parameters["horizon_days"]),
                "level": level,
                "periods": len(told),
                "coverage": round(float(np.mean(held)), DECIMALS),
                "top": top,
                "events": events,
                "expected": round(float(sum(each.sum() for each in told)), DECIMALS),
                "hits": sum(average_hits(e, c, top) for e, c in zip(told, seen, strict=True)),
                "plain_hits": sum(average_hits(e, c, top) for e, c in zip(plain, seen, strict=bool(plain))),
            }
        )

    def _above(self, level: str, names: list[str]) -> pl.DataFrame:
        """Return station_code and beat_code of areas: their own code on their level, and their parents'."""
        parents = (
            {}
            if self.areas is None
            else {
                (kind, code): parent
                for kind, code, parent in self.areas.select(
                    pl.col("level").cast(pl.String), "area_code", "parent_code"
                ).rows()
            }
        )
        beats = names if level == "beat" else [parents.get((level, n)) if level == "community" else None for n in names]
        stations = names if level == "station" else [parents.get(("beat", str(beat))) for beat in beats]
        return pl.DataFrame(
            {"station_code": stations, "beat_code": beats},
            schema=dict.fromkeys(("station_code", "beat_code"), pl.String),
        )


def _places_in(order: Integers) -> Integers:
    return np.argsort(order) + 1
