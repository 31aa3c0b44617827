"""Forecast verification: what the lists of earlier editions told, and what then happened.

A back-test asks how a method would have done; this asks how the advice did that people were given. The past is judged
by what is known today, beside the list a plain count of the time would have given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from analytics.cells import Floats, Integers
from analytics.hotspots.command_areas import CommandArea, CommandAreas
from analytics.hotspots.forecast import HotspotForecast
from analytics.hotspots.history import day_number
from analytics.hotspots.inspection import poisson_interval
from analytics.hotspots.periods import is_known_whole
from analytics.hotspots.reach import catch_from_top
from analytics.hotspots.study import Study
from data.schemas.models import PastLists, PastPlaces


@dataclass(frozen=True)
class PastEdition:
    """An earlier edition of the same police force: id, first day of its forecasts, table ``hotspots``."""

    edition_id: str
    as_of: date
    hotspots: pl.DataFrame


class Verification:
    """Looks at every forecast of an edition and judges what earlier editions had told of the same category and length.

    Parameters
    ----------
    areas
        Frame of schema Areas, None or empty where the source has none.
    past
        Earlier editions, oldest first.

    Notes
    -----
    Left out are periods that are not over, that were not recorded throughout or of which more than 5 % is usually not
    known yet (``periods.is_known_whole``), lists on another grid, and listed places that are no longer on the map.
    Incidents are those the forecast counts: located, valid, and found by the police only where that is asked for. An
    incident known late counts for the list all the same, and did not for the plain count of its time.
    """

    def __init__(self, areas: pl.DataFrame | None, past: Sequence[PastEdition]) -> None:
        self.past = past
        self._areas = CommandAreas(areas)
        self._numbers: tuple[Study, dict[str, int]] | None = None
        self._lists: list[dict[str, Any]] = []
        self._places: list[pl.DataFrame] = [PastPlaces.create_empty()]

    def look_at(self, found: HotspotForecast, study: Study) -> None:
        """Judge the lists that earlier editions had for this category and length."""
        category, horizon_days = str(found.parameters["category"]), int(found.parameters["horizon_days"])
        for edition in self.past:
            same = (pl.col("category") == category) & (pl.col("horizon_days") == horizon_days)
            listed = edition.hotspots.filter(same).sort("rank")
            number = listed["place_id"].replace_strict(self._places_of(study), default=None, return_dtype=pl.Int64)
            listed = listed.filter(number.is_not_null())
            panel, origin = study.panel(category), day_number(edition.as_of)
            if listed.is_empty() or not is_known_whole(panel, origin, horizon_days, day_number(study.as_of)):
                continue
            at = number.drop_nulls().to_numpy()
            counts, events = panel.happened(origin, horizon_days)
            listed = listed.with_columns(
                told_by=pl.lit(edition.edition_id),
                period_end=pl.lit(edition.as_of + timedelta(days=horizon_days)),
                observed=counts[at],
            )
            self._places.append(PastPlaces.cast(listed.select(PastPlaces.column_names())))
            plain = panel.plain_count(origin)
            judged = [_judge(listed, at, counts, plain, events, area) for area in self._areas.of(study)]
            self._lists += [row for row in judged if row is not None]

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the tables ``past_lists`` and ``past_places``, valid by their schemas; empty without a judged list."""
        lists = pl.DataFrame(self._lists, infer_schema_length=None) if self._lists else PastLists.create_empty()
        return {
            "past_lists": PastLists.validate(lists.select(PastLists.column_names()), cast=True),
            "past_places": PastPlaces.validate(pl.concat(self._places), cast=True),
        }

    def _places_of(self, study: Study) -> dict[str, int]:
        """Return the number of each studied place by its id; ids name their grid."""
        if self._numbers is None or self._numbers[0] is not study:
            ids = study.grid.place_ids(study.lattice.columns, study.lattice.rows)
            self._numbers = (study, {place_id: number for number, place_id in enumerate(ids)})
        return self._numbers[1]


def _judge(
    listed: pl.DataFrame, at: Integers, counts: Floats, plain: Floats, events: float, area: CommandArea
) -> dict[str, Any] | None:
    """Return a row of ``past_lists`` for the part of a list that lies in an area; None where nothing of it does."""
    level, code, inside = area
    here = listed.filter(pl.Series(inside[at]))
    if here.is_empty():
        return None
    hits = float(here["observed"].sum())
    low, high = poisson_interval(hits)
    first = here.row(0, named=True)
    return {
        **{name: first[name] for name in ("category", "horizon_days", "told_by", "period_start", "period_end")},
        "area_level": level,
        "area_code": code,
        "places": here.height,
        "expected": float(here["expected"].sum()),
        "hits": hits,
        "hits_low": low,
        "hits_high": high,
        # Cells outside the area are not up for choice.
        "plain_hits": float(catch_from_top(plain[inside], counts[inside], here.height)[-1]),
        "events": events if level is None else float(counts[inside].sum()),
        "inside": int(here.select(pl.col("observed").is_between("low", "high").sum()).item()),
        "interval_level": first["interval_level"],
    }
