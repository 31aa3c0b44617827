"""Advice on the desk: hotspots, visits, staffing, and how good the models were."""

from __future__ import annotations

from datetime import date

import polars as pl

from data import access
from data.aggregates import groups_for
from data.desk.base import DeskBase
from data.errors import RequestError
from data.schemas.columns import AREA_LEVELS
from data.schemas.models import ORACLE


class Advice(DeskBase):
    """Reads the advice tables of the edition for one viewer."""

    def categories(self) -> list[str]:
        """Return the incident categories with hotspot advice, by code."""
        self._require("hotspots")
        return sorted(self._table("hotspots")["category"].unique().to_list())

    def first_listed(self) -> str:
        """Return the most frequent category with a ranked place this viewer may see, of the longest period.

        An officer's beat is on few lists. Where it is on none: the most frequent category.
        """
        known = self.categories()
        frequent = [str(code) for code in self.manifest.get("categories", []) if code in known]
        in_order = frequent + [code for code in known if code not in frequent]
        horizon_days = max(self.horizons())
        return next((code for code in in_order if self.hotspots(code, horizon_days).height), in_order[0])

    def horizons(self) -> list[int]:
        """Return the lengths of the forecast periods, days, shortest first."""
        self._require("hotspots")
        return sorted(self._table("hotspots")["horizon_days"].unique().to_list())

    def period(self, horizon_days: int) -> tuple[date, date]:
        """Return the first day of a forecast period and the day after its last.

        Raises
        ------
        RequestError
            If the edition has no advice for this horizon.
        """
        self._require("hotspots")
        days = self._table("hotspots").filter(pl.col("horizon_days") == horizon_days)
        if days.is_empty():
            raise RequestError(
                f"the edition has no advice for {horizon_days} days.",
                where=self.edition_id,
                remedy=f"Horizons: {', '.join(map(str, self.horizons())) or 'none'}.",
            )
        return days["period_start"][0], days["period_end"][0]

    def hotspots(self, category: str, horizon_days: int, calm: float | None = None) -> pl.DataFrame:
        """Return ranked places, best first: schema ``Hotspots`` and ``suppressed``.

        ``baseline_count`` is null and ``suppressed`` true where the role may not see so small a count of one cell.

        Parameters
        ----------
        calm
            Which of the edition's lists (:meth:`calm_choices`); None is the one it was published with.

        Raises
        ------
        RequestError
            If the edition holds no list of this calm.
        """
        listed = _of(self._read("hotspots"), category, horizon_days).sort("rank")
        if calm is None:
            return listed
        known = self.calm_choices(category, horizon_days)
        if calm not in known:
            raise RequestError(
                f"the edition holds no list with calm {calm:g}.",
                where=self.edition_id,
                remedy=f"Lists: {', '.join(f'{each:g}' for each in known) or 'only the published one'}.",
            )
        ranks = _of(self._read("calm_lists"), category, horizon_days).filter(pl.col("calm") == calm)
        places = pl.concat([listed, _of(self._read("spare_hotspots"), category, horizon_days)])
        ranked = ranks.select("place_id", "rank", "was_listed").join(
            places.drop("rank", "was_listed"), on="place_id", how="inner", validate="1:1"
        )
        return ranked.select(places.columns).sort("rank")

    def calm_changes(self, category: str, horizon_days: int) -> dict[float, tuple[int, int]]:
        """Return by how calm a list is: the viewer's places on it, and how many of them are new."""
        lists = _of(self._read("calm_lists"), category, horizon_days).group_by("calm")
        counted = lists.agg(pl.len(), (~pl.col("was_listed")).sum().alias("new")).sort("calm")
        return {calm: (places, new) for calm, places, new in counted.iter_rows()}

    def calm_choices(self, category: str, horizon_days: int) -> list[float]:
        """Return how calm the edition's lists are, least calm first; empty for editions with the published one only."""
        self._require("calm_lists")
        return sorted(_of(self._table("calm_lists"), category, horizon_days)["calm"].unique().to_list())

    def area_hotspots(self, category: str, horizon_days: int, level: str) -> pl.DataFrame:
        """Return the viewer's areas of a level, best first: schema ``AreaHotspots`` and ``rounded_to``.

        ``baseline_count`` is a multiple of ``rounded_to``, 0 then standing for 0 to 4, and ``baseline_rank`` its rank.
        Ranks are those in the whole force.
        """
        return _of(self._read("area_hotspots"), category, horizon_days).filter(pl.col("level") == level).sort("rank")

    def ranked_levels(self) -> list[str]:
        """Return the levels on which the edition ranks areas of the viewer, small to large; empty where only cells."""
        self._require("area_hotspots")
        seen = access.rows_in_scope(self._table("area_hotspots"), self.scope)
        return sorted(seen["level"].unique().to_list(), key=AREA_LEVELS.index)

    def unit_hotspots(self, category: str, horizon_days: int, unit: str) -> pl.DataFrame:
        """Return the viewer's hexagons (``h3``) or street segments, best first: schema and ``suppressed``.

        Ranks are those in the whole force.
        """
        return _of(self._read("unit_hotspots"), category, horizon_days).filter(pl.col("unit") == unit).sort("rank")

    def ranked_units(self) -> dict[str, int]:
        """Return the kinds of place the edition ranks beside cells and areas, and for how many days ahead.

        Empty for editions made before there were any.
        """
        self._require("unit_hotspots")
        known = self._table("unit_hotspots").group_by("unit").agg(pl.col("horizon_days").max()).sort("unit")
        return dict(known.with_columns(pl.col("unit").cast(pl.String)).iter_rows())

    def patrol_reach(self, category: str, horizon_days: int) -> pl.DataFrame:
        """Return what the first places of the viewer's list hold, by their number: schema ``PatrolReach``.

        Rows are of the viewer's own area, else of the whole force; empty for editions made before there were any.
        """
        return self._of_own_area(_of(self._read("patrol_reach"), category, horizon_days)).sort("places")

    def hotspot_surface(self, category: str, horizon_days: int) -> pl.DataFrame:
        """Return the risk surface in the viewer's area: schema ``HotspotSurface``, expected counts only."""
        return _of(self._read("hotspot_surface"), category, horizon_days)

    def model_scores(self, category: str, horizon_days: int) -> pl.DataFrame:
        """Return the back-test, oldest origin first: schema ``ModelScores``, for the whole force."""
        return _of(self._read("model_scores"), category, horizon_days).sort("origin", "model", "area_km2")

    def model_comparison(self, category: str, horizon_days: int) -> pl.DataFrame:
        """Return every method on the same past periods, chosen first, oracle last: schema ``ModelComparison``."""
        found = _of(self._read("model_comparison"), category, horizon_days)
        return found.sort(~pl.col("chosen"), pl.col("model") == ORACLE, -pl.col("hits"), "model")

    def model_curves(self, category: str, horizon_days: int) -> pl.DataFrame:
        """Return the share of incidents caught by area: schema ``ModelCurves``, for the whole force."""
        return _of(self._read("model_curves"), category, horizon_days).sort("model", "area_km2")

    def model_calibration(self, category: str, horizon_days: int) -> pl.DataFrame:
        """Return what was told against what happened: schema ``ModelCalibration``, band 0 the flagged places."""
        return _of(self._read("model_calibration"), category, horizon_days).sort("band")

    def model_groups(self, category: str, horizon_days: int) -> pl.DataFrame:
        """Return flags and errors by group of places: schema ``ModelGroups`` and ``suppressed``.

        Commanders of an area see its stations only; small counts are hidden from readers of aggregates.
        """
        groups = _of(self._read("model_groups"), category, horizon_days)
        return groups_for(self.viewer, groups, self.scope).sort("kind", "group_code")

    def grid_sensitivity(self, category: str) -> pl.DataFrame:
        """Return how a list depends on the grid, the grid as asked first: schema ``GridSensitivity``."""
        return self._read("grid_sensitivity").filter(pl.col("category") == category)

    def feedback(self, category: str) -> pl.DataFrame:
        """Return the simulated feedback of visits into the ranking: schema ``Feedback``."""
        found = self._read("feedback").filter(pl.col("category") == category)
        return found.sort("rule", "measure", "group_code", "period", nulls_last=True)

    def past_lists(self, category: str | None, horizon_days: int) -> pl.DataFrame:
        """Return what earlier editions told and what then happened, newest first: schema ``PastLists``.

        Rows are of the viewer's own area, else of the whole force; empty where no earlier period is over and known.

        Parameters
        ----------
        category
            None for those of every category.
        """
        frame = self._of_own_area(self._read("past_lists")).filter(pl.col("horizon_days") == horizon_days)
        if category is not None:
            frame = frame.filter(pl.col("category") == category)
        return frame.sort("period_start", "category", descending=[True, False])

    def past_places(self, category: str | None, horizon_days: int) -> pl.DataFrame:
        """Return listed places of earlier editions in the viewer's area, newest and best first: ``PastPlaces``.

        Parameters
        ----------
        category
            None for those of every category.
        """
        frame = self._read("past_places").filter(pl.col("horizon_days") == horizon_days)
        if category is not None:
            frame = frame.filter(pl.col("category") == category)
        return frame.sort("period_start", "category", "rank", descending=[True, False, False])

    def _of_own_area(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Keep the rows about the viewer's own area, or about the whole force for who has no other."""
        level = pl.col("area_level").cast(pl.String).eq_missing(pl.lit(self.viewer.area_level))
        return frame.filter(level, pl.col("area_code").eq_missing(pl.lit(self.viewer.area_code)))

    def staffing(self) -> pl.DataFrame:
        """Return the staffing table of the viewer's units: schema ``Staffing``."""
        return self._read("staffing").sort("unit_code", "start_hour", "shift_code")

    def visit_scores(self) -> pl.DataFrame:
        """Return how good forecasts of triggered visits were, chosen first: schema ``VisitScores``, whole force."""
        return self._read("visit_scores").sort("visit_kind", ~pl.col("chosen"), "model")

    def staffing_loads(self) -> pl.DataFrame:
        """Return the hourly loads of the viewer's units: schema ``StaffingLoads``; empty for editions without them."""
        return self._read("staffing_loads").sort("unit_code", "shift_code", "weekday", "hour")

    def visit_workload(self, beat_code: str | None = None) -> pl.DataFrame:
        """Return the visit workload of one beat, or of all the viewer's beats: schema ``VisitWorkload``.

        Raises
        ------
        AccessDeniedError
            If the beat is outside the viewer's area.
        """
        frame = self._read("visit_workload")
        self._require_area("visit_workload", "beat", beat_code)
        if beat_code is not None:
            frame = frame.filter(pl.col("beat_code") == beat_code)
        return frame.sort("beat_code", "week_start", "visit_kind")

    def visit_plan(self, beat_code: str) -> pl.DataFrame:
        """Return what a beat should visit next, in order: schema ``VisitPlan``.

        Commanders get no ``label``, ``lon`` and ``lat``: names and exact places are for the officer who goes there.

        Raises
        ------
        AccessDeniedError
            If the beat is outside the viewer's area.
        """
        frame = self._read("visit_plan")
        self._require_area("visit_plan", "beat", beat_code)
        return frame.filter(pl.col("beat_code") == beat_code).sort("rank")


def _of(frame: pl.DataFrame, category: str, horizon_days: int) -> pl.DataFrame:
    return frame.filter(pl.col("category") == category, pl.col("horizon_days") == horizon_days)
