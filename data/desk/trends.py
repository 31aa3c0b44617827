"""Trends on the desk: counts, profiles, the funnel; summed here, so that small counts are hidden here."""

from __future__ import annotations

from datetime import date
from typing import Literal

import polars as pl

from data.aggregates import counts_for
from data.desk.base import DeskBase
from data.errors import RequestError

Period = Literal["day", "week", "month", "all"]
Split = Literal["category", "station_code", "beat_code", "community_code", "discovered_by"]
_TRUNCATE = {"day": "1d", "week": "1w", "month": "1mo"}
_SPLITS = ("category", "station_code", "beat_code", "community_code", "discovered_by")


class Trends(DeskBase):
    """Reads the counts of the edition for one viewer."""

    def trend_categories(self) -> list[str]:
        """Return the incident categories that have daily counts, by code."""
        self._require("daily_counts")
        return sorted(self._table("daily_counts")["category"].unique().to_list())

    def daily_counts(
        self,
        *,
        category: str | None = None,
        station_code: str | None = None,
        beat_code: str | None = None,
        discovered_by: str | None = None,
        since: date | None = None,
        until: date | None = None,
        period: Period = "day",
        split: Split | None = None,
    ) -> pl.DataFrame:
        """Return valid incidents per period, and per value of ``split`` if one is named.

        Parameters
        ----------
        since, until
            First day and the day after the last; local dates.
        period
            Length of a period; weeks start on Monday; ``all`` is one period.

        Returns
        -------
        Columns ``period_start``, the split's column, ``incidents``, ``suppressed``; sorted. A cell without a row is 0;
        ``incidents`` is null where ``suppressed``.

        Raises
        ------
        AccessDeniedError
            If a station or beat is outside the viewer's area.
        RequestError
            If period or split is unknown.
        """
        if period not in (*_TRUNCATE, "all"):
            raise RequestError(f"there is no period {period!r}.", remedy=f"Periods: {', '.join(_TRUNCATE)}, all.")
        if split is not None and split not in _SPLITS:
            raise RequestError(f"counts are not split by {split!r}.", remedy=f"Splits: {', '.join(_SPLITS)}.")
        frame = self._chosen("daily_counts", category, station_code, beat_code)
        if discovered_by is not None:
            frame = frame.filter(pl.col("discovered_by") == discovered_by)
        if since is not None:
            frame = frame.filter(pl.col("day") >= since)
        if until is not None:
            frame = frame.filter(pl.col("day") < until)
        start = pl.col("day").min() if period == "all" else pl.col("day").dt.truncate(_TRUNCATE[period])
        keys = ["period_start", *([split] if split else [])]
        counts = (
            frame.with_columns(period_start=start)
            .group_by(keys)
            .agg(pl.col("incidents").cast(pl.Int64).sum())
            .sort(keys, nulls_last=True)
        )
        margins: tuple[tuple[str, ...], ...] = ((),) if split is None else (("period_start",), (split,), ())
        return counts_for(self.viewer, counts, "incidents", margins)

    def hourly_profile(
        self, *, category: str | None = None, station_code: str | None = None, beat_code: str | None = None
    ) -> pl.DataFrame:
        """Return incidents by weekday and hour, interval times spread evenly.

        Returns
        -------
        Columns ``weekday`` (1 Monday), ``hour``, ``incidents``, ``window_days``, ``suppressed``; at most 168 rows.
        """
        frame = self._chosen("hourly_profile", category, station_code, beat_code)
        counts = (
            frame.group_by("weekday", "hour")
            .agg(pl.col("incidents").sum(), pl.col("window_days").max())
            .sort("weekday", "hour")
        )
        return counts_for(self.viewer, counts, "incidents", (("weekday",), ("hour",), ()))

    def funnel(self) -> pl.DataFrame:
        """Return how many rows reach each step from call to located incident: schema ``Funnel``, whole force."""
        return self._read("funnel")

    def _chosen(
        self, table: str, category: str | None, station_code: str | None, beat_code: str | None
    ) -> pl.DataFrame:
        frame = self._read(table)
        self._require_area(table, "station", station_code)
        self._require_area(table, "beat", beat_code)
        for column, wanted in (("category", category), ("station_code", station_code), ("beat_code", beat_code)):
            if wanted is not None:
                frame = frame.filter(pl.col(column) == wanted)
        return frame
