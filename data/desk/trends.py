"""Trends on the desk: counts, profiles, the funnel; summed, and rounded for readers of aggregates, here."""

from __future__ import annotations

from datetime import date
from typing import Literal

import polars as pl

from data.aggregates import AGGREGATES_ONLY, sums_for
from data.desk.base import DeskBase
from data.disclosure import ROUNDING_BASE
from data.errors import AccessDeniedError, RequestError

Period = Literal["day", "week", "month", "all"]
Split = Literal["category", "station_code", "beat_code", "community_code", "discovered_by"]
_TRUNCATE = {"day": "1d", "week": "1w", "month": "1mo"}
_SPLITS = ("category", "station_code", "beat_code", "community_code", "discovered_by")
_DAILY_MEMBERS = ("period_start", *_SPLITS)
_HOURLY_MEMBERS = ("category", "station_code", "beat_code", "weekday", "hour")


class Trends(DeskBase):
    """Reads the counts of the edition for one viewer."""

    @property
    def rounded_to(self) -> int:
        """What sums of counts are rounded to for the viewer, see ``data.disclosure``; 1 for who reads every count."""
        return ROUNDING_BASE if self.viewer.role in AGGREGATES_ONLY else 1

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
        Columns ``period_start``, the split's column, ``incidents``, ``rounded_to``; sorted. A cell without a row is 0.

        Raises
        ------
        AccessDeniedError
            If a station or beat is outside the viewer's area, or a reader of rounded counts asks for less than months.
        RequestError
            If period or split is unknown.

        Notes
        -----
        Who reads rounded counts (``rounded_to`` above 1) gets those of whole calendar months before the edition's day:
        each month is rounded once, and longer periods are sums of rounded months. Windows of any other length, moved on
        by a day, would tell the day. A cell without a row is then 0 to 4 a month.
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
        rounded = self.rounded_to > 1
        if rounded:
            self._require_months(period, since, until)
            as_of = date.fromisoformat(self.edition.manifest["parameters"]["as_of"])
            frame = frame.filter(pl.col("day") < as_of.replace(day=1))
        length = "month" if rounded else period
        start = pl.col("day").min() if length == "all" else pl.col("day").dt.truncate(_TRUNCATE[length])
        keys = ["period_start", *([split] if split else [])]
        counts = sums_for(
            self.viewer,
            frame.with_columns(start.alias("period_start"), pl.col("incidents").cast(pl.Int64)),
            "incidents",
            keys,
            members=_DAILY_MEMBERS,
            secret=self.store.rounding_secret,
        )
        if period == "all" and rounded:
            # What is told of a longer period is the sum of what is told of its months: nothing new.
            months = counts.with_columns(pl.col("period_start").min())
            counts = months.group_by(keys).agg(pl.col("incidents").sum(), pl.col("rounded_to").first())
        told = counts.with_columns(pl.col("incidents").cast(pl.Int64)).select(*keys, "incidents", "rounded_to")
        return told.sort(keys, nulls_last=True)

    def hourly_profile(
        self, *, category: str | None = None, station_code: str | None = None, beat_code: str | None = None
    ) -> pl.DataFrame:
        """Return incidents by weekday and hour, interval times spread evenly.

        Returns
        -------
        Columns ``weekday`` (1 Monday), ``hour``, ``incidents``, ``rounded_to``, ``window_days``; at most 168 rows. An
        hour without a row is 0, or 0 to 4 where ``rounded_to`` is above 1.
        """
        frame = self._chosen("hourly_profile", category, station_code, beat_code)
        counts = sums_for(
            self.viewer,
            frame,
            "incidents",
            ("weekday", "hour"),
            members=_HOURLY_MEMBERS,
            secret=self.store.rounding_secret,
        )
        return counts.with_columns(window_days=pl.lit(frame["window_days"].max(), frame.schema["window_days"]))

    def funnel(self) -> pl.DataFrame:
        """Return how many rows reach each step from call to located incident: schema ``Funnel``, whole force."""
        return self._read("funnel")

    def _require_months(self, period: Period, since: date | None, until: date | None) -> None:
        with self._refusals_recorded("read", "daily_counts", {"period": period}):
            if period not in ("month", "all") or any(day is not None and day.day != 1 for day in (since, until)):
                raise AccessDeniedError(
                    f"the role {self.viewer.role} reads counts of whole months.",
                    where="daily_counts",
                    remedy="Ask for months, from the first day of one to the first day of another.",
                )

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
